package export

import (
	"fmt"
	"strings"

	"perg/harness/printable"
)

// readme says what the files of an export are and how to open them.
func readme(run Run, rows int64) []byte {
	var b strings.Builder
	fmt.Fprintf(&b, "# Results of a run of perg\n\n%s\n\n", printable.Text(run.About))
	for _, c := range run.Caveats {
		fmt.Fprintf(&b, "- %s\n", printable.Text(c))
	}
	if len(run.Caveats) > 0 {
		b.WriteString("\n")
	}
	fmt.Fprintf(&b, `| file | what it is |
| --- | --- |
| %s | %d generations, one a row, each with its judgments and its baseline |
| %s | named queries for the main figures, for DuckDB |
| %s | a notebook that runs the queries and draws the figures |

To open them, in this directory:

    duckdb < %s
    jupyter notebook %s

The notebook needs pandas and matplotlib, and DuckDB as a Python package or as
the program duckdb on PATH.

`, Results, rows, SQL, Notebook, SQL, Notebook)
	fmt.Fprintf(&b, "## Columns of %s\n\nRates are to be computed over rows whose outcome is not `error`; Q* are those\nwhose `baseline_correct` is true. The file's metadata has these descriptions too:\n\n    select decode(key), decode(value) from parquet_kv_metadata('%s');\n\n| column | what it is |\n| --- | --- |\n", Results, Results)
	for _, c := range Columns() {
		fmt.Fprintf(&b, "| %s | %s |\n", c.Name, c.About)
	}
	return []byte(b.String())
}
