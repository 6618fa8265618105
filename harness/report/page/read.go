package page

import "perg/harness/metrics"

// Read gathers from the tables of the run in dir, of which t is loaded, its
// broken answers and GPU samples. The metrics must be there already.
func (r *Run) Read(dir string, t *metrics.Table) error {
	l := leading(r.Metrics)
	var err error
	if r.Breakages, err = breakages(t); err != nil {
		return err
	}
	if r.Examples, err = examples(dir, t, l, l.breaking(r.Metrics)); err != nil {
		return err
	}
	if r.Types, err = typeReads(t, l); err != nil {
		return err
	}
	r.GPUs, err = readGPUs(dir)
	return err
}
