package rundir

import (
	"fmt"
	"runtime/debug"
	"strings"
	"time"

	"golang.org/x/mod/module"
)

// Version is the version of this build: its module version, or the commit it
// was built from.
func Version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			return fmt.Sprintf("devel-%.12s", s.Value)
		}
	}
	return strings.Trim(info.Main.Version, "()")
}

// A Build is what is known of a build; "" is not known.
type Build struct {
	Version string // of the module
	Commit  string // with -dirty where files were changed after it
	Date    string // of the commit, RFC 3339
}

// ThisBuild is the build that runs.
func ThisBuild() Build {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return Build{}
	}
	return buildOf(info)
}

// buildOf reads a build's own account of itself. What 'go install' fetches has no
// repository: there the version tells commit and date, where it is none of a tag.
func buildOf(info *debug.BuildInfo) Build {
	b := Build{Version: strings.Trim(info.Main.Version, "()")}
	if rev, err := module.PseudoVersionRev(b.Version); err == nil {
		b.Commit = rev
	}
	if at, err := module.PseudoVersionTime(b.Version); err == nil {
		b.Date = at.Format(time.RFC3339)
	}
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision":
			b.Commit = s.Value
		case s.Key == "vcs.time":
			b.Date = s.Value
		}
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.modified" && s.Value == "true" {
			b.Commit += "-dirty"
		}
	}
	return b
}
