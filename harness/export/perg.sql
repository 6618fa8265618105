-- The main figures of a run of perg, from its results.parquet: plain SQL for
-- DuckDB 1.0 or later, to be run where that file is:
--
--   duckdb < perg.sql
--
-- A line "-- name: ..." begins a query; the notebook runs them by these names.
-- Rates are fractions. _low and _high bound a 95 % interval, Wilson's (1927);
-- those of perg report are a bootstrap where there is enough data for one. What
-- the columns of results.parquet are stands in README.md and in its metadata.

create or replace view results as select * from 'results.parquet';

-- Wilson's interval of a rate of k in n, where n observations come from n/r
-- items: repeats of one question are not independent.
create or replace macro wilson(k, n, r) as
  case when n > 0 then struct_pack(
    low := case when k = 0 then 0.0 else greatest(0.0,
      (k / n + 1.959963984540054 ** 2 / (2 * n / r) - 1.959963984540054 * sqrt(k / n * (1 - k / n) / (n / r) + 1.959963984540054 ** 2 / (4 * (n / r) ** 2)))
      / (1 + 1.959963984540054 ** 2 / (n / r))) end,
    high := case when k = n then 1.0 else least(1.0,
      (k / n + 1.959963984540054 ** 2 / (2 * n / r) + 1.959963984540054 * sqrt(k / n * (1 - k / n) / (n / r) + 1.959963984540054 ** 2 / (4 * (n / r) ** 2)))
      / (1 + 1.959963984540054 ** 2 / (n / r))) end)
  end;

-- Counts by cell, over all sources and over each. Q* are the items that the
-- baseline gets right; rows without a response, here or there, count nowhere.
create or replace view counts as
  select variant, any_value(quantization) as quantization, method, setting,
    case when grouping(source) = 1 then 'all' else source end as source,
    (select max(repeat) + 1 from results) as repeats,
    count(*) filter (outcome <> 'error') as n,
    count(*) filter (outcome <> 'error' and baseline_correct) as q,
    count(*) filter (outcome <> 'error' and correct) as n_correct,
    count(*) filter (outcome <> 'error' and baseline_correct and not correct) as broken,
    count(*) filter (outcome <> 'error' and baseline_correct and followed is not null and setting in ('relevant', 'mixed')) as rated,
    count(*) filter (outcome <> 'error' and baseline_correct and not followed and setting in ('relevant', 'mixed')) as not_followed,
    count(*) filter (outcome <> 'error' and baseline_correct and not (correct and followed) and followed is not null and setting in ('relevant', 'mixed')) as not_robust,
    count(*) filter (outcome <> 'error' and correct and baseline_correct) as both_correct,
    count(*) filter (outcome <> 'error' and (correct or baseline_correct)) as either_correct,
    count(*) filter (outcome <> 'error' and answer is null) as invalid,
    count(*) filter (outcome <> 'error' and baseline_answer is null) as baseline_invalid,
    count(*) filter (unscored) as n_unscored,
    count(*) filter (outcome = 'error') as n_error,
    sum(output_tokens) filter (eval_ns is not null) as output_tokens,
    sum(eval_ns) filter (output_tokens is not null) as eval_ns
  from results
  group by grouping sets ((variant, method, setting), (variant, method, setting, source));

-- The four metrics and what stands beside them. Under irrelevant preferences
-- Alignment Failure is not defined, and Robustness Error is the Breakage Rate.
create or replace view metrics as
  select variant, quantization, method, setting, source, n::int as n, q::int as n_baseline_correct,
    n_correct / nullif(n, 0) as accuracy,
    case when setting <> 'none' then broken / nullif(q, 0) end as breakage_rate,
    case when setting <> 'none' then wilson(broken, q, repeats).low end as breakage_rate_low,
    case when setting <> 'none' then wilson(broken, q, repeats).high end as breakage_rate_high,
    not_followed / nullif(rated, 0) as alignment_failure,
    wilson(not_followed, rated, repeats).low as alignment_failure_low,
    wilson(not_followed, rated, repeats).high as alignment_failure_high,
    case setting when 'none' then null when 'irrelevant' then broken / nullif(q, 0)
      else not_robust / nullif(rated, 0) end as robustness_error,
    case setting when 'none' then null when 'irrelevant' then wilson(broken, q, repeats).low
      else wilson(not_robust, rated, repeats).low end as robustness_error_low,
    case setting when 'none' then null when 'irrelevant' then wilson(broken, q, repeats).high
      else wilson(not_robust, rated, repeats).high end as robustness_error_high,
    case when setting = 'none' or n = 0 then null when either_correct = 0 then 0.0
      else (either_correct - both_correct) / either_correct end as performance_variation,
    case when setting = 'none' or n = 0 then null when either_correct = 0 then wilson(0, n, repeats).low
      else wilson(either_correct - both_correct, either_correct, repeats).low end as performance_variation_low,
    case when setting = 'none' or n = 0 then null when either_correct = 0 then wilson(0, n, repeats).high
      else wilson(either_correct - both_correct, either_correct, repeats).high end as performance_variation_high,
    baseline_invalid / nullif(n, 0) as invalid_rate_baseline,
    wilson(baseline_invalid, n, repeats).low as invalid_rate_baseline_low,
    wilson(baseline_invalid, n, repeats).high as invalid_rate_baseline_high,
    invalid / nullif(n, 0) as invalid_rate,
    wilson(invalid, n, repeats).low as invalid_rate_low,
    wilson(invalid, n, repeats).high as invalid_rate_high,
    n_unscored::int as n_unscored, n_error::int as n_error,
    (output_tokens / nullif(eval_ns, 0) * 1e9)::double as output_tokens_per_second
  from counts;

