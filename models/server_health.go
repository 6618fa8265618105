package models

import (
	"context"
	"net/http"
	"time"
)

// A health says when a server hangs: it lives and does not answer /api/version
// for so many looks in a row. It is ended then, and so started again.
type health struct {
	every time.Duration
	after int
}

// v0.17.4 answers at once, also while it loads a model: a minute of silence is a
// server that hangs.
var patientHealth = health{every: 10 * time.Second, after: 6}

// watchHealth looks after one process until it ends.
func (s *Server) watchHealth(ended <-chan struct{}, g *guard) {
	health := s.cfg.limits.health
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: health.every / 2}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	tick := time.NewTicker(health.every)
	defer tick.Stop()
	for silent := 0; ; {
		select {
		case <-ended:
			return
		case <-s.stopping:
			return
		case <-tick.C:
		}
		if answers(ctx, client, s.URL()+"/api/version") || s.phase.Load() != serving {
			silent = 0
			continue
		}
		if silent++; silent < health.after {
			continue
		}
		s.report("the Ollama server lives and has not answered for %v; ending it", time.Duration(silent)*health.every)
		s.mu.Lock()
		if s.guard == g {
			g.kill()
		}
		s.mu.Unlock()
		return
	}
}
