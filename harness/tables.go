package harness

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"sync"

	"perg/data"
	"perg/harness/engine"
	"perg/harness/judge"
	"perg/harness/metrics"
	"perg/harness/rundir"
	"perg/harness/store"
	"perg/harness/task"
)

// writeTables projects the plan and the store onto the Parquet tables of the
// run: generations, judgments, and the metrics over them. A generation that
// was not answered yet has no row, one that was not rated yet no judgment; the
// counts say how many are missing something.
func (r *Run) writeTables(ctx context.Context) (rundir.Counts, error) {
	// Rows on their way to a table are garbage a moment later: collected at
	// a quarter more than what is in use, a run of a million takes no more
	// memory than one of a hundred thousand.
	defer debug.SetGCPercent(debug.SetGCPercent(25))
	counts := rundir.Counts{Planned: r.Plan.Total(), Reasons: make(map[string]int)}
	dir := r.Dir.Path
	generations, err := data.CreateTable[data.Generation](filepath.Join(dir, "generations"))
	if err != nil {
		return counts, err
	}
	defer generations.Abort()
	judgments, err := data.CreateTable[data.Judgment](filepath.Join(dir, "judgments"))
	if err != nil {
		return counts, err
	}
	defer judgments.Abort()
	if err := r.keepOthers(judgments); err != nil {
		return counts, err
	}
	ask := recorded(r.Store)
	for _, v := range r.Plan.Variants {
		for s, err := range r.Plan.evaluated(ctx, ask, v) {
			missing := errors.Is(err, engine.ErrNotAsked)
			if err != nil && !missing {
				return counts, err
			}
			if missing {
				counts.Missing++
			} else {
				tally(&counts, s)
			}
			if missing && s.Answer == nil {
				continue
			}
			if err := generations.Write(r.generationRow(s)); err != nil {
				return counts, err
			}
			for _, j := range s.Judgments {
				if err := judgments.Write(r.judgmentRow(s, j)); err != nil {
					return counts, err
				}
			}
		}
	}
	if err := generations.Close(); err != nil {
		return counts, err
	}
	if err := judgments.Close(); err != nil {
		return counts, err
	}
	debug.FreeOSMemory() // what encoding took, before metrics take their own
	return counts, r.writeMetrics()
}

// evaluated works a variant's generations out on all processors, and yields
// them in their order. A few hundred are in memory at a time.
func (p *Plan) evaluated(ctx context.Context, ask task.Ask, v *task.Variant) iter.Seq2[task.Evaluated, error] {
	const atOnce = 64
	type result struct {
		task.Evaluated
		err error
	}
	return func(yield func(task.Evaluated, error) bool) {
		a, e := p.Task.Arrange(v), p.evaluator(ask)
		workers := runtime.GOMAXPROCS(0)
		chunks, quit := make(chan chan []result, workers), make(chan struct{})
		var group sync.WaitGroup
		defer group.Wait()
		defer close(quit)
		group.Go(func() {
			defer close(chunks)
			for from := 0; from < a.Len(); from += atOnce {
				done := make(chan []result, 1)
				select {
				case chunks <- done:
				case <-quit:
					return
				}
				group.Go(func() {
					results := make([]result, min(atOnce, a.Len()-from))
					for i := range results {
						s, err := e.Evaluate(ctx, a.Generation(from+i), p.Judges)
						results[i] = result{s, err}
					}
					done <- results
				})
			}
		})
		for done := range chunks {
			for _, r := range <-done {
				if !yield(r.Evaluated, r.err) {
					return
				}
			}
		}
	}
}

// keepOthers takes the ratings of judges that the run had before over into its
// new table.
func (r *Run) keepOthers(judgments *data.TableWriter[data.Judgment]) error {
	for row, err := range data.ReadTable[data.Judgment](filepath.Join(r.Dir.Path, "judgments")) {
		if errors.Is(err, data.ErrNoTable) {
			return nil
		}
		if err != nil {
			return err
		}
		if slices.ContainsFunc(r.Plan.Judges, func(j *task.Variant) bool { return j.Name == row.JudgeModel }) {
			continue
		}
		if err := judgments.Write(row); err != nil {
			return err
		}
	}
	return nil
}

func (r *Run) writeMetrics() error {
	table, err := metrics.Load(r.Dir.Path, r.Dir.Manifest.MetricsOptions())
	if errors.Is(err, data.ErrNoTable) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("metrics: %w", err)
	}
	rows, err := table.Records(metrics.BySource)
	if err != nil {
		return fmt.Errorf("metrics: %w", err)
	}
	return data.WriteTable(filepath.Join(r.Dir.Path, "metrics"), rows)
}

