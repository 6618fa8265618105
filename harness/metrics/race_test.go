//go:build race

package metrics

func init() { raced = true }
