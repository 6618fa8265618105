package main

import (
	"context"
	"fmt"
	"time"

	"perg/harness/hosts"
	"perg/models"
)

// clockApart is how far two clocks may be apart before times of one machine's are
// misleading beside those of the other's.
const clockApart = time.Second

// examineMachine says what a machine that joined has, and what of it would be in the
// way of a run.
func examineMachine(ctx context.Context, m *hosts.Machine) []finding {
	const subject = "machine"
	said := func(state, text, advice string) finding {
		return finding{subject, state, m.Name() + ": " + text, advice}
	}
	all := []finding{said(fine, m.Describe(), "")}
	for _, h := range models.Harms(m.Version()) {
		all = append(all, said(caution, fmt.Sprintf("Ollama %s %s", m.Version(), h.Text), h.Install()))
	}
	if off := m.Offset.Round(100 * time.Millisecond); off.Abs() >= clockApart {
		direction := "ahead of"
		if off < 0 {
			direction = "behind"
		}
		all = append(all, said(caution, fmt.Sprintf("its clock is %s %s this one's", off.Abs(), direction), "have both set by NTP"))
	}
	client, err := m.Client(ctx)
	var catalogue []models.Installed
	if err == nil {
		catalogue, err = client.Catalogue(ctx)
	}
	catalogue = models.Candidates(catalogue)
	switch {
	case err != nil:
		all = append(all, said(trouble, err.Error(), ""))
	case len(catalogue) == 0:
		all = append(all, said(caution, "no models are installed", "'perg run --pull' copies a run's models there"))
	default:
		all = append(all, said(fine, modelsInWords(catalogue), ""))
	}
	return all
}
