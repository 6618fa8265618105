package data

import "time"

// The statuses of a generation and of a judgment.
const (
	StatusOK        = "ok"
	StatusTruncated = "truncated"     // ended by num_predict or the context, not by the model
	StatusError     = "error"         // no response: Error says why
	StatusUnloaded  = "unloaded"      // no response: the server put the model in memory or out of it, and asked it nothing
	StatusEmpty     = "empty"         // a response without a word
	StatusThinking  = "thinking_only" // thoughts, and no word after them
	// StatusThought: thoughts that a limit ended, or a loop, before a word of the
	// answer.
	StatusThought  = "truncated_thinking"
	StatusUnscored = "unscored" // a judgment whose rating cannot be read
)

// DoneLoop stands in the column done_reason where perg ended an answer that said the
// same over and over.
const DoneLoop = "loop"

// FromLabel stands in the column answer_from where the letter of an imported
// answer is the file's.
const FromLabel = "label"

// A Generation is the scored outcome of one item in one cell: a row of the
// table generations. Nil and, where a text cannot be empty, "" are null in
// Parquet: unknown, or not there. The tag about describes a column to those who
// open the table.
type Generation struct {
	RunID          string   `parquet:"run_id,dict" about:"the run that the row is of"`
	ItemID         string   `parquet:"item_id,dict" about:"the question's id in PERGData"`
	QuestionID     string   `parquet:"question_id,optional,dict" about:"what items have in common that are one question: under several preferences, or with the same words twice in the data; null: the item has its question to itself"`
	Source         string   `parquet:"source,optional,dict" about:"the dataset that the question is from; null: not known"`
	Category       string   `parquet:"category,optional,dict" about:"its category there, such as an MMLU subject; null: none"`
	Question       string   `parquet:"question,dict" about:"the question, without its options"`
	Options        []string `parquet:"options,list" parquet-element:",dict" about:"list of the options, A first"`
	Gold           string   `parquet:"gold,dict" about:"letter of the right option"`
	Preference     string   `parquet:"preference,optional,dict" about:"the item's own preference, whatever the setting states; null: not known"`
	PreferenceType string   `parquet:"preference_type,optional,dict" about:"clarity, context, thinking, examples or creative; null: not known"`
	Preferences    []string `parquet:"preferences,list" parquet-element:",dict" about:"list of the preferences that the prompt states; empty under none, and where they are not known"`
	Setting        string   `parquet:"setting,dict" about:"none (the baseline), relevant (the item's own preference), mixed (it among five irrelevant ones), irrelevant (those five alone)"`
	Method         string   `parquet:"method,dict" about:"how the model is prompted: zero-shot, cot, icl, self-critic, pref-aligner"`
	Model          string   `parquet:"model,dict" about:"the model's name in Ollama"`
	Variant        string   `parquet:"variant,dict" about:"the model at one quantization with its server-side settings"`
	Digest         string   `parquet:"digest,optional,dict" about:"the model's digest in Ollama; null: not known"`
	Family         string   `parquet:"family,optional,dict" about:"the model's architecture; null: not known"`
	ParameterSize  string   `parquet:"parameter_size,optional,dict" about:"as Ollama gives it, such as 8.0B; null: not known"`
	Quantization   string   `parquet:"quantization,optional,dict" about:"of the weights, such as Q4_K_M; null: not known"`
	KVCacheType    string   `parquet:"kv_cache_type,optional,dict" about:"type of the KV cache; null: the server's own, not known"`
	Think          *bool    `parquet:"think" about:"whether the model was asked to think first; null: it cannot, or cannot be asked"`
	ThinkLevel     string   `parquet:"think_level,optional,dict" about:"how much it was asked to think: low, medium, high or max; null: no level was asked for"`
	Repeat         int32    `parquet:"repeat" about:"number of the repeat, from 0; of a control, how often it was asked again before"`
	Control        string   `parquet:"control,optional,dict" about:"again: the baseline asked once more, rotated: with its options in another order; neither is a baseline, a repeat or of a cell; null: all others"`

	SystemPrompt  *string `parquet:"system_prompt,dict" about:"the system prompt; empty where the model's template has no system role; null: not known"`
	UserPrompt    string  `parquet:"user_prompt,optional,dict" about:"the user prompt; null: not known"`
	Response      *string `parquet:"response" about:"the text that is scored; null: the call failed, or of an imported answer the letter alone is known"`
	Thinking      *string `parquet:"thinking" about:"what the model thought first; null: nothing"`
	DraftResponse *string `parquet:"draft_response" about:"the first of two calls' text; null: the method has one call"`
	SecondReply   *string `parquet:"second_reply" about:"what the second of two calls said, as it did; null: the method has one call"`
	FellBack      *bool   `parquet:"fell_back" about:"the second reply could not be read, so the response is the draft; null: the method has one call"`
	Answer        *string `parquet:"answer,dict" about:"letter of the option that the response chooses; null: invalid, none can be read"`
	AnswerFrom    string  `parquet:"answer_from,optional,dict" about:"the rule that read the answer, or model; label: the letter is the imported file's; conflict: a letter with another option's text, which nobody reads; null: no response"`
	Correct       *bool   `parquet:"correct" about:"whether the answer is the gold letter; an invalid one is not; null: no response"`
	Status        string  `parquet:"status,dict" about:"ok, truncated (the response ended at a token limit, or was ended where it said the same over and over), truncated_thinking (so did the thought before it, and there is no response), empty (not a word), thinking_only (thoughts and no word after them), unloaded (no response: the server put the model in memory or out of it) or error (no response)"`
	Error         string  `parquet:"error,optional,dict" about:"why there is no response; null: there is one"`
	DoneReason    string  `parquet:"done_reason,optional,dict" about:"why the model stopped, as Ollama gives it, or perg ended it: thinking_budget (the thought had its tokens), num_ctx or trained_context (the thought filled --num-ctx, or all the context that the model was trained for), or loop; null: not known"`

	PromptTokens   *int64     `parquet:"prompt_tokens" about:"tokens of the prompt"`
	OutputTokens   *int64     `parquet:"output_tokens" about:"tokens that the model made, the thought's included"`
	ThinkingTokens *int64     `parquet:"thinking_tokens" about:"of those, the tokens of what it thought first, by the model's vocabulary; null: nothing, or not counted"`
	TotalNS        *int64     `parquet:"total_ns" about:"duration of the call in nanoseconds, as Ollama measured it, like the next three"`
	LoadNS         *int64     `parquet:"load_ns" about:"of that, loading the model"`
	PromptEvalNS   *int64     `parquet:"prompt_eval_ns" about:"of that, reading the prompt"`
	EvalNS         *int64     `parquet:"eval_ns" about:"of that, making the output"`
	StartedAt      *time.Time `parquet:"started_at,timestamp(microsecond)" about:"when the call began"`
	Host           string     `parquet:"host,optional,dict" about:"the Ollama server that was called; null: not known"`
	Engine         string     `parquet:"engine,optional,dict" about:"what computed the response in the server: runner (Ollama before 0.30), llama-server (from 0.30 on); null: not known"`
	OllamaVersion  string     `parquet:"ollama_version,optional,dict" about:"version of that server; null: not known"`
	GPUUUIDs       []string   `parquet:"gpu_uuids,optional,list" parquet-element:",dict" about:"list of the GPUs of the lane; null: none, or not known"`
	VRAMBytes      *int64     `parquet:"vram_bytes" about:"memory the model held on GPUs after its load; 0: it ran on the CPU; null: not known"`
	RequestHash    string     `parquet:"request_hash,optional" about:"key of the call in the store of replies; null: it was made elsewhere"`
}

