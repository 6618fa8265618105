package fleet

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"perg/models"
)

// Environment are the variables that decide how the servers run models: of
// perg's own those that they take over from the user's environment, of one that
// the user runs on this machine those that its process shows; nil where nothing
// is known.
func (f *Fleet) Environment() map[string]string {
	environment := f.environment()
	for _, text := range f.options.Headers {
		if h, err := models.ParseHeader(text); err == nil {
			delete(environment, h.Variable) // its value is a secret, whatever its name
		}
	}
	return environment
}

func (f *Fleet) environment() map[string]string {
	if f.Managed() {
		return models.Inherited(os.Environ())
	}
	if len(f.Devices) != 1 || !f.Local() {
		return nil
	}
	u, err := models.ParseHost(f.hosts[f.Devices[0].ID].Host())
	if err != nil {
		return nil
	}
	return environmentOf("/proc", u.Port())
}

// environmentOf is that of the `ollama serve` that listens at a port, as far as
// its processes, below a directory, may be read.
func environmentOf(proc, port string) map[string]string {
	commands, _ := filepath.Glob(filepath.Join(proc, "[0-9]*", "cmdline")) // the pattern is good
	for _, path := range commands {
		command, err := os.ReadFile(path)
		arguments := strings.Split(string(command), "\x00")
		if err != nil || filepath.Base(arguments[0]) != "ollama" || !slices.Contains(arguments, "serve") {
			continue
		}
		text, err := os.ReadFile(filepath.Join(filepath.Dir(path), "environ"))
		if err != nil {
			continue // another user's
		}
		environ := strings.Split(string(text), "\x00")
		host := models.DefaultHost
		for _, v := range environ {
			if named, ok := strings.CutPrefix(v, "OLLAMA_HOST="); ok && named != "" {
				host = named
			}
		}
		if u, err := models.ParseHost(host); err == nil && u.Port() == port {
			return models.Telling(environ)
		}
	}
	return nil
}

// descends says whether a process is another one, or was begun by it or by one
// of its.
func descends(proc string, pid int, from []int) bool {
	for pid > 1 {
		if slices.Contains(from, pid) {
			return true
		}
		text, err := os.ReadFile(filepath.Join(proc, fmt.Sprint(pid), "stat"))
		if err != nil {
			return false
		}
		// The name before it stands in parentheses, and may hold some.
		rest := string(text[strings.LastIndexByte(string(text), ')')+1:])
		var state string
		if n, _ := fmt.Sscan(rest, &state, &pid); n < 2 {
			return false
		}
	}
	return false
}
