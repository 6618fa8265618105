package models

import (
	"fmt"
	"slices"
)

// A Use is what a server is used for, as far as versions of Ollama differ in it.
type Use string

// The uses.
const (
	UseAny      Use = "any"
	UsePrefixes Use = "prefixes" // prompts that begin alike
	UseCounts   Use = "counts"   // of the tokens of prompts
	UseSchemas  Use = "schemas"  // answers of a given form, from models that could think
)

// A Harm is what is wrong with some versions of Ollama.
type Harm struct {
	From, Before release // the first that has it, the first that has it no more
	Use          Use
	Text         string // what it does
	Source       string // where that was read
}

// A release is a version's number.
type release [3]int

func (r release) String() string {
	if r[2] == 0 {
		return fmt.Sprintf("%d.%d", r[0], r[1])
	}
	return fmt.Sprintf("%d.%d.%d", r[0], r[1], r[2])
}

// Install is what to do about it.
func (h Harm) Install() string { return fmt.Sprintf("install Ollama %v or newer", h.Before) }

// harms are what is known, up to v0.34.
var harms = []Harm{
	{release{}, release{0, 12}, UseAny, "may cut long prompts without a word", "truncate and shift of /api/chat came with v0.12"},
	{release{0, 30}, release{0, 30, 8}, UsePrefixes,
		"reads the whole of every prompt anew: of those that begin alike nothing is kept", "llm/llama_server.go, cache_prompt; #16639"},
	{release{0, 30}, release{0, 30, 1}, UseCounts,
		"does not count the tokens that it had cached: contexts may be chosen too small", "#16428"},
	{release{}, release{0, 31, 2}, UseSchemas,
		"drops the schema of an answer where some models that could think are told not to (qwen3.5, gemma4 before 0.21.1 and others)", "#14645, #15260, #15678, #15901"},
}

// numberOf reads a version; false for a build without one.
func numberOf(version string) (r release, ok bool) {
	n, _ := fmt.Sscanf(version, "%d.%d.%d", &r[0], &r[1], &r[2])
	return r, n >= 2 && r != release{}
}

func (r release) before(other release) bool { return slices.Compare(r[:], other[:]) < 0 }

// Harms are those of a version; none of a build without one.
func Harms(version string) []Harm {
	r, ok := numberOf(version)
	if !ok {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(harms), func(h Harm) bool { return r.before(h.From) || !r.before(h.Before) })
}

// TakesLevel says whether a version of Ollama takes a level from models that think in
// some way; a build without a number does. One that has levels alone always did
// (routes.go, v0.17.4); others do since v0.17.7 (#14625), and max is known since
// v0.22 (#15787).
func TakesLevel(version string, t Thinks, l Level) bool {
	r, ok := numberOf(version)
	switch {
	case !ok || t == ThinksByLevel && l != LevelMax:
		return true
	case l == LevelMax:
		return !r.before(release{0, 22})
	default:
		return !r.before(release{0, 17, 7})
	}
}