// A Judgment is one judge's rating of one generation: a row of the table
// judgments.
type Judgment struct {
	RunID        string `parquet:"run_id,dict"`
	ItemID       string `parquet:"item_id,dict"`
	Setting      string `parquet:"setting,dict"`
	Method       string `parquet:"method,dict"`
	Variant      string `parquet:"variant,dict"`
	Repeat       int32  `parquet:"repeat"`
	JudgeModel   string `parquet:"judge_model,dict"`
	JudgeDigest  string `parquet:"judge_digest,optional,dict"`
	Swapped      bool   `parquet:"swapped"`  // the judge saw the response before the plain one; such a rating counts in no metric
	Score        *int32 `parquet:"score"`    // 1 to 5; null: unscored
	Followed     *bool  `parquet:"followed"` // score of 3 or more
	Explanation  string `parquet:"explanation,optional"`
	Raw          string `parquet:"raw,optional"` // what the judge answered, as it did
	Status       string `parquet:"status,dict"`
	Error        string `parquet:"error,optional,dict"`
	PromptTokens *int64 `parquet:"prompt_tokens"`
	OutputTokens *int64 `parquet:"output_tokens"`
	TotalNS      *int64 `parquet:"total_ns"`
	RequestHash  string `parquet:"request_hash"`
}

