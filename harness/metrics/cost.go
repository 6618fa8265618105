package metrics

// A Cost is what the generations of a cell took, and what they came to.
type Cost struct {
	OutputTokens int64 // with a known duration
	EvalNS       int64
	LoadedVRAM   *int64 // bytes, the most that the server said it had loaded of the model
	FellBack     *int64 // second calls that could not be read; nil: the method has one call
	Spent        Spent
	Reads        Reads
}

func (c *Cost) add(o Cost) {
	c.OutputTokens, c.EvalNS = c.OutputTokens+o.OutputTokens, c.EvalNS+o.EvalNS
	if vram := o.LoadedVRAM; vram != nil && (c.LoadedVRAM == nil || *vram > *c.LoadedVRAM) {
		c.LoadedVRAM = new(*vram)
	}
	if o.FellBack != nil {
		if c.FellBack == nil {
			c.FellBack = new(int64)
		}
		*c.FellBack += *o.FellBack
	}
	c.Spent.add(o.Spent)
	c.Reads.add(o.Reads)
}

// charge adds what a generation of an item took, to the cell and to its groups of
// every property that the item is in.
func (c *Cell) charge(item int32, took Cost) {
	c.Cost.add(took)
	for by, d := range c.table.divisions {
		of := d.of[item]
		if missing := int(of) + 1 - len(c.costs[by]); missing > 0 {
			c.costs[by] = append(c.costs[by], make([]Cost, missing)...)
		}
		c.costs[by][of].add(took)
	}
}
