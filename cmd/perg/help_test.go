package main

import (
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/urfave/cli/v2"
)

// pages are the help pages of all commands, by name.
func pages(t *testing.T) map[string]any {
	t.Helper()
	app := newApp(io.Discard, io.Discard)
	app.Setup()
	all := map[string]any{"perg": app}
	var add func(name string, commands []*cli.Command)
	add = func(name string, commands []*cli.Command) {
		for _, c := range commands {
			if c.Name == "help" {
				continue
			}
			c.HelpName = name + " " + c.Name
			all[c.HelpName] = c
			add(c.HelpName, c.Subcommands)
		}
	}
	add("perg", app.Commands)
	if len(all) < 20 {
		t.Fatalf("%d pages", len(all))
	}
	return all
}

// Help keeps within any width, without ragged lines: a line ends where the next
// word has no room, or where a paragraph, an option or an example does.
func TestHelpWraps(t *testing.T) {
	for name, page := range pages(t) {
		for _, columns := range []int{40, 55, 80, 100, 200} {
			lines := strings.Split(helpOf(page, columns), "\n")
			for i, line := range lines {
				n := utf8.RuneCountInString(line)
				if n > min(columns, mostHelp) && len(strings.Fields(line)) > 1 {
					t.Errorf("%s at %d columns: %d in %q", name, columns, n, line)
				}
				if strings.TrimRight(line, " ") != line {
					t.Errorf("%s at %d columns: blanks at the end of %q", name, columns, line)
				}
				ragged := i > 0 && !strings.HasPrefix(line, " ") && line != "" && lines[i-1] != "" && !strings.HasPrefix(lines[i-1], " ") &&
					len(strings.Fields(lines[i-1])) < 3 && !strings.Contains(lines[i-1], ":") && lines[i-1] != strings.ToUpper(lines[i-1])
				if ragged && columns >= 80 {
					t.Errorf("%s at %d columns: %q stands alone before %q", name, columns, lines[i-1], line)
				}
			}
		}
	}
}

// Every option and subcommand of a command is on its page, once.
func TestHelpIsComplete(t *testing.T) {
	for name, page := range pages(t) {
		text := helpOf(page, 80)
		c, ok := page.(*cli.Command)
		if !ok {
			continue
		}
		for _, f := range c.VisibleFlags() {
			flag := "-" + f.Names()[0]
			if len(f.Names()[0]) > 1 {
				flag = "-" + flag
			}
			if n := strings.Count(text, "\n  "+flag+" ") + strings.Count(text, "\n  "+flag+",") + strings.Count(text, "\n  "+flag+"\n"); n != 1 {
				t.Errorf("%s has %s %d times", name, flag, n)
			}
		}
		for _, sub := range visible(c.Subcommands) {
			if !strings.Contains(text, "\n  "+sub.Name+" ") {
				t.Errorf("%s does not list %s", name, sub.Name)
			}
		}
	}
}

// How help looks, to the letter.
func TestHelpLooks(t *testing.T) {
	t.Setenv("XDG_DATA_HOME", "")
	all := pages(t)
	for _, name := range []string{"perg", "perg run", "perg plan", "perg data prefs review"} {
		for _, columns := range []int{40, 80, 200} {
			path := filepath.Join("testdata", "help", fmt.Sprintf("%s-%d.txt", strings.ReplaceAll(name, " ", "-"), columns))
			sameAsFile(t, path, helpOf(all[name], columns))
		}
	}
}

// The manual page has every command and its options.
func TestManualPage(t *testing.T) {
	var stdout, stderr strings.Builder
	if status := run(t.Context(), []string{"perg", "man"}, &stdout, &stderr); status != exitDone {
		t.Fatalf("exit status %d\n%s", status, stderr.String())
	}
	page := stdout.String()
	for _, want := range []string{".TH PERG 1", ".SH NAME\nperg \\- measure whether", ".SH PERG PLAN\n", "\\-\\-quantize LIST", "perg report runs/<time>", ".SH PERG DATA PREFS REVIEW\n"} {
		if !strings.Contains(page, want) {
			t.Errorf("%q is not in the manual", want)
		}
	}
	for line, want := range map[string]string{".5 of it": `\&.5 of it`, "'perg man'": `\&'perg man'`, `a \ of --json`: `a \e of \-\-json`} {
		if got := roffLine(line); got != want {
			t.Errorf("%s becomes %s", line, got)
		}
	}
}
