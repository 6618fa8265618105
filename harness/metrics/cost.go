package metrics

// A cost is what the generations of a cell over one kind of item took. A cell has one
// for each kind, of which there are thousands where items differ in category and
// preference, so its counts have 32 bits.
type cost struct {
	tokens, evalNS   int64 // of those that know both
	vram             int64 // the most
	spent            fewSpent
	reads            fewReads
	fellBack         int32
	loaded, twoCalls bool // vram, fellBack are known of some
}

// fewReads are Reads, in the order of their fields.
type fewReads [7]int32

func (f *fewReads) add(r Reads) {
	for i, n := range [...]int{r.ByRules, r.ByModel, r.Unread, r.Responses, r.Truncated, r.Thoughts, r.Loops} {
		f[i] += int32(n)
	}
}

func (f fewReads) all() Reads {
	return Reads{
		ByRules: int(f[0]), ByModel: int(f[1]), Unread: int(f[2]), Responses: int(f[3]),
		Truncated: int(f[4]), Thoughts: int(f[5]), Loops: int(f[6]),
	}
}

// fewSpent is Spent.
type fewSpent struct {
	thinkingTokens, outputTokens, ns int64
	thoughts, responses, timed       int32
}

func (f *fewSpent) add(s Spent) {
	f.thinkingTokens, f.thoughts = f.thinkingTokens+s.ThinkingTokens, f.thoughts+int32(s.Thoughts)
	f.outputTokens, f.responses = f.outputTokens+s.OutputTokens, f.responses+int32(s.Responses)
	f.ns, f.timed = f.ns+s.NS, f.timed+int32(s.Timed)
}

func (f fewSpent) all() Spent {
	return Spent{
		Thoughts: int64(f.thoughts), ThinkingTokens: f.thinkingTokens, Responses: int64(f.responses),
		OutputTokens: f.outputTokens, Timed: int64(f.timed), NS: f.ns,
	}
}

// charge adds what a generation took.
func (c *Cell) charge(kind int32, from charges, row int) {
	switch kinds := len(c.table.kinds); {
	case int(kind) < len(c.costs):
	case int(kind) == kinds-1: // a new one, as there may be more
		c.costs = append(c.costs, make([]cost, kinds-len(c.costs))...)
	default:
		grown := make([]cost, kinds)
		copy(grown, c.costs)
		c.costs = grown
	}
	k := &c.costs[kind]
	if from.tokens.Known[row] && from.evalNS.Known[row] {
		k.tokens += from.tokens.Values[row]
		k.evalNS += from.evalNS.Values[row]
	}
	if vram := from.vram; vram.Known[row] && (!k.loaded || vram.Values[row] > k.vram) {
		k.vram, k.loaded = vram.Values[row], true
	}
	if from.fellBack.Known[row] {
		k.twoCalls = true
		k.fellBack += int32(from.fellBack.Values[row])
	}
}
