//go:build cgo && linux

package main

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/testscript"

	"perg/gpu"
	"perg/gpu/nvmltest"
	"perg/models/ollamatest"
)

// Scripts run perg where NVML answers what their file nvml says.
func TestGPUScripts(t *testing.T) {
	dir := nvmltest.Build(t)
	server := ollamatest.NewScripted(t, "0.17.4", map[string]ollamatest.Model{"a:latest": {}, "b:latest": {}})
	testscript.Run(t, testscript.Params{
		Dir:           "testdata/script/gpu",
		UpdateScripts: os.Getenv("UPDATE_SCRIPTS") != "",
		Setup: func(env *testscript.Env) error {
			env.Setenv("HOME", env.WorkDir)
			env.Setenv("LD_LIBRARY_PATH", dir)
			env.Setenv("NVML_SCRIPT", env.WorkDir+"/nvml")
			env.Setenv("SERVER", server.URL)
			env.Setenv("GORACE", os.Getenv("GORACE"))
			return nil
		},
	})
}

func TestGPUScreen(t *testing.T) {
	at := time.Date(2026, 1, 2, 15, 4, 5, 0, time.UTC)
	round := []gpu.Sample{
		{
			At: at, Index: 0, Name: "NVIDIA H100 80GB HBM3", MemoryUsed: new(uint64(85520809984)), MemoryTotal: new(uint64(85520809984)),
			GPUUtilization: new(1.0), MemoryUtilization: new(0.41), PowerMW: new(uint32(1000400)), TemperatureC: new(uint32(101)), SMClockMHz: new(uint32(1980)),
		},
		{At: at, Index: 15, Name: "NVIDIA GeForce RTX 3070 Ti Laptop GPU", MemoryUsed: new(uint64(1023 << 20))},
	}
	const table = `GPU      USED     TOTAL   BUSY    MEM   POWER  TEMP     CLOCK  NAME
  0    80 GiB    80 GiB  100 %   41 %  1000 W  101 C  1980 MHz  H100 80GB HBM3
 15  1023 MiB         -      -      -       -     -         -  GeForce RTX 307…
`
	const frame = "15:04:05, until Ctrl-C\n" + table
	var b strings.Builder
	g := &glass{t: t, columns: 80, lines: []string{""}}
	s := &gpuScreen{w: &b, columns: func() int { return g.columns }}
	show := func() {
		t.Helper()
		b.Reset()
		if err := s.show(round); err != nil {
			t.Fatal(err)
		}
		g.write(strings.ReplaceAll(b.String(), "…", "."))
	}
	show()
	round[0].At = at.Add(time.Second)
	show()
	s.forget()
	round[0].At = at
	g.columns = 50
	show()
	narrow := ""
	for l := range strings.Lines(frame) {
		narrow += strings.TrimRight(fit(strings.TrimSuffix(l, "\n"), 49), " ") + "\n"
	}
	want := strings.ReplaceAll(strings.Replace(frame, "05, ", "06, ", 1)+narrow, "…", ".")
	if diff := cmp.Diff(want, strings.Join(g.lines, "\n")); diff != "" {
		t.Errorf("on a terminal (-want +got)\n%s", diff)
	}

	b.Reset()
	s = &gpuScreen{w: &b}
	for range 2 {
		if err := s.show(round[1:]); err != nil {
			t.Fatal(err)
		}
	}
	const line = "15:04:05   15  1023 MiB         -      -      -       -     -         -  GeForce RTX 3070 Ti Laptop GPU\n"
	if want := "TIME      GPU      USED     TOTAL   BUSY    MEM   POWER  TEMP     CLOCK  NAME\n" + line + line; b.String() != want {
		t.Errorf("in a pipe: (-want +got)\n%s", cmp.Diff(want, b.String()))
	}
}
