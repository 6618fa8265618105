package engine

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestNothingWrong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.gpus(24, 24)
		a, b := w.generates(w.model("a", 10), 20), w.generates(w.model("b", 14), 20)
		s := w.scores(w.model("judge", 5), 0, a, b)
		w.mustRun(t)
		w.mustDo(t, a, 20)
		w.mustDo(t, b, 20)
		w.mustDo(t, s, 40)
	})
}

func TestALaneDies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.gpus(24, 24)
		a, b := w.generates(w.model("a", 10), 200), w.generates(w.model("b", 14), 200)
		w.after(10*time.Second, func() { w.dies("gpu0") })
		w.mustRun(t)
		w.mustDo(t, a, 200)
		w.mustDo(t, b, 200)
	})
}
