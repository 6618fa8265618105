package main

import (
	"io"
	"os"

	"golang.org/x/sys/unix"
	"golang.org/x/term"
)

// width is the number of columns of a terminal, 0 where w is none.
func width(w io.Writer) int {
	f, ok := w.(*os.File)
	if !ok {
		return 0
	}
	columns, _, err := term.GetSize(int(f.Fd()))
	if err != nil {
		return 0
	}
	return columns
}

// liveTerminal is the terminal that w is, if what is shown on it may be written
// over: not in continuous integration, whose logs keep every byte, and not
// where the user or the terminal asks for plain text.
func liveTerminal(w io.Writer) (f *os.File, ok bool) {
	f, ok = w.(*os.File)
	return f, ok && width(f) > 0 && !plainWanted(os.Getenv)
}

func plainWanted(getenv func(string) string) bool {
	if t := getenv("TERM"); t == "" || t == "dumb" {
		return true
	}
	if ci := getenv("CI"); ci != "" && ci != "false" && ci != "0" {
		return true
	}
	// Azure, Jenkins, TeamCity and CodeBuild do not set CI.
	for _, name := range []string{"NO_COLOR", "TF_BUILD", "JENKINS_URL", "TEAMCITY_VERSION", "CODEBUILD_BUILD_ID"} {
		if getenv(name) != "" {
			return true
		}
	}
	return false
}

// inForeground says whether a terminal is this process's to draw on: a shell
// has it while perg runs in the background.
func inForeground(f *os.File) bool {
	group, err := unix.IoctlGetInt(int(f.Fd()), unix.TIOCGPGRP)
	return err != nil || group == unix.Getpgrp() // another session's: there is no shell to disturb
}
