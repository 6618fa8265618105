package store

import (
	"context"
	"fmt"
	"math"
	"time"

	"perg/models"
)

// A Paced is what a pace was measured of, and the programs that it was measured
// with: where one of them is another, so is the pace.
type Paced struct {
	Digest  string        // of the model
	KVCache models.KVType // "": the server's own, not known
	Engine  models.Engine
	Version string // of the server; "": it does not say
	Work    string // what it did: what prompts and answers are long, and alike
}

// A Pace is how a model works fastest on some devices, and how fast that is.
type Pace struct {
	InFlight int     // calls at once, at each server, that brought the most
	Servers  int     // of the model, on the same devices at once
	Gain     float64 // what these brought together, as a multiple of one's
	// Prompt and New are the seconds of the devices' time that a token of a
	// prompt took, and a new one, with all servers at work: the time that passed,
	// shared out as the calls' own times are.
	Prompt, New float64
	Calls       int     // that were measured
	Answer      float64 // new tokens of a call, on average; 0: not known
}

// Paces are made with the first of them, which a perg that knows of none does
// not mind: it reads replies as before.
const createPace = `
CREATE TABLE IF NOT EXISTS pace (
	digest    TEXT    NOT NULL,
	kv_cache  TEXT    NOT NULL,
	devices   TEXT    NOT NULL,
	engine    TEXT    NOT NULL,
	version   TEXT    NOT NULL,
	work      TEXT    NOT NULL,
	in_flight INTEGER NOT NULL,
	servers   INTEGER NOT NULL,
	gain      REAL    NOT NULL,
	prompt    REAL    NOT NULL,
	new       REAL    NOT NULL,
	calls     INTEGER NOT NULL,
	answer    REAL    NOT NULL,
	at        INTEGER NOT NULL,
	PRIMARY KEY (digest, kv_cache, devices, engine, version, work)
) STRICT, WITHOUT ROWID`

const (
	insertPace = `INSERT OR REPLACE INTO pace VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`
	selectPace = `SELECT devices, in_flight, servers, gain, prompt, new, calls, answer FROM pace
	WHERE digest = ? AND kv_cache = ? AND engine = ? AND version = ? AND work = ?`
)

// Remember keeps a pace that was measured on a kind of devices. It takes the
// place of an earlier one, and is durable when it returns.
func (s *Store) Remember(ctx context.Context, of Paced, devices string, p Pace, at time.Time) error {
	if err := p.check(); err != nil {
		return fmt.Errorf("remember a pace: %w", err)
	}
	return s.explain("remember a pace", whileBusy(func() error {
		if _, err := s.writer.ExecContext(ctx, createPace); err != nil {
			return err
		}
		_, err := s.writer.ExecContext(ctx, insertPace, of.Digest, string(of.KVCache), devices, string(of.Engine), of.Version, of.Work,
			p.InFlight, p.Servers, p.Gain, p.Prompt, p.New, p.Calls, p.Answer, at.UnixNano())
		return err
	}))
}

// Paces are those that are remembered, by the kind of devices. One that cannot be
// read, or that cannot be one, is not remembered: it has no checksum, since what
// a wrong one costs is time.
func (s *Store) Paces(ctx context.Context, of Paced) map[string]Pace {
	rows, err := s.readers.QueryContext(ctx, selectPace, of.Digest, string(of.KVCache), string(of.Engine), of.Version, of.Work)
	if err != nil {
		return nil
	}
	defer rows.Close()
	all := make(map[string]Pace)
	for rows.Next() {
		var devices string
		var p Pace
		if err := rows.Scan(&devices, &p.InFlight, &p.Servers, &p.Gain, &p.Prompt, &p.New, &p.Calls, &p.Answer); err != nil {
			continue
		}
		if p.check() == nil {
			all[devices] = p
		}
	}
	return all
}

// check says why a pace cannot be one; nil where it can.
func (p Pace) check() error {
	const most = 1 << 16
	switch {
	case p.InFlight < 1 || p.InFlight > most || p.Servers < 1 || p.Servers > most:
		return fmt.Errorf("%d calls at each of %d servers", p.InFlight, p.Servers)
	case !positive(p.Gain) || !positive(p.Prompt) || !positive(p.New) || p.Answer != 0 && !positive(p.Answer):
		return fmt.Errorf("a gain of %v, %v s a token read and %v s each of %v new ones", p.Gain, p.Prompt, p.New, p.Answer)
	}
	return nil
}

// positive says whether a figure is a number above 0.
func positive(x float64) bool { return x > 0 && !math.IsInf(x, 1) }
