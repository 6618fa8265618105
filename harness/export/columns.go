package export

import (
	"reflect"
	"strings"
)

// A Column describes one column of results.parquet.
type Column struct{ Name, About string }

// Columns describes the columns of results.parquet, in order, as the fields of a
// Row do.
func Columns() []Column {
	var all []Column
	for _, f := range reflect.VisibleFields(reflect.TypeFor[Row]()) {
		if f.Anonymous {
			continue
		}
		name, _, _ := strings.Cut(f.Tag.Get("parquet"), ",")
		all = append(all, Column{name, f.Tag.Get("about")})
	}
	return all
}
