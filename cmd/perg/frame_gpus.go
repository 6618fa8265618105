package main

import (
	"fmt"
	"strings"

	"github.com/dustin/go-humanize"
)

// gpus are a line each.
func (p picture) gpus(heads bool, columns int) []line {
	var rows [][]cell
	for _, g := range p.whole.GPUs {
		memory, usage := -1.0, ""
		if g.MemoryUsed != nil && g.MemoryTotal != nil && *g.MemoryTotal > 0 {
			memory = float64(*g.MemoryUsed) / float64(*g.MemoryTotal)
			usage = gibibytes(*g.MemoryUsed, *g.MemoryTotal)
		}
		busy := -1.0
		if g.GPUUtilization != nil {
			busy = *g.GPUUtilization
		}
		power, drawn := -1.0, ""
		if g.PowerMW != nil {
			drawn = watts(g.PowerMW)
			if g.PowerLimit != nil && *g.PowerLimit > 0 {
				power = float64(*g.PowerMW) / float64(*g.PowerLimit)
				drawn = strings.TrimSuffix(drawn, " W") + "/" + watts(g.PowerLimit)
			}
		}
		rows = append(rows, []cell{
			words(fmt.Sprintf("gpu%d", g.Index)), bar(memory, green), words(usage), bar(busy, green), words(known(shareOf(g.GPUUtilization))),
			bar(power, green), words(drawn), words(known(celsius(g.TemperatureC))), styled(oneLine(strings.TrimPrefix(g.Name, "NVIDIA ")), faint),
		})
	}
	if len(rows) == 0 {
		return nil
	}
	return grid([]column{
		{head: "GPU"}, {head: "MEMORY", bar: true, leaves: 3}, {right: true}, {head: "BUSY", bar: true, leaves: 4}, {right: true},
		{head: "POWER", bar: true, leaves: 5}, {right: true, leaves: 1}, {right: true, head: "TEMP", leaves: 6}, {head: "NAME", least: 8, leaves: 7},
	}, rows, columns, heads && columns >= gpuHeadsFrom)
}

// known is a value of a GPU's, or nothing.
func known(s string) string { return strings.TrimSuffix(s, "-") }

// allGPUs are all GPUs in one line.
func (p picture) allGPUs(columns int) []line {
	all := p.whole.GPUs
	if len(all) == 0 {
		return nil
	}
	var used, total, power uint64
	var busy float64
	n := 0
	for _, g := range all {
		if g.MemoryUsed != nil && g.MemoryTotal != nil {
			used, total = used+*g.MemoryUsed, total+*g.MemoryTotal
		}
		if g.GPUUtilization != nil {
			busy += *g.GPUUtilization
			n++
		}
		if g.PowerMW != nil {
			power += uint64(*g.PowerMW)
		}
	}
	cells := []cell{words(fmt.Sprintf("%d %s", len(all), plural(len(all), "GPU"))), {}, {}, {}}
	if total > 0 {
		cells[1] = words(gibibytes(used, total))
	}
	if n > 0 {
		cells[2] = words(fmt.Sprintf("%.0f %% busy", busy/float64(n)*100))
	}
	if power > 0 {
		cells[3] = words(humanize.Comma(int64(power/1000)) + " W")
	}
	return grid([]column{{}, {leaves: 1}, {}, {leaves: 2}}, [][]cell{cells}, columns, false)
}

func gibibytes(used, total uint64) string {
	return fmt.Sprintf("%.0f/%.0f GiB", float64(used)/(1<<30), float64(total)/(1<<30))
}
