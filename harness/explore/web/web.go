// Package web shows what package explore finds of a run as pages: a list with
// filters, one screen a generation, and a form to rate it. The pages work
// without scripts and without a network, and their addresses hold all of what
// they show. It finds out nothing of its own.
package web

import (
	"bytes"
	"context"
	"embed"
	"errors"
	"fmt"
	"html/template"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/dustin/go-humanize"

	"perg/harness/explore"
	"perg/harness/explore/address"
	"perg/harness/printable"
	"perg/harness/ratings"
)

//go:embed pages/*.html
var pages embed.FS

//go:embed static
var static embed.FS

// About is what the pages say of the run.
type About struct {
	Name  string // its directory
	ID    string // the run's, which addresses from elsewhere name; "": none
	Facts []string
	// Standing is how far a run is that goes on, and another text where there is
	// more of it: lists ask for themselves again then. "": it does not go on.
	Standing string
}

// A Shown is a run that is shown, and where ratings of its answers are kept. Report
// gives the page of what the run comes to, and the policy that it needs; nil: there
// is none.
type Shown struct {
	Run     *explore.Run
	About   About
	Ratings *Ratings
	Report  func() (html []byte, policy string, err error)
}

// A Blind says whether what judges said is shown before a person has rated.
type Blind int

// When the judges' ratings are hidden.
const (
	BlindWhereJudged Blind = iota // where there are any to hide
	BlindAlways
	BlindNever
)

// A site is a run as pages.
type site struct {
	run     *explore.Run
	about   About
	ratings *Ratings
	made    func() (html []byte, policy string, err error)
	blind   Blind
	number  int   // from 0
	other   *site // the run beside this one; nil: none
	all     []*site
	pages   map[string]*template.Template
}

// Handler serves the pages of one run, or of two that are beside each other, to
// browsers on this machine: to requests that name the loopback address it is
// served at, or another name of it, and no other, whoever sends them. A page of
// another site cannot have it change anything.
func Handler(shown []Shown, blind Blind, at *net.TCPAddr) http.Handler {
	pagesOf := make(map[string]*template.Template)
	for _, name := range []string{"list", "answer", "note"} {
		pagesOf[name] = template.Must(template.New(name).Funcs(functions).ParseFS(pages, "pages/frame.html", "pages/"+name+".html"))
	}
	var sites []*site
	for i, one := range shown {
		sites = append(sites, &site{run: one.Run, about: one.About, ratings: one.Ratings, made: one.Report, blind: blind, number: i, pages: pagesOf})
	}
	for _, s := range sites {
		s.all = sites
		if len(sites) == 2 {
			s.other = sites[1-s.number]
		}
	}
	// of has the run that a request names answer it.
	of := func(answer func(*site, http.ResponseWriter, *http.Request)) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			n := min(readListing(url.Values{runParam: {r.FormValue(runParam)}}).run, len(sites)-1)
			if id := r.FormValue(address.Run); id != "" && id != sites[n].about.ID {
				if n = slices.IndexFunc(sites, func(s *site) bool { return s.about.ID == id }); n < 0 {
					sites[0].fail(w, http.StatusNotFound, "The address is of another run", "It is of the run "+printable.Text(id)+", which is not shown here: start perg view with that one.")
					return
				}
			}
			answer(sites[n], w, r)
		}
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", of((*site).list))
	mux.HandleFunc("GET /answer", of((*site).answer))
	mux.HandleFunc("GET /report", of((*site).report))
	mux.HandleFunc("GET /export.csv", of((*site).export))
	mux.HandleFunc("GET /export.jsonl", of((*site).export))
	mux.HandleFunc("POST /rate", of((*site).rate))
	mux.HandleFunc("GET /standing", of((*site).standing))
	files, err := fs.Sub(static, "static")
	if err != nil {
		panic(err) // embedded
	}
	mux.Handle("GET /static/", http.StripPrefix("/static/", http.FileServerFS(files)))
	return guard(mux, at)
}

// listing is what an address says, of this run, however it named it.
func (s *site) listing(q url.Values) listing {
	l := readListing(q)
	l.run = s.number
	return l
}

// marks gives what a person said of the run's answers, which lists are told of.
// The error is why the file cannot be read.
func (s *site) marks() (*ratings.Sheet, error) {
	now := s.ratings.read()
	if now.sheet == nil {
		return nil, now.err
	}
	s.run.Mark(now.version, now.sheet.All)
	return now.sheet, nil
}

// hides says whether what judges said of an answer is hidden until a person has
// rated it.
func (s *site) hides(l explore.Line, m ratings.Mark) bool {
	switch {
	case s.blind == BlindNever, s.blind == BlindWhereJudged && !s.run.Judged():
		return false
	}
	return s.run.Rateable(l) && l.Response != nil && m.Rating == 0
}

