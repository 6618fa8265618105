package main

import (
	"fmt"
	"net/url"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"perg/harness/explore/exploretest"
	"perg/harness/rundir"
)

// What a million generations may take, of time and of resident memory.
const (
	firstPageLimit = time.Second
	filterLimit    = 2 * time.Second
	memoryLimit    = 500 << 20 // bytes
)

// BenchmarkExplore has perg view serve a run of a million generations, as a
// program of its own, and times pages from the outside.
func BenchmarkExplore(b *testing.B) {
	dir := b.TempDir()
	shape := exploretest.Million()
	exploretest.Write(b, dir, shape)
	b.Chdir(dir)
	writeRun(b, ".", rundir.Manifest{State: rundir.StateFinished, Judges: []rundir.ModelInfo{{Name: "judge"}}})
	for b.Loop() {
		started := time.Now()
		lap := func() time.Duration {
			took := time.Since(started)
			started = time.Now()
			return took
		}
		v := startView(b, ".")
		page := v.get("/")
		first := lap()
		for strings.Contains(page, "Reading the run") {
			page = v.get("/")
		}
		list := first + lap()
		if !strings.Contains(page, "of 1,009,120 answers") {
			b.Fatalf("no list: %.500s", page)
		}

		var filter time.Duration
		for _, query := range []string{"outcome=broken", "outcome=broken&setting=mixed&type=clarity", "variant=model-07%3A8b&followed=no", "category=category+3&source=mmlu", "page=20183", "outcome=kept&page=5000"} {
			lap()
			page = v.get("/?" + query)
			filter = max(filter, lap())
			if !strings.Contains(page, " answers") || strings.Contains(page, "No answers match") {
				b.Errorf("%s lists nothing", query)
			}
		}

		// A word in one response of a thousand; a word of none, to the end.
		search := func(query string) (whole, longest time.Duration) {
			for {
				lap()
				page := v.get("/?q=" + url.QueryEscape(query))
				took := lap()
				whole, longest = whole+took, max(longest, took)
				if !strings.Contains(page, `http-equiv="refresh"`) {
					return whole, longest
				}
			}
		}
		rare, _ := search(exploretest.RareWord)
		none, longest := search("no such words")

		lap()
		answer := url.Values{"item": {"item-7000"}, "of": {"model-34:8b"}, "by": {"zero-shot"}, "under": {"mixed"}, "outcome": {"broken"}}
		if page := v.get("/answer?" + answer.Encode()); !strings.Contains(page, "The same question elsewhere") {
			b.Errorf("no answer: %.500s", page)
		}
		screen := lap()

		memory := residentPeak(b, v.cmd.Process.Pid)
		b.ReportMetric(float64(shape.Generations()), "generations")
		b.ReportMetric(first.Seconds(), "s-first-page")
		b.ReportMetric(firstPageLimit.Seconds(), "s-first-page-limit")
		b.ReportMetric(list.Seconds(), "s-list")
		b.ReportMetric(filter.Seconds(), "s-filter")
		b.ReportMetric(filterLimit.Seconds(), "s-filter-limit")
		b.ReportMetric(rare.Seconds(), "s-search-page")
		b.ReportMetric(none.Seconds(), "s-search-all")
		b.ReportMetric(longest.Seconds(), "s-search-wait")
		b.ReportMetric(screen.Seconds(), "s-answer")
		b.ReportMetric(float64(memory)/(1<<20), "MiB")
		b.ReportMetric(memoryLimit>>20, "MiB-limit")
		for what, got := range map[string][2]time.Duration{
			"the first page": {first, firstPageLimit}, "a filter": {filter, filterLimit}, "a page of a search": {longest, filterLimit}, "an answer": {screen, filterLimit},
		} {
			if got[0] > got[1] {
				b.Errorf("%s took %v, more than %v", what, got[0], got[1])
			}
		}
		if memory > memoryLimit {
			b.Errorf("%d MiB resident, more than %d", memory>>20, memoryLimit>>20)
		}
		if status := v.interrupt(); status != exitDone {
			b.Errorf("exit status %d", status)
		}
	}
}

// residentPeak is the most memory in bytes that a process had resident.
func residentPeak(b *testing.B, pid int) int {
	b.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		b.Skip(err)
	}
	for line := range strings.Lines(string(status)) {
		if text, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			n, err := strconv.Atoi(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(text), "kB")))
			if err != nil {
				b.Fatal(err)
			}
			return n << 10
		}
	}
	b.Fatal("no VmHWM")
	return 0
}
