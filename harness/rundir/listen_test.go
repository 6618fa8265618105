package rundir

import (
	"strings"
	"testing"
)

// An address that nobody can listen on is found before any work.
func TestListen(t *testing.T) {
	for listen, good := range map[string]bool{
		"": true, ":7375": true, "127.0.0.1:0": true, "[::1]:7375": true, "gpu01:7375": true,
		"7375": false, "gpu01": false, ":": false, ":99999": false, ":-1": false, ":http": false,
	} {
		c := Defaults()
		c.Listen = listen
		err := c.Check()
		if (err == nil) != good || err != nil && !strings.Contains(err.Error(), "--listen") {
			t.Errorf("--listen %q: %v", listen, err)
		}
	}
}
