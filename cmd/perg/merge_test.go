package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"perg/data"
	"perg/harness/rundir"
	"perg/models/ollamatest"
)

// What is merged of shards is what one machine would have made, in whatever order
// they are named, and where one of them was cut off and gone on with.
func TestMergedShardsAreTheWholeRun(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	task := []string{"swayed", "vague", "--judge", "judge", "--limit", "6", "--methods", "icl,pref-aligner", "--icl", b.shortExamples(), "--null", "1", "--rotate-options"}
	at := func(name string) string { return filepath.Join(b.dir, name) }
	asks := func(name string, more ...string) (int, string, string) {
		return b.run(slices.Concat(task, []string{"--out", at(name), "--store", at(name) + ".db"}, more)...)
	}
	if status, _, stderr := asks("whole"); status != exitDone {
		t.Fatal(status, stderr)
	}
	for _, way := range []struct {
		by string
		of int
	}{{"item", 3}, {"variant", 2}} {
		t.Run(fmt.Sprint(way.by, way.of), func(t *testing.T) {
			var dirs []string
			for i := range way.of {
				name := fmt.Sprintf("%s-%d-%d", way.by, i, way.of)
				dirs = append([]string{at(name)}, dirs...) // the last first
				args := []string{"--shard", fmt.Sprintf("%d/%d", i, way.of), "--shard-by", way.by}
				if i == 1 {
					cutOff(t, b, at(name), slices.Concat(task, args))
					merged := at("incomplete" + name)
					status, _, stderr := b.perg(t.Context(), append([]string{"merge", merged}, dirs...)...)
					if _, err := os.Stat(merged); status != exitRowsInError || err == nil || !strings.Contains(stderr, "perg run --out "+at(name)) {
						t.Errorf("a shard that is not finished: exit %d\n%s", status, stderr)
					}
					if status, _, stderr := b.perg(t.Context(), "run", "--out", at(name)); status != exitDone {
						t.Fatal(status, stderr)
					}
				} else if status, _, stderr := asks(name, args...); status != exitDone {
					t.Fatal(status, stderr)
				}
			}
			merged, store := at("merged-"+way.by+fmt.Sprint(way.of)), at(way.by+"-all.db")
			for range 2 { // the second takes the place of the first
				status, stdout, stderr := b.perg(t.Context(), append([]string{"merge", merged, "--store", store}, dirs...)...)
				if status != exitDone || stderr != "" {
					t.Fatalf("exit %d\n%s\n%s", status, stdout, stderr)
				}
				sameTables(t, at("whole"), merged)
			}
			m, err := rundir.ReadManifest(merged)
			whole, e := rundir.ReadManifest(at("whole"))
			if err != nil || e != nil {
				t.Fatal(err, e)
			}
			if diff := cmp.Diff(whole.Counts, m.Counts); diff != "" || len(m.Merged) != way.of || m.State != rundir.StateFinished {
				t.Errorf("%d shards, %s: %s", len(m.Merged), m.State, diff)
			}
			if changes := m.Differences(whole); len(changes) > 0 {
				t.Errorf("it is another run: %v", changes)
			}
			// It can be rated again, of the replies that were taken with it.
			if status, _, stderr := b.perg(t.Context(), "judge", merged, "--judge", "strict", "--host", b.host); status != exitDone {
				t.Errorf("rated again: exit %d\n%s", status, stderr)
			}
			if n := len(table[data.Generation](t, merged, "generations")); n != whole.Counts.Planned {
				t.Errorf("%d generations after that, of %d", n, whole.Counts.Planned)
			}
		})
	}
}

// cutOff begins a run that is interrupted after some calls.
func cutOff(t *testing.T, b bench, out string, args []string) {
	t.Helper()
	ctx, interrupt := context.WithCancel(t.Context())
	defer interrupt()
	var calls atomic.Int32
	b.host = ollamatest.Proxy(t, b.host, func(_ http.ResponseWriter, _ *http.Request, body []byte) bool {
		if !measures(body) && calls.Add(1) == 10 {
			interrupt()
		}
		return false
	})
	if status, stdout, stderr := b.perg(ctx, b.args(slices.Concat(args, []string{"--out", out, "--store", out + ".db"})...)...); status != exitInterrupted {
		t.Fatalf("exit %d\n%s\n%s", status, stdout, stderr)
	}
}

// sameTables is sameResults, with judgments in any order.
func sameTables(t *testing.T, a, b string) {
	t.Helper()
	sameResults(t, a, b, cmpopts.SortSlices(func(x, y data.Judgment) int {
		return strings.Compare(x.RequestHash+x.ItemID+x.Setting+x.Method+x.Variant, y.RequestHash+y.ItemID+y.Setting+y.Method+y.Variant)
	}))
}

// What is not of one run is not merged, and nothing is written.
func TestMergeTakesShardsOfOneRun(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	at := func(name string) string { return filepath.Join(b.dir, name) }
	for name, args := range map[string][]string{
		"0": {"--shard", "0/2"}, "1": {"--shard", "1/2"}, "again": {"--shard", "0/2"}, "of3": {"--shard", "1/3"}, "seed": {"--shard", "1/2", "--seed", "7"},
		"more": {"--shard", "1/2", "--limit", "9"}, "variants": {"--shard", "1/2", "--shard-by", "variant"}, "whole": nil,
	} {
		if status, _, stderr := b.run(slices.Concat([]string{"steady", "swayed", "--limit", "6", "--settings", "relevant", "--out", at(name)}, args)...); status != exitDone {
			t.Fatal(name, status, stderr)
		}
	}
	for _, c := range []struct {
		shards []string
		status int
		said   string
	}{
		{[]string{"0", "1"}, exitDone, ""},
		{[]string{"0"}, exitRowsInError, "1/2: no run of it is named"},
		{[]string{"1"}, exitRowsInError, "0/2: no run of it is named"},
		{[]string{"0", "1", "again"}, exitUsage, "are both shard 0/2"},
		{[]string{"0", "of3"}, exitUsage, "shard: of 2 by item there, of 3 by item here"},
		{[]string{"0", "seed"}, exitUsage, "seed: 42 there, 7 here"},
		{[]string{"0", "more"}, exitUsage, "items: 6 there, 9 here"},
		{[]string{"0", "variants"}, exitUsage, "by variant"},
		{[]string{"0", "whole"}, exitUsage, "is no shard"},
		{[]string{"0", "nothing"}, exitUsage, "is not a perg run"},
	} {
		out := at("out-" + strings.Join(c.shards, "-"))
		args := []string{"merge", out}
		for _, s := range c.shards {
			args = append(args, at(s))
		}
		status, _, stderr := b.perg(t.Context(), args...)
		if status != c.status || !strings.Contains(stderr, c.said) {
			t.Errorf("%v: exit %d\n%s", c.shards, status, stderr)
		}
		if _, err := os.Stat(out); (err == nil) != (c.status == exitDone) {
			t.Errorf("%v: is something written? %v", c.shards, err)
		}
	}
	// A run that was not merged is not written over.
	if status, _, stderr := b.perg(t.Context(), "merge", at("whole"), at("0"), at("1")); status != exitUsage || !strings.Contains(stderr, "not merged") {
		t.Errorf("over another run: exit %d\n%s", status, stderr)
	}
}
