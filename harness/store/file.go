package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// What kept a store from being opened, read or written. None of them changes
// or removes the file.
var (
	ErrNotStore    = errors.New("not a store of replies")
	ErrNewer       = errors.New("made by a newer perg")
	ErrCorrupt     = errors.New("the file is damaged")
	ErrNotWritable = errors.New("the file or its directory cannot be written")
	ErrFull        = errors.New("the disk is full")
	ErrBusy        = errors.New("another process holds the file")
	ErrClosed      = errors.New("the store is closed")
	ErrReadOnly    = errors.New("the store is open to read alone")
)

const (
	applicationID = 0x50455247 // "PERG" at offset 68 of the file

	// The user_version of a file is the schema that its readers have to know. A
	// new one has the first; the transaction that puts the first row of a later
	// one raises it (see raise), and with it turns away every perg that would
	// take such a row for damage.
	//
	// It is not raised when the file is opened: all versions of perg on a
	// machine have one store, if not told otherwise, and one that was only tried
	// would keep the others from every reply, which they could read as before.
	firstSchema, lastSchema = 1, 2

	// The trigger makes "a key with a reply has no failure" a rule of the file.
	schema = `
CREATE TABLE reply (
	key      BLOB    NOT NULL UNIQUE,
	content  BLOB    NOT NULL,
	thinking BLOB    NOT NULL,
	facts    BLOB    NOT NULL,
	checksum INTEGER NOT NULL
) STRICT;
CREATE TABLE failure (
	key     BLOB NOT NULL PRIMARY KEY,
	reason  BLOB NOT NULL,
	message BLOB NOT NULL,
	at      INTEGER
) STRICT, WITHOUT ROWID;
CREATE TRIGGER replied AFTER INSERT ON reply BEGIN
	DELETE FROM failure WHERE key = new.key;
END;`

	readerCount  = 4
	smallestFile = 512 // SQLite takes a shorter file for an empty one
)

// How long another process may hold the file: for one statement, and for one
// transaction or opening, tried again until then.
var busyTimeout, patience = 5 * time.Second, 30 * time.Second

// Up to this size Open reads the whole file, in about a tenth of a second.
var fullCheckBytes int64 = 64 << 20

// Open opens the store at path, or makes one where there is no file or an empty
// one. Its directory must exist, and be on a local disk that can be written: on one
// that machines share it is ErrShared.
//
// A truncated file or a damaged schema is ErrCorrupt here, or ErrNotStore where
// the first bytes no longer say whose it is; so is damage anywhere in the
// structure of a file up to 64 MiB. Larger ones are not read through: damage
// inside them makes the Get of its key ErrCorrupt, or the reply missing, but
// never another one.
func Open(path string) (*Store, error) {
	s := &Store{path: path, schema: firstSchema, filling: newGroup(),
		pending: make(chan struct{}, 1), closing: make(chan struct{}), stopped: make(chan struct{})}
	if err := s.open(); err != nil {
		s.closeFile()
		return nil, s.explain("open", err)
	}
	go s.commitGroups()
	return s, nil
}

// Read opens the store at path to read alone, beside whoever writes it: it takes
// no lock that keeps them waiting, and Put is ErrReadOnly.
func Read(path string) (*Store, error) {
	s := &Store{path: path, filling: newGroup(), broken: ErrReadOnly, closing: make(chan struct{}), stopped: make(chan struct{})}
	close(s.stopped)
	full, err := filepath.Abs(path)
	if err == nil {
		_, err = os.Stat(full)
	}
	if err == nil {
		err = look(full)
	}
	if err == nil {
		err = whileBusy(func() error { return s.openReaders(full) })
	}
	if err != nil {
		s.closeFile()
		return nil, s.explain("open", err)
	}
	return s, nil
}

// openReaders prepares what is asked of the file.
func (s *Store) openReaders(full string) error {
	s.readers = connect(full, readerCount, "mode=rw", "_pragma=query_only(1)", "_pragma=cell_size_check(1)", "_pragma=cache_size(-1024)")
	if err := identify(context.Background(), s.readers); err != nil {
		return err
	}
	return prepare(map[**sql.Stmt]string{&s.reply: selectReply, &s.failed: selectFailure}, s.readers)
}

