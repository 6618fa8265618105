package main

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dustin/go-humanize"

	"perg/data"
	"perg/gpu/nvmltest"
	"perg/harness/rundir"
	"perg/models"
	"perg/models/gguftest"
	"perg/models/ollamatest"
)

// ownEnvironment is that in which perg starts servers itself: an ollama on PATH, a
// folder of models with the actors, and nothing of the user's.
func ownEnvironment(t *testing.T) (b bench, env map[string]string) {
	t.Helper()
	if testing.Short() {
		t.Skip("waits for a run without -short, which leaves out what needs a real server")
	}
	b = bench{t, "", t.TempDir()}
	bin := filepath.Join(b.dir, "bin")
	if err := os.Mkdir(bin, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(ollamatest.Program(t), filepath.Join(bin, "ollama")); err != nil {
		t.Fatal(err)
	}
	return b, map[string]string{
		"OLLAMA_HOST": "", "OLLAMA_MODELS": ollamatest.SharedModels(t, actors), "HOME": b.dir, "PATH": bin + ":" + os.Getenv("PATH"),
	}
}

// ownServers makes that the environment of this process.
func ownServers(t *testing.T) bench {
	t.Helper()
	b, env := ownEnvironment(t)
	for name, value := range env {
		t.Setenv(name, value)
	}
	return b
}

// environ is the environment of a process of its own.
func environ(env map[string]string, more ...string) []string {
	all := os.Environ()
	for name, value := range env {
		all = append(all, name+"="+value)
	}
	return append(all, more...)
}

func (b bench) own(args ...string) []string {
	return append([]string{"run", "--store", filepath.Join(b.dir, "store.db"), "--out", filepath.Join(b.dir, "run"), "--num-predict", "20", "--null", "0"}, args...)
}

// One F16 model becomes three variants, as Ollama reports them; a second sweep
// makes nothing, and pruning removes what was made and no more.
func TestQuantizationSweep(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	args := []string{"swayed", "--judge", "judge", "--quantize", "f16,q8_0,q4_K_M", "--limit", "6", "--settings", "relevant"}
	status, _, stderr := b.run(args...)
	if status != exitDone || !strings.Contains(stderr, "making q8_0 of swayed:latest") || !strings.Contains(stderr, "making q4_K_M of swayed:latest") {
		t.Fatal(status, stderr)
	}
	client, err := models.NewClient(b.host)
	if err != nil {
		t.Fatal(err)
	}
	catalogue, err := client.Catalogue(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	m, err := rundir.ReadManifest(filepath.Join(b.dir, "run"))
	if err != nil {
		t.Fatal(err)
	}
	var levels []string
	sizes := make(map[string]int64)
	for _, v := range m.Models {
		reported, ok := models.Find(catalogue, v.Name)
		if !ok || reported.Digest != v.Digest || reported.Size != v.Size || reported.Quantization != v.Quantization {
			t.Errorf("%+v, Ollama reports %+v", v, reported)
		}
		levels = append(levels, v.Quantization)
		sizes[v.Quantization] = v.Size
	}
	if !slices.Equal(levels, []string{"F16", "Q8_0", "Q4_K_M"}) || sizes["F16"] <= sizes["Q8_0"] || sizes["Q8_0"] <= sizes["Q4_K_M"] {
		t.Errorf("levels %v, sizes %v", levels, sizes)
	}
	rows := make(map[string]int)
	for _, g := range table[data.Generation](t, filepath.Join(b.dir, "run"), "generations") {
		rows[g.Quantization]++
		if !strings.HasPrefix(g.Variant, "swayed:latest") || g.Status != data.StatusOK {
			t.Errorf("generation of %s is %s", g.Variant, g.Status)
		}
	}
	if rows["F16"] != 12 || rows["Q8_0"] != 12 || rows["Q4_K_M"] != 12 {
		t.Errorf("rows %v", rows)
	}
	// The chains say the same at every precision.
	want := ""
	for _, r := range table[data.Metric](t, filepath.Join(b.dir, "run"), "metrics") {
		if r.Source != "all" || r.Setting != "relevant" {
			continue
		}
		if want == "" {
			want = rates(r)
		}
		if rates(r) != want {
			t.Errorf("%s: %s, f16 has %s", r.Variant, rates(r), want)
		}
	}
	if status, _, stderr := b.run(m.Models[1].Name, "--quantize", "q4_K_M", "--out", filepath.Join(b.dir, "twice")); status != exitUsage ||
		!strings.Contains(stderr, "is Q8_0, and only an F16 model can be quantized") || !strings.Contains(stderr, "pull its -fp16 tag") {
		t.Errorf("a source that is not F16: exit status %d\n%s", status, stderr)
	}
	status, stdout, stderr := b.run(append(args, "--prune-quantized")...)
	if status != exitDone || strings.Contains(stderr, "making") || !strings.Contains(stdout, "no call was made") || strings.Count(stderr, "removed swayed:latest-") != 2 {
		t.Errorf("again: exit status %d\n%s\n%s", status, stdout, stderr)
	}
	after, err := client.Catalogue(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if slices.ContainsFunc(after, func(m models.Installed) bool { return models.Made(m.Name) }) || len(after) != len(catalogue)-2 {
		t.Errorf("left of %d models: %v", len(catalogue), after)
	}
	if status, _, stderr := b.run("swayed", "--limit", "3", "--settings", "none", "--seed", "5", "--out", filepath.Join(b.dir, "source")); status != exitDone {
		t.Errorf("the source after pruning: %d %s", status, stderr)
	}
}

func TestWhatCannotBeQuantized(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for _, c := range []struct{ args, want string }{
		{"steady --quantize q3_K_M", `quantization "q3_K_M": Ollama makes q8_0, q4_K_M, q4_K_S from an F16 model`},
		{"steady --prune-quantized", "--prune-quantized without --quantize"},
		{"steady --kv-cache q8_0", "--kv-cache does not work with --host"},
		{"steady --lanes 2", "--lanes does not work with --host"},
		{"steady --kv-cache q7", `KV-cache type "q7": f16, q8_0 or q4_0`},
	} {
		if status, _, stderr := b.run(strings.Fields(c.args)...); status != exitUsage || !strings.Contains(stderr, c.want) {
			t.Errorf("%s: exit status %d\n%s", c.args, status, stderr)
		}
	}
}

// Two servers that are there are two lanes, which share the work. One whose
// models only have the same names is no use, and that is said.
func TestSeveralHosts(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("waits for a run without -short, which leaves out what needs a real server")
	}
	kept := t.TempDir()
	first := ollamatest.Start(t, models.ServerConfig{Models: kept})
	ollamatest.Install(t, first.URL(), map[string]gguftest.Chain{"steady": actors["steady"], "swayed": actors["swayed"], "judge": actors["judge"]})
	second := ollamatest.Start(t, models.ServerConfig{Models: kept})
	third := ollamatest.Start(t, models.ServerConfig{})
	ollamatest.Install(t, third.URL(), map[string]gguftest.Chain{"steady": gguftest.Steady("D")})

	b := bench{t, first.URL(), t.TempDir()}
	status, stdout, stderr := b.run("steady", "swayed", "--judge", "judge", "--limit", "9", "--host", second.URL(), "--host", third.URL())
	if status != exitDone {
		t.Fatal(status, stdout, stderr)
	}
	for _, said := range []string{"has another steady", "does not have swayed", "does not have judge"} {
		if !strings.Contains(stderr, third.URL()+" "+said+":latest (") {
			t.Errorf("nobody says that the third server %s:\n%s", said, stderr)
		}
	}
	hosts := make(map[string]int)
	for _, g := range table[data.Generation](t, filepath.Join(b.dir, "run"), "generations") {
		hosts[g.Host]++
	}
	if hosts[first.URL()] == 0 || hosts[second.URL()] == 0 || hosts[first.URL()]+hosts[second.URL()] != 2*4*9 {
		t.Errorf("generations by host: %v", hosts)
	}
}

// perg starts two servers of its own, each with its KV-cache type, and stops
// them; the tables tell the types apart.
func TestLanesOfItsOwn(t *testing.T) {
	b := ownServers(t)
	status, stdout, stderr := b.perg(t.Context(), b.own("steady", "--judge", "judge", "--limit", "6", "--settings", "relevant", "--lanes", "2", "--kv-cache", "f16,q8_0")...)
	if status != exitDone {
		t.Fatal(status, stdout, stderr)
	}
	types := make(map[string]string)
	for _, g := range table[data.Generation](t, filepath.Join(b.dir, "run"), "generations") {
		types[g.Variant] = g.KVCacheType
	}
	if len(types) != 2 || types["steady:latest@kv-f16"] != "f16" || types["steady:latest@kv-q8_0"] != "q8_0" {
		t.Errorf("KV-cache types by variant: %v", types)
	}
	m, err := rundir.ReadManifest(filepath.Join(b.dir, "run"))
	if err != nil {
		t.Fatal(err)
	}
	_, report, _ := b.perg(t.Context(), "report", filepath.Join(b.dir, "run"), "--all")
	lanes := make(map[string]bool)
	for _, l := range m.Loads {
		lanes[l.Lane] = true
		// The report has the estimate beside what the server told.
		if shown := regexp.MustCompile(l.Variant + ` +\d+ +\d+ +[\d.]+ [KMG]iB +` + humanize.IBytes(uint64(l.Size)) + ` +[+-]\d+\.\d %`); !shown.MatchString(report) {
			t.Errorf("the report does not say what %s was planned to take:\n%s", l.Variant, report)
		}
		if l.Slots == nil || *l.Slots < 1 || l.Size == 0 {
			t.Errorf("load %+v", l)
		}
		if l.Estimate == nil || math.Abs(float64(*l.Estimate)/float64(l.Size)-1) > 0.25 { // small ones are estimated worse
			t.Errorf("%s was planned with %v bytes and takes %d", l.Variant, l.Estimate, l.Size)
		}
		log, err := os.ReadFile(filepath.Join(b.dir, "run", "ollama-"+l.Lane+".log"))
		if err != nil || len(log) == 0 {
			t.Errorf("the log of %s: %v", l.Lane, err)
		}
		if client, err := models.NewClient(l.Host); err != nil {
			t.Error(err)
		} else if _, err := client.Version(t.Context()); err == nil {
			t.Errorf("the server at %s still runs", l.Host)
		}
	}
	if !lanes["cpu0"] || !lanes["cpu1"] {
		t.Errorf("lanes %v", lanes)
	}
	logs := ""
	for _, name := range []string{"cpu0", "cpu1"} {
		log, err := os.ReadFile(filepath.Join(b.dir, "run", "ollama-"+name+".log"))
		if err != nil {
			t.Fatal(err)
		}
		logs += string(log)
	}
	for _, want := range []string{"OLLAMA_KV_CACHE_TYPE:q8_0", "OLLAMA_KV_CACHE_TYPE:f16", "OLLAMA_NUM_PARALLEL:4", "OLLAMA_NOPRUNE:true"} {
		if !strings.Contains(logs, want) {
			t.Errorf("no server was started with %s", want)
		}
	}
}

// twoScriptedGPUs is what a C library in the place of NVML answers: it is
// loaded as the driver's would be.
func twoScriptedGPUs() string {
	var b strings.Builder
	b.WriteString("- SystemGetDriverVersion = 550.54.15\n- DeviceGetCount = 2\n")
	for i := range 2 {
		for _, line := range []string{
			fmt.Sprintf("GetUUID = GPU-0000000%d-0000-0000-0000-000000000000", i), "GetName = NVIDIA RTX",
			"GetMemoryInfo_v2 = 25769803776 0 24000000000 1769803776", "GetMaxClockInfo = 10501", "GetMemoryBusWidth = 384",
			"GetUtilizationRates = 50 25", "GetPowerUsage = 200000", "GetTemperature = 60", "GetClockInfo = 2500",
		} {
			fmt.Fprintf(&b, "%d Device%s\n", i, line)
		}
	}
	return b.String()
}

// With two GPUs, as NVML tells of them, there is a server on each; the GPUs are
// sampled, and each cell has its energy. The server itself has no GPU here, so
// what it loads is on the CPU, which --allow-cpu accepts.
func TestLanesOnScriptedGPUs(t *testing.T) {
	t.Parallel() // for a minute it waits to try again what did not fit
	b, own := ownEnvironment(t)
	env := environ(own, nvmltest.NewScript(t, twoScriptedGPUs()).Env(nvmltest.Build(t))...)
	program := b.program()
	perg := func(args ...string) (status int, stdout, stderr string) {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), program, args...)
		cmd.Env = env
		var out, errs bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &errs
		cmd.Run()
		return cmd.ProcessState.ExitCode(), out.String(), errs.String()
	}
	status, stdout, stderr := perg(b.own("steady", "swayed", "--judge", "judge", "--limit", "30", "--allow-cpu", "--gpu-interval", "10ms")...)
	if status != exitDone {
		t.Fatal(status, stdout, stderr)
	}
	uuids := []string{"GPU-00000000-0000-0000-0000-000000000000", "GPU-00000001-0000-0000-0000-000000000000"}
	used := make(map[string]bool)
	for _, g := range table[data.Generation](t, filepath.Join(b.dir, "run"), "generations") {
		if len(g.GPUUUIDs) != 1 || !slices.Contains(uuids, g.GPUUUIDs[0]) {
			t.Fatalf("GPUs %v", g.GPUUUIDs)
		}
		used[g.GPUUUIDs[0]] = true
	}
	if len(used) != 2 {
		t.Errorf("one GPU did all: %v", used)
	}
	for _, n := range []string{"gpu0", "gpu1"} {
		log, err := os.ReadFile(filepath.Join(b.dir, "run", "ollama-"+n+".log"))
		if err != nil || !strings.Contains(string(log), "CUDA_VISIBLE_DEVICES:"+uuids[int(n[3]-'0')]) {
			t.Errorf("the server of %s did not get its GPU: %v", n, err)
		}
	}
	sampled := make(map[string]int)
	for _, s := range table[data.GPUSample](t, filepath.Join(b.dir, "run"), "gpu_samples") {
		sampled[s.GPUUUID]++
		if s.MemoryTotal == nil || *s.MemoryTotal != 25769803776 || s.GPUUtilization == nil || *s.GPUUtilization != 0.5 || s.PowerMW == nil || *s.PowerMW != 200000 || s.EnergyMJ != nil {
			t.Fatalf("sample %+v", s)
		}
	}
	if sampled[uuids[0]] < 10 || sampled[uuids[1]] < 10 {
		t.Errorf("samples: %v", sampled)
	}
	for _, m := range table[data.Metric](t, filepath.Join(b.dir, "run"), "metrics") {
		known := m.EnergyJoules != nil && m.TokensPerJoule != nil && m.GPUUtilization != nil && *m.GPUUtilization == 0.5
		if m.Source == "all" != known || m.IdleWatts != nil { // a GPU that works all the time is never at rest
			t.Errorf("%s %s %s: energy %v, utilization %v", m.Variant, m.Setting, m.Source, m.EnergyJoules, m.GPUUtilization)
		}
	}

	status, _, stderr = perg(b.own("steady", "--limit", "3", "--settings", "none", "--out", filepath.Join(b.dir, "spilled"), "--store", filepath.Join(b.dir, "new.db"))...)
	if status != exitRowsInError || !strings.Contains(stderr, "steady:latest does not fit in GPU memory") || !strings.Contains(stderr, "slots instead of") {
		t.Errorf("without --allow-cpu: exit status %d\n%s", status, stderr)
	}
	for _, g := range table[data.Generation](t, filepath.Join(b.dir, "spilled"), "generations") {
		if g.Status != data.StatusError || !strings.Contains(g.Error, "--allow-cpu") {
			t.Errorf("generation is %s: %s", g.Status, g.Error)
		}
	}
	status, _, stderr = perg(b.own("steady", "--gpus", "GPU-77", "--out", filepath.Join(b.dir, "none"))...)
	if status != exitUsage || !strings.Contains(stderr, `there is no GPU "GPU-77"; there are 0 (`+uuids[0]) {
		t.Errorf("a GPU that is not there: exit status %d\n%s", status, stderr)
	}

	status, stdout, _ = perg("gpu")
	for _, want := range []string{"driver 550.54.15", "0    NVIDIA RTX  22 GiB  24 GiB  1008 GB/s", "1  " + uuids[1]} {
		if status != exitDone || !strings.Contains(stdout, want) {
			t.Errorf("perg gpu: exit status %d, no %q in\n%s", status, want, stdout)
		}
	}
	watching := exec.Command(program, "gpu", "--watch", "--interval", "20ms")
	watching.Env = env
	var seen lockedBuffer
	watching.Stdout = &seen
	if err := watching.Start(); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(20 * time.Second); strings.Count(seen.String(), "200 W") < 4 && time.Now().Before(deadline); {
		time.Sleep(20 * time.Millisecond)
	}
	watching.Process.Signal(os.Interrupt)
	if err := watching.Wait(); err != nil || strings.Count(seen.String(), "200 W") < 4 {
		t.Errorf("perg gpu --watch: %v\n%s", err, seen.String())
	}
}

// What is installed, and where it fits on GPUs that are only described.
func TestModelsAndWhereTheyFit(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	status, stdout, stderr := b.perg(t.Context(), "models", "--host", b.host, "--gpus", "2x24GiB")
	if status != exitDone || !strings.Contains(stdout, "IN MEMORY is an estimate for 2,048 tokens x 4 slots on one GPU.") ||
		!strings.Contains(stdout, "steady:latest\n   gpu0 (23 GiB free): fits, with 16 slots of 2048 tokens") {
		t.Errorf("exit status %d\n%s\n%s", status, stdout, stderr)
	}
	status, stdout, _ = b.perg(t.Context(), "models", "--host", b.host, "--gpus", "1x0.1GiB", "--json")
	if status != exitDone || !strings.Contains(stdout, "short by") || !strings.Contains(stdout, `"context_length": 131072`) {
		t.Errorf("as JSON, on a GPU that is too small: exit status %d\n%s", status, stdout)
	}
	if status, _, stderr := b.perg(t.Context(), "models", "--slots", "0"); status != exitUsage || !strings.Contains(stderr, "slots 0: at least 1") {
		t.Errorf("exit status %d\n%s", status, stderr)
	}
}
