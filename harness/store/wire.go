package store

import (
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
)

// errShort: a text is not what Marshal wrote.
var errShort = errors.New("it ends too early")

// Marshal is a reply to k as it goes to another store: what the file holds of it,
// with the checksum, which covers k.
func (r Reply) Marshal(k Key) []byte {
	of := encode(k, r)
	var out []byte
	for _, column := range [][]byte{of.content, of.thinking, of.facts} {
		out = append(binary.AppendUvarint(out, uint64(len(column))), column...)
	}
	return binary.LittleEndian.AppendUint32(out, of.checksum)
}

// Unmarshal reads what Marshal wrote. What was changed on its way is an error.
func Unmarshal(k Key, text []byte) (Reply, error) {
	var of row
	for _, column := range []*[]byte{&of.content, &of.thinking, &of.facts} {
		n, size := binary.Uvarint(text)
		if size <= 0 || n > uint64(len(text)-size) {
			return Reply{}, errShort
		}
		*column, text = text[size:size+int(n)], text[size+int(n):]
	}
	if len(text) != 4 {
		return Reply{}, errShort
	}
	of.checksum = binary.LittleEndian.Uint32(text)
	return of.decode(k)
}

// Keys gives each key that has a reply to a function, whose error ends it.
func (s *Store) Keys(ctx context.Context, take func(Key) error) error {
	rows, err := s.readers.QueryContext(ctx, `SELECT key FROM reply`)
	if err != nil {
		return s.explain("read the keys", err)
	}
	defer rows.Close()
	for rows.Next() {
		var raw sql.RawBytes
		if err := rows.Scan(&raw); err != nil {
			return s.explain("read the keys", err)
		}
		var k Key
		copy(k[:], raw)
		if err := take(k); err != nil {
			return err
		}
	}
	return s.explain("read the keys", rows.Err())
}
