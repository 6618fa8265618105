package models

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// What did not reach a working Ollama, in every form that was seen.
var absences = map[string]wire{
	"connection refused":          refused,
	"no such host":                fails(&net.OpError{Op: "dial", Err: &net.DNSError{Err: "no such host", Name: "gpubox", IsNotFound: true}}),
	"dial timed out":              fails(&net.OpError{Op: "dial", Err: os.ErrDeadlineExceeded}),
	"dial out of time":            fails(fmt.Errorf("%w", &net.OpError{Op: "dial", Err: context.DeadlineExceeded})),
	"bad certificate":             fails(x509.UnknownAuthorityError{}),
	"closed before the request":   breaks(&net.OpError{Op: "write", Err: syscall.EPIPE}, 0, 0),
	"closed while idle":           breaks(errors.New("http: server closed idle connection"), time.Minute, 0),
	"reset while idle":            breaks(errors.New("readLoopPeekFailLocked: read tcp: connection reset by peer"), time.Minute, 0),
	"closed as it was written to": breaks(io.EOF, time.Minute, 100*time.Millisecond),
	"reset as it was written to":  breaks(readReset, time.Minute, 100*time.Millisecond),
	"408":                         page(408, "Request Timeout"),
	"408 of Ollama's form":        says(408, `{"error":"too slow"}`),
	"504 of Ollama's form":        says(504, `{"error":"upstream"}`),
	"429":                         page(429, "429 Too Many Requests"),
	"429 of Ollama's form":        says(429, `{"error":"too many requests"}`),
	"502":                         page(502, "502 Bad Gateway"),
	"502 of Ollama's form":        says(502, `{"error":"upstream"}`),
	"502 without a body":          says(502, ""),
	"503":                         page(503, "503 Service Temporarily Unavailable"),
	"503 of Ollama":               says(503, `{"error":"server busy, please try again.  maximum pending requests exceeded"}`),
	"504":                         page(504, "504 Gateway Time-out"),
	"a page for an answer":        page(200, "Please log in"),
	"404 page":                    page(404, "404 Not Found"),
	"500 page":                    page(500, "500 Internal Server Error"),
	"another's error":             says(500, `{"error":{"message":"no healthy upstream"}}`),
	"another's JSON":              says(404, `{"message":"no Route matched with those values"}`),
}

const listing = `{"models":[{"name":"m:latest","digest":"d","size":8,"size_vram":4,"context_length":2048}]}`

// calls are all that a client asks of a server, and what a server answers that
// is well.
var calls = map[string]struct {
	call func(context.Context, *Client) error
	well map[string]string // by path
}{
	"chat": {asks, map[string]string{"/api/chat": whole}},
	"count": {func(ctx context.Context, c *Client) error {
		_, err := c.CountTokens(ctx, Request{Model: "m"})
		return err
	}, map[string]string{"/api/chat": whole}},
	"load": {
		func(ctx context.Context, c *Client) error { _, err := c.Load(ctx, "m", Options{}); return err },
		map[string]string{"/api/chat": `{"done":true,"done_reason":"load"}`, "/api/ps": listing},
	},
	"unload":    {func(ctx context.Context, c *Client) error { return c.Unload(ctx, "m") }, map[string]string{"/api/chat": `{"done":true}`, "/api/ps": `{"models":[]}`}},
	"in memory": {func(ctx context.Context, c *Client) error { _, err := c.InMemory(ctx, "m"); return err }, map[string]string{"/api/ps": listing}},
	"catalogue": {func(ctx context.Context, c *Client) error { _, err := c.Catalogue(ctx); return err }, map[string]string{"/api/tags": listing}},
	"details":   {func(ctx context.Context, c *Client) error { _, err := c.show(ctx, showing("m")); return err }, map[string]string{"/api/show": `{}`}},
	"create":    {func(ctx context.Context, c *Client) error { _, err := quantized(ctx, c, nil); return err }, map[string]string{"/api/create": made1, "/api/tags": madeListing}},
	"delete":    {func(ctx context.Context, c *Client) error { return c.Delete(ctx, "m") }, map[string]string{"/api/delete": ""}},
}

// Each request of each call waits for a server that is away in any way.
func TestEveryCallWaitsForAServerThatIsAway(t *testing.T) {
	for name, call := range calls {
		for path := range call.well {
			for how, away := range absences {
				t.Run(name+path+"/"+how, func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						first, count := inTurn(away, away, func(r *http.Request) (*http.Response, error) { return says(200, call.well[path])(r) })
						c := on(t, func(r *http.Request) (*http.Response, error) {
							if r.URL.Path == path {
								return first(r)
							}
							return says(200, call.well[r.URL.Path])(r)
						})
						if err := call.call(t.Context(), c); err != nil {
							t.Error(err)
						}
						if count() < 3 {
							t.Errorf("%d requests, want 3", count())
						}
					})
				})
			}
		}
	}
}

