package fleet

import (
	"fmt"
	"net/http"
	"os"
	"testing"
)

// The test binary plays a server that answers.
func TestMain(m *testing.M) {
	if os.Getenv("PERG_TEST_SERVER") != "" && os.Getenv("OLLAMA_HOST") != "" {
		fmt.Fprintln(os.Stderr, http.ListenAndServe(os.Getenv("OLLAMA_HOST"), http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})))
		return
	}
	os.Exit(m.Run())
}
