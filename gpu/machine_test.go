//go:build cgo && linux

package gpu

import (
	"context"
	"encoding/csv"
	"math"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"perg/gpu/cudatest"
)

// onMachine skips a test that needs an NVIDIA GPU, unless `make test-gpu` says
// that there is one.
func onMachine(t *testing.T) *NVML {
	t.Helper()
	if os.Getenv("PERG_TEST_GPU") == "" {
		t.Skip("waits for an NVIDIA GPU: make test-gpu")
	}
	n, err := Open()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := n.Close(); err != nil {
			t.Error(err)
		}
	})
	return n
}

// The inventory is what nvidia-smi shows.
func TestMachineInventory(t *testing.T) {
	n := onMachine(t)
	inventory, err := n.Inventory()
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), "nvidia-smi", "--format=csv,noheader,nounits",
		"--query-gpu=index,uuid,name,memory.total,driver_version,compute_cap,enforced.power.limit,clocks.max.memory,pcie.link.gen.max,pcie.link.width.max").Output()
	if err != nil {
		t.Fatalf("nvidia-smi: %v", err)
	}
	rows := csv.NewReader(strings.NewReader(string(out)))
	rows.TrimLeadingSpace = true
	all, err := rows.ReadAll()
	if err != nil || len(all) != len(inventory.GPUs) {
		t.Fatalf("nvidia-smi lists %d GPUs, NVML %d; error %v", len(all), len(inventory.GPUs), err)
	}
	for i, row := range all {
		g := inventory.GPUs[i]
		if row[0] != strconv.Itoa(g.Index) || row[1] != g.UUID || row[2] != g.Name || row[4] != inventory.Driver || row[5] != g.ComputeCapability {
			t.Errorf("nvidia-smi: %q\nNVML: %+v, driver %s", row, g, inventory.Driver)
		}
		number := func(column int, got *uint32, scale float64) {
			want, err := strconv.ParseFloat(row[column], 64)
			if err != nil && got == nil {
				return // neither knows
			}
			if err != nil || got == nil || math.Abs(float64(*got)/scale-want) > 1 {
				t.Errorf("GPU %d, column %d: nvidia-smi says %q, NVML %v", i, column, row[column], got)
			}
		}
		total, err := strconv.ParseUint(row[3], 10, 64)
		if err != nil || g.MemoryTotal == nil || *g.MemoryTotal>>20 != total {
			t.Errorf("GPU %d: nvidia-smi says %q MiB, NVML %v bytes", i, row[3], g.MemoryTotal)
		}
		number(6, g.PowerLimit, 1000)
		number(7, g.MemoryClock, 1)
		if g.PCIe != nil {
			number(8, g.PCIe.Generation, 1)
			number(9, g.PCIe.Lanes, 1)
		}
	}
}

// shown is what nvidia-smi says of a value of one GPU.
func shown(t *testing.T, uuid, value string) float64 {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "nvidia-smi", "--id="+uuid, "--format=csv,noheader,nounits", "--query-gpu="+value).Output()
	if err != nil {
		t.Fatalf("nvidia-smi: %v", err)
	}
	x, err := strconv.ParseFloat(strings.TrimSpace(string(out)), 64)
	if err != nil {
		t.Skipf("nvidia-smi says of %s: %q", value, out)
	}
	return x
}

// A known allocation is seen to within 5 MiB: CUDA takes whole pages of 2 MiB.
// What is in use is what nvidia-smi shows.
func TestMachineMemory(t *testing.T) {
	n := onMachine(t)
	inventory, err := n.Inventory()
	if err != nil {
		t.Fatal(err)
	}
	uuid := inventory.GPUs[0].UUID
	t.Setenv("CUDA_VISIBLE_DEVICES", uuid) // CUDA orders devices by its own lights
	if err := cudatest.Open(); err != nil {
		t.Fatal(err)
	}
	used := func() uint64 {
		t.Helper()
		all, err := MemoryInUse(t.Context(), []string{uuid})
		if err != nil {
			t.Fatal(err)
		}
		return all[uuid].Used
	}
	const taken = 1 << 30
	before := used()
	free, err := cudatest.Allocate(taken)
	if err != nil {
		t.Fatal(err)
	}
	with := used()
	if smi := shown(t, uuid, "memory.used"); math.Abs(float64(with)/(1<<20)-smi) > 5 {
		t.Errorf("%d bytes are in use, nvidia-smi says %v MiB", with, smi)
	}
	if err := free(); err != nil {
		t.Fatal(err)
	}
	off := int64(with-before) - taken
	t.Logf("1 GiB taken, NVML sees %d bytes more: %d off", with-before, off)
	if off < -5<<20 || off > 5<<20 {
		t.Errorf("%d bytes off, at most 5 MiB", off)
	}
}