// Nothing is waited for longer than the patience, and the error says why.
func TestPatienceEnds(t *testing.T) {
	for how, away := range absences {
		t.Run(how, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w, count := inTurn(away)
				started := time.Now()
				err := asks(t.Context(), on(t, w))
				if took := time.Since(started).Truncate(time.Second); took != 2*time.Minute {
					t.Errorf("waited %s, want 2m0s", took)
				}
				if !errors.Is(err, ErrUnreachable) || Reason(err) != ErrUnreachable.Error() {
					t.Errorf("error %v, reason %s", err, Reason(err))
				}
				text := err.Error()
				if !strings.Contains(text, "http://gpubox:11434, waited 2m0s for it to come back; the last that was heard: ") || len(text) > 250 || strings.Contains(text, "<") {
					t.Errorf("%d bytes: %s", len(text), text)
				}
				if n := count(); n < 20 || n > 60 {
					t.Errorf("%d requests in two minutes", n)
				}
			})
		})
	}
}

func TestAnErrorNamesItsCause(t *testing.T) {
	for want, away := range map[string]wire{
		"connect: connection refused":                                                    refused,
		`"502 Bad Gateway" (HTTP 502)`:                                                   page(502, "502 Bad\n  Gateway"),
		`"server busy" (HTTP 503)`:                                                       says(503, `{"error":"server busy"}`),
		"x509: certificate signed by unknown authority":                                  fails(x509.UnknownAuthorityError{}),
		`the answer to /api/chat is "` + strings.Repeat("long ", 16) + `..." (HTTP 200)`: says(200, strings.Repeat("long ", 100)),
		`HTTP 504 Gateway Timeout`:                                                       says(504, ""),
		`the answer to /api/chat is "Please log in" (HTTP 200)`:                          page(200, "Please log in"),
		`"no healthy upstream" (HTTP 503)`:                                               says(503, "no healthy upstream"),
		`the answer to /api/chat is "tea & \x1b[2Jbiscuits" (HTTP 200)`:                  page(200, "tea &amp; \x1b[2Jbiscuits"),
	} {
		synctest.Test(t, func(t *testing.T) {
			if err := asks(t.Context(), on(t, away)); !strings.HasSuffix(err.Error(), "; the last that was heard: "+want) {
				t.Errorf("%v\nwant it to end in %s", err, want)
			}
		})
	}
}

// The patience begins when the server is first seen to be away, not with the
// call, and an answer ends it.
func TestPatienceBeginsWithTheAbsence(t *testing.T) {
	after := func(d time.Duration, w wire) wire {
		return func(r *http.Request) (*http.Response, error) {
			reached(r, 0)
			time.Sleep(d)
			return w(r)
		}
	}
	// until plays a server that is away for so long from its first request on.
	until := func(d time.Duration, w wire) wire {
		var since time.Time
		return func(r *http.Request) (*http.Response, error) {
			if since.IsZero() {
				since = time.Now()
			}
			if time.Since(since) < d {
				return refused(r)
			}
			return w(r)
		}
	}
	well := says(200, whole)
	// alive answers whoever looks after the server.
	alive := func(w wire) wire {
		return func(r *http.Request) (*http.Response, error) {
			if r.URL.Path == "/api/version" {
				return says(200, `{"version":"0.17.4"}`)(r)
			}
			return w(r)
		}
	}
	t.Run("a long call", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			w, _ := inTurn(after(10*time.Minute, page(504, "504 Gateway Time-out")), refused, refused, refused, well)
			if err := asks(t.Context(), on(t, alive(w))); err != nil {
				t.Error(err)
			}
		})
	})
	t.Run("an answer in between", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			later := until(100*time.Second, well)
			answered := false
			w := until(100*time.Second, func(r *http.Request) (*http.Response, error) {
				if !answered {
					answered = true
					return crashed(r)
				}
				return later(r)
			})
			if _, err := on(t, w).CountTokens(t.Context(), Request{Model: "m"}); err != nil {
				t.Error(err)
			}
		})
	})
	t.Run("each call its own", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			c := on(t, until(3*time.Minute, well))
			if err := asks(t.Context(), c); !errors.Is(err, ErrUnreachable) {
				t.Errorf("error %v within the patience", err)
			}
			if err := asks(t.Context(), c); err != nil {
				t.Errorf("the next call: %v", err)
			}
		})
	})
}

