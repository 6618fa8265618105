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
	// Machine is this one's name, where it matters which one it is; else "".
	Machine string
	// Awaits says that other machines may come; Elsewhere that this one has no
	// devices of the fleet's.
	Awaits, Elsewhere bool
	// Models that a machine lacks which comes are brought there: all with Pull, and
	// those that were made for the run where it has Levels.
	Pull   bool
	Levels []string
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
			return hint.Usage(err, "'perg gpu' lists them")
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

var (
	several = regexp.MustCompile(`^(\d+)x(.+)$`)
	sized   = regexp.MustCompile(`^(\d+(?:\.\d+)?)(GiB|GB)$`)
)

// Imagined says whether a text describes GPUs rather than naming one of this
// machine: by their number, their memory or their maker's name.
func Imagined(s string) bool {
	_, known := cardNamed(s)
	return known || several.MatchString(s) || sized.MatchString(s)
}

// usableShare of a GPU's memory is what the driver leaves to programs.
const usableShare = 0.97

// imagine makes devices of descriptions such as "2x24GiB" and "2x3090"; guessed
// says whether a speed had to be taken from a size.
func imagine(described []string) (devices []schedule.Device, guessed bool, err error) {
	const most = 1024
	for _, text := range described {
		n, kind := 1, text
		if m := several.FindStringSubmatch(text); m != nil {
			n, _ = strconv.Atoi(m[1])
			kind = m[2]
		}
		c, known := cardNamed(kind)
		if m := sized.FindStringSubmatch(kind); !known && m != nil {
			c.name = m[1] + " " + m[2] + " GPU"
			if c.memory, err = strconv.ParseFloat(m[1], 64); err != nil {
				return nil, false, hint.Usage(fmt.Errorf("gpus %q: %w", text, err), howToName)
			}
			c.bandwidth = 1000 * typicalSpeed(c.memory)
			guessed = true
		} else if !known {
			return nil, false, notAGPU(text, kind)
		}
		if n < 1 || n > most || c.memory <= 0 || c.memory > 1e6 {
			return nil, false, hint.Usage(fmt.Errorf("gpus %q: from 1 to %d GPUs of more than 0 GiB", text, most), howToName)
		}
		for range n {
			devices = append(devices, schedule.Device{
				ID: fmt.Sprintf("gpu%d", len(devices)), Name: c.name,
				Memory: uint64(c.memory * usableShare * (1 << 30)), Speed: c.bandwidth * 1e9 / sizing.ReferenceBandwidth,
			})
		}
	}
	return devices, guessed, nil
}

// howToName says how GPUs are named that are not here.
const howToName = "write 2x3090, 4090, a100-40g, or by memory 2x24GiB; several with commas"

// notAGPU is the error of a text that is neither a card's name nor a size.
func notAGPU(text, kind string) error {
	todo := howToName
	if near := hint.Near(plain(kind), CardNames()); len(near) > 0 {
		todo = fmt.Sprintf("Did you mean %s? %s", strings.Join(near, " or "), todo)
	}
	return hint.Usage(fmt.Errorf("gpus %q: not a number and size of GPUs, nor a GPU that perg knows", text), todo)
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

// ProcessorName is that of this machine's model of processor; that of its kind where
// the system does not tell.
func ProcessorName() string {
	text, _ := os.ReadFile("/proc/cpuinfo")
	for line := range strings.Lines(string(text)) {
		if key, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return runtime.GOARCH
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
