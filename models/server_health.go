package models

import (
	"context"
	"net/http"
	"time"
)

// A server that lives and does not answer /api/version for unhealthyAfter looks
// in a row is ended, and so started again. v0.17.4 answers it at once, also
// while it loads a model: a minute of silence is a server that hangs.
var (
	healthEvery    = 10 * time.Second
	unhealthyAfter = 6
)

// watchHealth looks after one process until it ends.
func (s *Server) watchHealth(ended <-chan struct{}, g *guard) {
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: healthEvery / 2}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	tick := time.NewTicker(healthEvery)
	defer tick.Stop()
	for silent := 0; ; {
		select {
		case <-ended:
			return
		case <-s.stopping:
			return
		case <-tick.C:
		}
		if answers(ctx, client, s.URL()+"/api/version") || !closed(s.ready) {
			silent = 0
			continue
		}
		if silent++; silent < unhealthyAfter {
			continue
		}
		s.report("the Ollama server lives and has not answered for %v; ending it", time.Duration(silent)*healthEvery)
		s.mu.Lock()
		if s.guard == g {
			g.kill()
		}
		s.mu.Unlock()
		return
	}
}
