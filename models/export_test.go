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

func SetHealth(t *testing.T, every time.Duration, after int) {
	e, a := healthEvery, unhealthyAfter
	healthEvery, unhealthyAfter = every, after
	t.Cleanup(func() { healthEvery, unhealthyAfter = e, a })
}
