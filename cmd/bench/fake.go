package main

import (
	"bytes"
	"fmt"
	"hash/maphash"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// serveFake is an Ollama server that answers at once, or in the time and with the
// slots that it is given: what is measured against it is perg alone. It has so
// many models, "fake:1" and on, prints its address, and serves until its
// standard input ends.
func serveFake(address string, models int, s *slotted, out io.Writer, until io.Reader) error {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	own := 1700 * time.Microsecond
	if s != nil {
		own = s.own
	}
	f := &fake{models: models, answers: answers(own), slots: s}
	srv := &http.Server{Handler: f.routes()}
	go func() {
		io.Copy(io.Discard, until)
		srv.Close()
	}()
	fmt.Fprintf(out, "http://%s\n", l.Addr())
	if err := srv.Serve(l); err != http.ErrServerClosed {
		return err
	}
	return nil
}

type fake struct {
	models  int
	answers [][]byte
	slots   *slotted // nil: as many as are asked for, at once

	mu     sync.Mutex
	loaded string
}

// A slotted server works on so many calls at once, each for as long as the
// others, of which it reports a part as its own.
type slotted struct {
	free chan struct{}
	call time.Duration
	own  time.Duration
}

// newSlotted reads slots, the time of a call, and what of it is reported.
func newSlotted(args []string) (*slotted, error) {
	n, err := strconv.Atoi(args[0])
	if err != nil {
		return nil, err
	}
	call, err := time.ParseDuration(args[1])
	if err != nil {
		return nil, err
	}
	own, err := time.ParseDuration(args[2])
	return &slotted{make(chan struct{}, n), call, own}, err
}

func (s *slotted) work() {
	if s == nil {
		return
	}
	s.free <- struct{}{}
	time.Sleep(s.call)
	<-s.free
}

func (f *fake) routes() http.Handler {
	say := func(text string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, text) }
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/api/version", say(`{"version":"0.17.4"}`))
	mux.HandleFunc("/api/tags", func(w http.ResponseWriter, _ *http.Request) {
		var list []string
		for i := range f.models {
			list = append(list, fmt.Sprintf(`{"name":"fake:%d","model":"fake:%d","digest":"%064x","size":4000000000,"details":{"family":"llama","parameter_size":"8.0B","quantization_level":"Q4_K_M"}}`, i+1, i+1, i+1))
		}
		fmt.Fprintf(w, `{"models":[%s]}`, strings.Join(list, ","))
	})
	mux.HandleFunc("/api/show", say(`{"template":"{{ range .Messages }}{{ .Role }}: {{ .Content }}\n{{ end }}","details":{"family":"llama"},"capabilities":["completion"],"tensors":[{"name":"token_embd.weight","type":"Q4_K","shape":[4096,128256]},{"name":"blk.0.ffn_up.weight","type":"Q4_K","shape":[4096,14336]}],`+
		`"model_info":{"general.architecture":"llama","general.parameter_count":8000000000,"llama.context_length":131072,"llama.embedding_length":4096,"llama.block_count":32,"llama.attention.head_count":32,"llama.attention.head_count_kv":8}}`))
	mux.HandleFunc("/api/ps", func(w http.ResponseWriter, _ *http.Request) {
		f.mu.Lock()
		defer f.mu.Unlock()
		if f.loaded == "" {
			io.WriteString(w, `{"models":[]}`)
			return
		}
		n := 0
		fmt.Sscanf(f.loaded, "fake:%d", &n)
		fmt.Fprintf(w, `{"models":[{"name":%q,"digest":"%064x","size":5000000000,"size_vram":5000000000}]}`, f.loaded, n)
	})
	mux.HandleFunc("/api/chat", f.chat)
	return mux
}

func (f *fake) chat(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	if !bytes.Contains(body, []byte(`"role":"user"`)) { // a load or an unload
		f.mu.Lock()
		defer f.mu.Unlock()
		f.loaded = ""
		if !bytes.Contains(body, []byte(`"keep_alive":"0`)) && !bytes.Contains(body, []byte(`"keep_alive":0`)) {
			_, rest, _ := bytes.Cut(body, []byte(`"model":"`))
			name, _, _ := bytes.Cut(rest, []byte(`"`))
			f.loaded = string(name)
		}
		io.WriteString(w, `{"done":true}`)
		return
	}
	if bytes.Contains(body, []byte(`"format":{`)) {
		io.WriteString(w, rating)
		return
	}
	f.slots.work()
	h := maphash.Bytes(seed, body)
	w.Write(f.answers[h%uint64(len(f.answers))])
}

var seed = maphash.MakeSeed()

// rating is what the fake says as a judge.
const rating = `{"model":"fake","message":{"role":"assistant","content":"{\"explanation\":\"The answer has what was asked for.\",\"score\":4}"},"done":true,"done_reason":"stop",` +
	`"total_duration":2000000,"load_duration":100000,"prompt_eval_count":600,"prompt_eval_duration":900000,"eval_count":20,"eval_duration":900000}`

// answers are replies of a length that answers to multiple-choice questions
// have, some 600 bytes, each naming an option, with a time of their own.
func answers(own time.Duration) [][]byte {
	words := strings.Fields(`the answer that fits this question best follows from what the options say about their causes
		and effects because each of them would need another condition to hold while only one is supported by evidence
		in practice people often think of an example from daily life which shows how it works step by step`)
	rng := rand.New(rand.NewPCG(1, 2))
	all := make([][]byte, 4096)
	for i := range all {
		var text strings.Builder
		fmt.Fprintf(&text, "The correct answer is %c.", 'A'+i%4)
		for text.Len() < 600 {
			text.WriteString(" " + words[rng.IntN(len(words))])
		}
		all[i] = fmt.Appendf(nil, `{"model":"fake","message":{"role":"assistant","content":%q},"done":true,"done_reason":"stop",`+
			`"total_duration":2000000,"load_duration":100000,"prompt_eval_count":180,"prompt_eval_duration":%d,"eval_count":130,"eval_duration":%d}`, text.String(), own/4, own-own/4)
	}
	return all
}
