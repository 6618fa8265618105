package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

func TestDataBuildExitStatus(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	good := file("good.json", `[{"question": "Is it so?", "mc1_targets": {"Yes.": 1, "No.": 0}}]`)
	bad := file("bad.json", `[{"question": "Is it so?"}]`)
	out := filepath.Join(dir, "perg.parquet")
	for name, c := range map[string]struct {
		args []string
		want int
	}{
		"done":            {[]string{"--truthfulqa", good, "-o", out}, exitDone},
		"no source":       {[]string{"-o", out}, exitUsage},
		"no file":         {[]string{"--truthfulqa", good}, exitUsage},
		"bad input":       {[]string{"--truthfulqa", bad, "-o", out}, exitUsage},
		"bad preferences": {[]string{"--truthfulqa", good, "--preferences", good, "-o", out}, exitUsage},
		"failed write":    {[]string{"--truthfulqa", good, "-o", dir}, exitFailed},
	} {
		var stdout, stderr bytes.Buffer
		args := append([]string{"perg", "data", "build"}, c.args...)
		if got := run(t.Context(), args, &stdout, &stderr); got != c.want {
			t.Errorf("%s: exit status %d, want %d\n%s", name, got, c.want, &stderr)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(dir), "*.tmp")); left != nil {
		t.Errorf("left behind: %q", left)
	}
}
