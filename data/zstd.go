package data

import (
	"github.com/klauspost/compress/zstd"
	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/compress"
	"github.com/parquet-go/parquet-go/format"
)

// zstdWindow is how far back a match is looked for. Pages are of 256 KiB, and
// dictionaries of a few MB gain nothing from more; the default of 8 MiB costs
// each encoder 16.
const zstdWindow = 1 << 20

// A tableCodec is Zstandard at parquet-go's level, with what its own codec
// leaves out there: texts without repetition are coded by how often their
// characters come, which halves the hashes in hex.
type tableCodec struct{ encoder *zstd.Encoder }

var tableCompression compress.Codec = newTableCodec()

func newTableCodec() tableCodec {
	e, err := zstd.NewWriter(nil,
		zstd.WithEncoderLevel(zstd.SpeedDefault),
		zstd.WithAllLitEntropyCompression(true),
		zstd.WithWindowSize(zstdWindow),
		zstd.WithLowerEncoderMem(true),
		zstd.WithEncoderConcurrency(2), // two tables are written at a time
		zstd.WithZeroFrames(true),      // an empty page is a frame, too
		zstd.WithEncoderCRC(false))     // pages have their own
	if err != nil {
		panic(err) // the options are constants
	}
	return tableCodec{e}
}

func (tableCodec) String() string                            { return parquet.Zstd.String() }
func (tableCodec) CompressionCodec() format.CompressionCodec { return format.Zstd }
func (c tableCodec) Encode(dst, src []byte) ([]byte, error) {
	return c.encoder.EncodeAll(src, dst[:0]), nil
}
func (tableCodec) Decode(dst, src []byte) ([]byte, error) { return parquet.Zstd.Decode(dst, src) }
