package models

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/ollama/ollama/types/model"
	"golang.org/x/sys/unix"
)

// A Folder is a store of models on this machine, as Ollama lays it out: a manifest
// for each tag, and the files that manifests name by their digests.
type Folder string

// A Rest is a file of which a store has the first bytes, or none.
type Rest struct {
	Blob
	Have int64 `json:"have"` // bytes
}

// SpareDisk is what pulling, quantizing and copying leave of a disk, in bytes.
const SpareDisk = 2 << 30

// Store is the folder of the models of servers that perg starts; "" where it
// cannot be told.
func Store() Folder {
	if dir := os.Getenv("OLLAMA_MODELS"); dir != "" {
		return Folder(dir)
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return ""
	}
	return Folder(filepath.Join(home, ".ollama", "models"))
}

func (f Folder) manifest(name string) string {
	return filepath.Join(string(f), "manifests", model.ParseName(name).Filepath())
}

func (f Folder) blob(b Blob) string {
	return filepath.Join(string(f), "blobs", strings.Replace(b.Digest, ":", "-", 1))
}

// partial is what has come of a file: not among the others, where a server that
// starts would remove it.
func (f Folder) partial(b Blob) string {
	return filepath.Join(string(f), "perg-partial", strings.Replace(b.Digest, ":", "-", 1))
}

// Manifest is that of a model; an error where the tag is not there, or is another
// model's.
func (f Folder) Manifest(name, digest string) (Manifest, error) {
	if f == "" || !model.ParseName(name).IsFullyQualified() {
		return Manifest{}, fmt.Errorf("no store is known that has %q", name)
	}
	text, err := os.ReadFile(f.manifest(name))
	if err != nil {
		return Manifest{}, err
	}
	return ParseManifest(name, digest, text)
}

// Files are the paths of a model's files.
func (f Folder) Files(m Manifest) (paths []string) {
	for _, b := range m.Blobs {
		paths = append(paths, f.blob(b))
	}
	return paths
}

// Read reads so many bytes of a file from an offset on; fewer where it ends.
func (f Folder) Read(b Blob, at int64, n int) ([]byte, error) {
	if !blobDigest.MatchString(b.Digest) {
		return nil, fmt.Errorf("%q is no file of a store", b.Digest)
	}
	file, err := os.Open(f.blob(b))
	if err != nil {
		return nil, err
	}
	defer file.Close()
	part := make([]byte, n)
	n, err = file.ReadAt(part, at)
	if err == io.EOF {
		err = nil
	}
	return part[:n], err
}

// Lacking are the files that a store lacks of a model, and how much it has of each.
func (f Folder) Lacking(m Manifest) (all []Rest, err error) {
	for _, b := range m.Blobs {
		if at, err := os.Stat(f.blob(b)); err == nil && at.Size() == b.Size {
			continue
		}
		r := Rest{Blob: b}
		switch at, err := os.Stat(f.partial(b)); {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			return nil, err
		case at.Size() <= b.Size:
			r.Have = at.Size()
		default:
			if err := os.Remove(f.partial(b)); err != nil {
				return nil, err
			}
		}
		all = append(all, r)
	}
	return all, nil
}

// Free is how many bytes the folder's disk has free; false where that is not known.
func (f Folder) Free() (bytes uint64, ok bool) {
	for dir := string(f); dir != "" && dir != "."; dir = filepath.Dir(dir) {
		var at unix.Statfs_t
		err := unix.Statfs(dir, &at)
		if err == nil {
			return at.Bavail * uint64(at.Bsize), true
		}
		if !errors.Is(err, unix.ENOENT) || dir == filepath.Dir(dir) {
			break
		}
	}
	return 0, false
}

// Write adds to a file what follows on what has come of it.
func (f Folder) Write(b Blob, at int64, part []byte) error {
	if !blobDigest.MatchString(b.Digest) {
		return fmt.Errorf("%q is no file of a store", b.Digest)
	}
	if err := os.MkdirAll(filepath.Dir(f.partial(b)), 0o755); err != nil {
		return err
	}
	file, err := os.OpenFile(f.partial(b), os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer file.Close()
	has, err := file.Stat()
	if err != nil {
		return err
	}
	if has.Size() != at || at+int64(len(part)) > b.Size {
		return fmt.Errorf("%.19s: %d bytes from %d on do not follow on %d of %d", b.Digest, len(part), at, has.Size(), b.Size)
	}
	if _, err := file.WriteAt(part, at); err != nil {
		return errors.Join(err, file.Truncate(at))
	}
	return file.Close()
}

// Install makes a model of files that have all come: each is looked at by its digest
// first, and one that is not what it should be is removed. What is there already
// stays; another model by that name is an error.
func (f Folder) Install(m Manifest) error {
	path := f.manifest(m.Name)
	if text, err := os.ReadFile(path); err == nil && !bytes.Equal(text, m.Text) {
		return fmt.Errorf("%s is another model here", m.Name)
	}
	lacking, err := f.Lacking(m)
	if err != nil {
		return err
	}
	for _, r := range lacking {
		if err := f.complete(r.Blob); err != nil {
			return err
		}
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	// Not beside it: what is there is listed as a tag.
	whole := filepath.Join(string(f), "perg-partial", "manifest-"+m.Digest)
	if err := os.MkdirAll(filepath.Dir(whole), 0o755); err != nil {
		return err
	}
	if err := durable(whole, m.Text); err != nil {
		return err
	}
	if err := os.Rename(whole, path); err != nil {
		return err
	}
	os.Remove(filepath.Dir(whole)) // where nothing is left in it
	return nil
}

func (f Folder) complete(b Blob) error {
	path := f.partial(b)
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644) // a file may be of no bytes
	if err != nil {
		return err
	}
	defer file.Close()
	sum := sha256.New()
	n, err := io.Copy(sum, file)
	if err != nil {
		return err
	}
	if "sha256:"+hex.EncodeToString(sum.Sum(nil)) != b.Digest {
		if n < b.Size {
			return fmt.Errorf("%.19s: %d bytes of %d have come", b.Digest, n, b.Size)
		}
		return errors.Join(fmt.Errorf("%.19s: what has come has another digest", b.Digest), os.Remove(path))
	}
	if err := file.Sync(); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(f.blob(b)), 0o755); err != nil {
		return err
	}
	return os.Rename(path, f.blob(b))
}

func durable(path string, text []byte) error {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer file.Close()
	if _, err := file.Write(text); err != nil {
		return err
	}
	if err := file.Sync(); err != nil {
		return err
	}
	return file.Close()
}
