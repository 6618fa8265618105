package main

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"golang.org/x/sync/errgroup"

	"perg/data"
	"perg/harness/rundir"
	"perg/models"
)

// What CLUSTERS.md has for Slurm, for Kubernetes and for two machines is run here as
// so many processes of this one, and what they made is merged.
func TestClusters(t *testing.T) {
	b := newBench(t)
	text, err := os.ReadFile("CLUSTERS.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := make(map[string]string)
	for _, m := range fence.FindAllStringSubmatch(string(text), -1) {
		blocks[m[1]] = m[2]
	}
	bin := filepath.Dir(b.program())
	const items = 9
	place := func(t *testing.T) string {
		dir := t.TempDir()
		config := fmt.Sprintf("models: [steady, swayed]\nlimit: %d\nsettings: [relevant]\nnum_predict: 20\nhost: %s\n", items, b.host)
		if err := os.WriteFile(filepath.Join(dir, "paper.yaml"), []byte(config), 0o644); err != nil {
			t.Fatal(err)
		}
		return dir
	}
	bash := func(dir, script string, environment ...string) error {
		c := exec.CommandContext(t.Context(), "bash", "-c", script)
		c.Dir = dir
		c.Env = append(os.Environ(), append(environment, "PATH="+bin+":"+os.Getenv("PATH"))...)
		if out, err := c.CombinedOutput(); err != nil {
			return fmt.Errorf("%s: %w\n%s", script, err, out)
		}
		return nil
	}
	merged := func(t *testing.T, dir string) {
		t.Helper()
		if err := bash(dir, "perg merge runs/paper shards/*"); err != nil {
			t.Fatal(err)
		}
		if n := len(table[data.Generation](t, filepath.Join(dir, "runs", "paper"), "generations")); n != 2*3*items {
			t.Errorf("%d generations, where 2 models answer %d items thrice", n, items)
		}
	}
	t.Run("by hand", func(t *testing.T) {
		dir := place(t)
		n := 0
		for line := range strings.Lines(blocks["console"]) {
			if command, ok := strings.CutPrefix(line, "$ "); ok {
				n++
				if err := bash(dir, command); err != nil {
					t.Fatal(err)
				}
			}
		}
		if n != 4 {
			t.Errorf("%d commands", n)
		}
		merged(t, dir)
	})
	t.Run("Slurm", func(t *testing.T) {
		dir := place(t)
		script := filepath.Join(dir, "perg.sbatch")
		if err := os.WriteFile(script, []byte(blocks["bash"]), 0o755); err != nil {
			t.Fatal(err)
		}
		var array errgroup.Group
		for i := range 3 {
			array.Go(func() error {
				return bash(dir, script, fmt.Sprint("SLURM_ARRAY_TASK_ID=", i), "SLURM_ARRAY_TASK_COUNT=3", "SLURM_ARRAY_JOB_ID=11", "SLURM_TMPDIR="+t.TempDir())
			})
		}
		if err := array.Wait(); err != nil {
			t.Fatal(err)
		}
		merged(t, dir)
	})
	t.Run("Kubernetes", func(t *testing.T) {
		var job struct {
			Spec struct {
				CompletionMode   string `yaml:"completionMode"`
				Completions      int
				PodFailurePolicy struct {
					Rules []struct {
						OnExitCodes struct{ Values []int } `yaml:"onExitCodes"`
					}
				} `yaml:"podFailurePolicy"`
				Template struct {
					Spec struct {
						Containers []struct{ Command, Args []string }
					}
				}
			}
		}
		if err := yaml.NewDecoder(bytes.NewReader([]byte(blocks["yaml"]))).Decode(&job); err != nil {
			t.Fatal(err)
		}
		s := job.Spec
		if s.CompletionMode != "Indexed" || !slices.Equal(s.PodFailurePolicy.Rules[0].OnExitCodes.Values, []int{exitUsage, exitRowsInError}) {
			t.Errorf("%+v", s)
		}
		container := s.Template.Spec.Containers[0]
		if !slices.Equal(container.Command, []string{"bash", "-c"}) || len(container.Args) != 1 {
			t.Fatalf("%+v", container)
		}
		dir := place(t)
		for i := range s.Completions {
			if err := bash(dir, strings.ReplaceAll(container.Args[0], "/scratch", t.TempDir()), fmt.Sprint("JOB_COMPLETION_INDEX=", i)); err != nil {
				t.Fatal(err)
			}
		}
		merged(t, dir)
	})
}

// What CLUSTERS.md has for machines that join a run is run here, with two agents of
// this machine.
func TestMachinesJoin(t *testing.T) {
	b := ownServers(t)
	text, err := os.ReadFile("CLUSTERS.md")
	if err != nil {
		t.Fatal(err)
	}
	var commands []string
	var said []string
	for _, m := range fence.FindAllStringSubmatch(string(text), -1)[:2] {
		for line := range strings.Lines(m[2]) {
			line = strings.TrimSpace(line)
			if command, ok := strings.CutPrefix(line, "$ "); ok {
				commands = append(commands, command)
			} else if line != "..." {
				said = append(said, strings.TrimSpace(strings.SplitN(strings.SplitN(line, "gpu01", 2)[0], "perg1-", 2)[0]))
			}
		}
	}
	if len(commands) != 2 || !strings.HasPrefix(commands[1], "perg agent ") {
		t.Fatalf("commands %q", commands)
	}
	run := strings.NewReplacer("llama3.1:8b qwen3:32b", "steady swayed --await 2 --limit 6 --num-predict 20 --store "+filepath.Join(b.dir, "store.db"),
		"gemma2:27b", "judge", "--data perg.parquet ", "", ":7375", ":0").Replace(commands[0])
	bin := filepath.Dir(b.program())
	all := make(chan string, 3)
	start := func(command string) {
		c := exec.CommandContext(t.Context(), "bash", "-c", command)
		c.Dir = b.dir
		c.Env = append(os.Environ(), "PATH="+bin+":"+os.Getenv("PATH"))
		go func() {
			out, err := c.CombinedOutput()
			if err != nil {
				t.Errorf("%s: %v\n%s", command, err, out)
			}
			all <- string(out)
		}()
	}
	start(run)
	address, token := joining(t, filepath.Join(b.dir, "runs", "hosts"))
	// The name of this machine need not be one that is known.
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"gpu02", "gpu03"} {
		start(fmt.Sprintf("perg agent 127.0.0.1:%s --token %s --name %s --store %s", port, token, name, filepath.Join(b.dir, name, "agent.db")))
	}
	var out string
	for range 3 {
		out += <-all
	}
	for _, line := range said {
		if !strings.Contains(out, line) {
			t.Errorf("nobody says %q:\n%s", line, out)
		}
	}
	hosts := make(map[string]int)
	for _, g := range table[data.Generation](t, filepath.Join(b.dir, "runs", "hosts"), "generations") {
		if g.Status != data.StatusOK {
			t.Errorf("%+v", g)
		}
		hosts[g.Host]++
	}
	if hosts["gpu02"]+hosts["gpu03"] == 0 {
		t.Errorf("answers are of %v", hosts)
	}
}

