package export

import (
	"perg/data"
	"perg/harness/results"
)

// A Row is one generation with what is known of it: a row of results.parquet.
// Columns are described by Columns.
type Row struct {
	data.Generation
	Joined
}

// Joined is what a row has besides its generation.
type Joined struct {
	BaselineResponse *string `parquet:"baseline_response"`
	BaselineAnswer   *string `parquet:"baseline_answer,dict"`
	BaselineCorrect  *bool   `parquet:"baseline_correct"`
	BaselineStatus   string  `parquet:"baseline_status,optional,dict"`

	Score       *float64 `parquet:"score"`
	Followed    *bool    `parquet:"followed"`
	Explanation string   `parquet:"explanation,optional"`
	Ratings     []Rating `parquet:"ratings,list"`

	Outcome  results.Outcome `parquet:"outcome,dict"`
	Unscored bool            `parquet:"unscored"`
}

// A Rating is one judgment of the row's generation.
type Rating struct {
	JudgeModel  string `parquet:"judge_model,dict"`
	Swapped     bool   `parquet:"swapped"`
	Counts      bool   `parquet:"counts"`
	Score       *int32 `parquet:"score"`
	Followed    *bool  `parquet:"followed"`
	Explanation string `parquet:"explanation,optional"`
	Raw         string `parquet:"raw,optional"`
	Status      string `parquet:"status,dict"`
	Error       string `parquet:"error,optional,dict"`
}