// tally adds a generation to the counts.
func tally(c *rundir.Counts, s task.Evaluated) {
	if s.Err != nil {
		c.Failed++
		c.Reasons[reason(s.Err)]++
	} else {
		c.OK++
	}
	if s.FellBack {
		c.FellBack++
	}
	for _, j := range s.Judgments {
		switch {
		case j.Rating != nil:
			c.Rated++
		case j.Reply != nil:
			c.Unscored++
			c.Reasons["judge: "+reason(j.Err)]++
		default:
			c.Unjudged++
			c.Reasons["judge: "+reason(j.Err)]++
		}
	}
}

// reason is the short name under which failures are counted together.
func reason(err error) string {
	var past *engine.FailedError
	switch {
	case errors.As(err, &past):
		return past.Reason
	case errors.Is(err, judge.ErrUnreadable):
		return judge.ErrUnreadable.Error()
	default:
		return err.Error()
	}
}

func (r *Run) generationRow(s task.Evaluated) data.Generation {
	it, v := s.Item, s.Variant
	row := data.Generation{
		RunID: r.Dir.Manifest.RunID, ItemID: it.ID, Source: it.Source, Category: it.Category,
		Question: it.Question, Options: it.Options, Gold: it.GoldLetter(),
		Preference: it.Preference, PreferenceType: string(it.PreferenceType),
		Preferences: s.Setting.Stated(it.Preference, r.Plan.Task.Irrelevant),
		Setting:     string(s.Setting), Method: string(s.Method),
		Model: v.Name, Variant: v.Label, Digest: v.Digest, Family: v.Family,
		ParameterSize: v.ParameterSize, Quantization: v.Quantization, KVCacheType: string(v.KVCache), Think: v.Think,
		Repeat:       int32(s.Repeat),
		SystemPrompt: s.Call.Request.System, UserPrompt: s.Call.Request.User,
		Status: data.StatusOK, RequestHash: s.Call.Key().String(),
	}
	if s.Err != nil {
		row.Status, row.Error = data.StatusError, strings.ToValidUTF8(s.Err.Error(), "\uFFFD")
	}
	if a := s.Answer; a != nil {
		correct := s.Correct()
		row.Correct, row.AnswerFrom = &correct, a.From
		if a.Letter != "" {
			row.Answer = &a.Letter
		}
	}
	if s.Draft != nil {
		row.DraftResponse = &s.Draft.Content
	}
	reply := s.Reply
	if reply == nil {
		return row
	}
	if s.Method.TwoCalls() {
		row.SecondReply, row.FellBack = &reply.Content, &s.FellBack
	}
	if s.Err == nil && s.Truncated() {
		row.Status = data.StatusTruncated
	}
	row.Response, row.DoneReason, row.Host = &s.Response, reply.DoneReason, reply.Host
	if reply.Thinking != "" {
		row.Thinking = &reply.Thinking
	}
	row.PromptTokens, row.OutputTokens, row.TotalNS = costs(reply)
	row.LoadNS, row.PromptEvalNS, row.EvalNS = new(int64(reply.LoadDuration)), new(int64(reply.PromptEvalDuration)), new(int64(reply.EvalDuration))
	row.StartedAt, row.GPUUUIDs, row.VRAMBytes = &reply.StartedAt, reply.GPUs, reply.VRAM
	return row
}

func (r *Run) judgmentRow(s task.Evaluated, j task.Judgment) data.Judgment {
	by := j.By
	row := data.Judgment{
		RunID: r.Dir.Manifest.RunID, ItemID: s.Item.ID, Setting: string(s.Setting), Method: string(s.Method),
		Variant: s.Variant.Label, Repeat: int32(s.Repeat), JudgeModel: by.Name, JudgeDigest: by.Digest, Swapped: j.Swapped,
		Status: data.StatusOK, RequestHash: j.Call.Key().String(),
	}
	if reply := j.Reply; reply != nil {
		row.Raw = reply.Content
		row.PromptTokens, row.OutputTokens, row.TotalNS = costs(reply)
	}
	switch {
	case j.Rating != nil:
		row.Score, row.Followed = new(int32(j.Rating.Score)), new(j.Rating.Followed())
		row.Explanation = j.Rating.Explanation
	case j.Reply == nil:
		row.Status, row.Error = data.StatusError, strings.ToValidUTF8(j.Err.Error(), "\uFFFD")
	default:
		row.Status, row.Error = data.StatusUnscored, j.Err.Error()
	}
	return row
}

func costs(r *store.Reply) (prompt, output, total *int64) {
	return new(int64(r.PromptTokens)), new(int64(r.OutputTokens)), new(int64(r.TotalDuration))
}