func prepare(all map[**sql.Stmt]string, db *sql.DB) (err error) {
	for to, query := range all {
		if *to, err = db.Prepare(query); code(err) == sqlite3.SQLITE_ERROR {
			return fmt.Errorf("%w: %w", errCheck, err) // a table or column is missing
		} else if err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) open() error {
	full, err := filepath.Abs(s.path)
	if err != nil {
		return err
	}
	if err := local(full); err != nil {
		return err
	}
	if err := look(full); err != nil {
		return err
	}
	s.writer = connect(full, 1, "mode=rwc", "_txlock=immediate", "_pragma=synchronous(FULL)", "_pragma=cache_size(-4096)")
	if err := whileBusy(s.prepareFile); err != nil {
		return err
	}
	if err := s.openReaders(full); err != nil {
		return err
	}
	if err := prepare(map[**sql.Stmt]string{&s.putReply: insertReply, &s.putFailed: insertFailure}, s.writer); err != nil {
		return err
	}
	return s.verify(full)
}

// connect prepares up to conns connections to the file; the first use opens one.
// Their caches (in KiB, of which each takes twice as much) hold the upper levels of
// the trees. The rest comes from the system's cache at the same cost: with four times
// as much, puts and gets at a million replies take as long.
func connect(full string, conns int, params ...string) *sql.DB {
	escape := url.URL{Path: full}
	params = append(params, "_error_rc=1", fmt.Sprintf("_busy_timeout=%d", busyTimeout.Milliseconds()))
	db, err := sql.Open("sqlite", "file:"+escape.EscapedPath()+"?"+strings.Join(params, "&"))
	if err != nil {
		panic(err) // the driver is not linked in
	}
	db.SetMaxOpenConns(conns)
	db.SetMaxIdleConns(conns)
	return db
}

func (s *Store) closeFile() error {
	var errs []error
	// The last connection to close moves the log into the file.
	for _, db := range []*sql.DB{s.readers, s.writer} {
		if db != nil {
			errs = append(errs, db.Close())
		}
	}
	return errors.Join(errs...)
}

// look turns away what is not ours, without locks, log files or recovery.
func look(full string) error {
	info, err := os.Stat(full)
	if errors.Is(err, fs.ErrNotExist) {
		if _, err := os.Stat(filepath.Dir(full)); err != nil {
			return fmt.Errorf("%w; make the directory first", err)
		}
		return nil
	}
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%w: %s is not a file", ErrNotStore, full)
	}
	if size := info.Size(); size > 0 && size < smallestFile {
		return fmt.Errorf("%w: %d bytes are too few", ErrNotStore, size)
	}
	db := connect(full, 1, "mode=ro", "immutable=1")
	defer db.Close()
	// Only a clear answer counts: where a log waits to be applied, the file by
	// itself may look damaged, and prepareFile asks again.
	err = identify(context.Background(), db)
	if code(err) == 0 && !errors.Is(err, errEmpty) {
		return err
	}
	return nil
}

// identify reads the file's header: nil is a store that can be read, errEmpty a
// file with nothing in it.
func identify(ctx context.Context, db interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}) error {
	var id, version, tables int64
	row := db.QueryRowContext(ctx, `SELECT application_id, user_version, (SELECT count(*) FROM sqlite_schema)
		FROM pragma_application_id, pragma_user_version`)
	if err := row.Scan(&id, &version, &tables); code(err) == sqlite3.SQLITE_NOTADB {
		return fmt.Errorf("%w, or one whose beginning is damaged (%w)", ErrNotStore, err)
	} else if err != nil {
		return err
	}
	switch {
	case id == 0 && version == 0 && tables == 0:
		return errEmpty
	case id != applicationID:
		return fmt.Errorf("%w: a SQLite file of another program, application_id %d", ErrNotStore, id)
	case version > lastSchema:
		return fmt.Errorf("%w: schema %d, this one knows %d", ErrNewer, version, lastSchema)
	case version < firstSchema:
		return fmt.Errorf("%w: schema %d was never in use", errCheck, version)
	}
	return nil
}

var errEmpty = errors.New("the file is empty")

