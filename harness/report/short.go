package report

// Short is a variant without what makes its name unique in a model store: in a run
// the rest is, nearly always.
func Short(variant string) string { return hashed.ReplaceAllString(variant, "") }

// Shorts are names as they are shown beside each other: short, but for those that
// would be the same.
func Shorts(variants []string) []string {
	n := make(map[string]int)
	for _, v := range variants {
		n[Short(v)]++
	}
	names := make([]string, len(variants))
	for i, v := range variants {
		if names[i] = Short(v); n[names[i]] > 1 {
			names[i] = v
		}
	}
	return names
}
