package schedule

import "time"

// Peaks is the most, in bytes, that is taken on each device at a time.
func (p Placement) Peaks() map[string]uint64 {
	type interval struct {
		begin, end time.Duration
		bytes      uint64
	}
	on := make(map[string][]interval)
	for _, l := range p.Lanes {
		for _, a := range l.Work {
			for i, d := range a.Fit.Devices {
				if i < len(a.Fit.Bytes) {
					on[d] = append(on[d], interval{a.Begin, a.End, a.Fit.Bytes[i]})
				}
			}
		}
	}
	most := make(map[string]uint64)
	for d, all := range on {
		for _, at := range all {
			var sum uint64
			for _, other := range all {
				if other.begin <= at.begin && at.begin < other.end {
					sum += other.bytes
				}
			}
			most[d] = max(most[d], sum)
		}
	}
	return most
}
