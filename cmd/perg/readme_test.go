package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A snippet is a fenced block of README.
type snippet struct{ language, text string }

var fence = regexp.MustCompile("(?ms)^```(\\w+)\n(.*?)^```$")

// snippetsOf are those below a heading, to the next of its level or above.
func snippetsOf(t *testing.T, heading string) (all []snippet) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, section, ok := strings.Cut(string(text), "\n"+heading+"\n")
	if !ok {
		t.Fatalf("README has no section %q", heading)
	}
	section, _, _ = strings.Cut(section, "\n## ")
	section, _, _ = strings.Cut(section, "\n### ")
	for _, m := range fence.FindAllStringSubmatch(section, -1) {
		all = append(all, snippet{m[1], m[2]})
	}
	if len(all) == 0 {
		t.Fatalf("README's section %q has no snippets", heading)
	}
	return all
}

// shows says whether an output has what a transcript shows, whose lines of three
// dots stand for any number of lines.
func shows(output, transcript string) bool {
	pattern := "^"
	for line := range strings.Lines(transcript) {
		if line == "...\n" {
			pattern += "(?:.*\n)*"
			continue
		}
		pattern += regexp.QuoteMeta(line)
	}
	return regexp.MustCompile(pattern + "$").MatchString(output)
}

// What README says of plans and config files is as it says: its files are
// written, its commands run, and their output shown as it is.
func TestReadmePlans(t *testing.T) {
	for _, heading := range []string{"### Will it fit?", "### A config file", "## GPUs, and sweeps over quantizations"} {
		t.Run(heading, func(t *testing.T) {
			snippets := snippetsOf(t, heading)
			t.Chdir(t.TempDir())
			t.Setenv("HOME", t.TempDir())
			t.Setenv("XDG_DATA_HOME", "")
			t.Setenv("OLLAMA_HOST", "127.0.0.1:9")
			for _, s := range snippets {
				name := ""
				switch s.language {
				case "yaml":
					name, _, _ = strings.Cut(strings.TrimPrefix(s.text, "# "), "\n")
				case "json":
					name = "examples.json"
				default:
					continue
				}
				if err := os.WriteFile(name, []byte(s.text), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			ran := 0
			for _, s := range snippets {
				if s.language != "console" {
					continue
				}
				for _, part := range strings.Split("\n"+s.text, "\n$ ")[1:] {
					command, want, _ := strings.Cut(part, "\n")
					if command = strings.TrimPrefix(command, "./"); !strings.HasPrefix(command, "perg plan ") {
						continue
					}
					var out, errs bytes.Buffer
					if status := run(t.Context(), strings.Fields(command), &out, &errs); status != exitDone {
						t.Fatalf("%s: status %d: %s", command, status, errs.String())
					}
					if want = strings.TrimRight(want, "\n") + "\n"; !shows(out.String(), want) {
						t.Errorf("%s (-README +perg):\n%s", command, cmp.Diff(want, out.String()))
					}
					ran++
				}
			}
			if ran == 0 {
				t.Errorf("%d commands of it were run", ran)
			}
		})
	}
}

// Each file that README links to is there.
func TestReadmeLinks(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	links := regexp.MustCompile(`\]\(([^)#:]+)\)`).FindAllStringSubmatch(string(text), -1)
	if len(links) < 8 {
		t.Errorf("%d links to files", len(links))
	}
	for _, m := range links {
		if _, err := os.Stat(filepath.Join("..", "..", m[1])); err != nil {
			t.Error(err)
		}
	}
}
