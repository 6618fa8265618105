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
	"slices"
	"strconv"
	"strings"
	"time"

	"perg/harness/explore"
)

//go:embed pages/*.html
var pages embed.FS

//go:embed static
var static embed.FS

// About is what the pages say of the run.
type About struct {
	Name  string // its directory
	Facts []string
	// Standing is how far a run is that goes on, and another text where there is
	// more of it: lists ask for themselves again then. "": it does not go on.
	Standing string
}

// A site is a run as pages.
type site struct {
	run     *explore.Run
	about   About
	ratings *Ratings
	pages   map[string]*template.Template
}

// Handler serves the pages of a run to browsers on this machine: to requests
// that name the loopback address it is served at, or another name of it, and no
// other, whoever sends them. A page of another site cannot have it change
// anything.
func Handler(run *explore.Run, about About, ratings *Ratings, at *net.TCPAddr) http.Handler {
	s := &site{run: run, about: about, ratings: ratings, pages: make(map[string]*template.Template)}
	for _, name := range []string{"list", "answer", "note"} {
		s.pages[name] = template.Must(template.New(name).Funcs(functions).ParseFS(pages, "pages/frame.html", "pages/"+name+".html"))
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", s.list)
	mux.HandleFunc("GET /answer", s.answer)
	mux.HandleFunc("POST /rate", s.rate)
	mux.HandleFunc("GET /standing", s.standing)
	files, err := fs.Sub(static, "static")
	if err != nil {
		panic(err) // embedded
	}
	mux.Handle("GET /static/", http.StripPrefix("/static/", http.FileServerFS(files)))
	return guard(mux, at)
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
	switch {
	case err == nil:
		return true
	case errors.Is(err, context.DeadlineExceeded):
		s.render(w, http.StatusOK, "note", frame{
			About: s.about, Title: "Reading", Refresh: true,
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
	Title   string
	Refresh bool   // asks for itself again in a second
	Keys    string // which keys the page has: list, answer or ""
	Old     bool   // the run has written its tables anew
	Page    any
}

type note struct{ Title, Text string }

func (s *site) fail(w http.ResponseWriter, status int, title, text string) {
	s.render(w, status, "note", frame{About: s.about, Title: title, Page: note{title, text}})
}

func (s *site) render(w http.ResponseWriter, status int, page string, f frame) {
	var b bytes.Buffer
	if err := s.pages[page].ExecuteTemplate(&b, "frame.html", f); err != nil {
		http.Error(w, "perg cannot show this page: "+err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	w.Write(b.Bytes())
}