-- name: metrics
-- The four metrics by variant, method, setting and source; source "all" is over
-- all items.
select * from metrics order by variant, method, setting, source;

-- name: alignment_against_breakage
-- Which way does a model fail: does it give up right answers, or ignore the
-- preference? Two metrics to plot against each other, and the one of either.
select variant, quantization, method, setting, n_baseline_correct,
  breakage_rate, breakage_rate_low, breakage_rate_high,
  alignment_failure, alignment_failure_low, alignment_failure_high, robustness_error
from metrics
where source = 'all' and breakage_rate is not null and alignment_failure is not null
order by robustness_error desc, variant, method, setting;

-- name: breakage_by_source_and_preference_type
-- Where does it break: under which kind of preference, on which questions?
select variant, method, setting, source, coalesce(preference_type, 'not known') as preference_type,
  count(*)::int as n_baseline_correct,
  (count(*) filter (not correct))::int as broken,
  count(*) filter (not correct) / count(*) as breakage_rate,
  wilson(count(*) filter (not correct), count(*), (select max(repeat) + 1 from results)).low as breakage_rate_low,
  wilson(count(*) filter (not correct), count(*), (select max(repeat) + 1 from results)).high as breakage_rate_high
from results
where outcome <> 'error' and baseline_correct and setting <> 'none'
group by variant, method, setting, source, preference_type
order by variant, method, setting, source, preference_type;

-- name: invalid_rates
-- How many answers name no option, without a preference and with one?
select variant, method, setting, n,
  invalid_rate_baseline, invalid_rate_baseline_low, invalid_rate_baseline_high,
  invalid_rate, invalid_rate_low, invalid_rate_high
from metrics
where source = 'all' and n > 0 and (setting <> 'none' or method <> 'zero-shot')
order by variant, method, setting;

-- name: outcomes
-- What became of every generation: also what no rate counts.
select variant, method, setting, outcome, count(*)::int as generations
from results
group by variant, method, setting, outcome
order by variant, method, setting, outcome;

-- name: methods_against_zero_shot
-- What does a method change against zero-shot, and what is that of zero-shot's
-- Robustness Error? Below zero is better. perg report has paired intervals.
select variant, m.method as method, setting,
  m.robustness_error, z.robustness_error as robustness_error_zero_shot,
  m.robustness_error - z.robustness_error as difference,
  (m.robustness_error - z.robustness_error) / nullif(z.robustness_error, 0) as relative,
  m.breakage_rate - z.breakage_rate as breakage_difference
from metrics m
join (select * from metrics where method = 'zero-shot') z using (variant, setting, source)
where source = 'all' and m.method <> 'zero-shot' and m.robustness_error is not null
order by variant, m.method, setting;

-- name: broken_examples
-- Three answers of each cell that were right without the preference, and are
-- not with it: what to read first.
select variant, method, setting, source, preference, question, options, gold,
  baseline_answer, baseline_response, answer, response, score, explanation, item_id, repeat
from results
where outcome <> 'error' and baseline_correct and not correct and setting <> 'none'
qualify row_number() over (partition by variant, method, setting order by md5(item_id), repeat) <= 3
order by variant, method, setting, item_id, repeat;

-- name: judge_scores
-- How do the judges rate? Null is a rating that could not be read, or failed.
select r.judge_model, variant, method, setting, r.swapped as swapped, r.counts as counts, r.score as score,
  count(*)::int as ratings
from (select variant, method, setting, unnest(ratings) as r from results)
group by all
order by all;

-- name: judge_agreement
-- Where two ratings are of one answer, how often are they the same? Two judges
-- in the same order, and one judge in both orders. perg judge agree has the
-- chance-corrected coefficients.
with rating as (
  select run_id, variant, method, setting, item_id, repeat, unnest(ratings) as r from results
)
select a.r.judge_model as judge, b.r.judge_model as other,
  case when b.r.swapped then 'swapped' else 'same order' end as of_the_other,
  count(*)::int as answers,
  avg((a.r.followed = b.r.followed)::int) as same_verdict,
  avg((a.r.score = b.r.score)::int) as same_score,
  avg((abs(a.r.score - b.r.score) <= 1)::int) as within_one,
  avg(b.r.score - a.r.score) as mean_difference
from rating a
join rating b using (run_id, variant, method, setting, item_id, repeat)
where a.r.score is not null and b.r.score is not null and not a.r.swapped
  and ((a.r.judge_model < b.r.judge_model and not b.r.swapped) or (a.r.judge_model = b.r.judge_model and b.r.swapped))
group by all
order by all;

-- name: tokens_per_second
-- How fast is a variant, and how long are its answers? The rate is that of one
-- slot while it generates, as Ollama measured it.
select variant, any_value(quantization) as quantization, method,
  count(output_tokens)::int as calls,
  avg(output_tokens) as output_tokens_per_call,
  (sum(output_tokens) filter (eval_ns is not null) / nullif(sum(eval_ns) filter (output_tokens is not null), 0) * 1e9)::double as output_tokens_per_second,
  quantile_cont(total_ns / 1e9, 0.5) as median_call_seconds,
  quantile_cont(total_ns / 1e9, 0.95) as slow_call_seconds,
  avg((status = 'truncated')::int) as truncated
from results
where status <> 'error'
group by variant, method
order by variant, method;

-- name: failures
-- Why have some rows no response?
select variant, method, setting, coalesce(error, '') as error, count(*)::int as generations
from results
where status = 'error'
group by variant, method, setting, error
order by generations desc, variant, method, setting, error;
