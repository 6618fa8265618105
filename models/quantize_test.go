package models

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/ollama/ollama/api"
)

const (
	making1     = `{"status":"quantizing F16 model to Q8_0","digest":"x","total":100,"completed":40}` + "\n"
	made1       = making1 + `{"status":"success"}` + "\n"
	madeListing = `{"models":[{"name":"big:latest-q8_0-perg-0123456789ab","digest":"d","details":{"quantization_level":"Q8_0"}}]}`
)

func showing(name string) api.ShowRequest { return api.ShowRequest{Model: name} }

func quantized(ctx context.Context, c *Client, progress func(done, total int64)) (Installed, error) {
	source := Installed{Name: "big:latest", Digest: "0123456789abcdef", Quantization: "F16"}
	return c.Quantize(ctx, nil, source, "q8_0", progress)
}

func TestQuantizeFollowsTheStream(t *testing.T) {
	for _, tt := range []struct {
		name    string
		streams []wire
		is      error
		says    string
		asked   int
	}{
		{"well", []wire{says(200, made1)}, nil, "", 1},
		{"ends without success, then well", []wire{says(200, making1), says(200, made1)}, nil, "", 2},
		{"ends in the middle of a line, then well", []wire{says(200, making1[:40]), says(200, made1)}, nil, "", 2},
		{"always cut", []wire{says(200, making1)}, ErrCut, "/api/create ended without success", 3},
		{"an error in the stream", []wire{says(200, making1+`{"error":"no space left on device"}`+"\n")}, nil, "no space left on device", 1},
		{"no such model", []wire{says(404, `{"error":"model 'big' not found"}`)}, ErrModelNotFound, "quantize big:latest to q8_0: ", 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				create, asked := inTurn(tt.streams...)
				c := on(t, byPath(map[string]wire{"/api/create": create, "/api/tags": says(200, madeListing)}))
				var done []int64
				m, err := quantized(t.Context(), c, func(n, _ int64) { done = append(done, n) })
				switch {
				case tt.is != nil || tt.says != "":
					if tt.is != nil && !errors.Is(err, tt.is) || err == nil || !strings.Contains(err.Error(), tt.says) {
						t.Errorf("error %v, want %v %s", err, tt.is, tt.says)
					}
				case err != nil || m.Digest != "d" || !slices.Contains(done, 40):
					t.Errorf("%+v, progress %v, error %v", m, done, err)
				}
				if asked() != tt.asked {
					t.Errorf("asked %d times, want %d", asked(), tt.asked)
				}
			})
		})
	}
}
