package rundir

import (
	"fmt"
	"runtime/debug"
	"strings"
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
