package data

import (
	"bytes"
	"fmt"

	"github.com/parquet-go/parquet-go"
)

// ReadPart reads the rows of one whole part of a table, which fits in memory.
func ReadPart[T any](text []byte) (rows []T, err error) {
	defer func() {
		if r := recover(); r != nil { // parquet-go panics over what is no part
			err = fmt.Errorf("read a part of a table: %v", r)
		}
	}()
	rows, err = parquet.Read[T](bytes.NewReader(text), int64(len(text)))
	if err != nil {
		return nil, fmt.Errorf("read a part of a table: %w", err)
	}
	return rows, nil
}
