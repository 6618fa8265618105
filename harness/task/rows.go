package task

import (
	"errors"
	"strings"

	"perg/data"
	"perg/harness/engine"
	"perg/harness/store"
	"perg/models"
)

// Row is the generation in the table of a run, which states some irrelevant
// preferences.
func (e Evaluated) Row(runID string, irrelevant []string) data.Generation {
	it, v := e.Asked(), e.Variant
	row := data.Generation{
		RunID: runID, ItemID: it.ID, QuestionID: it.QuestionID, Source: it.Source, Category: it.Category,
		Question: it.Question, Options: it.Options, Gold: it.GoldLetter(),
		Preference: it.Preference, PreferenceType: string(it.PreferenceType),
		Preferences: e.Setting.Stated(it.Preference, irrelevant),
		Setting:     string(e.Setting), Method: string(e.Method),
		Model: v.Name, Variant: v.Label, Digest: v.Digest, Family: v.Family,
		ParameterSize: v.ParameterSize, Quantization: v.Quantization, KVCacheType: string(v.KVCache), Think: v.Think, ThinkLevel: string(v.Level),
		Repeat: int32(e.Repeat), Control: string(e.Control),
		SystemPrompt: &e.Call.Request.System, UserPrompt: e.Call.Request.User,
		Status: data.StatusOK, RequestHash: e.Call.Key().String(),
	}
	if e.Err != nil {
		row.Status, row.Error = data.StatusError, strings.ToValidUTF8(e.Err.Error(), "\uFFFD")
		var failed *engine.FailedError
		if errors.As(e.Err, &failed) && failed.Reason == models.ErrUnloaded.Error() {
			row.Status = data.StatusUnloaded
		}
	}
	if a := e.Answer; a != nil {
		correct := e.Correct()
		row.Correct, row.AnswerFrom = &correct, a.From
		if a.Letter != "" {
			row.Answer = &a.Letter
		}
	}
	if e.Draft != nil {
		row.DraftResponse = &e.Draft.Content
	}
	reply := e.Reply
	if reply == nil {
		return row
	}
	row.RequestHash = e.Call.KeyOf(*reply).String()
	if e.Method.TwoCalls() {
		row.FellBack = &e.FellBack
		if reply != e.Draft {
			row.SecondReply = &reply.Content
		}
	}
	if e.Err == nil {
		row.Status = e.status()
	}
	row.Response, row.DoneReason, row.Host = &e.Response, reply.DoneReason, reply.Host
	if reply.Thinking != "" {
		row.Thinking = &reply.Thinking
	}
	row.PromptTokens, row.OutputTokens, row.TotalNS = costs(reply)
	if reply.ThinkingTokens != nil {
		row.ThinkingTokens = new(int64(*reply.ThinkingTokens))
	}
	row.EvalNS = new(int64(reply.Eval))
	if !reply.Ended() {
		row.LoadNS, row.PromptEvalNS = new(int64(reply.Load)), new(int64(reply.PromptEval))
	}
	row.Engine, row.OllamaVersion = string(models.EngineOf(reply.Version)), reply.Version
	row.StartedAt, row.GPUUUIDs, row.VRAMBytes = &reply.StartedAt, reply.GPUs, reply.VRAM
	return row
}

// status is that of a generation whose response came.
func (e Evaluated) status() string {
	reply := e.Reply
	if e.FellBack {
		reply = e.Draft
	}
	switch {
	case e.ThoughtCut():
		return data.StatusThought
	case strings.TrimSpace(e.Response) == "" && strings.TrimSpace(reply.Thinking) != "":
		return data.StatusThinking
	case strings.TrimSpace(e.Response) == "":
		return data.StatusEmpty
	case e.Truncated():
		return data.StatusTruncated
	default:
		return data.StatusOK
	}
}

// JudgmentRow is one of the generation's ratings in the table of a run.
func (e Evaluated) JudgmentRow(runID string, j Judgment) data.Judgment {
	by := j.By
	row := data.Judgment{
		RunID: runID, ItemID: e.Item.ID, Setting: string(e.Setting), Method: string(e.Method),
		Variant: e.Variant.Label, Repeat: int32(e.Repeat), JudgeModel: by.Label, JudgeDigest: by.Digest, Swapped: j.Swapped,
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

// costs are what a reply took. Of an answer that perg ended nobody said how many
// tokens its prompt has.
func costs(r *store.Reply) (prompt, output, total *int64) {
	if r.PromptTokens > 0 || !r.Ended() {
		prompt = new(int64(r.PromptTokens))
	}
	return prompt, new(int64(r.OutputTokens)), new(int64(r.Total))
}
