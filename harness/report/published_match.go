package report

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// A Measured describes a variant of a run, as Ollama does.
type Measured struct {
	Variant       string // its name in tables
	Model         string // Ollama's name
	Family        string // "llama"; "" where it is not known
	ParameterSize string // "8.0B"; "" where it is not known
	Quantization  string
	Think         *bool // nil: it cannot think
}

// A counterpart is a model of the paper, and by what an Ollama model is told
// to be of its family, size and release.
type counterpart struct {
	model     string         // as published
	name      *regexp.Regexp // how the name begins, in small letters
	rest      *regexp.Regexp // what else may stand between dashes in it; nil: only plain
	families  []string
	size      [2]float64 // least and most parameters, in billions
	think     *bool      // nil: it cannot think, or does not where it could
	release   string
	others    *regexp.Regexp // what the name of another release has; nil: there is none
	precision string         // nf4 or bf16; "": not stated
	decoding  string
}

// How the paper's code decoded; perg is greedy.
const (
	greedy          = "greedy"
	ownDecoding     = "decoded by its own generation_config, which may sample"
	servedGreedy    = "asked of a service at temperature 0"
	unknownDecoding = "decoded in a way that is not stated"
	nf4, bf16       = "nf4", "bf16"
)

var (
	llamaName = regexp.MustCompile(`^(meta-)?llama-?3(\.[13])?(-|$)`)
	gemmaName = regexp.MustCompile(`^gemma-?2(-|$)`)
	qwenName  = regexp.MustCompile(`^qwen-?3(-|$)`)
)

// counterparts are the models of the paper that can be run here, all but
// GPT-4o-mini, with the releases, precisions and decoding of the code that was
// published with it.
var counterparts = []counterpart{
	{model: "Llama3-8B", name: llamaName, families: []string{"llama"}, size: [2]float64{7.9, 8.1},
		release: "Llama-3.1-8B-Instruct", others: regexp.MustCompile(`^(meta-)?llama-?3(\.[^1]\d*)?(-|$)`), precision: bf16, decoding: ownDecoding},
	{model: "Llama3-70B", name: llamaName, families: []string{"llama"}, size: [2]float64{70, 71},
		release: "Llama-3.3-70B-Instruct-Turbo-Free", others: regexp.MustCompile(`^(meta-)?llama-?3(\.[^3]\d*)?(-|$)`), decoding: servedGreedy},
	{model: "Mistral-7B", name: regexp.MustCompile(`^mistral(-|$)`), families: []string{"llama", "mistral"}, size: [2]float64{7, 7.5},
		release: "Mistral-7B-Instruct-v0.3", others: regexp.MustCompile(`(^|-)v?0\.[^3]\d*(-|$)`), precision: bf16, decoding: ownDecoding},
	{model: "Janus-7B", name: regexp.MustCompile(`^janus(-|$)`), families: []string{"llama", "mistral"}, size: [2]float64{7, 7.5},
		release: "Janus-7B", precision: bf16, decoding: greedy},
	{model: "Mixtral-8x7B", name: regexp.MustCompile(`^mixtral(-|$)`), families: []string{"llama", "mixtral"}, size: [2]float64{46, 47.5},
		release: "Mixtral-8x7B-Instruct-v0.1", others: regexp.MustCompile(`(^|-)v?0\.[^1]\d*(-|$)`), precision: nf4, decoding: ownDecoding},
	{model: "DeepSeek-R1-70B", name: regexp.MustCompile(`^deepseek-r1(-|$)`), rest: regexp.MustCompile(`^(llama|distill)$`), families: []string{"llama"}, size: [2]float64{70, 71}, think: new(true),
		release: "DeepSeek-R1-Distill-Llama-70B", decoding: unknownDecoding},
	{model: "Gemma-2-9B", name: gemmaName, families: []string{"gemma2"}, size: [2]float64{9, 9.5}, release: "gemma-2-9b-it", precision: nf4, decoding: ownDecoding},
	{model: "Gemma-2-27B", name: gemmaName, families: []string{"gemma2"}, size: [2]float64{27, 28}, release: "gemma-2-27b-it", precision: nf4, decoding: ownDecoding},
	{model: "Qwen3-8B", name: qwenName, families: []string{"qwen3"}, size: [2]float64{8, 8.3}, release: "Qwen3-8B", precision: nf4, decoding: greedy},
	{model: "Qwen3-8B-Thinking", name: qwenName, families: []string{"qwen3"}, size: [2]float64{8, 8.3}, think: new(true), release: "Qwen3-8B", precision: nf4, decoding: greedy},
	{model: "Qwen3-32B", name: qwenName, families: []string{"qwen3"}, size: [2]float64{32, 33}, release: "Qwen3-32B", precision: nf4, decoding: greedy},
	{model: "Qwen3-32B-Thinking", name: qwenName, families: []string{"qwen3"}, size: [2]float64{32, 33}, think: new(true), release: "Qwen3-32B", precision: nf4, decoding: greedy},
}

