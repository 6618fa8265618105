package models

import (
	"fmt"
	"strings"
)

// A KVType is the type of a KV cache's values, OLLAMA_KV_CACHE_TYPE.
type KVType string

// The types that Ollama knows. Those that are not f16 need flash attention.
const (
	KVF16 KVType = "f16"
	KVQ8  KVType = "q8_0"
	KVQ4  KVType = "q4_0"
)

// ParseKVType reads a type's name.
func ParseKVType(name string) (KVType, error) {
	switch t := KVType(strings.ToLower(name)); t {
	case KVF16, KVQ8, KVQ4:
		return t, nil
	}
	return "", fmt.Errorf("KV-cache type %q: f16, q8_0 or q4_0", name)
}

// bytes is the size of one value.
func (t KVType) bytes() float64 {
	switch t {
	case KVQ8:
		return 34.0 / 32
	case KVQ4:
		return 18.0 / 32
	default:
		return 2
	}
}