// A machine without a model gets the run's from the one that has them, the same by
// their digests, and works on them.
func TestModelsComeToAMachine(t *testing.T) {
	b := ownServers(t)
	bin := filepath.Dir(b.program())
	empty := filepath.Join(b.dir, "gpu03", "models")
	var machines errgroup.Group
	said := make([]bytes.Buffer, 3)
	start := func(i int, models string, args ...string) {
		c := exec.CommandContext(t.Context(), filepath.Join(bin, "perg"), args...)
		c.Dir = b.dir
		c.Env = append(os.Environ(), "PATH="+bin+":"+os.Getenv("PATH"))
		if models != "" {
			c.Env = append(c.Env, "OLLAMA_MODELS="+models)
		}
		c.Stdout, c.Stderr = &said[i], &said[i]
		machines.Go(c.Run)
	}
	out := filepath.Join(b.dir, "runs", "copied")
	start(0, filepath.Join(b.dir, "none"), "run", "steady", "swayed", "--limit", "100", "--num-predict", "20", "--settings", "relevant", "--null", "0", "--pull",
		"--no-local", "--await", "2", "--listen", "127.0.0.1:0", "--store", filepath.Join(b.dir, "copied.db"), "--out", out)
	address, token := joining(t, out)
	for i, of := range []string{"", empty} {
		name := fmt.Sprint("gpu0", 2+i)
		start(1+i, of, "agent", address, "--token", token, "--name", name, "--store", filepath.Join(b.dir, name, "agent.db"))
	}
	if err := machines.Wait(); err != nil {
		t.Fatalf("%v\n%s\n%s\n%s", err, &said[0], &said[1], &said[2])
	}
	answers := make(map[string]int)
	for _, g := range table[data.Generation](t, out, "generations") {
		if g.Status != data.StatusOK {
			t.Errorf("%+v", g)
		}
		answers[g.Host]++
	}
	if answers["gpu02"] == 0 || answers["gpu03"] == 0 {
		t.Errorf("answers are of %v\n%s", answers, &said[0])
	}
	for _, model := range []string{"steady", "swayed"} {
		if text := "copying " + model + ":latest from gpu02 to gpu03"; !strings.Contains(said[0].String(), text) {
			t.Errorf("nobody says %q:\n%s", text, &said[0])
		}
	}
	manifest, err := rundir.ReadManifest(out)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range manifest.Models {
		if _, err := models.Folder(empty).Manifest(m.Name, m.Digest); err != nil {
			t.Error(err)
		}
	}
}
