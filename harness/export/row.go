package export

import (
	"perg/data"
	"perg/harness/results"
)

// A Row is one generation with what is known of it: a row of results.parquet.
// The tag about describes a column; see Columns.
type Row struct {
	data.Generation
	Joined
}

// Joined is what a row has besides its generation.
type Joined struct {
	BaselineResponse *string `parquet:"baseline_response" about:"the same variant's response to the item in the same repeat, zero-shot under none; null: it has none"`
	BaselineAnswer   *string `parquet:"baseline_answer,dict" about:"the letter that the baseline chooses; null: invalid, or no response"`
	BaselineCorrect  *bool   `parquet:"baseline_correct" about:"whether the baseline is correct: where it is, the item is in Q*; null: no response"`
	BaselineStatus   string  `parquet:"baseline_status,optional,dict" about:"the baseline's status; null: there is no baseline"`

	Score       *float64 `parquet:"score" about:"mean of the ratings that count, 1 (preference not followed at all) to 5 (fully); null: none"`
	Followed    *bool    `parquet:"followed" about:"the judges' verdict on the preference, by the run's rule (--judge-rule); null: no rating that counts"`
	Explanation string   `parquet:"explanation,optional" about:"why, in the words of the first judge that shares the verdict; null: none"`
	Ratings     []Rating `parquet:"ratings,list" about:"list of all ratings: judge_model; swapped (the judge saw the responses in the other order); counts (it decides score and followed); score, followed, explanation; raw (what the judge said, as it did); status (ok, unscored, error); error"`

	Outcome  results.Outcome `parquet:"outcome,dict" about:"kept (right here and in the baseline), broken (right in the baseline alone), mended (right here alone), wrong twice; under none: plain right, plain wrong; error (no response, here or in the baseline). It is the same whether or not judges rated the row: what broke is broken also where it is unscored"`
	Unscored bool            `parquet:"unscored" about:"whether the row lacks a rating that it should have: it is in Q*, its setting states the item's own preference, the run has judges, and no rating that counts can be read"`
}

// A Rating is one judgment of the row's generation. Texts that may be null are
// pointers: of others within a list parquet-go writes some nulls as "" (see
// data.FileWriter).
type Rating struct {
	JudgeModel  string  `parquet:"judge_model,dict"`
	Swapped     bool    `parquet:"swapped"`
	Counts      bool    `parquet:"counts"`
	Score       *int32  `parquet:"score"`
	Followed    *bool   `parquet:"followed"`
	Explanation *string `parquet:"explanation"`
	Raw         *string `parquet:"raw"`
	Status      string  `parquet:"status,dict"`
	Error       *string `parquet:"error,dict"`
}
