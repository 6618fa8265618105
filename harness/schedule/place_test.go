package schedule

import (
	"strings"
	"testing"
	"time"
)

func TestPlaceInWords(t *testing.T) {
	candidate := func(id string, weights uint64, hours int) model {
		return model{id: id, weights: weights * gib, kv: gib, slots: 1, work: time.Duration(hours) * time.Hour, load: 10 * time.Second}
	}
	judge := func(weights uint64, hours int) *model {
		m := candidate("judge", weights, hours)
		m.kind = Score
		return &m
	}
	large := candidate("large", 40, 3)
	large.remedies = []string{"q4_K_M", "--num-ctx 2048"}
	absent := candidate("absent", 1, 1)
	absent.notInstalled = "http://a"

	for _, c := range []struct {
		name    string
		devices []Device
		models  []model
		judge   *model
		want    string
	}{
		{"no devices", nil, []model{large}, nil, `
refused: large: there are no devices`},
		{"too large", equal(1, 24*gib, 1), []model{large, candidate("small", 8, 1)}, nil, `
gpu0: small from 0s to 1h0m10s: fits gpu0
refused: large: not enough GPU memory on gpu0: 17.5 GiB short; would fit: q4_K_M, --num-ctx 2048`},
		{"spans both, then one each", equal(2, 24*gib, 1), []model{candidate("a", 8, 1), candidate("b", 8, 1), large}, nil, `
gpu0: a from 3h0m10s to 4h0m20s: fits gpu0
gpu0+gpu1: large from 0s to 3h0m10s: needs 2 devices
gpu1: b from 3h0m10s to 4h0m20s: fits gpu1`},
		{"idle device joins", equal(2, 24*gib, 1), []model{candidate("a", 8, 2)}, nil, `
gpu0: a from 0s to 1h0m10s: fits gpu0
gpu1: a from 0s to 1h0m10s: joins: nothing else can use gpu1, and a has most time left`},
		{"leaves the large device", []Device{{ID: "big", Memory: 80 * gib, Speed: 1}, {ID: "small", Memory: 24 * gib, Speed: 1}},
			[]model{candidate("a", 8, 2), candidate("b", 60, 2)}, nil, `
big: b from 0s to 2h0m10s: fits big
small: a from 0s to 2h0m10s: fits small`},
		{"resident judge", equal(1, 24*gib, 1), []model{candidate("a", 8, 2), candidate("b", 10, 1)}, judge(6, 1), `
gpu0: a from 0s to 2h37m40s: fits gpu0 with the judge beside it
gpu0: judge from 0s to 4h0m15s: resident: every candidate fits beside it on gpu0, so it scores from the start
gpu0: b from 2h37m40s to 3h58m28s: beside the judge on gpu0`},
		{"second phase", equal(1, 24*gib, 1), []model{candidate("a", 14, 2)}, judge(14, 1), `
gpu0: a from 0s to 2h0m10s: fits gpu0
gpu0: judge from 2h0m10s to 3h0m20s: after the candidates, on gpu0: both do not fit at once`},
		{"own lane", equal(2, 24*gib, 1), []model{candidate("a", 14, 2)}, judge(14, 2), `
gpu0: a from 0s to 2h0m10s: fits gpu0
gpu0: judge from 2h0m10s to 2h2m8s: joins: nothing else can use gpu0, and judge has most time left
gpu1: judge from 0s to 2h2m8s: own lane: no candidate waits for gpu1, so it scores while others generate`},
		{"servers", []Device{{ID: "http://a", Speed: 1}, {ID: "http://b", Speed: 1}}, []model{absent, candidate("x", 500, 1)}, nil, `
http://a: x from 0s to 1h0m10s: on http://a, whose memory is not known
http://b: absent from 0s to 1h0m10s: on http://b, whose memory is not known`},
		{"on no server", []Device{{ID: "http://a", Speed: 1}}, []model{absent}, nil, `
refused: absent: the model is installed on none of the servers`},
	} {
		t.Run(c.name, func(t *testing.T) {
			jobs, score := jobsOf(c.models, c.judge)
			got := strings.Join(Place(c.devices, jobs, score).Lines(), "\n")
			if want := strings.TrimPrefix(c.want, "\n"); got != want {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
}

// A short job may use the devices that a wide one waits for; a long one may not.
func TestBackfill(t *testing.T) {
	wide := model{id: "wide", weights: 40 * gib, kv: gib, slots: 1, work: 3 * time.Hour, load: time.Second}
	short := model{id: "short", weights: 8 * gib, kv: gib, slots: 1, work: time.Hour, load: time.Second}
	long := short
	long.id, long.work = "long", 5*time.Hour
	starts := Next(State{
		Devices: equal(2, 24*gib, 1),
		Running: []Running{{Job: "r", Devices: []string{"gpu0"}, Left: 2 * time.Hour}},
		Waiting: []Job{short.job(), long.job(), wide.job()},
	})
	if len(starts) != 1 || starts[0].Job != "short" || starts[0].Reason != "fits gpu1, and ends before wide needs it" {
		t.Errorf("starts %+v, want short alone on gpu1", starts)
	}
}
