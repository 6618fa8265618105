// Package fulltext finds texts by their words: in an index of SQLite's FTS5 by
// number, and in a text at hand by place. Both know the same words. It knows
// nothing of what the texts are.
package fulltext

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"
	_ "modernc.org/sqlite"
)

// An Index knows in which texts words are. Texts have numbers from 1, which grow
// as they are added. Its methods may be called from several goroutines.
type Index struct {
	mu   sync.Mutex
	db   *sql.DB
	path string   // of its file; "" is in memory
	new  *os.File // locked, while the index is not whole; nil: it is
	last int      // the number of the last text
	size atomic.Int64
}

// A text is indexed as its words, folded: the tokenizer has to know where one
// ends, and takes what is beyond ASCII as it is. Neither texts nor their lengths
// are kept.
const schema = `
CREATE VIRTUAL TABLE text USING fts5(words, content='', columnsize=0, tokenize='ascii');
INSERT INTO text(text, rank) VALUES('hashsize', 8388608);
CREATE TABLE whole (of TEXT NOT NULL, last INTEGER NOT NULL) STRICT;`

// version is of the schema and of how words are folded.
const version = 1

// unfinished ends the name of an index that is being made.
const unfinished = ".new"

// Memory makes an index that is gone when it is closed.
func Memory() (*Index, error) { return create("", nil) }

// Create makes an index that Finish puts at path. Until then it has another name
// there, which Close removes; what a killed process left is removed.
func Create(path string) (*Index, error) {
	left, err := filepath.Glob(path + ".*" + unfinished)
	if err != nil {
		return nil, err
	}
	for _, name := range left {
		if f, err := os.Open(name); err == nil {
			if unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB) == nil {
				os.Remove(name)
			}
			f.Close()
		}
	}
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*"+unfinished)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		return nil, errors.Join(err, f.Close(), os.Remove(f.Name()))
	}
	return create(path, f)
}

func create(path string, f *os.File) (*Index, error) {
	x := &Index{path: path, new: f}
	at := ":memory:"
	if f != nil {
		at = f.Name()
	}
	var err error
	if x.db, err = connect(at); err == nil {
		_, err = x.db.Exec(schema + fmt.Sprintf("PRAGMA user_version = %d", version))
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("make an index of texts: %w", err), x.Close())
	}
	return x, nil
}

// ErrStale: an index is of other texts, or of another perg, or damaged.
var ErrStale = errors.New("the index of texts is of others")

// Open opens the index at path, which was finished as one of the texts that of
// names. The error is fs.ErrNotExist where there is none, ErrStale where it is of
// others.
func Open(path, of string) (*Index, error) {
	if _, err := os.Stat(path); err != nil {
		return nil, err
	}
	db, err := connect(path)
	if err != nil {
		return nil, err
	}
	x := &Index{path: path, db: db}
	var made int
	var whole string
	err = db.QueryRow("PRAGMA user_version").Scan(&made)
	if err == nil && made == version {
		err = db.QueryRow("SELECT of, last FROM whole").Scan(&whole, &x.last)
	}
	if err != nil || made != version || whole != of {
		return nil, errors.Join(ErrStale, err, db.Close())
	}
	x.measure()
	return x, nil
}

// connect opens a file that is one process's until it is whole, and that can be
// made anew: nothing is done for it to outlive a crash.
func connect(path string) (*sql.DB, error) {
	at := path
	if at != ":memory:" {
		full, err := filepath.Abs(path)
		if err != nil {
			return nil, err
		}
		at = "file:" + (&url.URL{Path: full}).EscapedPath() + "?mode=rw"
	}
	var pragmas []string
	for _, p := range []string{"journal_mode(memory)", "synchronous(off)", "temp_store(memory)", "cache_size(-8192)"} {
		pragmas = append(pragmas, "_pragma="+p)
	}
	join := "?"
	if strings.Contains(at, "?") {
		join = "&"
	}
	db, err := sql.Open("sqlite", at+join+strings.Join(pragmas, "&"))
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	db.SetConnMaxIdleTime(0)
	db.SetConnMaxLifetime(0)
	return db, nil
}