// prepareFile makes the schema in an empty file and leaves any other as it is,
// apart from the log that SQLite applies by itself after a crash.
func (s *Store) prepareFile() error {
	ctx := context.Background()
	err := identify(ctx, s.writer)
	if errors.Is(err, errEmpty) {
		err = s.create(ctx)
	}
	if err != nil {
		return err
	}
	var mode string
	if err := s.writer.QueryRowContext(ctx, "PRAGMA journal_mode = WAL").Scan(&mode); err != nil {
		return err
	}
	if mode != "wal" {
		return errors.New("its file system lacks the shared memory that SQLite's log needs")
	}
	tx, err := s.writer.BeginTx(ctx, nil) // fails where the file is read-only
	if err != nil {
		return err
	}
	return tx.Rollback()
}

// create writes the schema in one transaction of the rollback journal, so that
// the file alone is empty or whole at every moment, and its directory entry is
// synced with it.
func (s *Store) create(ctx context.Context) error {
	tx, err := s.writer.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if err := identify(ctx, tx); !errors.Is(err, errEmpty) {
		return err // another process was faster
	}
	if _, err = tx.ExecContext(ctx, fmt.Sprintf("PRAGMA application_id = %d; PRAGMA user_version = %d; %s",
		applicationID, firstSchema, schema)); err != nil {
		return err
	}
	return tx.Commit()
}

// raise has the file turn away readers that do not know a schema, as part of a
// transaction. A file that another process raised meanwhile stays as it is.
func raise(ctx context.Context, tx *sql.Tx, schema int) error {
	var now int
	if err := tx.QueryRowContext(ctx, "PRAGMA user_version").Scan(&now); err != nil || now >= schema {
		return err
	}
	_, err := tx.ExecContext(ctx, fmt.Sprintf("PRAGMA user_version = %d", schema))
	return err
}

// verify reads a small file through, and of a large one the way to the newest
// row and the last key. A truncated file did not get this far: SQLite compares
// its size with the header.
func (s *Store) verify(full string) error {
	info, err := os.Stat(full)
	if err != nil {
		return err
	}
	query := "PRAGMA quick_check(1)"
	if info.Size() > fullCheckBytes {
		query = `SELECT 'ok' FROM (SELECT checksum FROM reply ORDER BY rowid DESC LIMIT 1) AS newest,
			(SELECT checksum FROM reply ORDER BY key DESC LIMIT 1) AS last
			WHERE newest.checksum IS NOT NULL AND last.checksum IS NOT NULL`
	}
	finding := "ok" // where there is nothing to find
	if err := s.readers.QueryRow(query).Scan(&finding); err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	if finding != "ok" {
		return fmt.Errorf("%w: %s", errCheck, strings.TrimPrefix(finding, "*** in database main ***\n"))
	}
	return nil
}

// whileBusy tries f again while another process holds the file, beyond the
// cases that SQLite itself waits for.
func whileBusy(f func() error) error {
	for deadline := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
		err := f()
		if busy(err) && time.Now().Before(deadline) {
			continue
		}
		return err
	}
}

// busy says whether it was another process that was in the way.
func busy(err error) bool {
	switch code(err) {
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_PROTOCOL:
		return true
	}
	return false
}

// code is the primary SQLite result code behind err, 0 where there is none.
func code(err error) int {
	if e, ok := errors.AsType[*sqlite.Error](err); ok {
		return e.Code() & 0xff
	}
	return 0
}

// explain says what failed on which file and what to do about it.
func (s *Store) explain(op string, err error) error {
	if err == nil {
		return nil
	}
	if errors.Is(err, ErrNotStore) || errors.Is(err, ErrNewer) {
		return fmt.Errorf("store %s: %s: %w", s.path, op, err)
	}
	c := code(err)
	if errors.Is(err, errCheck) {
		c = sqlite3.SQLITE_CORRUPT
	}
	var kind error
	var more string
	switch c {
	case sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB:
		kind, more = ErrCorrupt, "`sqlite3 FILE .recover` saves what can be read"
	case sqlite3.SQLITE_FULL:
		kind, more = ErrFull, "free space and run again, what was durable before stays"
	case sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM:
		kind, more = ErrNotWritable, "SQLite writes the file and two more beside it"
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_PROTOCOL:
		kind, more = ErrBusy, "another process has it"
	default:
		return fmt.Errorf("store %s: %s: %w", s.path, op, err)
	}
	return fmt.Errorf("store %s: %s: %w; %s (%w)", s.path, op, kind, more, err)
}
