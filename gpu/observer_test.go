package gpu

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// A GPU read without trouble; the index and the UUID's number.
func wellRead(index, number int, answers ...answer) reading {
	return reading{sample: Sample{Index: index, UUID: fmt.Sprint("GPU-", number)}, answers: answers}
}

func failed(index int, err error) reading { return reading{sample: Sample{Index: index}, err: err} }

var errLost = fmt.Errorf("%w: fell off", ErrGPULost)

func TestObserver(t *testing.T) {
	type rounds struct {
		times    int
		readings []reading // none: the driver does not answer
		whole    bool
		warnings string
	}
	both := []reading{wellRead(0, 1), wellRead(1, 2)}
	for name, stages := range map[string][]rounds{
		"all is well": {{100, both, true, ""}},
		"lost and back": {
			{5, both, true, ""},
			{5, []reading{failed(0, errLost), wellRead(1, 2)}, false, "GPU 0 is not sampled for now: GPU lost: fell off"},
			{20, both, true, "GPU 0 is back"},
		},
		"gone from the list, and the other moves up": {
			{5, both, true, ""},
			{20, []reading{wellRead(0, 2)}, false, "GPU 0 is not sampled for now: the driver does not list GPU-1 any more"},
			{20, both, true, "GPU 0 is back"},
		},
		"refused from the beginning": {
			{5, []reading{failed(0, ErrPermission), wellRead(1, 2)}, true, "GPU 0 is not sampled for now: no permission to use the GPU"},
			{20, both, true, "GPU 0 is back"},
		},
		"driver away": {
			{5, both, true, ""},
			{5, nil, true, "no GPU samples for now: away"},
			{20, both, true, "the GPU driver answers again"},
		},
		"a value fails": {
			{5, []reading{wellRead(0, 1, answer{"power", true, nil})}, true, ""},
			{5, []reading{wellRead(0, 1, answer{"power", false, errors.New("NVML timed out")})}, true, "GPU 0: power is unknown for now: NVML timed out"},
			{20, []reading{wellRead(0, 1, answer{"power", true, nil})}, true, "GPU 0: power is known again"},
		},
		"a value that never was": {{100, []reading{wellRead(0, 1, answer{"power", false, nil})}, true, ""}},
	} {
		t.Run(name, func(t *testing.T) {
			var told []string
			o := newObserver(func(text string) { told = append(told, text) })
			for i, s := range stages {
				told = nil
				for range s.times {
					if s.readings == nil {
						o.away(errors.New("away"))
						continue
					}
					if _, whole := o.round(s.readings); whole != s.whole {
						t.Fatalf("stage %d: whole is %v", i, whole)
					}
				}
				if got := strings.Join(told, "\n"); got != s.warnings {
					t.Errorf("stage %d: warned %q, want %q", i, got, s.warnings)
				}
				if troubled := o.quiet() != (i == len(stages)-1 || i == 0 || strings.Contains(s.warnings, "power")); troubled && len(stages) > 1 && !strings.HasPrefix(name, "refused") {
					t.Errorf("stage %d: quiet is %v", i, o.quiet())
				}
			}
		})
	}
}

// Whatever comes and goes for a day, at any rhythm, is told of a few times.
func TestTroubleThatComesAndGoes(t *testing.T) {
	const day = 5 * 24 * 3600 // rounds
	lost, well := []reading{failed(0, errLost), wellRead(1, 2)}, []reading{wellRead(0, 1), wellRead(1, 2)}
	for _, period := range []int{2, 9, 25, 60, 700, 5000} {
		told := 0
		o := newObserver(func(string) { told++ })
		for round := range day {
			if round%period < period/2 {
				o.round(lost)
			} else {
				o.round(well)
			}
		}
		if most := max(2*day/period, 1); told > min(most, 200) {
			t.Errorf("told %d times of what comes every %d rounds", told, period)
		}
	}
}

func TestBackoff(t *testing.T) {
	var b backoff
	now := time.Unix(0, 0)
	var tries []string
	for s := range 200 {
		if s == 120 {
			b.reset()
		}
		if b.due(now.Add(time.Duration(s) * time.Second)) {
			tries = append(tries, fmt.Sprint(s))
		}
	}
	want := "0 1 3 7 15 31 61 91 121 122 124 128 136 152 182"
	if diff := cmp.Diff(want, strings.Join(tries, " ")); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}
