//go:build race

package advise

func init() { raced = true }
