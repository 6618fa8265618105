package fleet

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"perg/models"
	"perg/models/ollamatest"
)

// A stocked machine has a store of models in a folder.
type stocked struct {
	shown
	models.Folder
	t    *testing.T
	away error // of what is written
	lost bool  // it cannot be read
}

// laid is a model that the machine has.
func (s *stocked) laid(name, weights string) models.Installed {
	s.t.Helper()
	digest := ollamatest.Lay(s.t, s.Folder, name, weights, "config of "+name)
	return models.Installed{Name: name, Digest: digest, Size: int64(len(weights))}
}

// A listed client lists what is in a folder.
type listed struct {
	Client
	s *stocked
}

func (s *stocked) Client(context.Context) (Client, error) { return listed{s: s}, nil }
func (l listed) Host() string                             { return l.s.name }
func (l listed) Catalogue(context.Context) (all []models.Installed, err error) {
	root := filepath.Join(string(l.s.Folder), "manifests", "registry.ollama.ai", "library")
	tags, err := filepath.Glob(filepath.Join(root, "*", "*"))
	for _, path := range tags {
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		name, _ := filepath.Rel(root, path)
		all = append(all, models.Installed{Name: strings.Replace(name, "/", ":", 1), Digest: ollamatest.Digest(string(text))})
	}
	return all, err
}

func (s *stocked) Manifest(_ context.Context, m models.Installed) (models.Manifest, error) {
	return s.Folder.Manifest(m.Name, m.Digest)
}
func (s *stocked) Read(_ context.Context, b models.Blob, at int64, n int) ([]byte, error) {
	if s.lost && at > 0 {
		return nil, models.ErrUnreachable
	}
	return s.Folder.Read(b, at, n)
}
func (s *stocked) Lacking(_ context.Context, m models.Manifest) ([]models.Rest, error) {
	return s.Folder.Lacking(m)
}
func (s *stocked) Write(_ context.Context, b models.Blob, at int64, part []byte) error {
	if s.away != nil {
		return s.away
	}
	return s.Folder.Write(b, at, part)
}
func (s *stocked) Install(_ context.Context, m models.Manifest) error { return s.Folder.Install(m) }

// What a machine lacks comes to it from one that has it, and each time it is told
// that there is more to work on. What it has under another digest stays.
func TestSupply(t *testing.T) {
	weights := strings.Repeat("w", 3*atOnce/2)
	for name, of := range map[string]struct {
		pull   bool
		levels []string
		away   error
		lost   bool     // who gives first
		has    []string // of the machine after it
		more   int
		say    string
	}{
		"models may be fetched":    {pull: true, has: []string{"a:8b", "LEVEL", "b:8b"}, more: 3},
		"levels were made":         {levels: []string{"q4_K_M"}, has: []string{"LEVEL", "b:8b"}, more: 2, say: "does not have a:8b"},
		"nothing is to be brought": {has: []string{"b:8b"}, more: 1, say: "does not have LEVEL"},
		"it cannot be written":     {pull: true, away: os.ErrPermission, has: []string{"b:8b"}, more: 1, say: "gpu03 does not get LEVEL and will not work on it"},
		"a giver is lost":          {pull: true, lost: true, has: []string{"a:8b", "LEVEL", "b:8b"}, more: 3, say: "copying LEVEL from gpu04 to gpu03: 2.0 MiB"},
		"it is lost":               {pull: true, away: models.ErrUnreachable, has: []string{"b:8b"}, more: 1},
	} {
		t.Run(name, func(t *testing.T) {
			var said strings.Builder
			note := func(text string) { fmt.Fprintln(&said, text) }
			f := newFleet(Options{Awaits: true, Elsewhere: true, Pull: of.pull, Levels: of.levels, Say: note, Warn: note})
			t.Setenv("OLLAMA_MODELS", t.TempDir()) // this machine has none
			first := &stocked{shown: shown{name: "gpu02"}, Folder: models.Folder(t.TempDir()), t: t}
			second := &stocked{shown: shown{name: "gpu03"}, Folder: models.Folder(t.TempDir()), t: t, away: of.away}
			third := &stocked{shown: shown{name: "gpu04"}, Folder: first.Folder, t: t}
			first.lost = of.lost
			for _, m := range []*stocked{first, second, third} {
				f.Come(m)
			}
			source := first.laid("a:8b", weights)
			source.Quantization = "F16"
			made := first.laid(models.QuantizedName(source, "q4_K_M"), weights+"q")
			other := first.laid("b:8b", "b")
			own := second.laid("b:8b", "another b")
			wanted := []models.Installed{source, made, other}
			l, err := f.Locate(t.Context(), wanted)
			if err != nil {
				t.Fatal(err)
			}
			more := 0
			err = f.Supply(t.Context(), second, l, wanted, func() { more++ })
			if lost := of.away == models.ErrUnreachable; (err != nil) != lost {
				t.Errorf("error %v", err)
			}
			catalogue, err := listed{s: second}.Catalogue(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			has := make(map[string]string)
			for _, m := range catalogue {
				has[m.Name] = m.Digest
			}
			level := strings.NewReplacer("LEVEL", made.Name)
			if names := slices.Sorted(maps.Keys(has)); strings.Join(names, " ") != level.Replace(strings.Join(of.has, " ")) {
				t.Errorf("it has %q\n%s", names, &said)
			}
			if has[own.Name] != own.Digest {
				t.Error("its own model was replaced")
			}
			for _, m := range wanted[:2] {
				if got := l.Has(m)("gpu03/cpu"); got != (has[m.Name] == m.Digest) {
					t.Errorf("that it has %s is said to be %v", m.Name, got)
				}
			}
			if more != of.more || !strings.Contains(said.String(), level.Replace(of.say)) {
				t.Errorf("told %d times that there is more:\n%s", more, &said)
			}
			if !strings.Contains(said.String(), "gpu03 has another b:8b") {
				t.Errorf("nobody says that b:8b is another one:\n%s", &said)
			}
		})
	}
}
