package models

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// memory plays a server whose chats and looks at /api/ps are scripted.
func memory(chat, ps wire) wire { return byPath(map[string]wire{"/api/chat": chat, "/api/ps": ps}) }

var (
	took    = says(200, `{"done":true,"done_reason":"load"}`)
	inPs    = says(200, listing)
	notInPs = says(200, `{"models":[]}`)
)

func TestLoad(t *testing.T) {
	noMemory := says(500, `{"error":"llama-server reported out-of-memory during startup: cudaMalloc failed: out of memory"}`)
	noModel := says(404, `{"error":"model 'm' not found"}`)
	for _, tt := range []struct {
		name      string
		chat, ps  []wire
		is        error // nil: loaded
		says      string
		loads     int
		takesMost time.Duration
	}{
		{"well", []wire{took}, []wire{inPs}, nil, "", 1, 0},
		{"the runner crashes twice", []wire{crashed, crashed, took}, []wire{inPs}, nil, "", 3, 1500 * time.Millisecond},
		{"cut", []wire{reset, took}, []wire{inPs}, nil, "", 2, 500 * time.Millisecond},
		{"the runner always crashes", []wire{crashed}, []wire{inPs}, ErrRunner, "", 3, 1500 * time.Millisecond},
		{"too large", []wire{noMemory}, []wire{inPs}, ErrMemory, "", 1, 0},
		{"not installed", []wire{noModel}, []wire{inPs}, ErrModelNotFound, "load m: ", 1, 0},
		{"a look is cut", []wire{took}, []wire{reset, inPs}, nil, "", 1, 500 * time.Millisecond},
		{"a look meets a proxy's page", []wire{took}, []wire{page(200, "Please log in"), inPs}, nil, "", 1, 100 * time.Millisecond},
		{"a look meets a busy server", []wire{took}, []wire{says(503, `{"error":"busy"}`), inPs}, nil, "", 1, 100 * time.Millisecond},
		{"not listed at once", []wire{took}, []wire{notInPs, notInPs, notInPs, inPs}, nil, "", 1, time.Second},
		{"not listed at first", []wire{took}, []wire{notInPs, notInPs, notInPs, notInPs, notInPs, inPs}, nil, "", 2, 2 * time.Second},
		{"never listed", []wire{took}, []wire{notInPs}, nil, "load m: http://gpubox:11434 said twice that it is loaded, and /api/ps does not list it", 2, 4 * time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				chat, loads := inTurn(tt.chat...)
				ps, _ := inTurn(tt.ps...)
				started := time.Now()
				l, err := on(t, memory(chat, ps)).Load(t.Context(), "m", Options{})
				switch {
				case tt.is != nil || tt.says != "":
					if tt.is != nil && !errors.Is(err, tt.is) || err == nil || !strings.Contains(err.Error(), tt.says) {
						t.Errorf("error %v, want %v %s", err, tt.is, tt.says)
					}
				case err != nil || l != Loaded{"d", 8, 4, 2048}:
					t.Errorf("%+v, error %v", l, err)
				}
				if loads() != tt.loads {
					t.Errorf("%d loads, want %d", loads(), tt.loads)
				}
				if took := time.Since(started); took > tt.takesMost {
					t.Errorf("took %s, want %s", took, tt.takesMost)
				}
			})
		})
	}
}

// Whoever cancels a load has it back at once, and the server goes on: v0.17.4
// breaks off half-way when the client goes away.
func TestCancelledLoadGoesOnInTheServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(5*time.Second, cancel)
		var ended time.Duration
		started := time.Now()
		c := on(t, func(r *http.Request) (*http.Response, error) {
			reached(r, 0)
			select {
			case <-time.After(time.Minute):
			case <-r.Context().Done():
			}
			ended = time.Since(started)
			return took(r)
		})
		if _, err := c.Load(ctx, "m", Options{}); !errors.Is(err, context.Canceled) || time.Since(started) != 5*time.Second {
			t.Errorf("after %s: %v", time.Since(started), err)
		}
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		if ended != time.Minute {
			t.Errorf("the load ended after %s, want 1m0s", ended)
		}
	})
}