// A Text is one to be added, under a number above those of all before.
type Text struct {
	Number int
	Text   string
}

// perInsert is how many texts go into the index at once.
const perInsert = 64

// Add adds texts, together or none of them.
func (x *Index) Add(ctx context.Context, texts []Text) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	tx, err := x.db.Begin()
	if err != nil {
		return err
	}
	defer tx.Rollback()
	last := x.last
	for some := range slices.Chunk(texts, perInsert) {
		args := make([]any, 0, 2*len(some))
		for _, t := range some {
			if t.Number <= last {
				return fmt.Errorf("text %d comes after %d", t.Number, last)
			}
			last = t.Number
			args = append(args, t.Number, string(appendWords(nil, t.Text)))
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		_, err := tx.Exec("INSERT INTO text(rowid, words) VALUES "+strings.Repeat("(?, ?), ", len(some)-1)+"(?, ?)", args...)
		if err != nil {
			return err
		}
	}
	if err := tx.Commit(); err != nil {
		return err
	}
	x.last = last
	x.measure()
	return nil
}

// Last is the number of the last text.
func (x *Index) Last() int {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.last
}

// perFind is how many numbers are asked for at once: their list is one value of
// SQLite's, as handing out each alone takes most of the time. Those of a prefix are
// asked for all together: FTS5 puts the lists of its words into one each time.
const perFind = 1 << 17

// Find hands out the numbers of the texts up to last that a query matches, in
// order, some at a time.
func (x *Index) Find(ctx context.Context, q Query, last int, yield func(numbers []int32)) error {
	expression := q.expression()
	var numbers []int32
	each := perFind
	if q.hasPrefix() {
		each = max(last, 1)
	}
	for from := 1; from <= last; from += each {
		some, err := x.find(ctx, expression, from, min(from+each-1, last))
		if err = cmp.Or(err, ctx.Err()); err != nil {
			return err
		}
		numbers = numbers[:0]
		n := int32(0)
		for _, b := range some {
			if b == ',' {
				numbers = append(numbers, n)
				n = 0
			} else {
				n = 10*n + int32(b-'0')
			}
		}
		if n > 0 {
			numbers = append(numbers, n)
		}
		yield(numbers)
	}
	return nil
}

func (x *Index) find(ctx context.Context, expression string, from, to int) (some sql.RawBytes, err error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	rows, err := x.db.QueryContext(ctx, "SELECT group_concat(rowid) FROM text WHERE text MATCH ? AND rowid BETWEEN ? AND ?", expression, from, to)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	if rows.Next() {
		err = rows.Scan(&some)
	}
	return slices.Clone(some), errors.Join(err, rows.Err())
}

// Finish ends the making of an index of the texts that of names, and puts it at
// its path.
func (x *Index) Finish(of string) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.new == nil {
		return nil
	}
	if _, err := x.db.Exec("INSERT INTO whole VALUES(?, ?)", of, x.last); err != nil {
		return err
	}
	if err := os.Rename(x.new.Name(), x.path); err != nil {
		return err
	}
	err := x.new.Close()
	x.new = nil
	return err
}

// Size is that of the file in bytes, or of the pages in memory. It waits for nothing.
func (x *Index) Size() int64 { return x.size.Load() }

func (x *Index) measure() {
	var pages, size int64
	if x.db.QueryRow("PRAGMA page_count").Scan(&pages) == nil && x.db.QueryRow("PRAGMA page_size").Scan(&size) == nil {
		x.size.Store(pages * size)
	}
}

// Path is where the index is, or will be; "" is in memory.
func (x *Index) Path() string { return x.path }

// Close closes the index, and removes one that is not whole.
func (x *Index) Close() error {
	x.mu.Lock()
	defer x.mu.Unlock()
	var err error
	if x.db != nil {
		err = x.db.Close()
	}
	if x.new != nil {
		err = errors.Join(err, os.Remove(x.new.Name()), x.new.Close())
		x.new = nil
	}
	if errors.Is(err, fs.ErrNotExist) {
		err = nil // its directory was removed
	}
	return err
}
