package models

import (
	"fmt"
	"slices"
)

// The versions of Ollama that perg knows: truncate and shift, which it needs
// to be refused rather than cut, came with the first; the last is what it is
// tested with.
var knownFrom, knownTo = [2]int{0, 12}, [2]int{0, 17}

// Unfamiliar says what to expect of a server that is older or newer than
// those; "" for one that is known, and for a build without a version.
func Unfamiliar(version string) string {
	var v [2]int
	if n, err := fmt.Sscanf(version, "%d.%d", &v[0], &v[1]); n < 2 || err != nil || v == [2]int{} {
		return ""
	}
	switch {
	case slices.Compare(v[:], knownFrom[:]) < 0:
		return fmt.Sprintf("Ollama %s is older than %d.%d: it may cut long prompts without a word; upgrade it", version, knownFrom[0], knownFrom[1])
	case slices.Compare(v[:], knownTo[:]) > 0:
		return fmt.Sprintf("Ollama %s is newer than perg was tested with (%d.%d): memory estimates may be off", version, knownTo[0], knownTo[1])
	}
	return ""
}
