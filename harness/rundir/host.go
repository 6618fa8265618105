package rundir

import (
	"slices"
	"time"

	"perg/gpu"
)

// A Host is another machine that worked for a run, as it was when it joined.
type Host struct {
	Name      string        `json:"name"`
	Perg      string        `json:"perg"`
	Ollama    string        `json:"ollama"`
	Processor string        `json:"processor"`
	GPUs      gpu.Inventory `json:"gpus"`
	// ClockAhead is how far its clock was ahead of this machine's, as seen with one
	// message: the way of that is in it.
	ClockAhead Duration   `json:"clock_ahead"`
	Joined     time.Time  `json:"joined"`
	Left       *time.Time `json:"left"` // before the run ended; null: it did not
	Why        string     `json:"why,omitempty"`
}

// Hosted notes a machine that joined.
func (d *Dir) Hosted(h Host) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.Manifest.Hosts = append(d.Manifest.Hosts, h)
	d.write()
}

// HostLeft notes that a machine left.
func (d *Dir) HostLeft(name string, joined, at time.Time, why error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	i := slices.IndexFunc(d.Manifest.Hosts, func(h Host) bool { return h.Name == name && h.Joined.Equal(joined) })
	if i < 0 {
		return
	}
	d.Manifest.Hosts[i].Left, d.Manifest.Hosts[i].Why = &at, why.Error()
	d.write()
}
