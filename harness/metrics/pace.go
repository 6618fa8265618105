package metrics

import (
	"math"

	"gonum.org/v1/gonum/stat/distuv"
)

// A pace is how fast a generation was made; the zero pace is not known.
type pace struct {
	tokens uint32
	micros uint32 // of a slot while it generated, an hour at most
}

// setPace gives the generation that was added last its pace.
func (c *Cell) setPace(p pace) {
	if p != (pace{}) && c.paces == nil {
		c.paces = make([]pace, len(c.items)-1, cap(c.items))
	}
	if c.paces != nil {
		c.paces = append(c.paces, p)
	}
}

func (c *Cell) paceOf(i int) pace {
	if c.paces == nil {
		return pace{}
	}
	return c.paces[i]
}

// pace gives the generation that was added last the pace of its row.
func (c *Cell) pace(from charges, row int) {
	var p pace
	if from.tokens.Known[row] && from.evalNS.Known[row] {
		p = pace{uint32(min(max(from.tokens.Values[row], 0), math.MaxUint32)), uint32(min(max(from.evalNS.Values[row]/1000, 0), math.MaxUint32))}
	}
	c.setPace(p)
}

// paceInterval is the 95 % interval of the cell's tokens per second, of which the
// items that are drawn together have one position each: nil where fewer than two
// have a pace.
//
// A speed is the ratio of two sums over items. Its standard error is that of the
// linearised ratio (Cochran 1977, Sampling Techniques, section 6.3), the items as
// clusters, and its quantile Student's. Resampling the items comes to the same
// (TestPaceIntervalIsTheBootstraps) and would take a hundred times as long, since
// speeds are no counts that can be packed.
func (c *Cell) paceInterval(positions []int32) (low, high *float64) {
	if c.paces == nil {
		return nil, nil
	}
	tokens, seconds := make([]float64, len(positions)), make([]float64, len(positions))
	var allTokens, allSeconds float64
	for i, p := range c.paces {
		at := positions[c.items[i]]
		t, s := float64(p.tokens), float64(p.micros)/1e6
		tokens[at], seconds[at] = tokens[at]+t, seconds[at]+s
		allTokens, allSeconds = allTokens+t, allSeconds+s
	}
	if allSeconds == 0 {
		return nil, nil
	}
	speed, n, squares := allTokens/allSeconds, 0.0, 0.0
	for i, s := range seconds {
		if s > 0 || tokens[i] > 0 {
			off := tokens[i] - speed*s
			n, squares = n+1, squares+off*off
		}
	}
	if n < 2 {
		return nil, nil
	}
	half := distuv.StudentsT{Sigma: 1, Nu: n - 1}.Quantile(0.975) * math.Sqrt(squares*n/(n-1)) / allSeconds
	return new(max(speed-half, 0)), new(speed + half)
}
