package harness_test

import (
	"go/build"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// floors are the packages of the module from the ground up. Arrows point down:
// a package imports only what stands on a lower floor. Those of tests and demos
// are not among them.
var floors = [][]string{
	{"models", "gpu", "data"},
	{"harness/hint", "harness/explore/fulltext", "harness/explore/markdown", "harness/printable", "harness/stats", "harness/structured", "harness/ctl", "harness/schedule", "harness/store"},
	{"harness/prompt", "harness/judge", "harness/extract"},
	{"harness/engine", "harness/sizing", "harness/results", "harness/unseen"},
	{"harness/task", "harness/fleet", "harness/metrics", "harness/ratings"},
	{"harness/hosts/wire", "harness/rundir", "harness/compare", "harness/explore", "harness/reading"},
	{"harness/explore/address", "harness/sofar", "harness/tables", "harness/loads", "harness/advise", "harness/enlist", "harness/hosts", "harness/hosts/agent"},
	{"harness/report", "harness/imported", "harness/standing", "harness/merge"},
	{"harness/report/page", "harness/explore/web", "harness/export"},
	{"harness"},
	{"cmd/perg", "cmd/bench", "cmd/demo"},
}

// strangers are packages that never meet, whatever their floors.
var strangers = map[string][]string{
	"harness/fleet":       {"harness/task", "harness/rundir"},
	"harness/task":        {"gpu"},
	"harness/rundir":      {"harness/engine", "harness/fleet"},
	"harness/hosts":       {"harness/task", "harness/rundir"},
	"harness/hosts/agent": {"harness/task", "harness/rundir", "harness/prompt"},
	"harness/sizing":      {"harness/store", "gpu"},
	"harness/engine":      {"data", "gpu", "harness/prompt", "harness/judge", "harness/extract"},
}

func floorOf(name string) int {
	return slices.IndexFunc(floors, func(f []string) bool { return slices.Contains(f, name) })
}

// The drawing of the imports: go test -v -run TestImportsPointDown ./harness
func TestImportsPointDown(t *testing.T) {
	root := filepath.Join("..")
	drawn := make(map[string][]string)
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return err
		}
		if name := d.Name(); name == "testdata" || strings.HasPrefix(name, ".") && path != root {
			return fs.SkipDir
		}
		pkg, err := build.ImportDir(path, 0)
		if err != nil {
			return nil // no package
		}
		name, err := filepath.Rel(root, path)
		if err != nil || strings.HasSuffix(name, "test") {
			return err
		}
		drawn[name] = nil
		for _, i := range pkg.Imports {
			if inner, ok := strings.CutPrefix(i, "perg/"); ok && !(strings.HasPrefix(name, "cmd/") && strings.HasSuffix(inner, "test")) {
				drawn[name] = append(drawn[name], inner)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for i, floor := range floors {
		for _, name := range floor {
			imports, ok := drawn[name]
			if !ok {
				t.Errorf("there is no package %s", name)
			}
			t.Logf("%d  %-20s %s", i, name, strings.Join(imports, " "))
			for _, below := range imports {
				if at := floorOf(below); at < 0 || at >= i {
					t.Errorf("%s on floor %d imports %s on floor %d", name, i, below, at)
				}
				if slices.Contains(strangers[name], below) {
					t.Errorf("%s imports %s", name, below)
				}
			}
		}
	}
	for name := range drawn {
		if floorOf(name) < 0 {
			t.Errorf("%s is on no floor", name)
		}
	}
}
