package models

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// A server that takes a call and then hangs is given up after the patience, not
// after the time that a call may take; one that only takes its time is not.
func TestChatGivesUpOnAServerThatHangs(t *testing.T) {
	for _, hangs := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			var versions atomic.Int32
			c, err := NewClient("http://gpu-box")
			if err != nil {
				t.Fatal(err)
			}
			text := func(s string) *http.Response {
				return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(strings.NewReader(s)), Header: http.Header{}}
			}
			c.http.Transport = roundTripper(func(r *http.Request) (*http.Response, error) {
				answer := text(`{"version":"0.17.4"}`)
				takes := time.Millisecond
				if r.URL.Path == "/api/chat" {
					answer, takes = text(`{"message":{"content":"A"},"done":true}`), 20*time.Minute
				} else {
					versions.Add(1)
				}
				if hangs {
					takes = 24 * time.Hour
				}
				select {
				case <-time.After(takes):
					return answer, nil
				case <-r.Context().Done():
					return nil, r.Context().Err()
				}
			})
			began := time.Now()
			_, err = c.Chat(t.Context(), Request{Model: "m", User: "?"})
			took := time.Since(began)
			switch {
			case hangs && (!errors.Is(err, ErrUnreachable) || took < 2*time.Minute || took > 3*time.Minute):
				t.Errorf("a server that hangs: %v after %v", err, took)
			case !hangs && (err != nil || took != 20*time.Minute):
				t.Errorf("a slow one: %v after %v", err, took)
			}
			before := versions.Load()
			time.Sleep(time.Hour)
			if n := versions.Load() - before; n > 1 {
				t.Errorf("%d looks after the call's end", n)
			}
		})
	}
}