// The energy counter agrees with the integral of power, and sampling five times
// a second costs less than a hundredth of a core.
func TestMachineSampler(t *testing.T) {
	onMachine(t)
	type point struct {
		at     time.Time
		watts  float64
		energy uint64
	}
	points := make(map[string][]point)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	watched := powerShown(ctx, t)
	began, cpu := time.Now(), processTime(t)
	s := Sampler{Owns: func(int) bool { return false }, Warn: func(text string) { t.Log(text) }}
	s.Run(ctx, func(round []Sample) {
		for _, g := range round {
			if g.PowerMW != nil && g.EnergyMJ != nil {
				points[g.UUID] = append(points[g.UUID], point{g.At, float64(*g.PowerMW) / 1000, *g.EnergyMJ})
			}
		}
	})
	share := (processTime(t) - cpu).Seconds() / time.Since(began).Seconds()
	t.Logf("sampling took %.3f %% of a core", share*100)
	if share > 0.01 {
		t.Errorf("sampling took %.2f %% of a core, at most 1", share*100)
	}
	if len(points) == 0 {
		t.Skip("no GPU here tells both power and energy")
	}
	for uuid, all := range points {
		if len(all) < 50 {
			t.Errorf("%s: %d samples in 20 s", uuid, len(all))
			continue
		}
		integral := 0.0
		for i := 1; i < len(all); i++ {
			integral += (all[i-1].watts + all[i].watts) / 2 * all[i].at.Sub(all[i-1].at).Seconds()
		}
		counter := float64(all[len(all)-1].energy-all[0].energy) / 1000
		t.Logf("%s: %.1f J by the counter, %.1f J by power", uuid, counter, integral)
		if math.Abs(integral/counter-1) > 0.10 {
			t.Errorf("%s: %.1f J by the counter, %.1f J by power: more than 10 %% apart", uuid, counter, integral)
		}
		if watts := watched()[uuid]; watts > 0 {
			joules := watts * all[len(all)-1].at.Sub(all[0].at).Seconds()
			t.Logf("%s: %.1f J by nvidia-smi", uuid, joules)
			if math.Abs(joules/counter-1) > 0.10 {
				t.Errorf("%s: %.1f J by the counter, %.1f J by nvidia-smi: more than 10 %% apart", uuid, counter, joules)
			}
		}
	}
}

// powerShown has nvidia-smi watch ten times a second until ctx is done, and then
// gives the mean power of each GPU in watts, by UUID.
func powerShown(ctx context.Context, t *testing.T) func() map[string]float64 {
	t.Helper()
	smi := exec.CommandContext(ctx, "nvidia-smi", "--query-gpu=uuid,power.draw.instant", "--format=csv,noheader,nounits", "-lms", "100")
	var lines strings.Builder
	smi.Stdout = &lines
	if err := smi.Start(); err != nil {
		t.Fatalf("nvidia-smi: %v", err)
	}
	ended := sync.OnceFunc(func() { smi.Wait() }) // which ctx ends
	return func() map[string]float64 {
		ended()
		sum, n := make(map[string]float64), make(map[string]float64)
		for line := range strings.Lines(lines.String()) {
			uuid, watts, _ := strings.Cut(strings.TrimSpace(line), ", ")
			if w, err := strconv.ParseFloat(watts, 64); err == nil {
				sum[uuid], n[uuid] = sum[uuid]+w, n[uuid]+1
			}
		}
		for uuid := range sum {
			sum[uuid] /= n[uuid]
		}
		return sum
	}
}

func processTime(t *testing.T) time.Duration {
	t.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
