package models_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"perg/models"
	"perg/models/ollamatest"
)

// stored lays a model out.
func stored(t *testing.T, f models.Folder, name string, files ...string) models.Manifest {
	t.Helper()
	m, err := f.Manifest(name, ollamatest.Lay(t, f, name, files...))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// copied copies what is lacking of a model, so many bytes at once.
func copied(from, to models.Folder, m models.Manifest, atOnce int) error {
	lacking, err := to.Lacking(m)
	if err != nil {
		return err
	}
	for _, r := range lacking {
		for at := r.Have; at < r.Size; at += int64(atOnce) {
			part, err := from.Read(r.Blob, at, atOnce)
			if err != nil {
				return err
			}
			if err := to.Write(r.Blob, at, part); err != nil {
				return err
			}
		}
	}
	return to.Install(m)
}

// tree is all that is in a folder, by path.
func tree(t *testing.T, f models.Folder) map[string]string {
	t.Helper()
	all := make(map[string]string)
	err := filepath.WalkDir(string(f), func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		at, _ := filepath.Rel(string(f), path)
		all[at] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// A model that is copied is the same one, file by file; a second one of the same
// weights brings its own files alone, and what had begun to come is gone on with.
func TestAModelIsCopied(t *testing.T) {
	from, to := models.Folder(t.TempDir()), models.Folder(t.TempDir())
	weights := strings.Repeat("weights", 1000)
	first := stored(t, from, "one:8b", weights, "template", "", "config")
	second := stored(t, from, "two:8b", weights, "another", "config")
	if first.Size() != int64(len(weights)+len("template")+len("config")) {
		t.Errorf("%d bytes", first.Size())
	}
	// A copy that was cut off.
	if err := to.Write(first.Blobs[0], 0, []byte(weights[:500])); err != nil {
		t.Fatal(err)
	}
	lacking, err := to.Lacking(first)
	if err != nil || len(lacking) != 4 || lacking[0].Have != 500 {
		t.Fatalf("%+v, error %v", lacking, err)
	}
	for _, m := range []models.Manifest{first, second} {
		if err := copied(from, to, m, 999); err != nil {
			t.Fatal(err)
		}
	}
	was, is := tree(t, from), tree(t, to)
	for path, text := range was {
		if is[path] != text {
			t.Errorf("%s is %d bytes, and was %d", path, len(is[path]), len(text))
		}
	}
	if len(is) != len(was) {
		t.Errorf("%d files, of %d", len(is), len(was))
	}
	if lacking, err := to.Lacking(second); err != nil || len(lacking) > 0 {
		t.Errorf("lacking %+v, error %v", lacking, err)
	}
}

// What is not what it should be makes no model, and leaves what is there as it is.
func TestWhatIsNotCopied(t *testing.T) {
	from := models.Folder(t.TempDir())
	m := stored(t, from, "one:8b", "weights", "config")
	for name, of := range map[string]struct {
		do  func(to models.Folder) error
		say string
	}{
		"a file is not whole": {func(to models.Folder) error {
			if err := to.Write(m.Blobs[0], 0, []byte("wei")); err != nil {
				return err
			}
			return to.Install(m)
		}, "3 bytes of 7 have come"},
		"a file is another": {func(to models.Folder) error {
			if err := to.Write(m.Blobs[0], 0, []byte("WEIGHTS")); err != nil {
				return err
			}
			return to.Install(m)
		}, "another digest"},
		"a part that does not follow": {func(to models.Folder) error { return to.Write(m.Blobs[0], 3, []byte("ghts")) }, "do not follow on 0"},
		"more than there is":          {func(to models.Folder) error { return to.Write(m.Blobs[0], 0, []byte("weights and more")) }, "do not follow"},
		"a path for a digest": {func(to models.Folder) error {
			return to.Write(models.Blob{Digest: "sha256:../../x", Size: 3}, 0, []byte("abc"))
		}, "no file of a store"},
		"another model has the name": {func(to models.Folder) error {
			stored(t, to, "one:8b", "other weights", "config")
			return copied(from, to, m, 4)
		}, "another model here"},
	} {
		t.Run(name, func(t *testing.T) {
			to := models.Folder(t.TempDir())
			var before map[string]string
			if name == "another model has the name" {
				stored(t, to, "one:8b", "other weights", "config")
				before = tree(t, to)
			}
			err := of.do(to)
			if err == nil || !strings.Contains(err.Error(), of.say) {
				t.Errorf("error %v", err)
			}
			if _, err := to.Manifest(m.Name, m.Digest); err == nil {
				t.Error("the model is there")
			}
			after := tree(t, to)
			for path, text := range before {
				if after[path] != text {
					t.Errorf("%s was changed", path)
				}
			}
		})
	}
	if _, err := from.Read(models.Blob{Digest: "sha256:" + strings.Repeat("../", 20) + "etc/passwd", Size: 10}, 0, 10); err == nil {
		t.Error("a file outside is read")
	}
	if _, err := from.Manifest("../../etc/passwd", m.Digest); err == nil {
		t.Error("a manifest outside is read")
	}
}

// Whatever a manifest says, no path of it leaves the folder.
func FuzzParseManifest(f *testing.F) {
	f.Add("one:8b", []byte(`{"config":{"digest":"sha256:`+strings.Repeat("0", 64)+`","size":3},"layers":[]}`))
	f.Add("one:8b", []byte(`{"config":{"digest":"sha256:../../x","size":3},"layers":[{"digest":"sha256:/../../../x"}]}`))
	f.Add("../x", []byte(`{"config":{"digest":"sha256:../x"}}`))
	f.Add("a/b/c/d:e", []byte(`{}`))
	f.Fuzz(func(t *testing.T, name string, text []byte) {
		m, err := models.ParseManifest(name, ollamatest.Digest(string(text)), text)
		if err != nil {
			return
		}
		const dir = models.Folder("/store")
		paths := dir.Paths(m)
		if i := slices.IndexFunc(paths, func(path string) bool {
			return !strings.HasPrefix(path, string(dir)+"/") || path != filepath.Clean(path)
		}); i >= 0 {
			t.Errorf("%q leads to %s", name, paths[i])
		}
	})
}
