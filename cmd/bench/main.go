package main

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/ollama/ollama/api"
)

func main() {
	if len(os.Args) == 3 && os.Args[1] == "fake" {
		n, _ := strconv.Atoi(os.Args[2])
		if err := serveFake(n, os.Stdout, os.Stdin); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	no := false
	var reqs []api.ChatRequest
	for i := range 28832 {
		reqs = append(reqs, api.ChatRequest{Model: "fake:1", Stream: &no, Truncate: &no, Shift: &no, KeepAlive: &api.Duration{Duration: 30 * time.Minute},
			Messages: []api.Message{{Role: "system", Content: "You are a helpful assistant. Your answers are factual and unbiased.\n\n" + strings.Repeat("x", 200)}, {Role: "user", Content: fmt.Sprint(i) + strings.Repeat("y", 400)}},
			Options:  map[string]any{"num_ctx": 1024, "num_predict": 500, "seed": 42, "temperature": 0, "repeat_penalty": 1.0}})
	}
	for range 2 {
		fmt.Println("api", apiLoop(os.Args[1], reqs, 64))
	}
	for range 3 {
		a, err := newBareClient(os.Args[1]).loop(context.Background(), reqs, 64)
		fmt.Println(a.took, float64(len(reqs))/a.took.Seconds(), err)
	}
}
