package models

import (
	"slices"
	"strconv"
	"strings"

	"github.com/ollama/ollama/api"
)

// An Own is what a model brings itself that is put before a call's: its Modelfile's
// PARAMETER, SYSTEM and MESSAGE.
type Own struct {
	Parameters []string `json:"parameters,omitempty"` // "temperature 0.6", in order
	System     string   `json:"system,omitempty"`     // where a call has none
	Messages   []string `json:"messages,omitempty"`   // "user: Hello", before each call's
}

func ownOf(show api.ShowResponse) Own {
	o := Own{System: show.System}
	for line := range strings.Lines(show.Parameters) {
		if fields := strings.Fields(line); len(fields) > 0 {
			o.Parameters = append(o.Parameters, strings.Join(fields, " "))
		}
	}
	slices.Sort(o.Parameters)
	for _, m := range show.Messages {
		o.Messages = append(o.Messages, m.Role+": "+m.Content)
	}
	return o
}

// Penalizes says whether the model has a presence_penalty or a frequency_penalty of
// its own. A repeat_penalty does not count: calls have always set it to 1.
func (o Own) Penalizes() bool {
	return slices.ContainsFunc(o.Parameters, func(p string) bool {
		name, value, _ := strings.Cut(p, " ")
		x, err := strconv.ParseFloat(value, 64)
		return (name == "presence_penalty" || name == "frequency_penalty") && (err != nil || x != 0)
	})
}

// set are the parameters that each call sets, and drawn those that change nothing
// where the likeliest token is taken.
var (
	set   = []string{"num_ctx", "num_batch", "num_predict", "seed", "temperature", "repeat_penalty", "repeat_last_n", "presence_penalty", "frequency_penalty"}
	drawn = []string{"top_k", "top_p", "min_p", "typical_p", "tfs_z", "mirostat", "mirostat_eta", "mirostat_tau"}
	where = []string{"num_gpu", "num_thread", "num_keep", "main_gpu", "use_mmap", "use_mlock", "low_vram", "numa", "f16_kv", "draft_num_predict"}
)

// Acting are what is left of the model's own in calls of a temperature: what no
// call sets, and could change an answer.
func (o Own) Acting(temperature float64) []string {
	var all []string
	for _, p := range o.Parameters {
		name, _, _ := strings.Cut(p, " ")
		greedy := temperature == 0 && slices.Contains(drawn, name)
		if !slices.Contains(set, name) && !slices.Contains(where, name) && !greedy {
			all = append(all, p)
		}
	}
	return all
}