func TestRetryAfter(t *testing.T) {
	for _, tt := range []struct {
		name, header string
		least, most  time.Duration
	}{
		{"seconds", "7", 7 * time.Second, 7100 * time.Millisecond},
		{"none", "", 0, 100 * time.Millisecond},
		{"nonsense", "soon", 0, 100 * time.Millisecond},
		{"negative", "-5", 0, 100 * time.Millisecond},
		{"longer than the patience", "86400", 2 * time.Minute, 2 * time.Minute},
		{"a date", "in 30s", 29 * time.Second, 30100 * time.Millisecond},
		{"a date that is past", "in -30s", 0, 100 * time.Millisecond},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				header := tt.header
				if in, ok := strings.CutPrefix(header, "in "); ok {
					d, err := time.ParseDuration(in)
					if err != nil {
						t.Fatal(err)
					}
					header = time.Now().Add(d).UTC().Format(http.TimeFormat)
				}
				w, _ := inTurn(page(429, "429 Too Many Requests", "Retry-After", header), says(200, whole))
				started := time.Now()
				if err := asks(t.Context(), on(t, w)); err != nil {
					t.Error(err)
				}
				if took := time.Since(started); took < tt.least || took > tt.most {
					t.Errorf("waited %s, want %s to %s", took, tt.least, tt.most)
				}
			})
		})
	}
}

// However many calls wait, its going away and its coming back are said once.
func TestAnAbsenceIsReportedOnce(t *testing.T) {
	for _, tt := range []struct {
		name  string
		away  wire
		lasts time.Duration
		want  []string
	}{
		{"refused", refused, 30 * time.Second, []string{
			"http://gpubox:11434 does not answer (connect: connection refused), waiting up to 2m0s for it to come back",
			"http://gpubox:11434 answers again",
		}},
		{"busy for a moment", says(503, `{"error":"server busy"}`), 500 * time.Millisecond, nil},
		{"busy", says(503, `{"error":"server busy"}`), 30 * time.Second, []string{
			`http://gpubox:11434 is busy ("server busy" (HTTP 503)), waiting up to 2m0s for it to come back`,
			"http://gpubox:11434 answers again",
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				back := time.Now().Add(tt.lasts)
				c := on(t, func(r *http.Request) (*http.Response, error) {
					if time.Now().Before(back) {
						return tt.away(r)
					}
					return says(200, whole)(r)
				})
				var mu sync.Mutex
				var said []string
				c.Report = func(text string) {
					mu.Lock()
					defer mu.Unlock()
					said = append(said, text)
				}
				var wg sync.WaitGroup
				for range 16 {
					wg.Go(func() {
						if err := asks(t.Context(), c); err != nil {
							t.Error(err)
						}
					})
				}
				wg.Wait()
				if !slices.Equal(said, tt.want) {
					t.Errorf("said %q\nwant %q", said, tt.want)
				}
			})
		})
	}
}

func TestCancelEndsTheWaitingAtOnce(t *testing.T) {
	for how, away := range map[string]wire{
		"refused":     refused,
		"retry after": page(429, "429 Too Many Requests", "Retry-After", "60"),
		"dialing":     deafDial,
	} {
		for name, call := range calls {
			t.Run(name+"/"+how, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					ctx, cancel := context.WithCancel(t.Context())
					time.AfterFunc(20*time.Second, cancel)
					started := time.Now()
					err := call.call(ctx, on(t, away))
					if took := time.Since(started); took != 20*time.Second || !errors.Is(err, context.Canceled) || Reason(err) != "interrupted" {
						t.Errorf("after %s: %v, reason %s", took, err, Reason(err))
					}
				})
			})
		}
	}
}

// A call that is cancelled before it begins asks for nothing.
func TestCancelledCallIsNotBegun(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for name, call := range calls {
		w, count := inTurn(says(200, whole))
		if err := call.call(ctx, on(t, w)); !errors.Is(err, context.Canceled) || count() != 0 {
			t.Errorf("%s: error %v after %d requests", name, err, count())
		}
	}
}

// A deadline of the caller's ends the waiting as the patience would.
func TestDeadlineEndsTheWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		if err := asks(ctx, on(t, refused)); !errors.Is(err, ErrUnreachable) || !strings.Contains(err.Error(), "waited 20s") {
			t.Error(err)
		}
	})
}

// A server that nobody will start is not waited for.
func TestGoneEndsTheWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := on(t, refused)
		gone := make(chan struct{})
		c.Gone = gone
		time.AfterFunc(20*time.Second, func() { close(gone) })
		for _, want := range []time.Duration{20 * time.Second, 0} {
			started := time.Now()
			err := asks(t.Context(), c)
			if took := time.Since(started); took != want || !errors.Is(err, ErrUnreachable) || !strings.Contains(err.Error(), "will not be started again") {
				t.Errorf("after %s, want %s: %v", took, want, err)
			}
		}
	})
}

