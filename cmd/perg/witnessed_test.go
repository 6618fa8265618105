package main

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"
	"testing"

	"perg/models/ollamatest"
)

// What a witnessed ollama is told by its environment.
const (
	witnessURL    = "WITNESS_URL"
	witnessLife   = "WITNESS_LIFE"   // of the perg that started it
	witnessOllama = "WITNESS_OLLAMA" // the real program
)

// What it tells the witness with each request.
const (
	innerHeader = "Witness-Server"
	cacheHeader = "Witness-Cache"
	lifeHeader  = "Witness-Life"
)

// witnessedPath is a directory for PATH. In it is an ollama whose server is a
// real one that is reached by way of a witness.
func witnessedPath(t *testing.T, witness string) string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	link := filepath.Join(dir, "witnessed-ollama") // a name that TestMain knows
	if err := os.Symlink(self, link); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "ollama"), []byte("#!/bin/sh\nexec "+link+` "$@"`+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv(witnessURL, witness)
	t.Setenv(witnessOllama, ollamatest.Program(t))
	return dir
}

// witnessedMain is that ollama.
func witnessedMain() {
	if err := witnessedServe(); err != nil {
		fmt.Fprintln(os.Stderr, "witnessed ollama:", err)
		os.Exit(1)
	}
}

func witnessedServe() error {
	witness, err := url.Parse(os.Getenv(witnessURL))
	if err != nil {
		return err
	}
	return serveBehind(os.Getenv(witnessOllama), func(inner string) http.Handler {
		return &httputil.ReverseProxy{
			Rewrite: func(r *httputil.ProxyRequest) {
				r.SetURL(witness)
				r.Out.Header.Set(innerHeader, inner)
				r.Out.Header.Set(cacheHeader, os.Getenv("OLLAMA_KV_CACHE_TYPE"))
				r.Out.Header.Set(lifeHeader, os.Getenv(witnessLife))
			},
			ErrorHandler: cut,
		}
	})
}

// serveBehind runs a real server, which is reached by way of what is before it.
func serveBehind(program string, before func(inner string) http.Handler) error {
	l, err := net.Listen("tcp", os.Getenv("OLLAMA_HOST"))
	if err != nil {
		return err
	}
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	inner := free.Addr().String()
	free.Close()

	asked := make(chan os.Signal, 1) // to end
	signal.Notify(asked, syscall.SIGTERM)
	server := exec.Command(program, os.Args[1:]...)
	server.Env = append(os.Environ(), "OLLAMA_HOST="+inner)
	server.Stdout, server.Stderr = os.Stdout, os.Stderr
	if err := server.Start(); err != nil {
		return err
	}
	go func() { server.Process.Signal(<-asked) }()
	go http.Serve(l, before("http://"+inner))
	return server.Wait()
}

// cut is what a server that is not there does to a connection.
func cut(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) }