// report is the page of what the run comes to, whose figures lead to lists.
func (s *site) report(w http.ResponseWriter, r *http.Request) {
	if s.made == nil {
		s.fail(w, http.StatusNotFound, "There is no report", "The run is shown without one.")
		return
	}
	html, policy, err := s.made()
	if err != nil {
		s.fail(w, http.StatusInternalServerError, "The report cannot be made", printable.Text(err.Error()))
		return
	}
	h := w.Header()
	h.Set("Content-Security-Policy", policy+"; frame-ancestors 'none'")
	h.Set("Content-Type", "text/html; charset=utf-8")
	w.Write(html)
}

// standing says how far the run is, to pages that may show less of it.
func (s *site) standing(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	io.WriteString(w, s.about.Standing)
}

// policy lets pages load what perg serves, and nothing else.
const policy = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// guard turns away what does not come from a page of perg's own. A name of
// another's that leads here (DNS rebinding) is another host, and a form on
// another's page (CSRF) has another origin.
func guard(next http.Handler, at *net.TCPAddr) http.Handler {
	var hosts []string
	for _, name := range []string{at.IP.String(), "127.0.0.1", "localhost", "::1"} {
		host := net.JoinHostPort(name, strconv.Itoa(at.Port))
		hosts = append(hosts, host)
		if at.Port == 80 { // which browsers leave out
			hosts = append(hosts, strings.TrimSuffix(host, ":80"))
		}
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		switch {
		case !slices.Contains(hosts, r.Host):
			http.Error(w, "perg answers to http://"+hosts[0]+"/ alone", http.StatusMisdirectedRequest)
		case r.Method != http.MethodGet && r.Method != http.MethodHead && r.Header.Get("Origin") != "http://"+r.Host:
			http.Error(w, "perg takes ratings from its own pages alone", http.StatusForbidden)
		default:
			r.Body = http.MaxBytesReader(w, r.Body, 1<<20)
			next.ServeHTTP(w, r)
		}
	})
}

// soon is how long a page waits for the index before it says that it is being
// read.
const soon = 400 * time.Millisecond

// wait says whether the index is there; else it has answered the request.
func (s *site) wait(w http.ResponseWriter, r *http.Request) bool {
	ctx, cancel := context.WithTimeout(r.Context(), soon)
	defer cancel()
	err := s.run.Wait(ctx)
	if err == nil && s.other != nil {
		if err = s.other.run.Wait(ctx); err == nil {
			s.run.SetBeside(s.other.run)
		}
	}
	switch {
	case err == nil:
		return true
	case errors.Is(err, context.DeadlineExceeded):
		s.render(w, http.StatusOK, "note", frame{
			Title: "Reading", Refresh: true,
			Page: note{"Reading the run", fmt.Sprintf("%.0f %% of %s answers are read. The page goes on by itself.", 100*s.run.Progress(), number(s.run.Generations()))},
		})
	default:
		s.fail(w, http.StatusInternalServerError, "The run cannot be read", err.Error())
	}
	return false
}

// A frame is what every page has.
type frame struct {
	About   About
	Runs    []runLink // where there are several
	Title   string
	Refresh bool   // asks for itself again in a second
	Keys    string // which keys the page has: list, answer or ""
	Old     bool   // the run has written its tables anew
	Texts   string // where words are looked up
	Home    string // the address of all answers
	Report  string // that of what the run comes to; "": it has none
	Page    any
}

type runLink struct {
	Name, Address string
	Here          bool
}

type note struct{ Title, Text string }

func (s *site) fail(w http.ResponseWriter, status int, title, text string) {
	s.render(w, status, "note", frame{Title: title, Page: note{title, text}})
}

func (s *site) render(w http.ResponseWriter, status int, page string, f frame) {
	f.About, f.Old, f.Home = s.about, s.run.Replaced(), listing{page: 1, run: s.number}.address()
	if s.made != nil {
		f.Report = listing{page: 1, run: s.number}.addressOf("/report")
	}
	for i, one := range s.all {
		if len(s.all) > 1 {
			f.Runs = append(f.Runs, runLink{one.about.Name, listing{page: 1, run: i}.address(), one == s})
		}
	}
	if is := s.run.TextIndex(); is.Path != "" {
		f.Texts = fmt.Sprintf("Words are looked up in %s (%s), which may be deleted: it is made anew.", printable.Text(is.Path), humanize.Bytes(uint64(is.Size)))
	}
	var b bytes.Buffer
	if err := s.pages[page].ExecuteTemplate(&b, "frame.html", f); err != nil {
		http.Error(w, "perg cannot show this page: "+err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	w.Write(b.Bytes())
}
