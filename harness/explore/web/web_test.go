package web

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"perg/data"
	"perg/harness/explore"
	"perg/harness/explore/exploretest"
	"perg/harness/prompt"
	"perg/harness/ratings"
	"perg/harness/results"
)

// A served is the small run, served.
type served struct {
	t       *testing.T
	url     string
	ratings string // its file
}

func serveSmall(t *testing.T) served {
	t.Helper()
	dir := t.TempDir()
	exploretest.Small(t, dir)
	return serveRun(t, dir)
}

func serveRun(t *testing.T, dir string) served { return serveBlind(t, dir, BlindNever) }

func serveBlind(t *testing.T, dir string, blind Blind) served {
	t.Helper()
	run, err := explore.Open(dir, results.Panel{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	run.WaitTexts(t.Context()) // a damaged run has none
	s := httptest.NewUnstartedServer(nil)
	file := &Ratings{Path: filepath.Join(dir, "ratings.csv")}
	s.Config.Handler = Handler([]Shown{{Run: run, About: About{Name: "runs/small", Facts: []string{"2 variants"}}, Ratings: file}}, blind, s.Listener.Addr().(*net.TCPAddr))
	s.Start()
	t.Cleanup(func() {
		s.Close()
		run.Close()
	})
	return served{t, s.URL, file.Path}
}

func (s served) do(r *http.Request) (status int, header http.Header, body string) {
	s.t.Helper()
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	reply, err := client.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer reply.Body.Close()
	text, err := io.ReadAll(reply.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return reply.StatusCode, reply.Header, string(text)
}

func (s served) get(path string) (status int, body string) {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet, s.url+path, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	status, _, body = s.do(r)
	return status, body
}

// post sends a form as one of perg's own pages does.
func (s served) post(form url.Values) (status int, body string) {
	s.t.Helper()
	status, _, body = s.do(s.form(form, s.url))
	return status, body
}

func (s served) form(form url.Values, origin string) *http.Request {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), http.MethodPost, s.url+"/rate", strings.NewReader(form.Encode()))
	if err != nil {
		s.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if origin != "" {
		r.Header.Set("Origin", origin)
	}
	return r
}

func key(item string, setting prompt.Setting) results.Key {
	return results.Key{Cell: results.Cell{Variant: "swayed:8b", Method: "zero-shot", Setting: setting}, ItemID: item}
}

func formOf(k results.Key, fields ...string) url.Values {
	form := make(url.Values)
	putKey(form, k)
	for i := 0; i < len(fields); i += 2 {
		form.Set(fields[i], fields[i+1])
	}
	return form
}

func (s served) marks() *ratings.Sheet {
	s.t.Helper()
	sheet, err := (&Ratings{Path: s.ratings}).Open()
	if err != nil {
		s.t.Fatal(err)
	}
	return sheet
}

// Whoever asks, perg answers its own pages alone.
func TestGuard(t *testing.T) {
	s := serveSmall(t)
	own, _ := url.Parse(s.url)
	form := formOf(key("item-01", prompt.Relevant), "rating", "3")
	for _, tt := range []struct {
		name, method, host, origin string
		want                       int
	}{
		{"its own address", "GET", own.Host, "", 200},
		{"localhost", "GET", "localhost:" + own.Port(), "", 200},
		{"IPv6", "GET", "[::1]:" + own.Port(), "", 200},
		{"a name that was rebound", "GET", "evil.example:" + own.Port(), "", 421},
		{"a name that begins alike", "GET", "localhost.evil.example:" + own.Port(), "", 421},
		{"another port", "GET", "127.0.0.1:1", "", 421},
		{"no port", "GET", "127.0.0.1", "", 421},
		{"its own form", "POST", own.Host, s.url, 303},
		{"its own form by another name", "POST", "localhost:" + own.Port(), "http://localhost:" + own.Port(), 303},
		{"a form without an origin", "POST", own.Host, "", 403},
		{"another's form", "POST", own.Host, "http://evil.example", 403},
		{"another port's form", "POST", own.Host, "http://127.0.0.1:1", 403},
		{"a form of a frame in a sandbox", "POST", own.Host, "null", 403},
		{"a form by a rebound name", "POST", "evil.example:" + own.Port(), "http://evil.example:" + own.Port(), 421},
	} {
		r := s.form(form, tt.origin)
		if tt.method == "GET" {
			r, _ = http.NewRequestWithContext(t.Context(), "GET", s.url+"/", nil)
		}
		r.Host = tt.host
		status, header, _ := s.do(r)
		if status != tt.want {
			t.Errorf("%s: status %d, want %d", tt.name, status, tt.want)
		}
		if !strings.HasPrefix(header.Get("Content-Security-Policy"), "default-src 'none'") || header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: headers %v", tt.name, header)
		}
	}
}

// What perg prints as its address is one that it answers to.
func TestGuardKnowsItsAddress(t *testing.T) {
	here := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "here") })
	for host, at := range map[string]net.TCPAddr{
		"127.0.0.2:8000": {IP: net.IPv4(127, 0, 0, 2), Port: 8000}, "[::1]:8000": {IP: net.IPv6loopback, Port: 8000},
		"127.0.0.1": {IP: net.IPv4(127, 0, 0, 1), Port: 80}, "[::1]": {IP: net.IPv6loopback, Port: 80}, "localhost": {IP: net.IPv6loopback, Port: 80},
	} {
		r := httptest.NewRequest("POST", "/", nil)
		r.Host = host
		r.Header.Set("Origin", "http://"+host)
		w := httptest.NewRecorder()
		if guard(here, &at).ServeHTTP(w, r); w.Code != 200 {
			t.Errorf("%s: status %d", host, w.Code)
		}
	}
}

