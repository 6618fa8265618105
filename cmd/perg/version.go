package main

import (
	"fmt"
	"runtime"

	"github.com/urfave/cli/v2"

	"perg/harness/hint"
	"perg/harness/rundir"
)

func versionCommand() *cli.Command {
	return &cli.Command{
		Name:  "version",
		Usage: "say which perg this is",
		Action: func(c *cli.Context) error {
			if c.Args().Present() {
				return hint.Usage(fmt.Errorf("version takes nothing, not %q", c.Args().First()), "")
			}
			b := rundir.ThisBuild()
			_, err := fmt.Fprintf(c.App.Writer, "perg    %s\ncommit  %s\ndate    %s\ngo      %s %s/%s\n",
				orUnknown(b.Version), orUnknown(b.Commit), orUnknown(b.Date), runtime.Version(), runtime.GOOS, runtime.GOARCH)
			return err
		},
	}
}
