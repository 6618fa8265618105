package main

import (
	"slices"
	"strings"
	"testing"

	"github.com/urfave/cli/v2"
)

func TestFlagsMayFollowArguments(t *testing.T) {
	flags := []cli.Flag{
		&cli.StringFlag{Name: "judge"}, &cli.IntFlag{Name: "seed"}, &cli.BoolFlag{Name: "json"},
		&cli.StringFlag{Name: "out", Aliases: []string{"o"}},
	}
	for _, tt := range []struct{ args, want string }{
		{"", "--"},
		{"a b --judge c", "--judge c -- a b"},
		{"a --judge=c b", "--judge=c -- a b"},
		{"a --json b", "--json -- a b"},
		{"a -o dir b --seed -1", "-o dir --seed -1 -- a b"},
		{"a -- --judge", "-- a --judge"},
		{"- a", "-- - a"},
		{"a --unknown b", "--unknown -- a b"},
		// A flag without its value must not take "--" for one.
		{"a --judge", "--judge"},
		{"a --json --judge", "--json --judge"},
	} {
		want := strings.Fields(tt.want)
		if got := flagsFirst(strings.Fields(tt.args), flags); !slices.Equal(got, want) {
			t.Errorf("%q becomes %q, want %q", tt.args, got, want)
		}
	}
}

func TestFlagsMayFollowArgumentsOfACommandWithSubcommands(t *testing.T) {
	judge := &cli.StringFlag{Name: "judge"}
	commands := []*cli.Command{
		{Name: "judge", Flags: []cli.Flag{judge}, Subcommands: []*cli.Command{
			{Name: "sample", Flags: []cli.Flag{&cli.IntFlag{Name: "n"}}},
		}},
		{Name: "data", Subcommands: []*cli.Command{{Name: "show", Flags: []cli.Flag{&cli.BoolFlag{Name: "json"}}}}},
		{Name: "run", Flags: []cli.Flag{judge}},
	}
	for _, tt := range []struct{ args, want string }{
		{"perg judge runs/x --judge m", "perg judge --judge m -- runs/x"},
		{"perg judge --judge m runs/x", "perg judge --judge m -- runs/x"},
		{"perg judge runs/x sample", "perg judge -- runs/x sample"},
		{"perg judge -- sample", "perg judge -- sample"},
		{"perg judge sample runs/x --n 3", "perg judge sample --n 3 -- runs/x"},
		{"perg judge", "perg judge"},
		{"perg judge --help", "perg judge --help --"},
		// A command without flags of its own has nothing to move.
		{"perg data sho --json", "perg data sho --json"},
		{"perg data --help", "perg data --help"},
		{"perg data show x --json", "perg data show --json -- x"},
		{"perg run m --judge j", "perg run --judge j -- m"},
		{"perg rn m --judge j", "perg rn m --judge j"},
		{"perg --help run", "perg --help run"},
	} {
		if got := strings.Join(interspersed(commands, strings.Fields(tt.args)), " "); got != tt.want {
			t.Errorf("%q becomes %q, want %q", tt.args, got, tt.want)
		}
	}
}

// The rewritten command line reaches the command's own action, flags and all.
func TestACommandWithSubcommandsTakesArguments(t *testing.T) {
	for _, line := range []string{"perg judge runs/x --judge m", "perg judge --judge m runs/x"} {
		var got []string
		app := &cli.App{Name: "perg", Commands: []*cli.Command{{
			Name: "judge", Flags: []cli.Flag{&cli.StringFlag{Name: "judge"}},
			Action: func(c *cli.Context) error {
				got = append(c.Args().Slice(), c.String("judge"))
				return nil
			},
			Subcommands: []*cli.Command{{Name: "sample", Action: func(*cli.Context) error { return nil }}},
		}}}
		if err := app.Run(interspersed(app.Commands, strings.Fields(line))); err != nil {
			t.Error(err)
		}
		if want := []string{"runs/x", "m"}; !slices.Equal(got, want) {
			t.Errorf("%q reaches the action as %q", line, got)
		}
	}
}