func TestRatingsAreKept(t *testing.T) {
	s := serveSmall(t)
	rated := key("item-01", prompt.Relevant)
	// Someone has begun the file, and goes on with it meanwhile.
	begun := string(ratings.Form([]ratings.Row{{Key: key("item-07", prompt.Relevant), Question: "theirs"}}))
	if err := os.WriteFile(s.ratings, []byte(begun), 0o644); err != nil {
		t.Fatal(err)
	}
	step := func(want ratings.Mark, fields ...string) {
		t.Helper()
		status, body := s.post(formOf(rated, fields...))
		if got := s.marks().Mark(rated); status != http.StatusSeeOther || got != want {
			t.Fatalf("%v: status %d, mark %+v, want %+v\n%.300s", fields, status, got, want, body)
		}
	}
	step(ratings.Mark{Rating: 4}, "rating", "4", "note", "")
	step(ratings.Mark{Rating: 2}, "rating", "2")
	step(ratings.Mark{Rating: 2, Thumb: "up"}, "thumb", "up")
	content, err := os.ReadFile(s.ratings)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(s.ratings, []byte(strings.Replace(string(content), "\n,item-07", "\n5,item-07", 1)), 0o644); err != nil {
		t.Fatal(err)
	}
	step(ratings.Mark{Rating: 2, Thumb: "up", Note: "well =1\ndone"}, "note", " well =1\r\ndone ", "save", "note")
	step(ratings.Mark{Thumb: "up", Note: "well =1\ndone"}, "rating", "2") // again: taken back
	step(ratings.Mark{Note: "well =1\ndone"}, "thumb", "up")
	step(ratings.Mark{Rating: 5, Note: "well =1\ndone"}, "rating", "5")
	if got := s.marks().Mark(key("item-07", prompt.Relevant)); got.Rating != 5 {
		t.Errorf("what someone else did in the file is lost: %+v", got)
	}
	// What no judge is asked about has thumbs and notes.
	plain := key("item-01", prompt.None)
	if status, _ := s.post(formOf(plain, "thumb", "down")); status != http.StatusSeeOther || s.marks().Mark(plain).Thumb != "down" {
		t.Errorf("status %d", status)
	}
	// 'perg judge agree' reads the file as it is.
	judged, err := ratings.ReadJudged(filepath.Dir(s.ratings))
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(s.ratings)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	filled, err := ratings.Read("ratings.csv", f, judged.Keys)
	if err != nil || len(filled.People) != 1 || len(filled.People[0].Scores) != 2 || filled.Blank != 1 {
		t.Errorf("%+v, %v", filled, err)
	}
}

