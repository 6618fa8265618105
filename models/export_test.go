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
