package ollamatest

import (
	"crypto/sha256"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// ServeFile serves one model of a GGUF file as Ollama's registry does, under
// library/NAME, until the test ends, and counts the bytes of the file that it
// sent; parts says whether it serves parts of it.
func ServeFile(t testing.TB, name, path, template string, parts bool) (url string, sent *atomic.Int64) {
	t.Helper()
	weights, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	sent = &atomic.Int64{}
	digest := func(text string) string { return fmt.Sprintf("sha256:%x", sha256.Sum256([]byte(text))) }
	model, texts := digest(string(weights)), digest(template)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v2/library/"+name+"/manifests/latest", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, `{"schemaVersion":2,"layers":[
			{"mediaType":"application/vnd.ollama.image.model","digest":%q,"size":%d},
			{"mediaType":"application/vnd.ollama.image.template","digest":%q,"size":%d}]}`, model, len(weights), texts, len(template))
	})
	mux.HandleFunc("GET /v2/library/"+name+"/blobs/{digest}", func(w http.ResponseWriter, r *http.Request) {
		if r.PathValue("digest") == texts {
			fmt.Fprint(w, template)
			return
		}
		http.Redirect(w, r, "/files/"+name, http.StatusTemporaryRedirect) // to where files are
	})
	mux.HandleFunc("GET /files/"+name, func(w http.ResponseWriter, r *http.Request) {
		if !parts {
			r.Header.Del("Range")
		}
		http.ServeContent(counting{w, sent}, r, "", time.Time{}, strings.NewReader(string(weights)))
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server.URL, sent
}

type counting struct {
	http.ResponseWriter
	n *atomic.Int64
}

func (c counting) Write(p []byte) (int, error) {
	c.n.Add(int64(len(p))) // before a client can have them, who looks at the count then
	return c.ResponseWriter.Write(p)
}