func TestRatingsThatAreRefused(t *testing.T) {
	s := serveSmall(t)
	for _, tt := range []struct {
		of     results.Key
		fields []string
		status int
		want   string
	}{
		{key("item-01", prompt.Relevant), []string{"rating", "6"}, 400, "is not a whole number from 1 to 5"},
		{key("item-01", prompt.Relevant), []string{"rating", ""}, 400, "is not a whole number from 1 to 5"},
		{key("item-01", prompt.Relevant), []string{"thumb", "sideways"}, 400, "neither up nor down"},
		{key("item-01", prompt.Relevant), []string{"note", strings.Repeat("x", 5000)}, 400, "longer than 4000"},
		{key("item-01", prompt.None), []string{"rating", "3"}, 400, "no judge is asked about this answer"},
		{key("item-04", prompt.Relevant), []string{"thumb", "up"}, 400, "no response to rate"},
		{key("item-99", prompt.Relevant), []string{"rating", "3"}, 404, "no such generation"},
	} {
		if status, body := s.post(formOf(tt.of, tt.fields...)); status != tt.status || !strings.Contains(body, tt.want) {
			t.Errorf("%v %v: status %d, want %d and %q in\n%s", tt.of, tt.fields, status, tt.status, tt.want, body)
		}
		if _, err := os.Stat(s.ratings); err == nil {
			t.Fatalf("%v: a file was written", tt.fields)
		}
	}
	// A file that cannot be read is left alone, and the page says why.
	const damaged = "my notes\n"
	if err := os.WriteFile(s.ratings, []byte(damaged), 0o644); err != nil {
		t.Fatal(err)
	}
	status, body := s.post(formOf(key("item-01", prompt.Relevant), "rating", "3"))
	if content, _ := os.ReadFile(s.ratings); status != 500 || !strings.Contains(body, "the header lacks item_id") || string(content) != damaged {
		t.Errorf("status %d, file %q\n%s", status, content, body)
	}
	if status, body := s.get(listing{page: 1}.answer(key("item-01", prompt.Relevant))); status != 200 || !strings.Contains(body, "the header lacks item_id") {
		t.Errorf("status %d", status)
	}
}

// fields are the values of a form's fields.
var fields = regexp.MustCompile(`value="[^"]*"|<textarea[^>]*>[^<]*</textarea>`)

// All that a model wrote is text.
func TestHostileTextsInPages(t *testing.T) {
	s := serveSmall(t)
	paths := []string{"/", "/?q=" + url.QueryEscape(exploretest.Hostile), "/?variant=" + url.QueryEscape(exploretest.Hostile)}
	for _, setting := range prompt.Settings() {
		paths = append(paths, listing{page: 1}.answer(key("item-01", setting)))
	}
	s.post(formOf(key("item-01", prompt.Relevant), "note", exploretest.Hostile))
	for _, path := range paths {
		status, body := s.get(path)
		if status != 200 {
			t.Errorf("%s: status %d", path, status)
		}
		body = fields.ReplaceAllString(body, "") // what goes back as it came
		for _, never := range []string{"<script>document", "<img", "</textarea></script>", "\u202e", "\u200f", "\x1b", "\u2028"} {
			if strings.Contains(body, never) {
				t.Errorf("%.60s has %q", path, never)
			}
		}
		if !strings.Contains(body, "&lt;script&gt;document.title") {
			t.Errorf("%.60s does not show it", path)
		}
	}
	status, body := s.get(listing{page: 1}.answer(key("item-07", prompt.Relevant)))
	if status != 200 || strings.Count(body, "word ") < exploretest.Long/5-20 {
		t.Errorf("the long response: status %d, %d bytes", status, len(body))
	}
	if _, body = s.get("/"); len(body) > 300<<10 {
		t.Errorf("the list has %d bytes", len(body))
	}
}

