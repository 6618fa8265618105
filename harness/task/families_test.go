package task

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"perg/harness/engine"
	"perg/harness/store"
	"perg/models"
)

// kinds are all the models that are known by name, by how they think: what variants
// every way there is makes of them on a server of today, and what each is sent as think.
var kinds = []struct {
	thinks       models.Thinks
	labels, sent string
	names        string
}{
	{models.ThinksNot, "", "-", `llama3:8b llama3.1:8b llama3:70b llama3.1:70b llama3.3:70b llama3.2:3b mistral:7b mixtral:8x7b gemma2:9b gemma2:27b janus:7b
		qwen2.5:7b qwen2.5:14b qwen2.5:32b qwen2.5:72b qwen3:4b-instruct qwen3:30b-a3b-instruct-2507 gemma3:4b gemma3:12b gemma3:27b
		mistral-small:24b mistral-small3.2:24b devstral-small-2:24b ministral-3:8b ministral-3:14b mistral-nemo:12b phi4:14b
		olmo-3:7b olmo-3:7b-instruct olmo-3.1:32b olmo-3.1:32b-instruct granite4:32b granite4.1:8b glm4:9b glm4:32b
		cogito:8b cogito:14b cogito:32b cogito:70b command-r7b:7b command-r:35b aya-expanse:8b aya-expanse:32b
		falcon3:7b falcon3:10b lfm2:24b hermes3:8b hermes3:70b`},
	{models.ThinksAsked, "on off", "true false", `qwen3:8b qwen3:14b qwen3:32b qwen3.5:9b qwen3.5:27b qwen3.5:35b qwen3.5:35b-a3b qwen3.6:27b qwen3.6:35b
		gemma4:12b gemma4:26b gemma4:26b-a4b gemma4:31b deepseek-r1:7b deepseek-r1:8b deepseek-r1:14b deepseek-r1:32b deepseek-r1:70b
		magistral:24b nemotron-3-nano:30b nemotron-cascade-2:30b nemotron3:33b laguna-xs.2:latest laguna-xs.2:33b glm-4.7-flash:latest glm-4.7-flash:30b`},
	{models.ThinksAsked, "on off low medium high", "true false low medium high", `qwen3.8:27b`},
	{models.ThinksByLevel, "medium low high", "medium low high", `gpt-oss:20b gpt-oss:120b gpt-oss-safeguard:20b gpt-oss-safeguard:120b`},
	{models.ThinksAlways, "on", "true", `qwen3:4b qwen3:30b qwen3:30b-a3b-thinking-2507 olmo-3:32b olmo-3:7b-think olmo-3.1:32b-think`},
	{models.ThinksAloud, "", "-", `qwq:32b phi4-reasoning:14b phi4-reasoning:plus exaone-deep:7.8b exaone-deep:32b`},
}

// What servers give whatever is asked for: one slot, and a least context.
const (
	oneSlot = `qwen3.5:9b qwen3.5:27b qwen3.5:35b qwen3.5:35b-a3b qwen3.6:27b qwen3.6:35b qwen3.8:27b nemotron-3-nano:30b nemotron-cascade-2:30b nemotron3:33b lfm2:24b`
	see     = `qwen3.5:9b qwen3.5:27b qwen3.5:35b qwen3.5:35b-a3b qwen3.6:27b qwen3.6:35b qwen3.8:27b gemma3:4b gemma3:12b gemma3:27b
		gemma4:12b gemma4:26b gemma4:26b-a4b gemma4:31b mistral-small3.2:24b devstral-small-2:24b ministral-3:8b ministral-3:14b nemotron3:33b`
)

// Of each model that is known by name: what it can, what is sent, and what is planned,
// by its published metadata. A server that has it shows the same.
func TestEveryKnownFamily(t *testing.T) {
	has := func(names, name string) bool { return slices.Contains(strings.Fields(names), name) }
	seen := make(map[string]bool)
	for _, kind := range kinds {
		for _, name := range strings.Fields(kind.names) {
			t.Run(name, func(t *testing.T) {
				seen[name] = true
				d, ok := models.Known(name)
				if !ok {
					t.Fatal("not known by name")
				}
				shape, err := d.Shape()
				if err != nil {
					t.Fatal(err)
				}
				v := Variant{
					Installed: models.Installed{Name: name}, Label: name, Shape: shape,
					Thinker: models.Thinker{Thinks: d.Thinks, Levels: d.Levels}, LeastCtx: d.LeastContext(),
				}
				variants, err := v.Variants(Ways(), "0.33.0", nil, "", func(string) {})
				if err != nil || d.Thinks != kind.thinks {
					t.Fatalf("thinks %q, want %q; error %v", d.Thinks, kind.thinks, err)
				}
				var labels []string
				for _, with := range variants {
					_, way, _ := strings.Cut(with.Label, "@think-")
					labels = append(labels, way)
				}
				if diff := cmp.Diff(kind.labels, strings.Join(labels, " ")); diff != "" {
					t.Errorf("variants (-want +got):\n%s", diff)
				}
				sent(t, variants, kind.sent)
				planned(t, variants)
				floor := 0
				if has(see, name) {
					floor = 2048
				}
				if v.LeastCtx != floor || shape.OneSlot() != has(oneSlot, name) {
					t.Errorf("context of %d at least, want %d; one slot %v", v.LeastCtx, floor, shape.OneSlot())
				}
			})
		}
	}
	for _, name := range models.KnownNames() {
		if !seen[name] {
			t.Errorf("%s is known, and no row says how it thinks", name)
		}
	}
	for _, f := range families {
		if d, ok := models.Known(f.name); ok && d.Thinks != f.thinks {
			t.Errorf("%s thinks %q by its description, and %q as a server shows it", f.name, d.Thinks, f.thinks)
		}
	}
}

// planned compares the thoughts that a context is chosen for: none where a variant does
// not think.
func planned(t *testing.T, variants []*Variant) {
	t.Helper()
	task := testTask(t, 1)
	task.Thought = 8192
	for _, v := range variants {
		got, err := task.ThoughtsOf(t.Context(), v, notAsked)
		want := Thoughts{}
		if v.Thinks() {
			want = Thoughts{Mean: guessedThought, Most: guessedMost}
		}
		if err != nil || got != want {
			t.Errorf("%s: planned with thoughts of %+v, want %+v; error %v", v.Label, got, want, err)
		}
	}
}

func notAsked(context.Context, Call) (store.Reply, error) {
	return store.Reply{}, engine.ErrNotAsked
}
