package rundir

import (
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"
)

// A run that died is told apart from one that is at work, by its lock and not by
// its manifest; looking holds nobody up.
func TestListTellsStatesApart(t *testing.T) {
	top := t.TempDir()
	begin := func(name string, at time.Time) *Dir {
		t.Helper()
		d, err := Hold(filepath.Join(top, name))
		if err != nil {
			t.Fatal(err)
		}
		if err := d.Adopt(Manifest{}, func(string) {}); err != nil {
			t.Fatal(err)
		}
		if err := d.Begin(at); err != nil {
			t.Fatal(err)
		}
		return d
	}
	day := time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC)
	died, works, ended := begin("a", day), begin("b", day.Add(time.Hour)), begin("c", day.Add(2*time.Hour))
	died.lock.Close() // as the end of a process does
	defer works.Close()
	ended.Spent(time.Minute, nil)
	if err := ended.End(Counts{Planned: 2, Missing: 1}, nil, true); err != nil {
		t.Fatal(err)
	}
	ended.Close()
	starting, err := Hold(filepath.Join(top, "d"))
	if err != nil {
		t.Fatal(err)
	}
	defer starting.Close()
	for name, text := range map[string]string{"broken/run.json": "{", "other/notes.txt": ""} {
		path := filepath.Join(top, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	all, err := List(top)
	if err != nil {
		t.Fatal(err)
	}
	got := make(map[string]string)
	for _, run := range all {
		got[filepath.Base(run.Path)] = run.State
		if filepath.Base(run.Path) == "broken" && run.Err == nil {
			t.Error("a damaged manifest is passed over")
		}
	}
	want := map[string]string{"a": StateStopped, "b": StateRunning, "c": StateInterrupted, "d": StateStarting, "broken": ""}
	if len(got) != len(want) {
		t.Errorf("found %v, want %v", got, want)
	}
	for name, state := range want {
		if got[name] != state {
			t.Errorf("%s is %q, want %q", name, got[name], state)
		}
	}
	began := slices.DeleteFunc(all, func(l Listed) bool { return l.Manifest.StartedAt.IsZero() })
	if filepath.Base(began[0].Path) != "c" || filepath.Base(began[2].Path) != "a" {
		t.Errorf("the newest is not first: %s ... %s", began[0].Path, began[2].Path)
	}
}

// Nobody is kept from a directory by others who look whether it is held.
func TestLookingHoldsNobodyUp(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	if d, err := Hold(dir); err != nil {
		t.Fatal(err)
	} else if err := d.Adopt(Manifest{}, func(string) {}); err != nil || d.Close() != nil {
		t.Fatal(err)
	}
	quit := make(chan struct{})
	var looking sync.WaitGroup
	for range 2 {
		looking.Go(func() {
			for {
				select {
				case <-quit:
					return
				default:
					Working(dir)
				}
			}
		})
	}
	for range 200 {
		d, err := Hold(dir)
		if err != nil {
			t.Error(err)
			break
		}
		d.lock.Close()
	}
	close(quit)
	looking.Wait()
}

// Time and energy are those of all executions; of energy that is not known for
// all of them nothing is said.
func TestSpentAddsUp(t *testing.T) {
	var d Dir
	d.Spent(time.Minute, new(5.0))
	d.Spent(time.Minute, new(7.0))
	if m := d.Manifest; m.Worked != Duration(2*time.Minute) || m.Energy == nil || *m.Energy != 12 {
		t.Errorf("%v, %v", m.Worked, m.Energy)
	}
	d.Spent(time.Minute, nil)
	d.Spent(time.Minute, new(7.0))
	if d.Manifest.Energy != nil {
		t.Errorf("the energy of a part, %v, is taken for all", *d.Manifest.Energy)
	}
}
