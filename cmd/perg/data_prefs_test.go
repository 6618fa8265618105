package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"perg/data"
	"perg/models/gguftest"
	"perg/models/ollamatest"
)

// The suggesters of these tests. longPrompt splits the questions below in two.
const longPrompt = 150

var (
	brief  = gguftest.Suggestion{Preference: "I like short answers.", Reason: "A short answer can leave out a condition.", Type: "clarity"}
	vivid  = gguftest.Suggestion{Preference: "I like to see an idea at work in real life.", Reason: "A scene can stand for more than is true.", Type: "examples"}
	lively = map[string]gguftest.Chain{"suggester": gguftest.Suggests(brief, vivid, longPrompt)}
)

// publicFiles are eight questions of TruthfulQA and four of CommonsenseQA;
// every other one is long.
func publicFiles(t *testing.T, dir string) (truthful, commonsense string) {
	t.Helper()
	var tqa []map[string]any
	var cqa bytes.Buffer
	for i := range 12 {
		q := fmt.Sprintf("Is it %d?", i)
		if i%2 == 1 {
			q += strings.Repeat(" Think of all that could speak against it.", 4)
		}
		if i < 8 {
			tqa = append(tqa, map[string]any{"question": q, "mc1_targets": map[string]int{"Yes.": 1, "No.": 0}})
		} else {
			fmt.Fprintf(&cqa, `{"id":"c%d","question":%q,"choices":{"label":["A","B"],"text":["yes","no"]},"answerKey":"B"}`+"\n", i, q)
		}
	}
	text, err := json.Marshal(tqa)
	if err != nil {
		t.Fatal(err)
	}
	truthful, commonsense = filepath.Join(dir, "mc_task.json"), filepath.Join(dir, "dev.jsonl")
	for name, content := range map[string][]byte{truthful: text, commonsense: cqa.Bytes()} {
		if err := os.WriteFile(name, content, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return truthful, commonsense
}

// typing runs perg with lines on its standard input.
func (b bench) typing(lines string, args ...string) (status int, stdout, stderr string) {
	b.t.Helper()
	name := filepath.Join(b.t.TempDir(), "lines")
	if err := os.WriteFile(name, []byte(lines), 0o644); err != nil {
		b.t.Fatal(err)
	}
	f, err := os.Open(name)
	if err != nil {
		b.t.Fatal(err)
	}
	defer f.Close()
	defer func(old *os.File) { os.Stdin = old }(os.Stdin)
	os.Stdin = f
	return b.perg(b.t.Context(), args...)
}

func (b bench) candidates() []data.Candidate {
	b.t.Helper()
	list, _, err := readCandidates(filepath.Join(b.dir, "candidates.yaml"))
	if err != nil {
		b.t.Fatal(err)
	}
	return list
}

func (b bench) generate(ctx context.Context, args ...string) (status int, stdout, stderr string) {
	b.t.Helper()
	return b.perg(ctx, append([]string{"data", "prefs", "generate", "--model", "suggester", "--host", b.host,
		"--store", filepath.Join(b.dir, "store.db"), "--data", filepath.Join(b.dir, "perg.parquet"), "-o", filepath.Join(b.dir, "candidates.yaml")}, args...)...)
}

// prefsBench is a bench with a dataset made of the public files.
func prefsBench(t *testing.T) (b bench, build []string) {
	b = newBench(t)
	ollamatest.Install(t, b.host, lively)
	truthful, commonsense := publicFiles(t, b.dir)
	build = []string{"data", "build", "--truthfulqa", truthful, "--commonsenseqa", commonsense, "-o", filepath.Join(b.dir, "perg.parquet")}
	if status, _, stderr := b.perg(t.Context(), build...); status != exitDone {
		t.Fatal(stderr)
	}
	return b, build
}

func contains(t *testing.T, text string, parts ...string) {
	t.Helper()
	for _, p := range parts {
		if !strings.Contains(text, p) {
			t.Errorf("no %q in\n%s", p, text)
		}
	}
}

// From the public files to a dataset with preferences of one's own: generate,
// generate more, review, build.
func TestPreferencesOfOnesOwn(t *testing.T) {
	b, build := prefsBench(t)
	status, stdout, stderr := b.generate(t.Context(), "--limit", "6")
	if status != exitDone {
		t.Fatal(status, stdout, stderr)
	}
	contains(t, stdout, "6 items of ", ": 6 suggestions read\n", "6 calls made, 0 replies already in the store", "of them undecided", "perg data prefs review ")
	first := b.candidates()

	// A person decides by hand on one; the rest of the items come later.
	first[0].Decision = data.Drop
	if err := data.WriteFile(filepath.Join(b.dir, "candidates.yaml"), data.FormatCandidates(first)); err != nil {
		t.Fatal(err)
	}
	status, stdout, stderr = b.generate(t.Context())
	if status != exitDone {
		t.Fatal(status, stdout, stderr)
	}
	contains(t, stdout, ": 12 suggestions read\n", "6 calls made, 6 replies already in the store", "4 candidates, 3 of them undecided")
	got := map[string]int{}
	for _, c := range b.candidates() {
		got[c.Source+": "+c.Text+" "+string(c.Type)+", "+string(c.Decision)] += c.Times
		if c.Model != "suggester:latest" || c.ItemID == "" || c.Question == "" || len(c.Options) != 2 || c.Reason == "" {
			t.Errorf("a candidate lacks what is known: %+v", c)
		}
	}
	want := map[string]int{
		"truthfulqa: I like short answers. clarity, drop":                       4,
		"truthfulqa: I like to see an idea at work in real life. examples, ":    4,
		"commonsenseqa: I like short answers. clarity, ":                        2,
		"commonsenseqa: I like to see an idea at work in real life. examples, ": 2,
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}

	// Once more: nothing is asked and nothing changes. With --json it is told
	// to programs.
	before := b.candidates()
	status, stdout, stderr = b.generate(t.Context(), "--json")
	if status != exitDone {
		t.Fatal(status, stdout, stderr)
	}
	if d := cmp.Diff(before, b.candidates()); d != "" {
		t.Errorf("a pass that is known changes the file: %s", d)
	}
	lines := strings.Split(strings.TrimSpace(stdout), "\n")
	var result struct {
		Event                                       string
		Read, Calls, Known, New, Undecided, Missing int
		Sources                                     []sourceCount
	}
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &result); err != nil {
		t.Fatal(err, stdout)
	}
	if result.Event != "result" || result.Read != 12 || result.Calls != 0 || result.Known != 12 || result.New != 0 || result.Undecided != 3 ||
		len(result.Sources) != 2 || result.Sources[0] != (sourceCount{"truthfulqa", 8, 8, 2, 0}) {
		t.Errorf("result %+v", result)
	}

	// The person keeps one of each source, one of them edited.
	own := filepath.Join(b.dir, "preferences.yaml")
	review := []string{"data", "prefs", "review", filepath.Join(b.dir, "candidates.yaml"), "-o", own}
	status, stdout, stderr = b.typing("k\ne\nI like very short answers.\nk\nd\n", review...)
	if status != exitDone || stderr != "" {
		t.Fatal(status, stdout, stderr)
	}
	contains(t, stdout, "4 of 4 candidates decided", "1  commonsenseqa", "1  truthfulqa", "perg data build --preferences ")

	status, stdout, stderr = b.perg(t.Context(), append(build, "--preferences", own)...)
	if status != exitDone {
		t.Fatal(status, stdout, stderr)
	}
	d, err := data.Load(filepath.Join(b.dir, "perg.parquet"))
	if err != nil {
		t.Fatal(err)
	}
	for _, it := range d.Items {
		wanted := data.Preference{Text: vivid.Preference, Type: data.Examples}
		if it.Source == "commonsenseqa" {
			wanted = data.Preference{Text: "I like very short answers.", Type: data.Clarity}
		}
		if (data.Preference{Text: it.Preference, Type: it.PreferenceType}) != wanted {
			t.Errorf("item %s has %q (%s), want %+v", it.ID, it.Preference, it.PreferenceType, wanted)
		}
	}
}

// A pass that is interrupted keeps every reply and every candidate that there
// is; the same command makes the missing calls alone.
func TestGenerateInterrupted(t *testing.T) {
	b, _ := prefsBench(t)
	ctx, interrupt := context.WithCancel(t.Context())
	var calls atomic.Int32
	b.host = ollamatest.Proxy(t, b.host, func(_ http.ResponseWriter, _ *http.Request, body []byte) bool {
		if bytes.Contains(body, []byte(`"messages":[{`)) && !measures(body) && calls.Add(1) == 4 {
			interrupt()
		}
		return false
	})
	status, stdout, stderr := b.generate(ctx, "--parallel", "2")
	if status != exitInterrupted {
		t.Fatal(status, stdout, stderr)
	}
	made := int(calls.Load())
	contains(t, stdout, fmt.Sprintf(": %d suggestions read, %d not asked yet", made, 12-made), "for the missing ones give the same command again")
	contains(t, stderr, "error: interrupted")
	if n := len(b.candidates()); made >= 12 || n == 0 {
		t.Fatalf("%d calls and %d candidates after the interruption", made, n)
	}
	status, stdout, stderr = b.generate(t.Context())
	if status != exitDone {
		t.Fatal(status, stdout, stderr)
	}
	contains(t, stdout, fmt.Sprintf("%d calls made, %d replies already in the store", 12-made, made), ": 12 suggestions read\n")
	if n := int(calls.Load()); n != 12 {
		t.Errorf("%d calls for 12 items", n)
	}
}

// Calls that fail are counted by reason and tried again the next time.
func TestGenerateFailedCalls(t *testing.T) {
	b, _ := prefsBench(t)
	host := b.host
	b.host = ollamatest.Proxy(t, host, func(w http.ResponseWriter, _ *http.Request, body []byte) bool {
		if !bytes.Contains(body, []byte("Is it 3?")) || measures(body) {
			return false
		}
		w.WriteHeader(http.StatusInternalServerError)
		io.WriteString(w, `{"error":"out of luck"}`)
		return true
	})
	status, stdout, stderr := b.generate(t.Context())
	if status != exitRowsInError {
		t.Fatal(status, stdout, stderr)
	}
	contains(t, stdout, ": 11 suggestions read, 1 calls failed", "1 x server error", "to try the failed ones again give the same command")
	b.host = host
	status, stdout, stderr = b.generate(t.Context())
	if status != exitDone {
		t.Fatal(status, stdout, stderr)
	}
	contains(t, stdout, ": 12 suggestions read\n", "1 calls made, 11 replies already in the store")
}

// A model that does not answer as it should gives no candidate, and every
// reply of it is counted.
func TestGenerateUnreadable(t *testing.T) {
	b, _ := prefsBench(t)
	status, stdout, stderr := b.generate(t.Context(), "--model", "rambling", "--limit", "3")
	if status != exitFailed {
		t.Fatal(status, stdout, stderr)
	}
	contains(t, stdout, ": 0 suggestions read, 3 replies that hold none", "3 x cut off after 300 tokens", "candidates.yaml was not written: there are no candidates")
	contains(t, stderr, "error: no reply of rambling:latest held a suggestion", "hint: another model")
	if _, err := os.Stat(filepath.Join(b.dir, "candidates.yaml")); !os.IsNotExist(err) {
		t.Errorf("a file of candidates: %v", err)
	}

	// A model that can think is asked not to: with a schema it would answer twice.
	var thinks atomic.Int32
	host := b.host
	b.host = ollamatest.Proxy(t, host, func(_ http.ResponseWriter, _ *http.Request, body []byte) bool {
		if bytes.Contains(body, []byte(`"messages":[{`)) && !bytes.Contains(body, []byte(`"think":false`)) {
			thinks.Add(1)
		}
		return false
	})
	if status, stdout, stderr = b.generate(t.Context(), "--model", "thinker", "--limit", "2"); status != exitDone || thinks.Load() > 0 {
		t.Error(status, stdout, stderr, thinks.Load())
	}
	b.host = host
	status, stdout, stderr = b.generate(t.Context(), "--model", "nobody")
	if status != exitUsage {
		t.Fatal(status, stdout, stderr)
	}
	contains(t, stderr, "has no model nobody", "suggester:latest")
}

// Every decision is in the file before the next candidate is asked about, and
// what somebody else writes meanwhile is not lost.
func TestReviewSavesAtOnce(t *testing.T) {
	name := filepath.Join(t.TempDir(), "candidates.yaml")
	list := []data.Candidate{
		{Source: "a", Text: "I like it short.", Type: data.Clarity},
		{Source: "a", Text: "I like it long.", Type: data.Context},
		{Source: "a", Text: "I like it wild.", Type: data.Creative},
	}
	text := data.FormatCandidates(list)
	if err := data.WriteFile(name, text); err != nil {
		t.Fatal(err)
	}
	lines := make(chan string)
	r := &reviewer{name: name, list: list, onDisk: text, out: io.Discard, columns: 80, lines: lines}
	ended := make(chan error, 1)
	go func() { ended <- r.review() }()
	read := func() []data.Candidate {
		t.Helper()
		list, _, err := readCandidates(name)
		if err != nil {
			t.Fatal(err)
		}
		return list
	}
	lines <- "k"
	lines <- "e" // is taken once the first decision is saved
	if got := read(); got[0].Decision != data.Keep {
		t.Errorf("after k: %+v", got[0])
	}
	lines <- "I like it very long."
	lines <- "d"
	lines <- "?"
	if got := read(); got[1].Text != "I like it very long." || got[1].Original != "I like it long." || got[1].Decision != data.Drop {
		t.Errorf("after e and d: %+v", got[1])
	}
	changed := append(read(), data.Candidate{Source: "b", Text: "I like it new.", Type: data.Clarity})
	if err := data.WriteFile(name, data.FormatCandidates(changed)); err != nil {
		t.Fatal(err)
	}
	lines <- "k"
	err := <-ended
	if err == nil || !strings.Contains(err.Error(), "the last decision is not saved: "+name+" was changed meanwhile") {
		t.Errorf("a file that was changed meanwhile: %v", err)
	}
	if d := cmp.Diff(changed, read()); d != "" {
		t.Errorf("what was written meanwhile is lost: %s", d)
	}
}

// An interrupt ends a review that waits for input.
func TestReviewInterrupted(t *testing.T) {
	done := make(chan struct{})
	r := &reviewer{list: []data.Candidate{{Source: "a", Text: "x", Type: data.Clarity}}, out: io.Discard, columns: 80, lines: make(chan string), done: done}
	ended := make(chan error, 1)
	go func() { ended <- r.review() }()
	close(done)
	if err := <-ended; err != nil || r.list[0].Decision != data.Undecided {
		t.Error(err, r.list)
	}
}
