package harness

import (
	"time"

	"perg/harness/fleet"
	"perg/harness/rundir"
	"perg/harness/schedule"
	"perg/harness/sizing"
	"perg/models"
)

// A Summary is a plan in numbers, for people and programs.
type Summary struct {
	Items        int                `json:"items"`
	Settings     int                `json:"settings"`
	Methods      int                `json:"methods"`
	Repeats      int                `json:"repeats"`
	Generations  int                `json:"generations"`
	Controls     int                `json:"controls"`         // of those, the ones that ask the baseline again
	PromptTokens int                `json:"prompt_tokens"`    // of all generations, an estimate
	OutputTokens int                `json:"output_tokens"`    // an estimate
	Ratings      int                `json:"ratings"`          // if every baseline is right
	Expected     int                `json:"expected_ratings"` // if as many are as is known of earlier runs
	Models       []rundir.ModelInfo `json:"models"`
	Judges       []rundir.ModelInfo `json:"judges"`
	Extractor    *rundir.ModelInfo  `json:"extractor"`
	Devices      []PlannedDevice    `json:"devices"`
	Memory       []PlannedMemory    `json:"memory"`
	Lanes        []PlannedLane      `json:"lanes"`
	Refused      []PlannedRefusal   `json:"refused"`
	Loads        int                `json:"loads"`
	Makespan     time.Duration      `json:"makespan_ns"`
	Least        time.Duration      `json:"least_ns"` // the makespan lies between these, by what the estimate rests on
	Most         time.Duration      `json:"most_ns"`
	Bound        time.Duration      `json:"bound_ns"` // no plan takes less
	Notes        []string           `json:"notes"`
}

// A PlannedDevice is one that a plan may use.
type PlannedDevice struct {
	ID     string  `json:"id"`
	Name   string  `json:"name"`
	Memory uint64  `json:"memory"` // bytes free; 0: not known
	Speed  float64 `json:"speed"`  // 1: memory of one terabyte a second
	Peak   uint64  `json:"peak"`   // the most that is taken on it at a time, bytes
}

// A PlannedMemory is what a model needs where it is placed; its weights alone
// where it is not.
type PlannedMemory struct {
	Variant      string           `json:"variant"`
	Quantization string           `json:"quantization"`
	NumCtx       int              `json:"num_ctx"`
	Slots        int              `json:"slots"`     // 0: not placed, or the server's own
	Footprint    models.Footprint `json:"footprint"` // of one server
}

// A PlannedLane is a set of devices and what it does.
type PlannedLane struct {
	Lane string        `json:"lane"`
	Work []PlannedWork `json:"work"`
}

// PlannedWork is a job on a lane, in time since the start of the run.
type PlannedWork struct {
	Job   string        `json:"job"`
	Begin time.Duration `json:"begin_ns"`
	End   time.Duration `json:"end_ns"`
	Slots int           `json:"slots"` // of each server; 0: its own
	// Servers are at work on the lane at once; Gain is what they were found to
	// bring together, as a multiple of what one does; 0: nothing is remembered.
	Servers int      `json:"servers"`
	Gain    float64  `json:"gain"`
	Devices []string `json:"devices"`
	Bytes   []uint64 `json:"bytes"` // of each server, on each device
	Join    bool     `json:"join"`
	Beside  bool     `json:"beside"`
	Reason  string   `json:"reason"`
}

// A PlannedRefusal is a model that fits nowhere.
type PlannedRefusal struct {
	Job       string   `json:"job"`
	Dimension string   `json:"dimension"` // what runs out
	Short     uint64   `json:"short"`     // by so many bytes
	Remedies  []string `json:"remedies"`  // what would fit
	Reason    string   `json:"reason"`
}

// Summary sums the plan up.
func (p *Plan) Summary(f *fleet.Fleet) Summary {
	s := Summary{
		Items: p.Task.Asking(), Settings: len(p.Task.Settings), Methods: len(p.Task.Methods), Repeats: p.Task.Repeats, Generations: p.Total(),
		Makespan: p.Placement.Makespan, Bound: p.Placement.Bound,
		Judges: []rundir.ModelInfo{}, Lanes: []PlannedLane{}, Refused: []PlannedRefusal{}, Notes: []string{},
	}
	s.Least, s.Most = sizing.Between(p.Placement)
	for _, v := range p.Variants {
		w := p.Task.Generating(v, p.Sizes.Prompt).Thinking(p.Sizes.Thoughts[v].Mean)
		s.PromptTokens += w.PromptTokens
		s.OutputTokens += w.OutputTokens
		s.Controls += p.Task.Controls(v)
		s.Models = append(s.Models, p.info(v))
	}
	for _, j := range p.Judges {
		s.Judges = append(s.Judges, p.info(j))
		s.Ratings += p.Task.Rating(p.Variants, nil, p.Sizes.Rating).Calls
		s.Expected += p.Task.Rating(p.Variants, p.rights, p.Sizes.Rating).Calls
	}
	if p.Extractor != nil {
		s.Extractor = new(p.info(p.Extractor))
	}
	peak := p.Placement.Peaks()
	slots := make(map[string]int)
	for _, l := range p.Placement.Lanes {
		lane := PlannedLane{Lane: schedule.LaneName(l.Devices, l.Server)}
		for _, a := range l.Work {
			lane.Work = append(lane.Work, PlannedWork{
				Job: a.Job, Begin: a.Begin, End: a.End, Slots: a.Fit.Slots, Servers: max(a.Fit.Servers, 1), Gain: a.Fit.Gain,
				Devices: a.Fit.Devices, Bytes: a.Fit.Bytes, Join: a.Join, Beside: a.Beside, Reason: a.Reason,
			})
			slots[a.Job] = max(slots[a.Job], a.Fit.Slots)
			s.Loads++
		}
		s.Lanes = append(s.Lanes, lane)
	}
	for _, d := range f.All() {
		s.Devices = append(s.Devices, PlannedDevice{ID: d.ID, Name: d.Name, Memory: d.Memory, Speed: d.Speed, Peak: peak[d.ID]})
	}
	for _, v := range p.Loaded() {
		n := slots[jobID(p.Roster, v)]
		s.Memory = append(s.Memory, PlannedMemory{
			Variant: v.Label, Quantization: v.Quantization, NumCtx: p.Sizes.Of[v].NumCtx, Slots: n,
			Footprint: p.Sizes.model(v).Footprint(max(n, 1)),
		})
	}
	for _, r := range p.Placement.Refused {
		s.Refused = append(s.Refused, PlannedRefusal{Job: r.Job, Dimension: r.Fit.Dimension, Short: r.Fit.Short, Remedies: r.Fit.Remedies, Reason: r.Reason})
	}
	return s
}
