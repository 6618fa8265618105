package main

import (
	"errors"

	"perg/data"
	"perg/harness/judge"
	"perg/harness/metrics"
	"perg/harness/rundir"
)

// partial are caveats about judges that may be partial to what they rate.
func partial(m rundir.Manifest) (all []string) {
	parties := func(of []rundir.ModelInfo) (all []judge.Party) {
		for _, i := range of {
			all = append(all, judge.Party{Name: i.Name, Digest: i.Digest, Family: i.Family})
		}
		return all
	}
	for _, text := range judge.Partial(parties(m.Judges), parties(m.Models)) {
		all = append(all, "caveat: "+text)
	}
	return all
}

// oneSided are caveats about judges of a run that leave out half of their scale.
func oneSided(dir string, m rundir.Manifest) (all []string, err error) {
	scores, err := metrics.LoadScores(dir)
	if errors.Is(err, data.ErrNoTable) { // nothing is rated, or metrics were copied alone
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	for _, j := range m.Judges {
		if text := scores[j.Name].OneSided(j.Name); text != "" {
			all = append(all, "caveat: "+text)
		}
	}
	return all, nil
}