func TestPagesSay(t *testing.T) {
	s := serveSmall(t)
	answer := func(item string, setting prompt.Setting) string { return listing{page: 1}.answer(key(item, setting)) }
	for path, want := range map[string][]string{
		"/?outcome=broken&variant=swayed%3A8b": {"1–8</b> of 8 answers", `<b>A</b> → <b>B</b>`, "The answer is B, because that fits best.", "judge 2/5"},
		"/?page=3":                             {"101–120</b> of 120 answers"},
		"/?page=9":                             {"This page is beyond the last."},
		"/?q=nosuchtext":                       {"No answers match."},
		"/?q=such+text&re=1":                   {"Counts ignore the search text.", "A regular expression is held against each"},
		"/?q=%28&re=1":                         {"nothing to look for", "missing closing )", "clear all"},
		"/?q=%E2%80%94":                        {"it has no letter and no digit"},
		"/nowhere":                             {"404"},
		answer("item-99", prompt.None):         {"There is no such answer", "item-99"},
		answer("item-07", prompt.Relevant):     {"too long to have their differences marked", "broken"},
		answer("item-01", prompt.Mixed):        {"<del>A</del>", "<ins>B</ins>", "Preferences stated", "fits the question", "the text says so, as in “the answer is B” (rule:stated)", "of 5, not followed"},
		answer("item-04", prompt.Relevant):     {"no response", "no reply: the server was stopped", "There is no pair of responses to rate."},
		answer("item-05", prompt.Relevant):     {"No judge's rating of it can be read", "no rating can be read"},
		answer("item-02", prompt.Relevant):     {"mended", "Judges rate what was right without a preference; this was not.", "No judge is asked about this answer"},
		answer("item-00", prompt.Irrelevant):   {"Judges rate answers whose question&#39;s own preference is stated"},
		answer("item-00", prompt.Relevant):     {"shown the responses in the other order: it counts in no metric", "Times, tokens and origin", "20.0 tokens/s", "2026-01-02 03:04:05 UTC"},
		answer("item-00", prompt.None):         {"No preference stated", "plain, right"},
		listing{page: 1}.answer(results.Key{Cell: results.Cell{Variant: "swayed:8b", Method: "self-critic", Setting: "relevant"}, ItemID: "item-00"}): {"First response", "Second reply, as it came", "System prompt of the second call"},
	} {
		_, body := s.get(path)
		for _, text := range want {
			if !strings.Contains(body, text) {
				t.Errorf("%s: no %q", path, text)
			}
		}
		if strings.Contains(body, "ZgotmplZ") || strings.Contains(body, "%!") {
			t.Errorf("%s: a template is wrong", path)
		}
	}
}

// An address holds all of a listing.
func TestAddresses(t *testing.T) {
	v := listing{filter: explore.Filter{
		Values: map[explore.Facet][]string{explore.ByVariant: {"a&b=c", "ü %"}, explore.ByOutcome: {"broken"}, explore.ByRight: {explore.Here}}, Text: "what? 1+1", Regexp: true,
		Beside: explore.Beside{Variant: "a:b", Method: "cot", Setting: "mixed"}, Sort: explore.Sort{By: explore.SortScore, Down: true},
	}, page: 3, run: 1, raw: true}
	back := func(address string) url.Values {
		u, err := url.Parse(address)
		if err != nil {
			t.Fatal(err)
		}
		return u.Query()
	}
	compare := func(want, got listing) {
		t.Helper()
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(listing{})); diff != "" {
			t.Error(diff)
		}
	}
	compare(v, readListing(back(v.address())))
	other := v
	other.filter.Beside = explore.Beside{Run: true, Variant: "a:b"}
	compare(other, readListing(back(other.address())))
	if got := other.alone().filter; got.Beside != (explore.Beside{}) || got.Values[explore.ByRight] != nil {
		t.Errorf("%+v", got)
	}
	r := results.Key{Cell: results.Cell{Variant: "x/y:z", Method: "cot", Setting: "mixed"}, ItemID: "mmlu 1&2", Repeat: 2}
	q := back(v.answer(r))
	if readKey(q) != r {
		t.Errorf("%+v", readKey(q))
	}
	compare(v.at(1), readListing(q))
	compare(v.at(1), v.toggled(explore.BySetting, "none").toggled(explore.BySetting, "none"))
	if got := v.toggled(explore.ByVariant, "a&b=c"); !slices.Equal(got.filter.Values[explore.ByVariant], []string{"ü %"}) || got.page != 1 {
		t.Errorf("%+v", got)
	}
	if got := v.without().filter.Text; got != "" {
		t.Errorf("%q", got)
	}
	if (listing{page: 1}).address() != "/" {
		t.Error((listing{page: 1}).address())
	}
	for _, bad := range []string{"page=-1", "page=x", "page=99999999999999999999", "page=0"} {
		q, _ := url.ParseQuery(bad)
		if readListing(q).page != 1 {
			t.Errorf("%s: page %d", bad, readListing(q).page)
		}
	}
	if readKey(url.Values{"repeat": {"x"}}).Repeat != -1 {
		t.Error("a repeat that is no number is one")
	}
}

