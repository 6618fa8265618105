package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/urfave/cli/v2"

	"perg/harness/rundir"
)

func manCommand() *cli.Command {
	return &cli.Command{
		Name:  "man",
		Usage: "write the manual page",
		Description: `Everything that --help says of all commands, on one page:

   perg man > ~/.local/share/man/man1/perg.1  for 'man perg'
   perg man | man -l -                        to read it now`,
		Action: func(c *cli.Context) error {
			_, err := io.WriteString(c.App.Writer, manual(c.App))
			return err
		},
	}
}

// manual is the manual page, in roff: the help of each command as it is, since
// that is laid out already.
func manual(app *cli.App) string {
	var b strings.Builder
	fmt.Fprintf(&b, ".TH PERG 1 \"\" \"perg %s\"\n.SH NAME\n%s \\- %s\n.SH SYNOPSIS\nperg COMMAND [OPTIONS] ...\n", roff.Replace(rundir.Version()), app.Name, roff.Replace(app.Usage))
	section := func(heading string, page any) {
		fmt.Fprintf(&b, ".SH %s\n.nf\n", heading)
		_, text, _ := strings.Cut(helpOf(page, usualHelp-7), "\n\n") // man indents by 7; the heading has the name
		for line := range strings.Lines(text) {
			b.WriteString(roffLine(line))
		}
		b.WriteString(".fi\n")
	}
	section("DESCRIPTION", app)
	var each func(name string, commands []*cli.Command)
	each = func(name string, commands []*cli.Command) {
		for _, c := range visible(commands) {
			page := *c
			page.HelpName = name + " " + c.Name
			section(strings.ToUpper(page.HelpName), &page)
			each(page.HelpName, c.Subcommands)
		}
	}
	each(app.Name, app.Commands)
	return b.String()
}

// roffLine is a line of text as roff takes it, and not for a request.
func roffLine(line string) string {
	line = roff.Replace(line)
	if strings.HasPrefix(line, ".") || strings.HasPrefix(line, "'") {
		return `\&` + line
	}
	return line
}

var roff = strings.NewReplacer(`\`, `\e`, "-", `\-`)
