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
