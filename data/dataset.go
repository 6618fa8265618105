package data

// A Dataset is a list of items in the order they are evaluated.
type Dataset struct {
	Name   string // "sample", or the file's path as it was given
	SHA256 string // hex, over the items (not the file's bytes): equal items, equal hash
	Items  []Item
}
