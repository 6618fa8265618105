package engine

// A climb looks for the number of calls in flight at each server of a model on
// some devices, and for the number of such servers, that bring the most. It
// goes by throughput alone: what a call says of its own times leaves out what
// the server spends between them (0.2 s of 0.8 on llama-server).
//
// It begins with as many calls as there are slots, where that is known: a
// server that gains from width is full from the first call, and one that does
// not loses nothing while fewer are tried. Where slots are not known it begins
// low and doubles, as calls that wait for a slot take the first that is free,
// whatever prompt that has in its cache. Then it tries a further server, if it
// may, and another one, as long as each brings more.
type climb struct {
	at      point
	most    int  // calls in flight at a server
	grows   bool // further servers may be tried
	settled bool

	phase  phase
	start  int // the width that it began with
	best   point
	rate   float64 // the most seen, best's or as good as that; 0: none yet
	single float64 // the most that one server brought; 0: not measured
}

// A point is a number of calls in flight at each of a number of servers.
type point struct{ width, servers int }

type phase int

const (
	beginning phase = iota
	raising         // the width doubles as long as that brings more
	lowering        // it halves as long as that costs nothing
	growing         // a further server is tried
)

const (
	// climbFrom is where a climb begins whose server's slots are not known.
	climbFrom = 4
	// mostUnknown bounds the calls in flight at such a server.
	mostUnknown = 32
	// mostServers bounds those of a model on the same devices: two filled an
	// H200 that one left half idle.
	mostServers = 4
	// worthwhile is the least gain for which more calls, or a further server,
	// are kept: below it a call only waits longer, and memory is held in vain.
	worthwhile = 1.05
	// asGood is the share of the best throughput that fewer calls in flight
	// have to reach.
	asGood = 0.98
)

// newClimb is a climb among so many calls at a server, which begins with width
// of them at each of some servers.
func newClimb(width, most, servers int, grows bool) climb {
	p := point{min(width, most), max(1, servers)}
	return climb{at: p, best: p, start: p.width, most: most, grows: grows, settled: most == 1 && !grows}
}

// fixed is a climb that has ended.
func fixed(width int) climb {
	p := point{width, 1}
	return climb{at: p, best: p, start: width, most: width, settled: true}
}

// threshold is the throughput at which the present point is kept; 0: at any.
func (c *climb) threshold() float64 {
	switch {
	case c.settled:
		return 0
	case c.phase == raising, c.phase == growing:
		return c.rate * worthwhile
	case c.phase == lowering:
		return c.rate * asGood
	}
	return 0
}

// measured takes the throughput at the present point and chooses the next one.
func (c *climb) measured(rate float64) {
	if c.settled {
		return
	}
	kept := rate >= c.threshold()
	if c.at.servers == 1 {
		c.single = max(c.single, rate)
	}
	if kept {
		c.best, c.rate = c.at, max(c.rate, rate)
	}
	switch {
	case c.phase == beginning, c.phase == raising && kept:
		c.raise()
	case c.phase == raising && c.best.width == c.start, c.phase == lowering && kept:
		c.lower()
	case c.phase == growing && !kept:
		c.settle()
	default:
		c.grow()
	}
}

func (c *climb) raise() {
	if c.best.width >= c.most {
		if c.phase == beginning {
			c.lower()
		} else {
			c.grow()
		}
		return
	}
	c.phase, c.at = raising, point{min(2*c.best.width, c.most), c.best.servers}
}

func (c *climb) lower() {
	if c.best.width == 1 {
		c.grow()
		return
	}
	c.phase, c.at = lowering, point{c.best.width / 2, c.best.servers}
}

func (c *climb) grow() {
	if !c.grows || c.best.servers >= mostServers {
		c.settle()
		return
	}
	c.phase, c.at = growing, point{c.best.width, c.best.servers + 1}
}

func (c *climb) settle() {
	if c.phase == growing {
		c.grows = false // it was tried
	}
	c.at, c.settled = c.best, true
}

// capped ends the search for further servers: there are no more than so many.
func (c *climb) capped(servers int) {
	c.grows = false
	switch {
	case c.best.servers > servers:
		// What was measured was with more.
		c.best.servers, c.at.servers = servers, servers
		c.rate, c.phase = 0, beginning
	case c.phase == growing:
		c.settle()
	}
}

// again tries upwards once more: what is asked now is of another kind.
func (c *climb) again() {
	if c.best.width < c.most {
		c.settled, c.phase, c.rate, c.start = false, beginning, 0, c.best.width
	}
}

// gain is what the best number of servers brings, as a multiple of one; 0: not
// known.
func (c *climb) gain() float64 {
	switch {
	case c.best.servers == 1:
		return 1
	case c.single == 0:
		return 0
	}
	return c.rate / c.single
}
