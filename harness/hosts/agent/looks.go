package agent

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"perg/models"
)

// looks at a server's memory: a reply is kept under the digest of the model that
// was meant only where a look that was begun after it came shows that digest. One
// look is for all that came before it.
type looks struct {
	mu    sync.Mutex
	began time.Time // of the last look
	model string
	seen  []models.Loaded
	err   error
}

// vouch says whether the model that is loaded is the one of a digest, and how much
// of it is in GPU memory.
func (l *looks) vouch(s *session, model, digest string) (vram *int64, ok bool) {
	came := time.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.began.After(came) || l.model != model {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		l.began, l.model = time.Now(), model
		l.seen, l.err = s.server.InMemory(ctx, model)
	}
	if l.err != nil || len(l.seen) == 0 || slices.ContainsFunc(l.seen, func(m models.Loaded) bool { return !sameDigest(m.Digest, digest) }) {
		return nil, false
	}
	return new(l.seen[0].VRAM), true
}

func sameDigest(a, b string) bool {
	a, b = strings.TrimPrefix(a, "sha256:"), strings.TrimPrefix(b, "sha256:")
	n := min(len(a), len(b))
	return n > 0 && a[:n] == b[:n]
}