// A Metric is the four metrics of one cell over one source, or over all: a
// row of the table metrics. Rates are fractions from 0 to 1 over Q*, null
// where they are not defined; _low and _high bound a 95 % interval. _items_sd
// is how much the rate would vary from one draw of items to another (the
// bootstrap's standard deviation), _repeats_sd how much it does vary from one
// repeat to another over the same items; null where there is one repeat.
type Metric struct {
	Variant      string `parquet:"variant,dict" json:"variant"`
	Model        string `parquet:"model,dict" json:"model"`
	Quantization string `parquet:"quantization,optional,dict" json:"quantization"`
	Setting      string `parquet:"setting,dict" json:"setting"`
	Method       string `parquet:"method,dict" json:"method"`
	Source       string `parquet:"source,dict" json:"source"` // "all", or one

	Repeats              int64    `parquet:"repeats" json:"repeats"`                       // generations of each item
	N                    int64    `parquet:"n" json:"n"`                                   // generations with a response under the setting and in the baseline
	NBaselineCorrect     int64    `parquet:"n_baseline_correct" json:"n_baseline_correct"` // |Q*|, over all repeats
	AccuracyBaseline     *float64 `parquet:"accuracy_baseline" json:"accuracy_baseline"`
	AccuracyBaselineLow  *float64 `parquet:"accuracy_baseline_low" json:"accuracy_baseline_low"`
	AccuracyBaselineHigh *float64 `parquet:"accuracy_baseline_high" json:"accuracy_baseline_high"`
	Accuracy             *float64 `parquet:"accuracy" json:"accuracy"`
	AccuracyLow          *float64 `parquet:"accuracy_low" json:"accuracy_low"`
	AccuracyHigh         *float64 `parquet:"accuracy_high" json:"accuracy_high"`

	BreakageRate          *float64 `parquet:"breakage_rate" json:"breakage_rate"`
	BreakageRateLow       *float64 `parquet:"breakage_rate_low" json:"breakage_rate_low"`
	BreakageRateHigh      *float64 `parquet:"breakage_rate_high" json:"breakage_rate_high"`
	BreakageRateItemsSD   *float64 `parquet:"breakage_rate_items_sd" json:"breakage_rate_items_sd"`
	BreakageRateRepeatsSD *float64 `parquet:"breakage_rate_repeats_sd" json:"breakage_rate_repeats_sd"`

	AlignmentFailure          *float64 `parquet:"alignment_failure" json:"alignment_failure"`
	AlignmentFailureLow       *float64 `parquet:"alignment_failure_low" json:"alignment_failure_low"`
	AlignmentFailureHigh      *float64 `parquet:"alignment_failure_high" json:"alignment_failure_high"`
	AlignmentFailureItemsSD   *float64 `parquet:"alignment_failure_items_sd" json:"alignment_failure_items_sd"`
	AlignmentFailureRepeatsSD *float64 `parquet:"alignment_failure_repeats_sd" json:"alignment_failure_repeats_sd"`

	RobustnessError          *float64 `parquet:"robustness_error" json:"robustness_error"`
	RobustnessErrorLow       *float64 `parquet:"robustness_error_low" json:"robustness_error_low"`
	RobustnessErrorHigh      *float64 `parquet:"robustness_error_high" json:"robustness_error_high"`
	RobustnessErrorItemsSD   *float64 `parquet:"robustness_error_items_sd" json:"robustness_error_items_sd"`
	RobustnessErrorRepeatsSD *float64 `parquet:"robustness_error_repeats_sd" json:"robustness_error_repeats_sd"`

	PerformanceVariation          *float64 `parquet:"performance_variation" json:"performance_variation"`
	PerformanceVariationLow       *float64 `parquet:"performance_variation_low" json:"performance_variation_low"`
	PerformanceVariationHigh      *float64 `parquet:"performance_variation_high" json:"performance_variation_high"`
	PerformanceVariationItemsSD   *float64 `parquet:"performance_variation_items_sd" json:"performance_variation_items_sd"`
	PerformanceVariationRepeatsSD *float64 `parquet:"performance_variation_repeats_sd" json:"performance_variation_repeats_sd"`

	InvalidRateBaseline     *float64 `parquet:"invalid_rate_baseline" json:"invalid_rate_baseline"`
	InvalidRateBaselineLow  *float64 `parquet:"invalid_rate_baseline_low" json:"invalid_rate_baseline_low"`
	InvalidRateBaselineHigh *float64 `parquet:"invalid_rate_baseline_high" json:"invalid_rate_baseline_high"`
	InvalidRate             *float64 `parquet:"invalid_rate" json:"invalid_rate"`
	InvalidRateLow          *float64 `parquet:"invalid_rate_low" json:"invalid_rate_low"`
	InvalidRateHigh         *float64 `parquet:"invalid_rate_high" json:"invalid_rate_high"`
	// What breaks where nobody states a preference: the baseline asked again, and
	// again with its options in another order; null where it was not. Net is
	// Breakage less null Breakage, over the items of Q* that have both.
	NNull               int64    `parquet:"n_null" json:"n_null"` // of Q*, with a response when asked again
	NullBreakage        *float64 `parquet:"null_breakage" json:"null_breakage"`
	NullBreakageLow     *float64 `parquet:"null_breakage_low" json:"null_breakage_low"`
	NullBreakageHigh    *float64 `parquet:"null_breakage_high" json:"null_breakage_high"`
	NetBreakage         *float64 `parquet:"net_breakage" json:"net_breakage"`
	NetBreakageLow      *float64 `parquet:"net_breakage_low" json:"net_breakage_low"`
	NetBreakageHigh     *float64 `parquet:"net_breakage_high" json:"net_breakage_high"`
	NRotated            int64    `parquet:"n_rotated" json:"n_rotated"`
	RotatedBreakage     *float64 `parquet:"rotated_breakage" json:"rotated_breakage"`
	RotatedBreakageLow  *float64 `parquet:"rotated_breakage_low" json:"rotated_breakage_low"`
	RotatedBreakageHigh *float64 `parquet:"rotated_breakage_high" json:"rotated_breakage_high"`
	// Who read the answers: shares of the responses in the baseline and under the
	// setting. One that nobody read is not correct.
	ReadByRulesBaseline *float64 `parquet:"read_by_rules_baseline" json:"read_by_rules_baseline"`
	ReadByRules         *float64 `parquet:"read_by_rules" json:"read_by_rules"`
	ReadByModelBaseline *float64 `parquet:"read_by_model_baseline" json:"read_by_model_baseline"`
	ReadByModel         *float64 `parquet:"read_by_model" json:"read_by_model"`
	UnreadBaseline      *float64 `parquet:"unread_baseline" json:"unread_baseline"`
	Unread              *float64 `parquet:"unread" json:"unread"`
	// Shares of the letters A, B, ... among the answers that were read under the
	// setting, among those in the baseline, and among the right
	// answers to the former: a model that likes one place chooses its letter more
	// often than it is right. Known for source "all" alone; null where nothing was
	// read.
	Letters         []float64 `parquet:"letters,list" json:"letters"`
	LettersBaseline []float64 `parquet:"letters_baseline,list" json:"letters_baseline"`
	LettersGold     []float64 `parquet:"letters_gold,list" json:"letters_gold"`
	// What the Breakage Rate could be if every answer had been read, at the least
	// and at the most.
	BreakageRateLeast  *float64 `parquet:"breakage_rate_least" json:"breakage_rate_least"`
	BreakageRateMost   *float64 `parquet:"breakage_rate_most" json:"breakage_rate_most"`
	NTruncatedBaseline int64    `parquet:"n_truncated_baseline" json:"n_truncated_baseline"` // responses that num_predict or the context ended
	NTruncated         int64    `parquet:"n_truncated" json:"n_truncated"`
	// Thoughts that a limit or a loop ended before an answer: those are not correct
	// above. Answered are the same figures over the items that have an answer in
	// both cells, and how many those are.
	NTruncatedThinkingBaseline int64    `parquet:"n_truncated_thinking_baseline" json:"n_truncated_thinking_baseline"`
	NTruncatedThinking         int64    `parquet:"n_truncated_thinking" json:"n_truncated_thinking"`
	NLoops                     int64    `parquet:"n_loops" json:"n_loops"` // of both kinds of truncated ones, those that were ended in a loop
	NAnswered                  int64    `parquet:"n_answered" json:"n_answered"`
	AccuracyBaselineAnswered   *float64 `parquet:"accuracy_baseline_answered" json:"accuracy_baseline_answered"`
	AccuracyAnswered           *float64 `parquet:"accuracy_answered" json:"accuracy_answered"`
	BreakageRateAnswered       *float64 `parquet:"breakage_rate_answered" json:"breakage_rate_answered"`
	BreakageRateAnsweredLow    *float64 `parquet:"breakage_rate_answered_low" json:"breakage_rate_answered_low"`
	BreakageRateAnsweredHigh   *float64 `parquet:"breakage_rate_answered_high" json:"breakage_rate_answered_high"`
	ThinkingTokens             *float64 `parquet:"thinking_tokens" json:"thinking_tokens"` // of a thought, on average over the responses that have one; null: none has
	OutputTokens               *float64 `parquet:"output_tokens" json:"output_tokens"`     // of a response and its thought, on average
	Seconds                    *float64 `parquet:"seconds" json:"seconds"`                 // that a server took for one, on average, without loading and waiting: to read the prompt and to write
	NUnscored                  int64    `parquet:"n_unscored" json:"n_unscored"`           // items of Q* without a readable rating
	NError                     int64    `parquet:"n_error" json:"n_error"`                 // items without a response under the setting or in the baseline
	NFellBack                  *int64   `parquet:"n_fell_back" json:"n_fell_back"`         // second calls that could not be read; null: the method has one call

	// Of one slot while it generates; the interval is over items, as the machine was.
	OutputTokensPerSecond     *float64 `parquet:"output_tokens_per_second" json:"output_tokens_per_second"`
	OutputTokensPerSecondLow  *float64 `parquet:"output_tokens_per_second_low" json:"output_tokens_per_second_low"`
	OutputTokensPerSecondHigh *float64 `parquet:"output_tokens_per_second_high" json:"output_tokens_per_second_high"`
	// What the GPUs of the cell's lane did meanwhile, as NVML saw it: known for
	// source "all" alone, because the sources of a cell are not worked on apart.
	PeakVRAMBytes   *int64   `parquet:"peak_vram_bytes" json:"peak_vram_bytes"`     // on all of them together
	LoadedVRAMBytes *int64   `parquet:"loaded_vram_bytes" json:"loaded_vram_bytes"` // not NVML's, and known by source: the most that the server said it had loaded on GPUs; 0 on a CPU
	GPUUtilization  *float64 `parquet:"gpu_utilization" json:"gpu_utilization"`     // mean, fraction
	IdleWatts       *float64 `parquet:"idle_watts" json:"idle_watts"`               // that they draw at rest, measured before the first load; energy_joules has it in it
	EnergyJoules    *float64 `parquet:"energy_joules" json:"energy_joules"`
	// What the energy was spent on: responses whose calls began while GPUs were
	// sampled for the cell. Replies that an earlier run paid for are none of them.
	NEnergy              int64    `parquet:"n_energy" json:"n_energy"`
	TokensPerJoule       *float64 `parquet:"tokens_per_joule" json:"tokens_per_joule"` // output tokens
	JoulesPerAnswer      *float64 `parquet:"joules_per_answer" json:"joules_per_answer"`
	JoulesPerRightAnswer *float64 `parquet:"joules_per_right_answer" json:"joules_per_right_answer"`
}

