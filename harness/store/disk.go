package store

import (
	"errors"
	"fmt"
)

// ErrShared: the file would be on a file system that several machines share. Their
// locks are not to be relied on, and SQLite has no other way to keep two writers
// apart (https://sqlite.org/howtocorrupt.html, section 2).
var ErrShared = errors.New("it is on a file system that machines share, where a store can be damaged")

// A fileSystem is what is known of one.
type fileSystem struct {
	name   string
	shared bool // else it may be
}

// Doubt is what may be wrong with the place of a store; "" where nothing is known.
func Doubt(path string) string {
	if fs, ok := disk(path); ok && !fs.shared {
		return fmt.Sprintf("the store %s is on %s: if machines share it, name a file on a disk of this one with --store", path, fs.name)
	}
	return ""
}

// local makes sure that a store is not shared by machines.
func local(path string) error {
	if fs, ok := disk(path); ok && fs.shared {
		return fmt.Errorf("%w: %s", ErrShared, fs.name)
	}
	return nil
}
