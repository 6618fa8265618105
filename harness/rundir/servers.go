package rundir

import (
	"encoding/json"

	"perg/models"
)

// Servers are the addresses of servers, which may hold users and passwords: they
// are read with them, and written without.
type Servers []string

// UnmarshalYAML reads an address or a list of them.
func (s *Servers) UnmarshalYAML(unmarshal func(any) error) error {
	return (*Names)(s).UnmarshalYAML(unmarshal)
}

// UnmarshalJSON reads an address or a list of them.
func (s *Servers) UnmarshalJSON(text []byte) error { return (*Names)(s).UnmarshalJSON(text) }

// MarshalJSON leaves users and passwords out.
func (s Servers) MarshalJSON() ([]byte, error) {
	var shown []string
	for _, host := range s {
		shown = append(shown, models.WithoutCredentials(host))
	}
	return json.Marshal(shown)
}
