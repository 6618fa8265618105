package data

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
)

// A FileWriter writes a table that is one Parquet file, for people to take
// elsewhere, with what is to be known of it in the file's key/value metadata.
// The file takes the place of an older one in Close, whole.
type FileWriter[T any] struct {
	path  string
	part  *part[T]
	batch []T
}

// CreateFile starts the file with the given path.
func CreateFile[T any](path string, metadata map[string]string) (*FileWriter[T], error) {
	p, err := createPart[T](path + unfinished)
	if err != nil {
		return nil, err
	}
	for _, key := range slices.Sorted(maps.Keys(metadata)) {
		p.parquet.SetKeyValueMetadata(key, metadata[key])
	}
	return &FileWriter[T]{path, p, make([]T, 0, rowsPerBatch)}, nil
}

// Write adds a row.
func (w *FileWriter[T]) Write(row T) error {
	w.batch = append(w.batch, row)
	if len(w.batch) < rowsPerBatch {
		return nil
	}
	return w.flush()
}

func (w *FileWriter[T]) flush() error {
	err := w.part.write(w.batch)
	clear(w.batch)
	w.batch = w.batch[:0]
	return err
}

// Close finishes the file and gives it its name.
func (w *FileWriter[T]) Close() error {
	tmp := w.part.file.Name()
	err := w.flush()
	if err == nil {
		err = w.part.finish()
	}
	if err != nil {
		w.Abort()
		return err
	}
	if err := os.Rename(tmp, w.path); err != nil {
		os.Remove(tmp)
		return fmt.Errorf("finish table: %w", err)
	}
	return SyncDir(filepath.Dir(w.path))
}

// Abort gives the file up and removes what was written of it. After Close it
// does nothing.
func (w *FileWriter[T]) Abort() {
	w.part.file.Close()
	os.Remove(w.part.file.Name())
}

// ReadFileMetadata gives the key/value metadata of a Parquet file.
func ReadFileMetadata(path string) (map[string]string, error) {
	f, file, err := openFile(path)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	defer f.Close()
	all := make(map[string]string)
	for _, kv := range file.Metadata().KeyValueMetadata {
		all[kv.Key] = kv.Value
	}
	return all, nil
}
