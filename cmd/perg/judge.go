package main

import (
	"errors"
	"fmt"

	"github.com/urfave/cli/v2"

	"perg/data"
	"perg/harness/hint"
	"perg/harness/ratings"
	"perg/harness/rundir"
)

func judgeCommand() *cli.Command {
	return &cli.Command{
		Name:            "judge",
		HideHelpCommand: true,
		Usage:           "rate a run's answers again; compare judges with each other and with people",
		ArgsUsage:       "RUN --judge MODEL",
		Description: `Rates the answers of a run by other judges, or by several; nothing is
generated again. Their ratings count from then on in the run's metrics;
those of earlier judges stay in its table judgments.

   perg judge runs/20260102-150405 --judge gemma2:27b --judge qwen3:32b

How far may a judge model be trusted? Let a person rate some of the answers
it rated, without seeing what it said, and see how far the two agree:

   perg judge sample runs/20260102-150405 -o ratings.csv
   perg judge agree runs/20260102-150405 ratings.csv`,
		Flags: judgeFlags(),
		Action: func(c *cli.Context) error {
			switch {
			case c.NArg() == 0 && c.NumFlags() == 0:
				return cli.ShowSubcommandHelp(c)
			case c.NArg() > 0 && !c.IsSet("judge") && !namesRun(c.Args().First()) && !isDir(c.Args().First()):
				return unknownCommand(c)
			default:
				return judgeAction(c)
			}
		},
		Subcommands: []*cli.Command{judgeSampleCommand(), judgeAgreeCommand()},
	}
}

// judgedRun finds a run and reads what its judges rated.
func judgedRun(name string) (dir string, judged ratings.Judged, err error) {
	dir, m, err := readRun(name)
	if err != nil {
		return dir, judged, err
	}
	judged, err = ratings.ReadJudged(dir)
	if err == nil {
		return dir, judged, judged.ReadAnswers(dir)
	}
	if !errors.Is(err, data.ErrNoTable) {
		return dir, judged, err
	}
	switch {
	case len(m.Judges) == 0:
		return dir, judged, &hint.Error{Err: fmt.Errorf("%s has no ratings: it was run without a judge", dir), Hint: "perg judge RUN --judge MODEL rates it", Usage: true}
	case m.State != rundir.StateFinished:
		return dir, judged, &hint.Error{Err: fmt.Errorf("%s has no ratings yet: the run is %s", dir, m.State), Hint: "to finish it: perg run --out " + quoted(dir)}
	default:
		return dir, judged, fmt.Errorf("%s has no ratings: no answer under a setting with the item's own preference came to be judged", dir)
	}
}
