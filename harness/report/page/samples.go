package page

import (
	"errors"
	"maps"
	"math"
	"path/filepath"
	"slices"
	"time"

	"perg/data"
)

const (
	// mostBuckets is about what a screen can show of a line, and allBuckets of
	// all GPUs together keeps the page small.
	mostBuckets = 480
	allBuckets  = 4800
	// firstWidth is that of a bucket until there are too many of them.
	firstWidth = time.Second
)

// A GPU is what one did during the run, in buckets of time. A bucket without a
// sample is not there: nothing is drawn across a gap.
type GPU struct {
	UUID, Name, Host string
	Index            int32
	MemoryTotal      *int64
	Width            time.Duration // of a bucket
	Buckets          []Bucket      // by time

	origin  time.Time
	buckets map[int64]*Bucket // by position; origin is the beginning of that at 0
}

// A Bucket sums up the samples of one span of time. None of them is cut off:
// what lasted for one sample is still in the least and the greatest value.
type Bucket struct {
	At          time.Time // its beginning
	Memory      Span      // bytes
	Utilization Span      // fraction
	Power       Span      // watts
}

// A Span is the least, mean and greatest of some values.
type Span struct {
	N              int
	Low, Sum, High float64
}

// Mean is that of the values; there must be one.
func (s Span) Mean() float64 { return s.Sum / float64(s.N) }

func (s *Span) add(v float64) { s.join(Span{1, v, v, v}) }

func (s *Span) join(o Span) {
	switch {
	case o.N == 0:
	case s.N == 0:
		*s = o
	default:
		*s = Span{s.N + o.N, math.Min(s.Low, o.Low), s.Sum + o.Sum, math.Max(s.High, o.High)}
	}
}

func (b *Bucket) join(o *Bucket) {
	b.Memory.join(o.Memory)
	b.Utilization.join(o.Utilization)
	b.Power.join(o.Power)
}

// sampleRow is what the page needs of data.GPUSample.
type sampleRow struct {
	At             time.Time `parquet:"at,timestamp(microsecond)"`
	Host           string    `parquet:"host,optional"`
	GPUUUID        string    `parquet:"gpu_uuid"`
	GPUIndex       int32     `parquet:"gpu_index"`
	Name           string    `parquet:"name,optional"`
	MemoryUsed     *int64    `parquet:"memory_used"`
	MemoryTotal    *int64    `parquet:"memory_total"`
	GPUUtilization *float64  `parquet:"gpu_utilization"`
	PowerMW        *int64    `parquet:"power_mw"`
}

// readGPUs reads the run's GPU samples, of which it may have none. It holds
// twice mostBuckets of each GPU, however many there are.
func readGPUs(dir string) ([]GPU, error) {
	all := make(map[string]*GPU)
	for s, err := range data.ReadTable[sampleRow](filepath.Join(dir, "gpu_samples")) {
		if errors.Is(err, data.ErrNoTable) {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		g := all[s.GPUUUID]
		if g == nil {
			g = &GPU{UUID: s.GPUUUID, Name: s.Name, Host: s.Host, Index: s.GPUIndex, Width: firstWidth, origin: s.At.Truncate(24 * time.Hour), buckets: make(map[int64]*Bucket)}
			all[s.GPUUUID] = g
		}
		g.add(s)
	}
	limit := mostBuckets
	if len(all) > 0 {
		limit = max(60, min(mostBuckets, allBuckets/len(all)))
	}
	var gpus []GPU
	for _, uuid := range slices.Sorted(maps.Keys(all)) {
		gpus = append(gpus, all[uuid].finish(limit))
	}
	slices.SortStableFunc(gpus, func(a, b GPU) int { return int(a.Index - b.Index) })
	return gpus, nil
}

func (g *GPU) add(s sampleRow) {
	i := int64(math.Floor(float64(s.At.Sub(g.origin)) / float64(g.Width)))
	b := g.buckets[i]
	if b == nil {
		b = new(Bucket)
		g.buckets[i] = b
	}
	if s.MemoryUsed != nil {
		b.Memory.add(float64(*s.MemoryUsed))
	}
	if s.GPUUtilization != nil {
		b.Utilization.add(*s.GPUUtilization)
	}
	if s.PowerMW != nil {
		b.Power.add(float64(*s.PowerMW) / 1e3)
	}
	if s.MemoryTotal != nil {
		g.MemoryTotal = s.MemoryTotal
	}
	for len(g.buckets) > 2*mostBuckets {
		g.widen()
	}
}

// widen joins buckets two by two.
func (g *GPU) widen() {
	wider := make(map[int64]*Bucket)
	for i, b := range g.buckets {
		j := i >> 1 // of a negative one too, the next below
		if o := wider[j]; o != nil {
			o.join(b)
		} else {
			wider[j] = b
		}
	}
	g.buckets = wider
	g.Width *= 2
}

func (g *GPU) finish(limit int) GPU {
	for len(g.buckets) > limit {
		g.widen()
	}
	for _, i := range slices.Sorted(maps.Keys(g.buckets)) {
		b := g.buckets[i]
		b.At = g.origin.Add(time.Duration(i) * g.Width)
		g.Buckets = append(g.Buckets, *b)
	}
	g.buckets = nil
	return *g
}
