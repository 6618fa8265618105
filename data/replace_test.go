package data

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// A row of the tables with which these tests replace one another: each table has
// a version, and the version says how many rows, in one to four parts.
type versionRow struct {
	Version int64 `parquet:"version"`
	Row     int64 `parquet:"row"`
}

func versionRows(version int64) int { return 100 + int(version%4)*rowsPerBatch }

func createVersion(dir string, version int64) (*TableWriter[versionRow], error) {
	w, err := CreateTable[versionRow](dir)
	if err != nil {
		return nil, err
	}
	w.perPart = rowsPerBatch
	for i := range versionRows(version) {
		if err := w.Write(versionRow{version, int64(i)}); err != nil {
			return nil, err
		}
	}
	return w, nil
}

func writeVersion(t *testing.T, dir string, version int64) {
	t.Helper()
	w, err := createVersion(dir, version)
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
}

// unsupported stands for a file system that cannot exchange directories.
func unsupported(a, b string) error { return errors.ErrUnsupported }

// wholeVersion is the version that all rows are of, which are all that it has.
func wholeVersion(rows []versionRow) (int64, error) {
	if len(rows) == 0 {
		return 0, errors.New("no rows")
	}
	version := rows[0].Version
	for i, r := range rows {
		if r.Version != version || r.Row != int64(i) {
			return 0, fmt.Errorf("row %d of version %d is row %d of version %d", i, version, r.Row, r.Version)
		}
	}
	if len(rows) != versionRows(version) {
		return 0, fmt.Errorf("version %d has %d rows, want %d", version, len(rows), versionRows(version))
	}
	return version, nil
}

var errPartial = errors.New("rows of no one table")

// readVersion reads a table with ReadTable. The error is errPartial where that
// gave anything but a whole version, or else the one that it gave.
func readVersion(dir string) (int64, error) {
	var rows []versionRow
	for r, err := range ReadTable[versionRow](dir) {
		if err != nil {
			return 0, err
		}
		rows = append(rows, r)
	}
	version, err := wholeVersion(rows)
	if err != nil {
		return 0, fmt.Errorf("%w: %w", errPartial, err)
	}
	return version, nil
}

// readByPattern reads a table as DuckDB does: it looks for files that fit a
// pattern, and opens one after the other.
func readByPattern(pattern string) (int64, error) {
	paths, err := filepath.Glob(pattern)
	if err != nil || len(paths) == 0 {
		return 0, errors.Join(err, fs.ErrNotExist)
	}
	var rows []versionRow
	for _, path := range paths {
		runtime.Gosched()
		f, file, err := openFile(path)
		if err != nil {
			return 0, err
		}
		_, err = readPart(file, func(r versionRow, _ error) bool {
			rows = append(rows, r)
			return true
		})
		if f.Close(); err != nil {
			return 0, err
		}
	}
	version, err := wholeVersion(rows)
	if err != nil {
		return 0, fmt.Errorf("%w: %w", errPartial, err)
	}
	return version, nil
}

// visible lists what lies beside a table, but for names that begin with a dot.
func visible(t *testing.T, run string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(run)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), ".") {
			names = append(names, e.Name())
		}
	}
	return names
}

// wantAlone checks that nothing but the table is in a run's directory.
func wantAlone(t *testing.T, dir string) {
	t.Helper()
	entries, err := os.ReadDir(filepath.Dir(dir))
	if err != nil || len(entries) != 1 || entries[0].Name() != filepath.Base(dir) {
		t.Errorf("beside the table are %v, error %v", entries, err)
	}
}

// The test binary starts itself again as a process that writes versions of a
// table, from one on until another, and prints each that is in place.
const writerVariable = "DATA_TEST_WRITER"

