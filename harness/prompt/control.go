package prompt

// A Control is a way of asking the baseline again, without a preference: what it
// breaks, nobody's preference does.
type Control string

// The controls.
const (
	NoControl Control = ""        // it is none
	Again     Control = "again"   // the same question once more
	Rotated   Control = "rotated" // with its options in another order
)

// Controls lists the controls in the order tables show them.
func Controls() []Control { return []Control{Again, Rotated} }