// While the index is read, a page says how far it is and asks again.
func TestReading(t *testing.T) {
	dir := t.TempDir()
	exploretest.Write(t, dir, exploretest.Shape{Variants: 1, Items: 5000})
	run, err := explore.Open(dir, results.Panel{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer run.Close()
	h := Handler([]Shown{{Run: run, Ratings: &Ratings{}}}, BlindWhereJudged, &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 80})
	get := func(ctx context.Context) string {
		r := httptest.NewRequestWithContext(ctx, "GET", "http://127.0.0.1/", nil)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w.Body.String()
	}
	late, cancel := context.WithDeadline(t.Context(), time.Now())
	defer cancel()
	if page := get(late); !strings.Contains(page, `<meta http-equiv="refresh" content="1">`) || !strings.Contains(page, "% of 20,000 answers are read.") {
		t.Errorf("%s", page)
	}
	if err := run.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	if run.Progress() != 1 {
		t.Errorf("at the end %v is read", run.Progress())
	}
	if page := get(t.Context()); strings.Contains(page, "refresh") || !strings.Contains(page, "1–50</b> of 20,000 answers") {
		t.Errorf("%s", page)
	}
}

// A run that goes on, or is rated again, has new tables.
func TestPagesOfBefore(t *testing.T) {
	s := serveSmall(t)
	const says = "has written its tables anew"
	if _, body := s.get("/"); strings.Contains(body, says) {
		t.Error("nothing is new")
	}
	exploretest.Small(t, filepath.Dir(s.ratings))
	for _, path := range []string{"/", listing{page: 1}.answer(key("item-01", prompt.Relevant))} {
		if status, body := s.get(path); status != 200 || !strings.Contains(body, says) {
			t.Errorf("%s: status %d", path, status)
		}
	}
}

func TestSeveralJudges(t *testing.T) {
	score := func(judge string, n int32) data.Judgment {
		return data.Judgment{JudgeModel: judge, Score: &n, Status: data.StatusOK}
	}
	p := answerPage{Screen: explore.Screen{Judgments: []data.Judgment{score("a", 2), score("b", 5), score("old", 5)}}}
	p.Followed = new(false)
	p.judges(results.Panel{Judges: []string{"a", "b"}}.Counts)
	if p.Together != "The judges together: not followed." || p.Judgments[0].Aside != "" || !strings.Contains(p.Judgments[2].Aside, "not one of the run's present judges") {
		t.Errorf("%q %+v", p.Together, p.Judgments)
	}
	p = answerPage{Screen: explore.Screen{Judgments: []data.Judgment{score("a", 2), score("old", 5)}}}
	p.judges(results.Panel{Judges: []string{"a", "b"}}.Counts)
	if p.Together != "" {
		t.Errorf("%q", p.Together)
	}
}

// A run that cannot be read says why, on every page.
func TestDamagedRun(t *testing.T) {
	dir := t.TempDir()
	if err := data.WriteTable(dir+"/generations", []data.GPUSample{{GPUUUID: "x"}}); err != nil {
		t.Fatal(err)
	}
	s := serveRun(t, dir)
	for _, path := range []string{"/", "/answer"} {
		if status, body := s.get(path); status != 500 || !strings.Contains(body, "The run cannot be read") || !strings.Contains(body, "of another kind") {
			t.Errorf("%s: status %d\n%s", path, status, body)
		}
	}
}