// Nobody closes for being idle what was in use a moment ago, or is
// in use for a second.
func TestACutIsNotAnIdleConnection(t *testing.T) {
	for name, cut := range map[string]wire{
		"fresh":         breaks(io.EOF, 0, 0),
		"in use before": breaks(io.EOF, 10*time.Millisecond, 0),
		"at work":       breaks(readReset, time.Minute, 2*time.Second),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w, count := inTurn(cut)
				if err := asks(t.Context(), on(t, w)); !errors.Is(err, ErrCut) || count() != 1 {
					t.Errorf("error %v after %d requests", err, count())
				}
			})
		})
	}
}

// What broke is returned by a run's own call, and made again by those that
// prepare one.
func TestWhatBrokeIsMadeAgainWhereItPreparesARun(t *testing.T) {
	incomplete := says(200, `{"message":{"content":"a a a"},"done":false}`)
	for how, broken := range map[string]struct {
		wire wire
		is   error
	}{"cut": {reset, ErrCut}, "runner": {crashed, ErrRunner}, "incomplete": {incomplete, ErrIncomplete}} {
		t.Run(how, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w, count := inTurn(broken.wire)
				if err := asks(t.Context(), on(t, w)); !errors.Is(err, broken.is) || count() != 1 {
					t.Errorf("a chat: %v after %d requests", err, count())
				}
				w, _ = inTurn(broken.wire, broken.wire, says(200, whole))
				started := time.Now()
				n, err := on(t, w).CountTokens(t.Context(), Request{Model: "m"})
				if took := time.Since(started); err != nil || n != 7 || took != 1500*time.Millisecond {
					t.Errorf("counted %d after %s, error %v", n, took, err)
				}
				w, count = inTurn(broken.wire)
				if _, err := on(t, w).CountTokens(t.Context(), Request{Model: "m"}); !errors.Is(err, broken.is) || count() != 3 {
					t.Errorf("a count: %v after %d requests", err, count())
				}
			})
		})
	}
}

// Who is denied is told what to do, at once; so is who asks too much of a proxy.
func TestARefusalIsNotWaitedFor(t *testing.T) {
	for _, tt := range []struct {
		wire  wire
		is    error
		wants []string
	}{
		{page(401, "401 Authorization Required"), ErrDenied, []string{"--host", "401 Authorization Required", "http://gpubox:11434"}},
		{says(403, ""), ErrDenied, []string{"--host", "HTTP 403 Forbidden"}},
		{says(401, `{"error":"unauthorized"}`), ErrDenied, []string{`"unauthorized" (HTTP 401)`}},
		{page(413, "413 Request Entity Too Large"), nil, []string{"a proxy before http://gpubox:11434", "bytes", "client_max_body_size"}},
	} {
		synctest.Test(t, func(t *testing.T) {
			w, count := inTurn(tt.wire)
			started := time.Now()
			err := asks(t.Context(), on(t, w))
			if count() != 1 || time.Since(started) != 0 || errors.Is(err, ErrUnreachable) {
				t.Errorf("%d requests, %v", count(), err)
			}
			if tt.is != nil && (!errors.Is(err, tt.is) || Reason(err) != tt.is.Error()) {
				t.Errorf("error %v, want %v", err, tt.is)
			}
			for _, want := range tt.wants {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%v\nwant it to say %s", err, want)
				}
			}
		})
	}
}

// Version looks once and says what is there.
func TestVersionDoesNotWait(t *testing.T) {
	for name, tt := range map[string]struct {
		wire wire
		is   error
	}{
		"refused": {refused, ErrUnreachable}, "502": {page(502, "502 Bad Gateway"), ErrUnreachable},
		"busy": {page(429, "429 Too Many Requests"), ErrUnreachable}, "cut": {reset, ErrUnreachable}, "silent": {silent, ErrUnreachable},
		"page": {page(200, "Welcome to nginx!"), ErrNotOllama}, "404": {page(404, "404 Not Found"), ErrNotOllama},
		"JSON": {says(200, `{"hello":"world"}`), ErrNotOllama}, "401": {page(401, "401 Authorization Required"), ErrDenied},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w, count := inTurn(tt.wire)
				if _, err := on(t, w).Version(t.Context()); !errors.Is(err, tt.is) || count() != 1 {
					t.Errorf("error %v after %d requests, want %v", err, count(), tt.is)
				}
			})
		})
	}
}
