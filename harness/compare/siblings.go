package compare

import (
	"cmp"
	"regexp"
	"slices"
	"strings"

	"perg/models"
)

// A Model is what a run knows of a variant's model.
type Model struct {
	Variant       string // its label in the tables
	Name          string // in Ollama, with tag
	Family        string
	ParameterSize string
	Quantization  string
	KVCache       models.KVType // "": not known
	Think         *bool
}

// Siblings gives for each variant the label of the one of highest precision
// among those of the same model: of one name before the tag, one family and
// size, with equal thinking, whose tags differ in the quantization alone. A tag
// may leave out what another spells out: 8b goes with 8b-instruct-fp16 and with
// 8b-text-fp16, which do not go with each other. Variants that are of the
// highest precision themselves have no entry. Precision is that of the weights
// and then that of the KV cache; unknown are those that have siblings and a
// quantization whose precision is not known.
func Siblings(all []Model) (of map[string]string, unknown []string) {
	of = make(map[string]string)
	for _, m := range all {
		kin := slices.DeleteFunc(slices.Clone(all), func(o Model) bool { return o.Variant == m.Variant || !m.sibling(o) })
		if _, ok := m.precision(); !ok && len(kin) > 0 {
			unknown = append(unknown, m.Variant)
			continue
		}
		best := m
		for _, o := range kin {
			if _, ok := o.precision(); ok && o.compare(best) > 0 {
				best = o
			}
		}
		if best.Variant != m.Variant {
			of[m.Variant] = best.Variant
		}
	}
	return of, unknown
}

func (m Model) sibling(o Model) bool {
	base, stem := m.name()
	otherBase, otherStem := o.name()
	thinks := m.Think == nil && o.Think == nil || m.Think != nil && o.Think != nil && *m.Think == *o.Think
	return base == otherBase && m.Family == o.Family && m.ParameterSize == o.ParameterSize && thinks &&
		(m.KVCache == "") == (o.KVCache == "") && (begins(stem, otherStem) || begins(otherStem, stem))
}

// begins says whether a tag is the beginning of another, in whole words.
func begins(tag, beginning string) bool {
	return beginning == "" || tag == beginning || strings.HasPrefix(tag, beginning+"-")
}

var (
	// madeHere is the end of the names that models.Quantize gives.
	madeHere = regexp.MustCompile(`-[^-]+-perg-[0-9a-f]{12}$`)
	level    = regexp.MustCompile(`(?i)(?:^|-)(?:fp?16|bf16|fp?32|i?q\d[0-9a-z_]*|mxfp4)$`)
)

// name is the model's without its quantization: what stands before the tag,
// and what remains of the tag.
func (m Model) name() (base, stem string) {
	name := madeHere.ReplaceAllString(m.Name, "")
	base, tag, _ := strings.Cut(name, ":")
	stem = level.ReplaceAllString(tag, "")
	if stem == "latest" {
		stem = ""
	}
	return base, stem
}

// precision is in bits a weight.
func (m Model) precision() (bits float64, ok bool) {
	switch strings.ToUpper(m.Quantization) {
	case "F32":
		return 32, true
	case "BF16":
		return 16, true
	}
	known := slices.ContainsFunc(models.Quantizations(), func(q string) bool { return strings.EqualFold(q, m.Quantization) })
	return models.BitsPerWeight(m.Quantization), known
}

func (m Model) compare(o Model) int {
	bits, _ := m.precision()
	others, _ := o.precision()
	rank := func(t models.KVType) int {
		return slices.Index([]models.KVType{models.KVQ4, models.KVQ8, models.KVF16}, t)
	}
	return cmp.Or(cmp.Compare(bits, others), cmp.Compare(rank(m.KVCache), rank(o.KVCache)))
}
