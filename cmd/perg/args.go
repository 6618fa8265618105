package main

import (
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
)

// helpFirst lets 'perg help run' be 'perg run --help', and 'perg data help check',
// which is said to the commands of a group, 'perg data check --help'.
func helpFirst(commands []*cli.Command, args []string) []string {
	for i := 1; i < len(args); i++ {
		if args[i] == "help" {
			return append(append(slices.Clone(args[:i]), args[i+1:]...), "--help")
		}
		at := slices.IndexFunc(commands, func(c *cli.Command) bool { return c.HasName(args[i]) })
		if at < 0 || len(commands[at].Subcommands) == 0 {
			break
		}
		commands = commands[at].Subcommands
	}
	return args
}

// interspersed lets flags of a command follow its arguments. A command with
// subcommands may take arguments of its own: those that name none of them.
func interspersed(commands []*cli.Command, args []string) []string {
	if args[len(args)-1] == "--generate-bash-completion" {
		return args // which the parser looks for at the end
	}
	var flags []cli.Flag
	for i := 1; i < len(args); i++ {
		at := slices.IndexFunc(commands, func(c *cli.Command) bool { return c.HasName(args[i]) })
		if at < 0 {
			if len(flags) == 0 { // nothing to move
				break
			}
			return append(slices.Clone(args[:i]), flagsFirst(args[i:], flags)...)
		}
		c := commands[at]
		if len(c.Subcommands) == 0 {
			return append(slices.Clone(args[:i+1]), flagsFirst(args[i+1:], c.Flags)...)
		}
		commands, flags = c.Subcommands, c.Flags
	}
	return args
}

// flagsFirst moves flags that follow arguments before them, so that
// `perg run MODEL --judge JUDGE` means what it says: the flag package under
// urfave/cli ends flags at the first argument. "--" still ends them.
func flagsFirst(args []string, flags []cli.Flag) []string {
	takesValue := make(map[string]bool)
	for _, f := range flags {
		_, isBool := f.(*cli.BoolFlag)
		for _, name := range f.Names() {
			takesValue[name] = !isBool
		}
	}
	var before, after []string
	for i := 0; i < len(args); i++ {
		arg := args[i]
		if arg == "--" {
			after = append(after, args[i+1:]...)
			break
		}
		if len(arg) < 2 || arg[0] != '-' {
			after = append(after, arg)
			continue
		}
		before = append(before, arg)
		name, _, valued := strings.Cut(strings.TrimLeft(arg, "-"), "=")
		if valued || !takesValue[name] {
			continue
		}
		if i++; i == len(args) {
			return before // without a value, which the parser says
		}
		before = append(before, args[i])
	}
	return append(append(before, "--"), after...)
}
