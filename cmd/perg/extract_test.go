package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"perg/data"
)

// mistral has the published responses of Mistral-7B to TruthfulQA, with the
// letters that the paper's extractor gave them.
func mistral(tb testing.TB) string {
	path := filepath.Join("..", "..", "..", "shared", "responses", "mistral-7b-truthfulqa.csv")
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		tb.Skip("needs shared/responses/mistral-7b-truthfulqa.csv beside the project")
	}
	return path
}

func TestExtractOnPublishedResponses(t *testing.T) {
	path := mistral(t)
	var out, errs bytes.Buffer
	status := run(t.Context(), []string{"perg", "extract", path, "--response", "profile_0_res", "--options", "options", "--label", "profile_0_answer", "--json"}, &out, &errs)
	if status != exitDone {
		t.Fatalf("status %d: %s", status, errs.String())
	}
	type share struct {
		N, Of int
		Rate  float64
		Low   float64 `json:"rate_low"`
		High  float64 `json:"rate_high"`
	}
	var got struct {
		Rows, Abstained int
		Answered        share
		Rules           []struct{ Answered, Labelled, Agreed int }
		Labels          struct {
			Naming    int `json:"naming_an_option"`
			NoOption  int `json:"naming_no_option"`
			Empty     int
			Answered  share
			Agreed    share
			Differing int
		}
	}
	if err := json.Unmarshal(out.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	if got.Rows != 817 || got.Answered.N+got.Abstained != 817 || got.Labels.Naming+got.Labels.NoOption+got.Labels.Empty != 817 {
		t.Errorf("the parts of 817 rows do not add up: %+v", got)
	}
	if got.Labels.Naming != 813 {
		t.Errorf("%d labels name an option, want 813", got.Labels.Naming)
	}
	var answered, labelled, agreed int
	for _, r := range got.Rules {
		answered, labelled, agreed = answered+r.Answered, labelled+r.Labelled, agreed+r.Agreed
	}
	if answered != got.Answered.N || labelled != got.Labels.Answered.N || agreed != got.Labels.Agreed.N || agreed+got.Labels.Differing != labelled {
		t.Errorf("the rules add up to %d, %d, %d: %+v", answered, labelled, agreed, got)
	}
	for _, s := range []share{got.Answered, got.Labels.Answered, got.Labels.Agreed} {
		if !(s.Low <= s.Rate && s.Rate <= s.High && s.High-s.Low < 0.04) {
			t.Errorf("%+v is no rate with its interval", s)
		}
	}
	// What the package promises of all six columns.
	if got.Labels.Answered.Rate < 0.95 || got.Labels.Agreed.Rate < 0.985 {
		t.Errorf("answered %.3f, agreed %.3f, want at least 0.95 and 0.985", got.Labels.Answered.Rate, got.Labels.Agreed.Rate)
	}
}

func TestExtractStopsWhenInterrupted(t *testing.T) {
	path := filepath.Join(t.TempDir(), "r.csv")
	if err := os.WriteFile(path, []byte("r,o\nA.,\"['a', 'b']\"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var out, errs bytes.Buffer
	if status := run(ctx, []string{"perg", "extract", path, "--response", "r", "--options", "o"}, &out, &errs); status != exitInterrupted || out.Len() > 0 {
		t.Errorf("status %d, stdout %q, stderr %q", status, out.String(), errs.String())
	}
}

func TestExtractListsTwentyRowsInErrorAndCountsTheRest(t *testing.T) {
	text := "r,o\n" + strings.Repeat("A.,[\n", 25) + "\"A\" or B,[\nA.,[\n" // the last is not read
	_, err := scoreText(t, text)
	if err == nil {
		t.Fatal("no error")
	}
	lines := strings.Split(err.Error(), "\n")
	if len(lines) != 22 || !strings.HasPrefix(lines[0], "r.csv:2: o: ") || !strings.HasPrefix(lines[19], "r.csv:21: ") {
		t.Errorf("%d lines: %s", len(lines), err)
	}
	if !strings.Contains(lines[20], "r.csv:27: this is no CSV") || lines[21] != "and 5 more; put these right first" {
		t.Errorf("the end is %q", lines[20:])
	}
}

func TestExtractRefusesRowsItWouldMisread(t *testing.T) {
	var many []string
	for i := range 27 {
		many = append(many, fmt.Sprintf("'%d'", i))
	}
	for _, tt := range []struct{ row, want string }{
		{"caf\xe9,\"['a', 'b']\"", "r.csv:2: the row is not UTF-8 text"},
		{"A.,\"['a', 'b']\",x", "r.csv:2: the record has 3 fields, the header 2"},
		{"A.,\"[" + strings.Join(many, ", ") + "]\"", "r.csv:2: o: a list of 27; an item has 2 to 26 options"},
		{"A.,['a']", "a list of 1"},
		{"A.,", "o: list at offset 0"},
	} {
		if _, err := scoreText(t, "r,o\n"+tt.row+"\n"); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%q: %v, want %q", tt.row, err, tt.want)
		}
	}
}

func TestExtractExitsWithTwoOnWrongInput(t *testing.T) {
	path := filepath.Join(t.TempDir(), "r.csv")
	if err := os.WriteFile(path, []byte("r,o\nA.,\"['a', 'b']\"\nA.,a\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, column := range []string{"r", "typo"} {
		var out, errs bytes.Buffer
		status := run(t.Context(), []string{"perg", "extract", path, "--response", column, "--options", "o"}, &out, &errs)
		if status != exitUsage || out.Len() > 0 {
			t.Errorf("--response %s: status %d, stdout %q, stderr %q", column, status, out.String(), errs.String())
		}
	}
}

// A file larger than memory can be scored: what is held does not grow with it. What
// other tests left behind may grow meanwhile, and does not each time.
func TestExtractHoldsNoRows(t *testing.T) {
	const rows, most, tries = 20_000, 4 << 20, 3
	row := []byte("The answer is B.,\"['a', 'b']\",A," + strings.Repeat("x", 3000) + "\n")
	var grown int64
	for range tries {
		file := &endless{row: row, left: rows}
		r, err := data.NewResponses("r.csv", io.MultiReader(strings.NewReader("r,o,l,rest\n"), file), "r", "o", "l")
		if err != nil {
			t.Fatal(err)
		}
		before := kept()
		s, err := score(t.Context(), r, 5, nil)
		if err != nil {
			t.Fatal(err)
		}
		if s.Rows != rows || s.All().Labelled != rows || len(s.differences) != 5 {
			t.Errorf("%d rows, %+v, %d differences", s.Rows, s.All(), len(s.differences))
		}
		if grown = int64(file.peak) - int64(before); grown <= most {
			return
		}
	}
	t.Errorf("the heap grew by %d MiB over a file of %d MiB", grown>>20, rows*len(row)>>20)
}

// endless gives a row again and again, and notes the most that was held meanwhile.
type endless struct {
	row  []byte
	rest []byte
	left int
	peak uint64
}

func (e *endless) Read(p []byte) (int, error) {
	if len(e.rest) == 0 {
		if e.left == 0 {
			return 0, io.EOF
		}
		if e.left%500 == 0 {
			e.peak = max(e.peak, kept())
		}
		e.rest = e.row
		e.left--
	}
	n := copy(p, e.rest)
	e.rest = e.rest[n:]
	return n, nil
}

// kept is what the heap holds without its garbage, of which there is more the
// more the tests before this one left behind.
func kept() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

func scoreText(t *testing.T, text string) (scoring, error) {
	t.Helper()
	rows, err := data.NewResponses("r.csv", strings.NewReader(text), "r", "o", "")
	if err != nil {
		t.Fatal(err)
	}
	return score(t.Context(), rows, 0, nil)
}

func FuzzExtract(f *testing.F) {
	f.Add("r,o,l\nA.,\"['a', 'b']\",A\n")
	f.Add("\ufeffr,o,l\r\n\"B.\r\n\",['a' 'b'],(b)\r\n")
	f.Fuzz(func(t *testing.T, text string) {
		rows, err := data.NewResponses("r.csv", strings.NewReader(text), "r", "o", "l")
		if err != nil {
			return
		}
		s, err := score(t.Context(), rows, 3, nil)
		if err != nil {
			return
		}
		all := s.All()
		if all.Agreed > all.Labelled || all.Labelled > min(all.N, s.Labels) || all.N > s.Rows || s.Empty > s.Rows-all.N || s.Labels+s.NoOption+s.NoLabel != s.Rows {
			t.Errorf("%+v, %+v", s, all)
		}
		if len(s.differences) != min(3, all.Labelled-all.Agreed) {
			t.Errorf("%d differences of %d", len(s.differences), all.Labelled-all.Agreed)
		}
		var out bytes.Buffer
		s.print(&out, "r.csv", rows)
		if strings.ContainsFunc(out.String(), func(r rune) bool { return r < ' ' && r != '\n' }) {
			t.Errorf("it would steer a terminal: %q", out.String())
		}
		if _, err := json.Marshal(s.fields("r.csv", rows)); err != nil {
			t.Error(err)
		}
	})
}

// Limit: 20,000 responses a second on one core, a million in less than a
// minute. Columns 0 and 2 hold the shortest and the longest responses (300 and 1,340
// bytes); all six are in every row that is read. The rate is by processor time,
// so that it is one core's on a busy machine too.
func BenchmarkExtract(b *testing.B) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	text, err := os.ReadFile(mistral(b))
	if err != nil {
		b.Fatal(err)
	}
	for _, profile := range []string{"profile_0", "profile_2"} {
		b.Run(profile, func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			responses, start := 0, processorTime(b)
			for b.Loop() {
				rows, err := data.NewResponses("r.csv", bytes.NewReader(text), profile+"_res", "options", profile+"_answer")
				if err != nil {
					b.Fatal(err)
				}
				s, err := score(b.Context(), rows, 5, nil)
				if err != nil {
					b.Fatal(err)
				}
				responses += s.Rows
			}
			b.ReportMetric(float64(responses)/(processorTime(b)-start).Seconds(), "responses/core-s")
		})
	}
}

// processorTime is what this process has used of all processors.
func processorTime(tb testing.TB) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		tb.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// A second reader is asked about what the rules leave, and about a conflict of
// letter and text neither is; its false readings are told apart.
func TestExtractMeasuresASecondReader(t *testing.T) {
	asked := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		reply := func(v any) { _ = json.NewEncoder(w).Encode(v) }
		switch r.URL.Path {
		case "/api/version":
			reply(map[string]string{"version": "0.17.4"})
		case "/api/tags":
			reply(map[string]any{"models": []map[string]any{{"name": "reader:1b", "model": "reader:1b", "digest": "d", "details": map[string]any{}}}})
		case "/api/show":
			reply(map[string]any{"template": "{{ .System }} {{ .Prompt }}", "capabilities": []string{"completion"}, "model_info": map[string]any{"general.architecture": "llama", "llama.context_length": 4096, "llama.block_count": 2, "llama.embedding_length": 64, "llama.attention.head_count": 4, "llama.attention.head_count_kv": 4, "llama.vocab_size": 100, "llama.feed_forward_length": 128}, "tensors": []map[string]any{{"name": "token_embd.weight", "type": "F16", "shape": []int{64, 100}}, {"name": "blk.0.attn_q.weight", "type": "F16", "shape": []int{64, 64}}}})
		case "/api/chat":
			asked++
			body, _ := io.ReadAll(r.Body)
			content := `{"answer":"B"}`
			if bytes.Contains(body, []byte("undecided")) {
				content = `{"answer":"none"}`
			}
			reply(map[string]any{"message": map[string]string{"role": "assistant", "content": content}, "done": true, "done_reason": "stop", "prompt_eval_count": 10, "eval_count": 5})
		default:
			http.NotFound(w, r)
		}
	}))
	defer server.Close()
	path := filepath.Join(t.TempDir(), "r.csv")
	text := "r,o,l\n" +
		"The answer is A.,\"['ant', 'bee']\",A\n" + // the rules'
		"Hard to tell in a word,\"['ant', 'bee']\",B\n" +
		"Hard to tell in two words,\"['ant', 'bee']\",A\n" +
		"I am undecided,\"['ant', 'bee']\",A\n" +
		"Hard to tell at all,\"['ant', 'bee']\",X\n" +
		"A. bee,\"['ant', 'bee']\",A\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	var out, errs bytes.Buffer
	args := []string{"perg", "extract", path, "--response", "r", "--options", "o", "--label", "l", "--show", "0", "--extractor", "reader:1b", "--host", server.URL}
	if status := run(t.Context(), args, &out, &errs); status != exitDone {
		t.Fatalf("status %d: %s", status, errs.String())
	}
	if asked != 4 {
		t.Errorf("asked about %d responses, want the 4 that rules leave and that are no conflict", asked)
	}
	for _, want := range []string{
		"1 because a letter has another option's text",
		"second reader, reader:1b, asked about 4 of the 4 that rules leave to it",
		"3  read: 75.0 %", "1  no single option, it says",
		"2  read where the label names an option: 66.7 %", "1  of those with the label's letter: 50.0 %",
		"2  false readings: another letter than the label's, or one where it names none: 66.7 %",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
}
