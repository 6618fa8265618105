#!/usr/bin/env node
// The part of DuckDB's command line program that the notebook needs, over
// DuckDB from npm (make duckdb): duckdb -json -c SQL prints the rows of each
// statement that has any as one JSON array. DUCKDB_MODULE names the module
// where it is not in .duckdb.
import { fileURLToPath } from "node:url";

const [json, c, sql] = process.argv.slice(2);
if (json !== "-json" || c !== "-c" || sql === undefined) {
  console.error("usage: duckdb -json -c SQL");
  process.exit(2);
}
const installed = new URL("../../../.duckdb/node_modules/@duckdb/node-api/lib/index.js", import.meta.url);
const { DuckDBInstance } = await import(process.env.DUCKDB_MODULE ?? fileURLToPath(installed));
const connection = await (await DuckDBInstance.create(":memory:")).connect();
const plain = (key, v) => (typeof v === "bigint" ? Number(v) : v instanceof Date ? v.toISOString() : v);
try {
  const statements = await connection.extractStatements(sql);
  for (let i = 0; i < statements.count; i++) {
    const reader = await (await statements.prepare(i)).runAndReadAll();
    // Views and macros have rows of their own, which are none.
    if (reader.columnNames().join() === "Count") continue;
    console.log(JSON.stringify(reader.getRowObjectsJS(), plain));
  }
} catch (e) {
  console.error(e.message);
  process.exit(1);
}