// samePrecision says whether a quantization is like for like with what the paper
// ran; nil where either is not known.
func (c counterpart) samePrecision(quantization string) *bool {
	if c.precision == "" || quantization == "" {
		return nil
	}
	same := map[string]*regexp.Regexp{nf4: fourBits, bf16: sixteenBits}[c.precision]
	return new(same.MatchString(quantization))
}

var (
	fourBits    = regexp.MustCompile(`(?i)^(i?q4|mxfp4|nvfp4|nf4)(_|$)`)
	sixteenBits = regexp.MustCompile(`(?i)^(bf|f|fp)16$`)
)

// about says in words what stands beside a variant, and how like it is.
func (c counterpart) about(v Measured) string {
	text := fmt.Sprintf("%s stands beside %s: %s, %s, ", v.Variant, c.model, c.release, c.decoding)
	switch same := c.samePrecision(v.Quantization); {
	case c.precision == "":
		return text + "in a precision that is not stated"
	case same == nil:
		return text + "in " + c.precision
	case *same:
		return text + fmt.Sprintf("in %s, with which %s is like for like", c.precision, v.Quantization)
	default:
		return text + fmt.Sprintf("in %s: %s is another precision, compare at %s", c.precision, v.Quantization, map[string]string{nf4: "4 bits", bf16: "16 bits"}[c.precision])
	}
}

// PublishedModels says in words which models the paper has figures of.
const PublishedModels = "Llama 3 (8B, 70B), Mistral 7B, Mixtral 8x7B, Janus 7B, DeepSeek-R1 70B, Gemma 2 (9B, 27B), Qwen3 (8B, 32B, with and without thinking), GPT-4o-mini"

// plain is what stands in the name of an instruction-tuned model beside its
// family: size, version, quantization, form. A word that is none of it ("code",
// "text", the name of who trained it on) makes it another model.
var plain = regexp.MustCompile(`^(\d+(\.\d+)?b|\d+x\d+b|instruct|it|chat|latest|hf|gguf|v\d+(\.\d+)*|[bf]p?f?(16|32)|i?q\d\w*|[kmslx]+|\d|ud|perg|[0-9a-f]{12})$`)

// match finds the model of the paper that a variant is one of, or says why it
// is none.
func (m Measured) match() (c counterpart, why string) {
	name := strings.ToLower(m.Model)
	name = name[strings.LastIndexByte(name, '/')+1:]
	name = strings.ReplaceAll(strings.ReplaceAll(name, ":", "-"), "_", "-")
	why = "the paper has no model of that name"
	for _, c := range counterparts {
		head := c.name.FindString(name)
		if head == "" {
			continue
		}
		if m.Family != "" && !slices.Contains(c.families, m.Family) {
			why = fmt.Sprintf("it is called like %s and of another family, %s", c.model, m.Family)
			continue
		}
		if other := c.unexpected(name[len(head):]); other != "" {
			why = fmt.Sprintf("%q in its name makes it another model than %s", other, c.model)
			continue
		}
		size, known := m.billions(name)
		if !known || size < c.size[0] || size > c.size[1] {
			if why == "the paper has no model of that name" {
				why = "the paper has no model of that family in its size, " + orDash(m.ParameterSize)
			}
			continue
		}
		thinks := m.Think != nil && *m.Think
		if thinks != (c.think != nil) {
			why = "the paper has none of its family and size " + map[bool]string{true: "that thinks", false: "that does not think"}[thinks]
			continue
		}
		if c.others != nil && c.others.MatchString(name) {
			why = fmt.Sprintf("the paper's %s is %s, another release", c.model, c.release)
			continue
		}
		return c, ""
	}
	return counterpart{}, why
}

// unexpected is the first word in the rest of a name that makes it another
// model; "" where there is none.
func (c counterpart) unexpected(rest string) string {
	for word := range strings.SplitSeq(rest, "-") {
		if word != "" && !plain.MatchString(word) && (c.rest == nil || !c.rest.MatchString(word)) {
			return word
		}
	}
	return ""
}

var (
	statedSize = regexp.MustCompile(`^(\d+(?:\.\d+)?)\s*([BbMm])$`)
	namedSize  = regexp.MustCompile(`(?:^|-)(\d+(?:\.\d+)?)b(?:-|$)`)
)

// billions is the number of parameters: as Ollama states it, or as the name.
func (m Measured) billions(name string) (n float64, known bool) {
	if found := statedSize.FindStringSubmatch(m.ParameterSize); found != nil {
		n, err := strconv.ParseFloat(found[1], 64)
		if strings.EqualFold(found[2], "m") {
			n /= 1000
		}
		return n, err == nil
	}
	if found := namedSize.FindStringSubmatch(name); found != nil && m.ParameterSize == "" {
		n, err := strconv.ParseFloat(found[1], 64)
		return n, err == nil
	}
	return 0, false
}
