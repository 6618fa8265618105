package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// smallDisk mounts a file system of a few kilobytes, where that is allowed.
func smallDisk(t *testing.T, kilobytes int) string {
	t.Helper()
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, fmt.Sprintf("size=%dk", kilobytes)); err != nil {
		t.Skipf("cannot mount a small file system: %v", err)
	}
	t.Cleanup(func() {
		for range 50 {
			if unix.Unmount(dir, 0) == nil {
				return
			}
			time.Sleep(100 * time.Millisecond)
		}
		t.Errorf("cannot unmount %s", dir)
	})
	return dir
}

func TestDirectoriesThatCannotBeWritten(t *testing.T) {
	b := newBench(t)
	args := []string{"steady", "--limit", "3", "--settings", "none"}
	file := filepath.Join(b.dir, "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	status, _, stderr := b.run(append(args, "--out", filepath.Join(file, "run"))...)
	if status != exitFailed || !strings.Contains(stderr, "run directory") || !strings.Contains(stderr, "--out") {
		t.Errorf("a file where the directory should be: exit status %d\n%s", status, stderr)
	}
	disk := smallDisk(t, 64)
	if err := unix.Mount("", disk, "", unix.MS_REMOUNT|unix.MS_RDONLY, ""); err != nil {
		t.Skipf("cannot make a file system read-only: %v", err)
	}
	status, _, stderr = b.run(append(args, "--out", filepath.Join(disk, "run"))...)
	if status != exitFailed || !strings.Contains(stderr, "read-only file system") || !strings.Contains(stderr, "--out") {
		t.Errorf("a read-only file system: exit status %d\n%s", status, stderr)
	}
	status, _, stderr = b.run(append(args, "--store", filepath.Join(disk, "store.db"))...)
	if status != exitFailed || !strings.Contains(stderr, "--store") {
		t.Errorf("a store on a read-only file system: exit status %d\n%s", status, stderr)
	}
}

func TestFullDisks(t *testing.T) {
	b := newBench(t)
	args := []string{"swayed", "--judge", "judge", "--limit", "30", "--parallel", "8"}
	t.Run("under the store", func(t *testing.T) {
		disk := smallDisk(t, 100)
		out := filepath.Join(b.dir, "out")
		full := append(args, "--store", filepath.Join(disk, "store.db"), "--out", out)
		status, stdout, stderr := b.run(full...)
		if status != exitFailed || !strings.Contains(stderr, "full") {
			t.Fatalf("exit status %d\n%s\n%s", status, stdout, stderr)
		}
		// With room again the same command finishes.
		if err := unix.Mount("", disk, "", unix.MS_REMOUNT, "size=64m"); err != nil {
			t.Fatal(err)
		}
		if status, stdout, stderr := b.run(full...); status != exitDone {
			t.Errorf("with room: exit status %d\n%s\n%s", status, stdout, stderr)
		}
	})
	t.Run("under the tables", func(t *testing.T) {
		disk := smallDisk(t, 16)
		out := filepath.Join(disk, "out")
		status, stdout, stderr := b.run(append(args, "--out", out)...)
		if status != exitFailed || !strings.Contains(stderr, "no space left on device") {
			t.Fatalf("exit status %d\n%s\n%s", status, stdout, stderr)
		}
		for _, name := range []string{"generations", "judgments", "metrics"} {
			if parts, _ := filepath.Glob(filepath.Join(out, name, "*")); len(parts) != 0 {
				t.Errorf("half a table was left: %v", parts)
			}
		}
		if err := unix.Mount("", disk, "", unix.MS_REMOUNT, "size=64m"); err != nil {
			t.Fatal(err)
		}
		status, stdout, stderr = b.run(append(args, "--out", out)...)
		if status != exitDone || !strings.Contains(stdout, "no call was made") {
			t.Errorf("with room: exit status %d\n%s\n%s", status, stdout, stderr)
		}
	})
}
