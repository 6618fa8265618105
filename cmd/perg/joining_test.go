package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// joining waits until a run says how machines join it: where, and with which token.
func joining(t *testing.T, out string) (address, token string) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		text, _ := os.ReadFile(filepath.Join(out, "join"))
		if address, token, ok := asJoined(string(text)); ok {
			return address, token
		}
	}
	t.Fatalf("%s does not say how to join it", out)
	return "", ""
}

// asJoined reads the command that has a machine join.
func asJoined(command string) (address, token string, ok bool) {
	_, command, _ = strings.Cut(command, "perg agent ")
	address, token, ok = strings.Cut(strings.TrimSpace(command), " --token ")
	return address, token, ok
}
