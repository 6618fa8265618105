package models

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/ollama/ollama/api"
)

// The guarded call against api.Client's, on a server that answers at once.
// Limit: no slower than api.Client. It is why the client has a transport of
// its own: api.Client takes an 8 MB buffer for every chat call.
func BenchmarkChat(b *testing.B) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		io.WriteString(w, whole)
	}))
	b.Cleanup(srv.Close)
	c, err := NewClient(srv.URL)
	if err != nil {
		b.Fatal(err)
	}
	b.Run("guarded", func(b *testing.B) {
		b.ReportAllocs()
		b.SetParallelism(32)
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				if _, err := c.Chat(b.Context(), Request{Model: "m", System: "s", User: "q"}); err != nil {
					b.Error(err)
					return
				}
			}
		})
	})
	b.Run("api.Client", func(b *testing.B) {
		b.ReportAllocs()
		b.SetParallelism(32)
		no := false
		client := api.NewClient(c.base, c.http)
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				req := &api.ChatRequest{Model: "m", Stream: &no, Messages: []api.Message{{Role: "user", Content: "q"}}}
				if err := client.Chat(b.Context(), req, func(api.ChatResponse) error { return nil }); err != nil {
					b.Error(err)
					return
				}
			}
		})
	})
}
