package main

import (
	"bytes"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"perg/data"
	"perg/gpu/nvmltest"
	"perg/harness/rundir"
)

// The GPUs of a machine that joins are the run's: its lanes are on them, and what
// they do is sampled there and in the run's table, attributed as that of this
// machine's would be. The controller has none.
func TestGPUsOfAMachineThatJoins(t *testing.T) {
	t.Parallel()
	b, own := ownEnvironment(t)
	program := b.program()
	start := func(env []string, args ...string) (*exec.Cmd, *bytes.Buffer) {
		t.Helper()
		c := exec.CommandContext(t.Context(), program, args...)
		c.Env = env
		out := new(bytes.Buffer)
		c.Stdout, c.Stderr = out, out
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		return c, out
	}
	run := filepath.Join(b.dir, "run")
	controller, said := start(environ(own), b.own("steady", "swayed", "--judge", "judge", "--limit", "40", "--allow-cpu", "--gpu-interval", "10ms", "--listen", "127.0.0.1:0", "--no-local")...)
	address, token := joining(t, run)
	env := environ(own, nvmltest.NewScript(t, twoScriptedGPUs()).Env(nvmltest.Build(t))...)
	agent, heard := start(env, "agent", address, "--token", token, "--name", "gpu02", "--store", filepath.Join(b.dir, "agent.db"))
	for _, c := range []*exec.Cmd{controller, agent} {
		if err := c.Wait(); err != nil {
			t.Fatalf("%v\n%s\n%s", err, said, heard)
		}
	}
	uuids := map[string]int{"GPU-00000000-0000-0000-0000-000000000000": 0, "GPU-00000001-0000-0000-0000-000000000000": 0}
	for _, g := range table[data.Generation](t, run, "generations") {
		if len(g.GPUUUIDs) != 1 || g.Host != "gpu02" {
			t.Fatalf("GPUs %v of %s", g.GPUUUIDs, g.Host)
		}
		uuids[g.GPUUUIDs[0]]++
	}
	if len(uuids) != 2 {
		t.Errorf("GPUs %v", uuids)
	}
	variants, sampled := make(map[string]int), make(map[string]int)
	for _, s := range table[data.GPUSample](t, run, "gpu_samples") {
		if s.Host != "gpu02" || s.MemoryTotal == nil || *s.MemoryTotal != 25769803776 {
			t.Fatalf("sample %+v", s)
		}
		if s.Variant != "" && !strings.HasPrefix(s.Lane, "gpu02/gpu") {
			t.Fatalf("lane %q", s.Lane)
		}
		sampled[s.GPUUUID]++
		variants[s.Variant]++
	}
	for uuid := range uuids {
		if sampled[uuid] < 10 {
			t.Errorf("samples: %v", sampled)
		}
	}
	if variants["steady:latest"]+variants["swayed:latest"] == 0 {
		t.Errorf("samples are of %v", variants)
	}
	m, err := rundir.ReadManifest(run)
	if err != nil || len(m.Hosts) != 1 || len(m.Hosts[0].GPUs.GPUs) != 2 || m.Energy != nil {
		t.Errorf("hosts %+v, energy %v, error %v", m.Hosts, m.Energy, err)
	}
	left, err := filepath.Glob(filepath.Join(b.dir, "agent", "*", "gpu_samples", "*.parquet"))
	if err != nil || len(left) > 1 {
		t.Errorf("the agent keeps %v", left)
	}
}
