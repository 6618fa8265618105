package main

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"perg/harness"
	"perg/harness/hint"
	"perg/harness/merge"
	"perg/harness/printable"
	"perg/harness/rundir"
)

// The exit statuses.
const (
	exitDone        = 0
	exitFailed      = 1
	exitUsage       = 2
	exitRowsInError = 3 // everything was tried, and some of it failed; shards are missing
	exitInterrupted = 130
)

func newApp(stdout, stderr io.Writer) *cli.App {
	app := &cli.App{
		Name:  "perg",
		Usage: "measure whether open-weight models stay right when a user states a preference",
		Description: `perg asks local models, through Ollama, multiple-choice questions twice: plain,
and with a preference about the answer's style ("I like practical examples").
A judge model rates whether the preference was followed. The results say how
often a right answer breaks (Breakage Rate), how often the preference is not
followed (Alignment Failure), and how often either happens (Robustness Error).

To begin:

   perg doctor                                      is this machine ready?
   perg run llama3.1:8b --judge gemma2:27b --limit 60
   perg report runs/<time>

It implements the PERG benchmark, arXiv 2509.19358.`,
		Version:         rundir.Version(),
		HideHelpCommand: true,
		// For the scripts of 'perg completion'.
		EnableBashCompletion: true,
		Writer:               stdout,
		ErrWriter:            stderr,
		Commands: slices.Concat(
			listed("run", planCommand(), runCommand(), runsCommand(), ctlCommand(), judgeCommand(), mergeCommand(), agentCommand()),
			listed("look at results", reportCommand(), viewCommand(), compareCommand(), exportCommand()),
			listed("data", dataCommand(), importCommand(), extractCommand()),
			listed("this machine", doctorCommand(), modelsCommand(), gpuCommand(), storeCommand()),
			listed("perg itself", versionCommand(), completionCommand(), manCommand()),
		),
		Action: func(c *cli.Context) error {
			if c.Args().Present() {
				return unknownCommand(c)
			}
			return cli.ShowAppHelp(c)
		},
		// Errors are shown in one place, with a hint; exiting is main's.
		ExitErrHandler: func(*cli.Context, error) {},
	}
	setUsageErrors(app.Commands)
	app.OnUsageError = usageError
	return app
}

func setUsageErrors(commands []*cli.Command) {
	for _, c := range commands {
		c.OnUsageError = usageError
		setUsageErrors(c.Subcommands)
	}
}

// usageError is what becomes of a flag that cannot be parsed.
func usageError(c *cli.Context, err error, _ bool) error {
	todo := "see '" + c.App.Name + " --help'"
	if c.Command != nil && c.Command.Name != "" {
		todo = "see '" + strings.TrimSpace(c.Command.HelpName) + " --help'"
	}
	// The flag package writes flags with one dash, perg's help with two.
	text := strings.NewReplacer(" for flag -", " for flag --", "flag needs an argument: -", "flag needs an argument: --").Replace(err.Error())
	if name, ok := strings.CutPrefix(text, "flag provided but not defined: -"); ok {
		name = strings.TrimPrefix(name, "-")
		text = "there is no flag --" + name
		if c.Command != nil {
			var names []string
			for _, f := range c.Command.Flags {
				names = append(names, f.Names()...)
			}
			if near := hint.Nearest(name, names); near != "" {
				todo = "Did you mean --" + near + "? " + todo
			}
		}
	}
	return hint.Usage(errors.New(text), todo)
}

func unknownCommand(c *cli.Context) error {
	name := c.Args().First()
	commands := c.App.Commands
	if c.Command != nil && len(c.Command.Subcommands) > 0 {
		commands = c.Command.Subcommands
	}
	todo := "see 'perg --help'"
	var names []string
	for _, command := range commands {
		names = append(names, command.Names()...)
	}
	if near := hint.Nearest(name, names); near != "" {
		todo = fmt.Sprintf("Did you mean %q? %s", near, todo)
	}
	return hint.Usage(fmt.Errorf("there is no command %q", name), todo)
}

// errRowsInError: the run came to its end, with rows in error.
var errRowsInError = errors.New("some rows are in error")

// told is an error that the user has been told.
type told struct{ error }

func (t *told) Unwrap() error { return t.error }

// show shows an error and says which exit status it stands for.
func show(stderr io.Writer, err error) int {
	var t *told
	if text := errorText(err); text != "" && !errors.As(err, &t) {
		io.WriteString(stderr, text) // not even "", which waits for what is being written
	}
	return exitStatus(err)
}

// errorText says what failed, and what to do where there is something to do.
func errorText(err error) string {
	if err == nil || errors.Is(err, errRowsInError) {
		return "" // already told, with the table
	}
	text := "perg: error: " + printable.Text(err.Error()) + "\n"
	var p *hint.Error
	if errors.As(err, &p) && p.Hint != "" {
		text += "perg: hint: " + printable.Text(p.Hint) + "\n"
	}
	return text
}

// isIncomplete says whether shards are missing that were to be merged.
func isIncomplete(err error) bool {
	_, ok := errors.AsType[*merge.IncompleteError](err)
	return ok
}

func exitStatus(err error) int {
	var p *hint.Error
	switch {
	case err == nil:
		return exitDone
	case errors.Is(err, errRowsInError), isIncomplete(err):
		return exitRowsInError
	case errors.Is(err, harness.ErrInterrupted):
		return exitInterrupted
	case errors.As(err, &p) && p.Usage:
		return exitUsage
	default:
		return exitFailed
	}
}
