package report

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"reflect"
	"strings"

	"perg/data"
	"perg/harness/metrics"
)

// fields gives a row's columns by the names they have in Parquet; the group's
// column bears the name of the property.
func fields(m data.Metric, by metrics.GroupBy) (names []string, values []any) {
	v := reflect.ValueOf(m)
	for i := range v.NumField() {
		name := v.Type().Field(i).Tag.Get("json")
		if name == "source" && by != "" {
			name = string(by)
		}
		names = append(names, name)
		f := v.Field(i)
		switch {
		case f.Kind() == reflect.Pointer && f.IsNil():
			values = append(values, nil)
		case f.Kind() == reflect.Pointer:
			values = append(values, f.Elem().Interface())
		case f.Kind() == reflect.Slice && f.IsNil():
			values = append(values, nil)
		default:
			values = append(values, f.Interface())
		}
	}
	return names, values
}

func writeCSV(w io.Writer, rows []data.Metric, by metrics.GroupBy) error {
	out := csv.NewWriter(w)
	names, _ := fields(data.Metric{}, by)
	if err := out.Write(names); err != nil {
		return err
	}
	for _, m := range rows {
		_, values := fields(m, by)
		record := make([]string, len(values))
		for i, v := range values {
			if v != nil {
				record[i] = strings.Trim(fmt.Sprint(v), "[]") // a list's values stand apart by spaces
			}
		}
		if err := out.Write(record); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

// Records gives rows as JSON objects with the columns' names in Parquet.
func Records(rows []data.Metric, by metrics.GroupBy) []map[string]any {
	all := make([]map[string]any, len(rows))
	for i, m := range rows {
		names, values := fields(m, by)
		all[i] = make(map[string]any, len(names))
		for j, n := range names {
			all[i][n] = values[j]
		}
	}
	return all
}

func writeJSON(w io.Writer, rows []data.Metric, by metrics.GroupBy) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(Records(rows, by))
}
