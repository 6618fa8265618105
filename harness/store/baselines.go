package store

import (
	"context"
	"fmt"
	"time"

	"perg/models"
)

// An Answerer is a model as it answered.
type Answerer struct {
	Digest  string
	KVCache models.KVType // "": the server's own, not known
	Thinks  bool
}

// A Baseline is what came of an answerer's answers to questions without a preference.
type Baseline struct {
	Answers int // that were read, or found to choose nothing
	Right   int // of them
}

// Baselines are made with the first of them, which a perg that knows of none does not
// mind.
const createBaseline = `
CREATE TABLE IF NOT EXISTS baseline (
	digest   TEXT    NOT NULL,
	kv_cache TEXT    NOT NULL,
	thinks   INTEGER NOT NULL,
	answers  INTEGER NOT NULL,
	correct  INTEGER NOT NULL,
	at       INTEGER NOT NULL,
	PRIMARY KEY (digest, kv_cache, thinks)
) STRICT, WITHOUT ROWID`

const (
	insertBaseline = `INSERT INTO baseline (digest, kv_cache, thinks, answers, correct, at) VALUES (?, ?, ?, ?, ?, ?)
	ON CONFLICT DO UPDATE SET answers = excluded.answers, correct = excluded.correct, at = excluded.at WHERE excluded.answers >= answers`
	selectBaselines = `SELECT digest, kv_cache, thinks, answers, correct FROM baseline`
)

// NoteBaseline keeps what came of a run's baseline. It takes the place of an earlier one
// of no more answers, and is durable when it returns.
func (s *Store) NoteBaseline(ctx context.Context, of Answerer, b Baseline, at time.Time) error {
	if !b.possible() {
		return fmt.Errorf("note a baseline: %d right of %d answers", b.Right, b.Answers)
	}
	return s.explain("note a baseline", whileBusy(func() error {
		if _, err := s.writer.ExecContext(ctx, createBaseline); err != nil {
			return err
		}
		_, err := s.writer.ExecContext(ctx, insertBaseline, of.Digest, string(of.KVCache), of.Thinks, b.Answers, b.Right, at.UnixNano())
		return err
	}))
}

// Baselines are those that were noted. One that cannot be read, or that cannot be one, is
// left out: what a wrong one costs is a plan that is wrong about its time.
func (s *Store) Baselines(ctx context.Context) map[Answerer]Baseline {
	rows, err := s.readers.QueryContext(ctx, selectBaselines)
	if err != nil {
		return nil
	}
	defer rows.Close()
	all := make(map[Answerer]Baseline)
	for rows.Next() {
		var of Answerer
		var b Baseline
		if rows.Scan(&of.Digest, &of.KVCache, &of.Thinks, &b.Answers, &b.Right) == nil && b.possible() {
			all[of] = b
		}
	}
	return all
}

func (b Baseline) possible() bool { return b.Answers > 0 && b.Right >= 0 && b.Right <= b.Answers }
