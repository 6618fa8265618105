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
	firstPageLimit = 500 * time.Millisecond
	filterLimit    = 200 * time.Millisecond
	searchLimit    = time.Second
	memoryLimit    = 300 << 20 // bytes
)

// BenchmarkExplore has perg view serve a run of a million generations, as a
// program of its own, and times pages from the outside: the first time, while the
// index of texts is made, and when it is there.
func BenchmarkExplore(b *testing.B) {
	dir := b.TempDir()
	shape := exploretest.Million()
	exploretest.Write(b, dir, shape)
	b.Chdir(dir)
	writeRun(b, ".", rundir.Manifest{State: rundir.StateFinished, Judges: []rundir.ModelInfo{{Name: "judge"}}})
	limited := func(what string, got, limit time.Duration) {
		b.ReportMetric(got.Seconds(), "s-"+what)
		if got > limit {
			b.Errorf("%s took %v, more than %v", what, got, limit)
		}
	}
	for b.Loop() {
		v := startView(b, ".")
		timed := func(query string) (page string, took time.Duration) {
			started := time.Now()
			page = v.get(query)
			return page, time.Since(started)
		}
		// whole is how long a list takes that asks for itself again, longest each.
		whole := func(query string) (page string, all, longest time.Duration) {
			for {
				page, took := timed(query)
				all, longest = all+took, max(longest, took)
				if !strings.Contains(page, `http-equiv="refresh"`) {
					return page, all, longest
				}
			}
		}
		_, first := timed("/")
		page, list, _ := whole("/")
		if !strings.Contains(page, "of 1,009,120 answers") {
			b.Fatalf("no list: %.500s", page)
		}
		limited("first-page", first, firstPageLimit)
		b.ReportMetric((first + list).Seconds(), "s-list")

		// A text is found before there is an index; then it is there.
		_, unindexed, longest := whole("/?q=" + exploretest.RareWord)
		b.ReportMetric(unindexed.Seconds(), "s-search-unindexed")
		limited("search-unindexed-wait", longest, 2*time.Second)
		making := time.Now()
		for {
			if _, err := os.Stat(searchFile); err == nil {
				break
			}
			time.Sleep(100 * time.Millisecond)
		}
		b.ReportMetric(time.Since(making).Seconds(), "s-index")
		info, err := os.Stat(searchFile)
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(info.Size())/(1<<20), "MiB-index")
		building := residentPeak(b, v.cmd.Process.Pid)
		b.ReportMetric(float64(building)/(1<<20), "MiB-building")
		if status := v.interrupt(); status != exitDone {
			b.Errorf("exit status %d", status)
		}

		v = startView(b, ".")
		_, again, _ := whole("/")
		b.ReportMetric(again.Seconds(), "s-list-again")
		var filter, sorted time.Duration
		for _, query := range []string{
			"outcome=broken", "outcome=broken&setting=mixed&type=clarity", "variant=model-07%3A8b&followed=no", "category=category+3&source=mmlu", "page=20183", "outcome=kept&page=5000",
			"beside=variant%3Amodel-01%3A8b&variant=model-00%3A8b&right=here",
		} {
			page, took := timed("/?" + query)
			filter = max(filter, took)
			if !strings.Contains(page, " answers") || strings.Contains(page, "No answers match") {
				b.Errorf("%s lists nothing", query)
			}
		}
		limited("filter", filter, filterLimit)
		for _, by := range []string{"-score", "question", "variant"} {
			_, took := timed("/?sort=" + by)
			sorted = max(sorted, took)
		}
		b.ReportMetric(sorted.Seconds(), "s-sort")
		// A word in one response of a thousand, one of none, one in nearly all, words
		// that follow each other, and beginnings of words: a page of answers each, and
		// how long it takes until all are counted.
		var search, counted time.Duration
		for _, query := range []string{exploretest.RareWord, "nosuchword", "answer", `"the answer is"`, "answer brid*", "a*", "t* a*", `o* "answer is"`, "a* nosuchword"} {
			page, all, longest := whole("/?q=" + url.QueryEscape(query))
			search, counted = max(search, longest), max(counted, all)
			if !strings.Contains(page, " answers</p>") && !strings.Contains(page, "No answers match.") || strings.Contains(page, "or more") {
				b.Errorf("%s is not counted", query)
			}
		}
		limited("search", search, searchLimit)
		b.ReportMetric(counted.Seconds(), "s-search-counted")
		answer := url.Values{"item": {"item-7000"}, "of": {"model-34:8b"}, "by": {"zero-shot"}, "under": {"mixed"}, "outcome": {"broken"}}
		page, screen := timed("/answer?" + answer.Encode())
		if !strings.Contains(page, "The same question elsewhere") {
			b.Errorf("no answer: %.500s", page)
		}
		limited("answer", screen, filterLimit)
		b.ReportMetric(float64(shape.Generations()), "generations")
		memory := residentPeak(b, v.cmd.Process.Pid)
		b.ReportMetric(float64(memory)/(1<<20), "MiB")
		if most := max(memory, building); most > memoryLimit {
			b.Errorf("%d MiB resident, more than %d", most>>20, memoryLimit>>20)
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
