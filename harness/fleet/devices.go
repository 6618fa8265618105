package fleet

import (
	"fmt"
	"os"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"time"

	"perg/harness/hint"
	"perg/harness/schedule"
	"perg/harness/sizing"
)

// Options say which devices and servers to use.
type Options struct {
	Hosts    []string      // addresses of servers to use as they are; see the function Hosts
	Headers  []string      // NAME=VARIABLE, sent to servers; see models.Header
	Own      bool          // start servers even where one is running
	GPUs     []string      // UUIDs or indexes of those to start servers on; none: all
	Most     int           // devices to start servers on; 0: all
	Patience time.Duration // how long a server that is away is waited for; 0: that of its client
	Logs     string        // directory of the logs of servers that are started
	Say      func(string)  // what the user may want to know
	Warn     func(string)  // caveats; may be called from many goroutines
}

// processor names the device that is this machine's CPU.
const processor = "cpu"

// survey makes devices of the GPUs, or of the processor where there are none.
func (f *Fleet) survey() error {
	choice := f.choice()
	chosen := choice.GPUs
	for _, note := range choice.Notes {
		f.options.Say(note)
	}
	if len(f.options.GPUs) > 0 {
		var err error
		if chosen, err = choice.Select(f.options.GPUs); err != nil {
			return &hint.Error{Err: err, Hint: "'perg gpu' lists them", Usage: true}
		}
	}
	for _, g := range chosen {
		if f.options.Most > 0 && len(f.Devices) == f.options.Most {
			break
		}
		id := g.ID()
		f.byID[id] = g
		// CUDA shows a program one instance of a split GPU, whatever it is given.
		d := schedule.Device{ID: id, Name: g.Name, Speed: 1, Alone: g.Instance != nil}
		switch {
		case g.MemoryFree != nil:
			d.Memory = *g.MemoryFree
		case g.SharesMemory():
			d.Memory = availableMemory()
			f.options.Say(fmt.Sprintf("%s (%s): NVML does not tell its memory, so it works in the system's; what is available of that counts, as Ollama takes it", id, g.Name))
		default:
			f.options.Say(fmt.Sprintf("%s (%s): its memory cannot be read, so whether a model fits is not known", id, g.Name))
		}
		if b := g.PeakBandwidth(); b != nil {
			d.Speed = float64(*b) / sizing.ReferenceBandwidth
		}
		f.Devices = append(f.Devices, d)
	}
	if len(f.Devices) > 0 {
		return nil
	}
	n := max(f.options.Most, 1)
	speed := min(sizing.ProcessorSpeed, sizing.CoreSpeed*float64(runtime.NumCPU()))
	for i := range n {
		id := processor
		if n > 1 {
			id = fmt.Sprintf("%s%d", processor, i)
		}
		f.Devices = append(f.Devices, schedule.Device{
			ID: id, Name: runtime.GOARCH, Memory: availableMemory() / uint64(n), Speed: speed / float64(n), Processor: true,
		})
	}
	return nil
}

var imaginedGPU = regexp.MustCompile(`^(?:(\d+)x)?(\d+(?:\.\d+)?)(GiB|GB)$`)

// Imagined says whether a text describes GPUs rather than naming one.
func Imagined(s string) bool { return imaginedGPU.MatchString(s) }

// usableShare of a GPU's memory is what the driver leaves to programs.
const usableShare = 0.97

// imagine makes devices of descriptions such as "2x24GiB".
func imagine(described []string) ([]schedule.Device, error) {
	const most = 1024
	var devices []schedule.Device
	for _, text := range described {
		m := imaginedGPU.FindStringSubmatch(text)
		if m == nil {
			return nil, fmt.Errorf("gpus %q: not a number and size of GPUs", text)
		}
		n := 1
		if m[1] != "" {
			n, _ = strconv.Atoi(m[1])
		}
		size, err := strconv.ParseFloat(m[2], 64)
		if err != nil || n < 1 || n > most || size <= 0 || size > 1e6 {
			return nil, fmt.Errorf("gpus %q: from 1 to %d GPUs of more than 0 GiB", text, most)
		}
		for range n {
			devices = append(devices, schedule.Device{
				ID: fmt.Sprintf("gpu%d", len(devices)), Name: m[2] + " " + m[3] + " GPU",
				Memory: uint64(size * usableShare * (1 << 30)), Speed: typicalSpeed(size),
			})
		}
	}
	return devices, nil
}

// typicalSpeed is the memory bandwidth, in TB/s, of the cards that people have
// with so many GiB: RTX 4070, RTX 4090, RTX 6000, H100, H200.
func typicalSpeed(size float64) float64 {
	for _, card := range []struct{ upTo, bandwidth float64 }{{16, 0.5}, {32, 1}, {64, 0.9}, {100, 3.35}} {
		if size < card.upTo {
			return card.bandwidth
		}
	}
	return 4.8
}

// availableMemory is what this machine could give a model that runs on the
// processor, in bytes (MemAvailable of Linux); 0 where that is not known.
func availableMemory() uint64 {
	text, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		rest, ok := strings.CutPrefix(line, "MemAvailable:")
		if !ok {
			continue
		}
		kib, err := strconv.ParseUint(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(rest), "kB")), 10, 64)
		if err != nil {
			return 0
		}
		return kib << 10
	}
	return 0
}