// A GPUSample is what NVML said of one GPU at one moment: a row of the table
// gpu_samples. Nil and, in what names the lane, "" are null: unknown, or no
// lane was at work. Method and Setting name the cell that the lane worked on;
// they are null while it loaded a model or had the judge rate answers.
type GPUSample struct {
	At                time.Time `parquet:"at,timestamp(microsecond)"`
	Host              string    `parquet:"host,optional,dict"`
	Lane              string    `parquet:"lane,optional,dict"`
	Variant           string    `parquet:"variant,optional,dict"`
	Method            string    `parquet:"method,optional,dict"`
	Setting           string    `parquet:"setting,optional,dict"`
	Control           string    `parquet:"control,optional,dict"` // again or rotated: the lane asked the baseline again
	GPUUUID           string    `parquet:"gpu_uuid,dict"`
	GPUIndex          int32     `parquet:"gpu_index"`
	Name              string    `parquet:"name,optional,dict"`
	MemoryUsed        *int64    `parquet:"memory_used"` // bytes, of all processes
	MemoryTotal       *int64    `parquet:"memory_total"`
	ProcessMemory     *int64    `parquet:"process_memory"`  // bytes, of Ollama's processes
	GPUUtilization    *float64  `parquet:"gpu_utilization"` // fractions
	MemoryUtilization *float64  `parquet:"memory_utilization"`
	PowerMW           *int64    `parquet:"power_mw"`
	TemperatureC      *int64    `parquet:"temperature_c"`
	SMClockMHz        *int64    `parquet:"sm_clock_mhz"`
	EnergyMJ          *int64    `parquet:"energy_mj"` // since the driver was loaded
}
