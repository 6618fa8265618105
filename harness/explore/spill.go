package explore

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"slices"

	"perg/data"
)

// texts are what an export has of a row beside what the index has.
type texts struct {
	Response *string  `parquet:"response"`
	Options  []string `parquet:"options,list"`
	Gold     string   `parquet:"gold"`
}

// sweeps is how often an order may go through the table before its texts are written
// to a file first, in the table's: that costs about two readings of the table, which
// is read a page at a time, in a wild order once for each row.
const sweeps = 8

func scattered(rows []int32) bool {
	back := 0
	for i := 1; i < len(rows) && back < sweeps; i++ {
		if rows[i] < rows[i-1] {
			back++
		}
	}
	return back == sweeps
}

// A spill is texts of rows in a file that has no name, to be read in any order.
type spill struct {
	file *os.File
	rows []int32 // in order
	ends []int64
}

func newSpill(ctx context.Context, t *data.Table, rows []int32) (*spill, error) {
	f, err := os.CreateTemp("", "perg-export-")
	if err != nil {
		return nil, err
	}
	s := &spill{file: f, rows: slices.Sorted(slices.Values(rows))}
	if err := errors.Join(os.Remove(f.Name()), s.fill(ctx, t)); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return s, nil
}

func (s *spill) fill(ctx context.Context, t *data.Table) error {
	from := data.NewRowReader[texts](t)
	defer from.Close()
	to := bufio.NewWriterSize(s.file, 1<<20)
	end := int64(0)
	for _, row := range s.rows {
		if err := ctx.Err(); err != nil {
			return err
		}
		c, err := from.At(int(row))
		if err != nil {
			return err
		}
		line, err := json.Marshal(c)
		if err != nil {
			return err
		}
		if _, err := to.Write(line); err != nil {
			return err
		}
		end += int64(len(line))
		s.ends = append(s.ends, end)
	}
	return to.Flush()
}

// At gives the texts of a row.
func (s *spill) At(row int) (t texts, err error) {
	i, _ := slices.BinarySearch(s.rows, int32(row))
	begin := int64(0)
	if i > 0 {
		begin = s.ends[i-1]
	}
	line := make([]byte, s.ends[i]-begin)
	if _, err := s.file.ReadAt(line, begin); err != nil && err != io.EOF {
		return t, err
	}
	err = json.Unmarshal(line, &t)
	return t, err
}

func (s *spill) Close() error { return s.file.Close() }
