package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
)

// benchmarks are those with a limit of their own: placement against its lower
// bound, memory estimates against a real server, tables and what reads them.
const benchmarks = "Placement|Footprint|Parquet|Metrics|Report|Explore|Export|Import"

// grid is a test in virtual time, whose figures have the form of a benchmark's.
const grid = "^TestClimbAgainstTheGrid$"

// gobench makes rows of the project's Go benchmarks: of each metric that comes
// with another of the same unit and "-limit" behind it. A rate, in something a
// second, has to reach its limit; anything else must not exceed it.
func gobench(ctx context.Context, b *bench) ([]row, error) {
	c := exec.CommandContext(ctx, "go", "test", "-v", "-run", grid, "-bench", benchmarks, "-benchtime", "1x", "-timeout", "30m", "-p", "1",
		"./data", "./models", "./harness/...", "./cmd/perg")
	var out bytes.Buffer
	c.Stdout, c.Stderr = io.MultiWriter(&out, os.Stderr), os.Stderr
	c.Env = append(os.Environ(), "PERG_OLLAMA="+b.ollama)
	if err := c.Run(); err != nil {
		return nil, fmt.Errorf("go test -bench: %w", err)
	}
	var rows []row
	pkg := ""
	for line := range strings.Lines(out.String()) {
		if name, ok := strings.CutPrefix(line, "pkg: perg/"); ok {
			pkg = strings.TrimSpace(name)
		}
		rows = append(rows, benchRows(pkg, line)...)
	}
	if len(rows) == 0 {
		return nil, fmt.Errorf("no Go benchmark has a limit:\n%s", out.String())
	}
	return rows, nil
}

// processors are the end of a benchmark's name.
var processors = regexp.MustCompile(`-\d+$`)

// benchRows reads a line of go test's output; none where it is no result.
func benchRows(pkg, line string) (rows []row) {
	fields := strings.Fields(line)
	if len(fields) < 2 || !strings.HasPrefix(fields[0], "Benchmark") {
		return nil
	}
	figures := make(map[string]float64)
	var units []string
	for i := 2; i+1 < len(fields); i += 2 {
		v, err := strconv.ParseFloat(fields[i], 64)
		if err != nil {
			return nil
		}
		figures[fields[i+1]] = v
		units = append(units, fields[i+1])
	}
	name := processors.ReplaceAllString(strings.TrimPrefix(fields[0], "Benchmark"), "")
	for _, unit := range units {
		limit, ok := figures[unit+"-limit"]
		if !ok {
			continue
		}
		got, rate := figures[unit], strings.HasSuffix(unit, "/s")
		mark := "at most"
		if rate {
			mark = "at least"
		}
		rows = append(rows, row{
			what: name + ", " + unit, limit: fmt.Sprintf("%g", limit), mark: fmt.Sprintf("%s %g", mark, limit), got: fmt.Sprintf("%.3g", got),
			ratio: fmt.Sprintf("%.2f", got/limit), met: rate && got >= limit || !rate && got <= limit,
			how: fmt.Sprintf("`go test -bench %s ./%s`", strings.SplitN(name, "/", 2)[0], pkg),
		}.progress())
	}
	return rows
}
