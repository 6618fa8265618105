package models

import (
	"testing"
	"time"
)

// StartServerOn is StartServer with a choice of ports.
var StartServerOn = startServer

var ReservePort = reservePort

func SetStopTimeout(t *testing.T, d time.Duration) {
	old := stopTimeout
	stopTimeout = d
	t.Cleanup(func() { stopTimeout = old })
}

var FileDigest = digest

// SetHealth holds for servers that are started from now on.
func SetHealth(t *testing.T, every time.Duration, after int) {
	old := patientHealth
	patientHealth = health{every, after}
	t.Cleanup(func() { patientHealth = old })
}
