package fleet

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"perg/harness/engine"
	"perg/models"
	"perg/models/gguftest"
	"perg/models/ollamatest"
)

// cached is the share of a file's pages that the system has in memory.
func cached(t *testing.T, name string) float64 {
	t.Helper()
	file, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		t.Fatal(err)
	}
	mapped, err := unix.Mmap(int(file.Fd()), 0, int(info.Size()), unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Munmap(mapped)
	pages := make([]byte, (len(mapped)+os.Getpagesize()-1)/os.Getpagesize())
	if _, _, errno := unix.Syscall(unix.SYS_MINCORE, uintptr(unsafe.Pointer(&mapped[0])), uintptr(len(mapped)), uintptr(unsafe.Pointer(&pages[0]))); errno != 0 {
		t.Fatal(errno)
	}
	in := 0
	for _, p := range pages {
		in += int(p & 1)
	}
	return float64(in) / float64(len(pages))
}

// forget has the system drop a file's pages; the test is skipped where its file
// system keeps them.
func forget(t *testing.T, name string) {
	t.Helper()
	file, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if err := file.Sync(); err != nil {
		t.Fatal(err)
	}
	if err := unix.Fadvise(int(file.Fd()), 0, 0, unix.FADV_DONTNEED); err != nil {
		t.Fatal(err)
	}
	if cached(t, name) > 0.5 {
		t.Skip("waits for a temporary folder on a disk: this file system keeps files in memory, where reading ahead shows nothing (TMPDIR names another)")
	}
}

// A model of a real store is in memory once it was read ahead, and only where it
// is the one that is meant.
func TestReadAhead(t *testing.T) {
	kept := t.TempDir()
	s := ollamatest.Start(t, models.ServerConfig{Models: kept})
	ollamatest.Install(t, s.URL(), map[string]gguftest.Chain{"steady": gguftest.Steady("A")})
	client, err := models.NewClient(s.URL())
	if err != nil {
		t.Fatal(err)
	}
	catalogue, err := client.Catalogue(t.Context())
	if err != nil || len(catalogue) != 1 {
		t.Fatalf("%v, error %v", catalogue, err)
	}
	t.Setenv("OLLAMA_MODELS", kept)
	m := &engine.Model{Name: catalogue[0].Name, Digest: catalogue[0].Digest}
	manifest, err := models.Folder(kept).Manifest(m.Name, m.Digest)
	if err != nil {
		t.Fatal(err)
	}
	weights := models.Folder(kept).Files(manifest)[0]
	forget(t, weights)
	ended, end := context.WithCancel(t.Context())
	end()
	own, quiet := newFleet(Options{}), func(string) {}
	none := map[string]func(){
		"another model by its name": func() { own.ReadAhead(t.Context(), &engine.Model{Name: m.Name, Digest: "0123"}) },
		"no such model":             func() { own.ReadAhead(t.Context(), &engine.Model{Name: "../../x", Digest: m.Digest}) },
		"ctx is done":               func() { own.ReadAhead(ended, m) },
		"a server of the user's":    func() { Of(Options{Say: quiet, Warn: quiet}, client).ReadAhead(t.Context(), m) },
	}
	for what, read := range none {
		if read(); cached(t, weights) > 0.5 {
			t.Errorf("%s: it was read", what)
			forget(t, weights)
		}
	}
	own.ReadAhead(t.Context(), m)
	if share := cached(t, weights); share < 0.99 {
		t.Errorf("%.2f of the weights are in memory", share)
	}
}

// No more is read than there is memory for.
func TestReadAheadIsBounded(t *testing.T) {
	dir := t.TempDir()
	var files []string
	for _, name := range []string{"a", "missing", "b"} {
		files = append(files, filepath.Join(dir, name))
		if name == "missing" {
			continue
		}
		if err := os.WriteFile(files[len(files)-1], make([]byte, 3<<20), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for most, want := range map[int64]int64{0: 0, 1000: 1000, 4 << 20: 4 << 20, 1 << 40: 6 << 20} {
		if got := readThrough(t.Context(), files, most); got != want {
			t.Errorf("%d bytes of at most %d, want %d", got, most, want)
		}
	}
}