func TestMain(m *testing.M) {
	if dir := os.Getenv(writerVariable); dir != "" {
		if err := writer(dir, os.Args[1] == "exchange", os.Args[2], os.Args[3]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func writer(dir string, exchanges bool, from, to string) error {
	runtime.LockOSThread() // strace counts the calls of a thread
	first, err := strconv.ParseInt(from, 10, 64)
	if err != nil {
		return err
	}
	end, err := strconv.ParseInt(to, 10, 64)
	if err != nil {
		return err
	}
	for v := first; v < end; v++ {
		w, err := createVersion(dir, v)
		if err != nil {
			return err
		}
		if !exchanges {
			w.place.exchange = unsupported
		}
		if err := w.Close(); err != nil {
			return err
		}
		fmt.Println(v)
	}
	return nil
}

// A process replaces a table without a pause and is killed at any moment, again
// and again. Readers see one whole table at all times; where directories cannot
// be exchanged they may find none for a moment, and the next writer finds the
// last one again.
func TestATableIsWholeWhenItsWriterIsKilled(t *testing.T) {
	const rounds, many = 10, 1 << 20
	for _, how := range []string{"exchange", "rename"} {
		t.Run(how, func(t *testing.T) {
			exchanges := how == "exchange"
			dir := filepath.Join(t.TempDir(), "table")
			writeVersion(t, dir, 0)
			var read, none, changed atomic.Int64
			check := func(version int64, err error, torn ...error) {
				switch {
				case err == nil:
					read.Add(1)
				case slices.ContainsFunc(torn, func(e error) bool { return errors.Is(err, e) }):
					changed.Add(1)
				case !exchanges && errors.Is(err, ErrNoTable):
					none.Add(1)
				default:
					t.Errorf("a reader has version %d, error %v", version, err)
				}
			}
			stop := make(chan struct{})
			var readers sync.WaitGroup
			for _, read := range []func(){
				func() { v, err := readVersion(dir); check(v, err) },
				func() {
					v, err := readByPattern(filepath.Join(dir, "part-*.parquet"))
					check(v, err, fs.ErrNotExist) // it is told, and looks again
				},
			} {
				readers.Go(func() {
					for {
						select {
						case <-stop:
							return
						case <-time.After(time.Millisecond):
							read()
						}
					}
				})
			}
			last := int64(0)
			for round := range int64(rounds) {
				cmd := exec.CommandContext(t.Context(), os.Args[0], how, fmt.Sprint(last+1), fmt.Sprint(many))
				cmd.Env = append(os.Environ(), writerVariable+"="+dir)
				cmd.Stderr = os.Stderr
				out, err := cmd.StdoutPipe()
				if err != nil {
					t.Fatal(err)
				}
				if err := cmd.Start(); err != nil {
					t.Fatal(err)
				}
				lines := bufio.NewScanner(out)
				for n := 0; lines.Scan(); n++ {
					if last, err = strconv.ParseInt(lines.Text(), 10, 64); err != nil {
						t.Fatal(err)
					}
					if n == 0 {
						time.AfterFunc(time.Duration(rand.IntN(200))*time.Millisecond, func() { cmd.Process.Kill() })
					}
				}
				if err := cmd.Wait(); err == nil || err.Error() != "signal: killed" {
					t.Fatalf("round %d: the process ended by itself: %v", round, err)
				}
				w, err := CreateTable[versionRow](dir)
				if err != nil {
					t.Fatal(err)
				}
				w.Abort()
				version, err := readVersion(dir)
				if err != nil || version != last && version != last+1 {
					t.Errorf("round %d: killed after version %d there is version %d, error %v", round, last, version, err)
				}
				last = version
				wantAlone(t, dir)
			}
			close(stop)
			readers.Wait()
			t.Logf("%d versions; %d whole tables were read, %d times there was none, %d times files went away", last, read.Load(), none.Load(), changed.Load())
			if read.Load() < 50 || last < rounds {
				t.Error("too few to say anything")
			}
		})
	}
}

// strace kills the writer at its first call of each kind that changes the disk,
// then at its second, and so on until it lives.
func TestATableIsWholeWhicheverCallIsTheLast(t *testing.T) {
	if out, err := exec.Command("strace", "-qq", "true").CombinedOutput(); err != nil {
		t.Skipf("no strace: %v: %s", err, out)
	}
	for _, how := range []string{"exchange", "rename"} {
		t.Run(how, func(t *testing.T) {
			kills, none := 0, 0
			left := make(map[int64]int)
			// kill has the n-th call be the last, if there are so many.
			kill := func(call string, n int) (killed bool) {
				dir := filepath.Join(t.TempDir(), "table")
				writeVersion(t, dir, 2)
				cmd := exec.CommandContext(t.Context(), "strace", "-f", "-qq", "-o", os.DevNull, "-e", "trace="+call,
					"-e", fmt.Sprintf("inject=%s:signal=KILL:when=%d", call, n), os.Args[0], how, "3", "4")
				cmd.Env = append(os.Environ(), writerVariable+"="+dir)
				if cmd.Run() == nil {
					return false
				}
				when := fmt.Sprintf("killed at call %d of %s", n, call)
				version, err := readVersion(dir)
				switch {
				case err == nil:
					left[version]++
				case how == "rename" && errors.Is(err, ErrNoTable):
					none++
				default:
					t.Errorf("%s: %v", when, err)
				}
				if names := visible(t, filepath.Dir(dir)); err == nil && !slices.Equal(names, []string{"table"}) {
					t.Errorf("%s: %v look like tables", when, names)
				}
				w, err := CreateTable[versionRow](dir)
				if err != nil {
					t.Fatal(err)
				}
				if version, err := readVersion(dir); err != nil || version != 2 && version != 3 {
					t.Errorf("%s: the next writer finds version %d, error %v", when, version, err)
				}
				w.Abort()
				wantAlone(t, dir)
				return true
			}
			for _, call := range []string{"mkdirat", "fsync", "renameat2", "renameat", "unlinkat"} {
				for n := 1; kill(call, n); n++ {
					if kills++; n == 50 {
						t.Fatalf("killed at call %d of %s", n, call)
					}
				}
			}
			t.Logf("killed at %d calls: %d left the older table, %d the new one, %d none", kills, left[2], left[3], none)
			if left[2] == 0 || left[3] == 0 || (none > 0) != (how == "rename") {
				t.Error("not every case was met")
			}
		})
	}
}

// A directory that cannot be put in place leaves the older table.
func TestATableThatCannotBePutInPlace(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "table")
	writeVersion(t, dir, 1)
	w, err := createVersion(dir, 2)
	if err != nil {
		t.Fatal(err)
	}
	w.place.exchange = func(a, b string) error {
		os.RemoveAll(a) // as if the disk were gone
		return errors.ErrUnsupported
	}
	if err := w.Close(); err == nil || !strings.Contains(err.Error(), "finish table") {
		t.Errorf("error %v", err)
	}
	if version, err := readVersion(dir); version != 1 || err != nil {
		t.Errorf("version %d, error %v; want the older one", version, err)
	}
	wantAlone(t, dir)
}

// What else lies in a table's directory stays there when the table is replaced,
// also where the writer was killed before it could see to that.
func TestFilesBesideThePartsStay(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "table")
	writeVersion(t, dir, 1)
	note := filepath.Join(dir, "note.txt")
	if err := os.WriteFile(note, []byte("mine"), 0o644); err != nil {
		t.Fatal(err)
	}
	check := func(when string, version int64) {
		t.Helper()
		if got, err := readVersion(dir); err != nil || got != version {
			t.Errorf("%s: version %d, error %v", when, got, err)
		}
		if text, err := os.ReadFile(note); err != nil || string(text) != "mine" {
			t.Errorf("%s: %q, error %v", when, text, err)
		}
	}
	writeVersion(t, dir, 2)
	check("replaced", 2)
	w, err := createVersion(dir, 3)
	if err != nil {
		t.Fatal(err)
	}
	func() {
		defer func() { recover() }()
		w.place.exchange = func(a, b string) error {
			if err := exchange(a, b); err != nil {
				t.Skip(err)
			}
			panic("killed")
		}
		w.Close()
	}()
	writeVersion(t, dir, 4)
	check("replaced after a kill", 4)
	wantAlone(t, dir)
}

// A table whose directory is a link to another disk stays on that disk.
func TestATableOnAnotherDisk(t *testing.T) {
	elsewhere, dir := filepath.Join(t.TempDir(), "moved"), filepath.Join(t.TempDir(), "table")
	writeVersion(t, elsewhere, 1)
	if err := os.Symlink(elsewhere, dir); err != nil {
		t.Fatal(err)
	}
	writeVersion(t, dir, 2)
	if version, err := readVersion(elsewhere); version != 2 || err != nil {
		t.Errorf("version %d, error %v", version, err)
	}
	if target, err := os.Readlink(dir); err != nil || target != elsewhere {
		t.Errorf("the link goes to %q, error %v", target, err)
	}
}

// Tables of which one's name begins with the other's are written at a time.
func TestTablesWithNamesThatBeginAlike(t *testing.T) {
	run := t.TempDir()
	long := filepath.Join(run, "table-"+strings.Repeat("a", idDigits))
	w, err := createVersion(long, 1)
	if err != nil {
		t.Fatal(err)
	}
	writeVersion(t, filepath.Join(run, "table"), 2)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if version, err := readVersion(long); version != 1 || err != nil {
		t.Errorf("version %d, error %v", version, err)
	}
}
