package report

import (
	"encoding/csv"
	"fmt"
	"io"
	"strings"

	"perg/data"
	"perg/harness/metrics"
)

// WriteRunsCSV writes rows of several runs: the columns of one, before them the run
// that each is of.
func WriteRunsCSV(w io.Writer, rows []data.Metric, runs []string, by metrics.GroupBy) error {
	out := csv.NewWriter(w)
	names, _ := fields(data.Metric{}, by)
	if err := out.Write(append([]string{"run"}, names...)); err != nil {
		return err
	}
	for i, m := range rows {
		_, values := fields(m, by)
		record := make([]string, len(values), len(values)+1)
		for j, v := range values {
			if v != nil {
				record[j] = strings.Trim(fmt.Sprint(v), "[]")
			}
		}
		if err := out.Write(append([]string{runs[i]}, record...)); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}