// The server's silence ends it, after the limit of a call.
func TestCancelledLoadEndsWithTheCallsLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(5*time.Second, cancel)
		started := time.Now()
		var ended time.Duration
		c := on(t, func(r *http.Request) (*http.Response, error) {
			defer func() { ended = time.Since(started) }()
			return silent(r)
		})
		c.CallTimeout = 10 * time.Minute
		if _, err := c.Load(ctx, "m", Options{}); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		time.Sleep(time.Hour)
		synctest.Wait()
		if ended != 10*time.Minute {
			t.Errorf("the request ended after %s, want 10m0s", ended)
		}
	})
}

// A server that loads a model otherwise than its calls want it loads it again.
func TestLoadAsksForWhatChatAsksFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var sent []map[string]any
		c := on(t, memory(func(r *http.Request) (*http.Response, error) {
			text, err := io.ReadAll(r.Body)
			if err != nil {
				return nil, err
			}
			var body map[string]any
			if err := json.Unmarshal(text, &body); err != nil {
				return nil, err
			}
			sent = append(sent, body)
			return says(200, whole)(r)
		}, inPs))
		o := Options{NumCtx: 2048, NumPredict: 10, Seed: 1}
		if _, err := c.Load(t.Context(), "m", o); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Chat(t.Context(), Request{Model: "m", User: "q", Options: o}); err != nil {
			t.Fatal(err)
		}
		load, chat := sent[0], sent[1]
		if load["shift"] != chat["shift"] || chat["shift"] != false || load["keep_alive"] != chat["keep_alive"] {
			t.Errorf("load %v\nchat %v", load, chat)
		}
		if !maps.Equal(load["options"].(map[string]any), chat["options"].(map[string]any)) {
			t.Errorf("options of the load %v, of the chat %v", load["options"], chat["options"])
		}
	})
}

func TestInMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := on(t, inPs)
		if all, err := c.InMemory(t.Context(), "M"); err != nil || !slices.Equal(all, []Loaded{{"d", 8, 4, 2048}}) {
			t.Errorf("%+v, %v", all, err)
		}
		if all, err := c.InMemory(t.Context(), "other"); err != nil || len(all) > 0 {
			t.Errorf("another model: %+v, %v", all, err)
		}
		if all, err := on(t, refused).InMemory(t.Context(), "m"); !errors.Is(err, ErrUnreachable) || len(all) > 0 || !strings.Contains(err.Error(), "look for m in memory") {
			t.Errorf("a server that is away: %+v, %v", all, err)
		}
	})
}

func TestUnloadTakesNoLongerThanThePatience(t *testing.T) {
	for _, tt := range []struct {
		name     string
		chat, ps wire
		is       error
		says     string
		takes    time.Duration
	}{
		{"well", took, notInPs, nil, "", 0},
		{"never answered", silent, notInPs, ErrTimeout, "unload m: ", 30 * time.Second},
		{"looks are never answered", took, silent, ErrTimeout, "unload m: ", 30 * time.Second},
		{"another client keeps it", took, inPs, nil, "still in memory after 2m0s; another client may be using it", 2 * time.Minute},
		{"the server is away", refused, refused, ErrUnreachable, "unload m: ", 2 * time.Minute},
		{"looks meet a server that is away", took, refused, ErrUnreachable, "unload m: ", 2 * time.Minute},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				started := time.Now()
				err := on(t, memory(tt.chat, tt.ps)).Unload(t.Context(), "m")
				if tt.is != nil && !errors.Is(err, tt.is) || (tt.is != nil || tt.says != "") != (err != nil) || err != nil && !strings.Contains(err.Error(), tt.says) {
					t.Errorf("error %v, want %v %s", err, tt.is, tt.says)
				}
				if took := time.Since(started); took != tt.takes {
					t.Errorf("took %s, want %s", took, tt.takes)
				}
			})
		})
		t.Run(tt.name+", cancelled", func(t *testing.T) {
			if tt.takes == 0 {
				t.Skip("over before it can be cancelled")
			}
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				time.AfterFunc(3*time.Second, cancel)
				started := time.Now()
				err := on(t, memory(tt.chat, tt.ps)).Unload(ctx, "m")
				if took := time.Since(started); took != 3*time.Second || !errors.Is(err, context.Canceled) {
					t.Errorf("after %s: %v", took, err)
				}
			})
		})
	}
}
