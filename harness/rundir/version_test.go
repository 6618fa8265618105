package rundir

import (
	"runtime/debug"
	"testing"
)

func TestBuildOf(t *testing.T) {
	const pseudo = "v0.0.0-20260102150405-abcdef123456"
	set := func(key, value string) debug.BuildSetting { return debug.BuildSetting{Key: key, Value: value} }
	for name, c := range map[string]struct {
		version  string
		settings []debug.BuildSetting
		want     Build
	}{
		"go install of a commit": {pseudo, nil, Build{pseudo, "abcdef123456", "2026-01-02T15:04:05Z"}},
		"go install of a tag":    {"v1.2.3", nil, Build{"v1.2.3", "", ""}},
		"go build":               {pseudo + "+dirty", []debug.BuildSetting{set("vcs.modified", "true"), set("vcs.revision", "abcdef1234567890"), set("vcs.time", "2026-01-02T15:04:05Z")}, Build{pseudo + "+dirty", "abcdef1234567890-dirty", "2026-01-02T15:04:05Z"}},
		"no repository":          {"(devel)", nil, Build{"devel", "", ""}},
	} {
		if got := buildOf(&debug.BuildInfo{Main: debug.Module{Version: c.version}, Settings: c.settings}); got != c.want {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
}
