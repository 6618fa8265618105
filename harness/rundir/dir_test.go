package rundir

import (
	"os"
	"path/filepath"
	"testing"
)

// A run that could not begin leaves no directory behind, and none of another's.
func TestADirectoryWithoutARunIsRemoved(t *testing.T) {
	top := t.TempDir()
	hold := func(name string) *Dir {
		t.Helper()
		d, err := Hold(filepath.Join(top, name))
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	a, b := hold("runs/of/a"), hold("runs/b")
	for _, d := range []*Dir{a, b} {
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(d.Path); !os.IsNotExist(err) {
			t.Errorf("%s is still there", d.Path)
		}
	}
	if entries, _ := os.ReadDir(filepath.Join(top, "runs")); len(entries) != 0 {
		t.Errorf("left are %v", entries)
	}
	c := hold("other/c")
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(top, "other")); !os.IsNotExist(err) {
		t.Error("the directory above the run's is still there")
	}
}
