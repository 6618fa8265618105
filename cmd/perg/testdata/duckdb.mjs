// Reads a run's Parquet with DuckDB and prints what it finds as one JSON object.
// node duckdb.mjs MODULE RUN
const [module, run] = process.argv.slice(2);
const { DuckDBInstance } = await import(module);
const connection = await (await DuckDBInstance.create(":memory:")).connect();
const rows = async (sql) => (await connection.runAndReadAll(sql)).getRowObjectsJson();
const table = (name) => `read_parquet('${run}/${name}/part-*.parquet')`;
const types = async (name) =>
  Object.fromEntries((await rows(`describe select * from ${table(name)}`)).map((r) => [r.column_name, r.column_type]));

console.log(JSON.stringify({
  types: {
    generations: await types("generations"),
    judgments: await types("judgments"),
    metrics: await types("metrics"),
  },
  counts: (await rows(`select
      (select count(*) from ${table("generations")})::int as generations,
      (select count(*) from ${table("judgments")})::int as judgments,
      (select count(*) from ${table("metrics")})::int as metrics`))[0],
  nulls: (await rows(`select
      count(*) filter (answer is null)::int as answer,
      count(*) filter (kv_cache_type is null)::int as kv_cache_type,
      count(*) filter (gpu_uuids is null)::int as gpu_uuids,
      count(*) filter (thinking is null)::int as thinking,
      count(*) filter (response is null)::int as response,
      count(*)::int as rows from ${table("generations")}`))[0],
  lists: (await rows(`select min(len(options))::int as fewest_options, max(len(options))::int as most_options,
      min(len(preferences)) filter (setting = 'none')::int as none, max(len(preferences)) filter (setting = 'none')::int as none_most,
      min(len(preferences)) filter (setting = 'relevant')::int as relevant,
      min(len(preferences)) filter (setting = 'mixed')::int as mixed,
      min(len(preferences)) filter (setting = 'irrelevant')::int as irrelevant,
      bool_and(list_contains(preferences, preference)) filter (setting = 'mixed') as mixed_holds_own
      from ${table("generations")}`))[0],
  times: (await rows(`select epoch_ms(min(started_at))::double as first_ms, epoch_ms(max(started_at))::double as last_ms from ${table("generations")}`))[0],
  // The four metrics anew, from generations and judgments alone.
  rates: await rows(`select g.variant, g.method, g.setting,
      count(*) filter (b.correct)::int as q,
      1 - avg(g.correct::int) filter (b.correct) as breakage_rate,
      1 - avg(j.followed::int) filter (b.correct) as alignment_failure,
      case g.setting when 'irrelevant' then 1 - avg(g.correct::int) filter (b.correct)
        else 1 - avg(g.correct::int) filter (b.correct) * coalesce(avg(j.followed::int) filter (b.correct and g.correct), 0) end as robustness_error,
      1 - coalesce(count(*) filter (b.correct and g.correct) / nullif(count(*) filter (b.correct or g.correct), 0), 1) as performance_variation
      from ${table("generations")} g
      join ${table("generations")} b on b.variant = g.variant and b.item_id = g.item_id and b.repeat = g.repeat
        and b.setting = 'none' and b.method = 'zero-shot' and b.control is null
      left join ${table("judgments")} j on j.variant = g.variant and j.item_id = g.item_id and j.repeat = g.repeat
        and j.method = g.method and j.setting = g.setting and not j.swapped
      where g.setting <> 'none' and g.correct is not null and b.correct is not null
      group by g.variant, g.method, g.setting order by all`),
  metrics: await rows(`select variant, method, setting, n_baseline_correct::int as q,
      breakage_rate, alignment_failure, robustness_error, performance_variation from ${table("metrics")}
      where source = 'all' and setting <> 'none' order by all`),
}));
