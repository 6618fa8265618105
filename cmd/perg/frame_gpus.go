package main

import (
	"fmt"
	"strings"

	"github.com/dustin/go-humanize"
	"github.com/jedib0t/go-pretty/v6/text"
)

// gpus are a line each.
func (p picture) gpus(heads bool, columns int) []string {
	var rows [][]any
	for _, g := range p.whole.GPUs {
		row := []any{
			g.ID(), "", "", "", known(shareOf(g.GPUUtilization)), "", known(watts(g.PowerMW)),
			known(celsius(g.TemperatureC)), oneLine(strings.TrimPrefix(g.Name, "NVIDIA ")),
		}
		if g.MemoryUsed != nil && g.MemoryTotal != nil && *g.MemoryTotal > 0 {
			row[1] = share(float64(*g.MemoryUsed) / float64(*g.MemoryTotal))
			row[2] = gibibytes(*g.MemoryUsed, *g.MemoryTotal)
		}
		if g.GPUUtilization != nil {
			row[3] = share(*g.GPUUtilization)
		}
		if g.PowerMW != nil && g.PowerLimit != nil && *g.PowerLimit > 0 {
			row[5] = share(float64(*g.PowerMW) / float64(*g.PowerLimit))
			row[6] = strings.TrimSuffix(watts(g.PowerMW), " W") + "/" + watts(g.PowerLimit)
		}
		rows = append(rows, row)
	}
	if len(rows) == 0 {
		return nil
	}
	return grid([]column{
		{head: "GPU"}, {head: "MEMORY", style: text.FgGreen, leaves: 3}, {align: text.AlignRight},
		{head: "BUSY", style: text.FgGreen, leaves: 4}, {align: text.AlignRight},
		{head: "POWER", style: text.FgGreen, leaves: 5}, {align: text.AlignRight, leaves: 1},
		{head: "TEMP", align: text.AlignRight, leaves: 6}, {head: "NAME", style: text.Faint, least: 8, leaves: 7},
	}, rows, columns, heads && columns >= gpuHeadsFrom)
}

// known is a value of a GPU's, or nothing.
func known(s string) string { return strings.TrimSuffix(s, "-") }

// allGPUs are all GPUs in one line.
func (p picture) allGPUs(columns int) []string {
	all := p.whole.GPUs
	if len(all) == 0 {
		return nil
	}
	var used, total, power uint64
	var busy, n float64
	for _, g := range all {
		if g.MemoryUsed != nil && g.MemoryTotal != nil {
			used, total = used+*g.MemoryUsed, total+*g.MemoryTotal
		}
		if g.GPUUtilization != nil {
			busy, n = busy+*g.GPUUtilization, n+1
		}
		if g.PowerMW != nil {
			power += uint64(*g.PowerMW)
		}
	}
	row := []any{fmt.Sprintf("%d %s", len(all), plural(len(all), "GPU")), "", "", ""}
	if total > 0 {
		row[1] = gibibytes(used, total)
	}
	if n > 0 {
		row[2] = fmt.Sprintf("%.0f %% busy", busy/n*100)
	}
	if power > 0 {
		row[3] = humanize.Comma(int64(power/1000)) + " W"
	}
	return grid([]column{{}, {leaves: 1}, {}, {leaves: 2}}, [][]any{row}, columns, false)
}

func gibibytes(used, total uint64) string {
	return fmt.Sprintf("%.0f/%.0f GiB", float64(used)/(1<<30), float64(total)/(1<<30))
}
