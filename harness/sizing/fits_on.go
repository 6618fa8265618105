package sizing

import (
	"fmt"
	"slices"
	"strings"

	"github.com/dustin/go-humanize"

	"perg/harness/schedule"
)

// FitsOn says in words how many slots a model gets on each kind of device, or
// how many devices it needs.
func (m Model) FitsOn(devices []schedule.Device) []string {
	var lines []string
	fitsOne := false
	seen := make(map[uint64]bool)
	p := Placing{Model: m}
	for _, d := range devices {
		if seen[d.Memory] {
			continue
		}
		seen[d.Memory] = true
		if d.Memory == 0 {
			lines = append(lines, d.ID+" (memory unknown): not known whether it fits")
			continue
		}
		f := p.Fit([]schedule.Device{d})
		if f.Short > 0 {
			lines = append(lines, fmt.Sprintf("%s (%s free): short by %s", d.ID, humanize.IBytes(d.Memory), humanize.IBytes(f.Short)))
			continue
		}
		fitsOne = true
		lines = append(lines, fmt.Sprintf("%s (%s free): fits, with %d slots of %d tokens", d.ID, humanize.IBytes(d.Memory), f.Slots, m.NumCtx))
	}
	devices = slices.DeleteFunc(slices.Clone(devices), func(d schedule.Device) bool { return d.Memory == 0 || d.Alone })
	if fitsOne || len(devices) < 2 {
		return lines
	}
	for n := 2; n <= len(devices); n++ {
		f := p.Fit(devices[:n])
		if f.Short == 0 {
			return append(lines, fmt.Sprintf("%s together: fits, with %d slots", strings.Join(f.Devices, "+"), f.Slots))
		}
	}
	f := Placing{Model: m, Remedies: true}.Fit(devices)
	line := fmt.Sprintf("all %d together: short by %s", len(devices), humanize.IBytes(f.Short))
	if len(f.Remedies) > 0 {
		line += "; would fit: " + strings.Join(f.Remedies, ", ")
	}
	return append(lines, line)
}
