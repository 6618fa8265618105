package advise

import (
	"cmp"
	"slices"

	"perg/harness/compare"
	"perg/models"
)

// A Kind is what the variants of a family differ in.
type Kind string

// The kinds.
const (
	Quantization Kind = "quantization"
	KVCache      Kind = "kv_cache"
	Thinking     Kind = "thinking"
)

// A Variant is what is known of one before its results.
type Variant struct {
	compare.Model
	Level models.Level // of thinking; "": by Think alone
	Size  Size
}

// A Family is the variants of one model that differ in one kind of thing alone:
// Reference, which is dearest, and the Others, the dearest first.
type Family struct {
	Kind      Kind
	Reference string
	Others    []string
}

// way is how a variant was asked to think.
type way struct {
	asked, on bool
	level     models.Level
}

func (v Variant) way() way {
	if v.Think == nil {
		return way{level: v.Level}
	}
	return way{true, *v.Think, v.Level}
}

// thinks ranks a variant by how much it was asked to think; not ok where it was not
// asked.
func (v Variant) thinks() (rank int, ok bool) {
	levels := models.ThinkingLevels()
	switch i := slices.Index(levels, v.Level); {
	case i >= 0:
		return 1 + i, true
	case v.Think == nil:
		return 0, false
	case *v.Think:
		return 1 + len(levels), true // as much as it likes
	}
	return 0, true
}

// Families are those among the variants of a run: each differs in quantization, in
// the type of the KV cache, or in thinking, and in nothing else.
func Families(all []Variant) []Family {
	type rest struct {
		name string // "" where the family differs in it
		kv   models.KVType
		way  way
	}
	var families []Family
	add := func(kind Kind, of func(Variant) rest, siblings func([]Variant) map[string]string) {
		var order []rest
		groups := make(map[rest][]Variant)
		for _, v := range all {
			at := of(v)
			if groups[at] == nil {
				order = append(order, at)
			}
			groups[at] = append(groups[at], v)
		}
		for _, at := range order {
			best := siblings(groups[at])
			for _, v := range groups[at] {
				reference := best[v.Variant]
				if reference == "" {
					continue
				}
				i := slices.IndexFunc(families, func(f Family) bool { return f.Kind == kind && f.Reference == reference })
				if i < 0 {
					i = len(families)
					families = append(families, Family{Kind: kind, Reference: reference})
				}
				families[i].Others = append(families[i].Others, v.Variant)
			}
		}
	}
	precise := func(group []Variant) map[string]string {
		known := make([]compare.Model, len(group))
		for i, v := range group {
			known[i] = v.Model
		}
		of, _ := compare.Siblings(known)
		return of
	}
	add(Quantization, func(v Variant) rest { return rest{kv: v.KVCache, way: v.way()} }, precise)
	add(KVCache, func(v Variant) rest { return rest{name: v.Name, way: v.way()} }, precise)
	add(Thinking, func(v Variant) rest { return rest{name: v.Name, kv: v.KVCache} }, mostThinking)
	by := make(map[string]Variant)
	for _, v := range all {
		by[v.Variant] = v
	}
	for _, f := range families {
		slices.SortStableFunc(f.Others, func(a, b string) int { return by[b].compare(by[a], f.Kind) })
	}
	return families
}

// mostThinking gives for each variant the one that was asked to think most.
func mostThinking(group []Variant) map[string]string {
	of := make(map[string]string)
	best, most := "", -1
	for _, v := range group {
		if rank, ok := v.thinks(); ok && rank > most {
			best, most = v.Variant, rank
		}
	}
	for _, v := range group {
		if rank, ok := v.thinks(); ok && rank < most {
			of[v.Variant] = best
		}
	}
	return of
}

// compare orders two variants of a family, the cheaper first.
func (v Variant) compare(o Variant, kind Kind) int {
	switch kind {
	case KVCache:
		types := []models.KVType{models.KVQ4, models.KVQ8, models.KVF16}
		return cmp.Compare(slices.Index(types, v.KVCache), slices.Index(types, o.KVCache))
	case Thinking:
		a, _ := v.thinks()
		b, _ := o.thinks()
		return cmp.Compare(a, b)
	}
	return cmp.Or(cmp.Compare(v.Size.Bits, o.Size.Bits), cmp.Compare(v.Size.Bytes, o.Size.Bytes))
}

// Models are the variants that stand for a model of their own: those that are in no
// family, and the references of families that are not another's.
func Models(all []Variant, families []Family) []string {
	var names []string
	for _, v := range all {
		if !slices.ContainsFunc(families, func(f Family) bool { return slices.Contains(f.Others, v.Variant) }) {
			names = append(names, v.Variant)
		}
	}
	return names
}
