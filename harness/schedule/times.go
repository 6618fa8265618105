package schedule

import (
	"math"
	"time"
)

// forEver is the longest time that is told from longer ones. Sums of a few
// such times are durations still.
const forEver = 365 * 24 * time.Hour

// sound is an estimate as one may reckon with it. What is estimated from a
// rate that was measured can be anything: negative, or longer than a life.
func sound(d time.Duration) time.Duration { return min(max(d, 0), forEver) }

// plus adds times of which there may be any number.
func plus(a, b time.Duration) time.Duration {
	if a > math.MaxInt64-b {
		return math.MaxInt64
	}
	return a + b
}

// whole is how long a job has a set, if it does all of it there.
func (f Fit) whole() time.Duration { return f.Load + f.Time }
