//go:build !linux

package store

// disk is not known.
func disk(string) (fileSystem, bool) { return fileSystem{}, false }
