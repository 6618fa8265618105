//go:build race

package engine

// A world under the race detector takes five times as long.
func init() { *seeds = 500 }
