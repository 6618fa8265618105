package data

import (
	"encoding/binary"
	"errors"
	"io"
	"os"

	"github.com/parquet-go/parquet-go"
)

// openParquet opens a Parquet file. It first looks at the length of the
// footer, four bytes before the magic ones at the end: parquet-go would
// allocate that much, up to 4 GiB, before it finds that the file is damaged.
func openParquet(r io.ReaderAt, size int64, options ...parquet.FileOption) (*parquet.File, error) {
	tail := make([]byte, 4+len(parquetMagic))
	end := size - int64(len(tail))
	damaged := errors.New("the file is cut or damaged: its end is not that of a Parquet file")
	if end < 0 {
		return nil, damaged
	}
	if _, err := r.ReadAt(tail, end); err != nil {
		return nil, err
	}
	if int64(binary.LittleEndian.Uint32(tail)) > end {
		return nil, damaged
	}
	return parquet.OpenFile(r, size, options...)
}

// openForeignParquet opens a Parquet file that another program may have made. It
// is read from its beginning to its end, which needs neither the index of its
// pages, which some programs write otherwise than parquet-go reads it, nor its
// filters.
func openForeignParquet(r io.ReaderAt, size int64) (*parquet.File, error) {
	return openParquet(r, size, parquet.SkipPageIndex(true), parquet.SkipBloomFilters(true))
}

// openFile opens a Parquet file that is to be closed.
func openFile(path string) (f *os.File, file *parquet.File, err error) {
	f, err = os.Open(path)
	if err != nil {
		return nil, nil, err
	}
	defer func() {
		if err != nil {
			f.Close()
		}
	}()
	defer recoverDamage(&err)
	info, err := f.Stat()
	if err != nil {
		return nil, nil, err
	}
	file, err = openParquet(f, info.Size())
	return f, file, err
}
