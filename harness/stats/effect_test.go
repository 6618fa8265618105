package stats

import "testing"

// By hand: ten questions of three answers, one answer of each of three broken;
// and the same nine answers as three questions that break throughout.
func TestDesignEffect(t *testing.T) {
	spread, together := make([]Cluster, 10), make([]Cluster, 10)
	for i := range 10 {
		spread[i] = Cluster{Count: min(1, max(0, 9-i)), Of: 3}
		together[i].Of = 3
		if i < 3 {
			together[i].Count = 3
		}
	}
	apart, alike := DesignEffect(spread), DesignEffect(together)
	if apart > 1.2 || alike < 2.8 || alike > 3.2 {
		t.Errorf("the effect of answers that differ is %.2f, of those that agree %.2f; want about 1 and 3", apart, alike)
	}
	if e := DesignEffect([]Cluster{{0, 3}, {0, 3}, {0, 3}, {0, 3}}); e < 2.5 || e > 3.01 {
		t.Errorf("where nothing broke the effect is %.2f, want 3", e)
	}
	if e := DesignEffect([]Cluster{{1, 1}, {0, 1}}); e != 1 {
		t.Errorf("single answers have the effect %v", e)
	}
	if e := DesignEffect(nil); e != 0 {
		t.Errorf("no answers have the effect %v", e)
	}
}
