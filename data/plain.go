package data

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/text/encoding/unicode"
)

// looked is how much of a file's beginning tells what it is, in bytes: a tar
// archive says so after 257.
const looked = 512

// ReadText reads a file of text as UTF-8 without a byte order mark, whatever it
// was saved as: UTF-16, or compressed by gzip. A file that is no text, such as a
// ZIP archive, is an error that names what it is.
func ReadText(name string) ([]byte, error) {
	text, err := readPlain(name)
	if err != nil {
		return nil, plainError(name, err, "")
	}
	return text, nil
}

// readPlain reads a file as ReadText does; its errors do not name it.
func readPlain(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, unnamed(err)
	}
	defer f.Close()
	r, err := plainText(f)
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(r)
	return text, unnamed(err)
}

// plainText reads a file as ReadText does, piece by piece. Parquet is given as it
// is, out of gzip too.
func plainText(file io.Reader) (*bufio.Reader, error) {
	r := bufio.NewReader(file)
	start, err := r.Peek(looked)
	if err != nil && err != io.EOF {
		return nil, unnamed(err)
	}
	if bytes.HasPrefix(start, []byte("\x1f\x8b")) {
		unpacked, err := gzip.NewReader(r)
		if err != nil {
			return nil, fmt.Errorf("it is compressed by gzip, and damaged: %w; copy it again", err)
		}
		r = bufio.NewReader(gzipped{unpacked})
		if start, err = r.Peek(looked); err != nil && err != io.EOF {
			return nil, err
		}
	}
	if order, ok := utf16Order(start); ok {
		r = bufio.NewReader(&whole{of: unicode.UTF16(order, unicode.UseBOM).NewDecoder().Reader(r)})
		start, err = r.Peek(looked)
		if err != nil && err != io.EOF {
			return nil, err
		}
	}
	if bytes.HasPrefix(start, []byte("\ufeff")) {
		r.Discard(len("\ufeff"))
		start = start[len("\ufeff"):]
	}
	return r, refuse(start)
}

// gzipped says of errors within what is compressed that they are there.
type gzipped struct{ *gzip.Reader }

func (g gzipped) Read(p []byte) (int, error) {
	n, err := g.Reader.Read(p)
	if err != nil && err != io.EOF {
		err = fmt.Errorf("it is compressed by gzip, and cut or damaged: %w; copy it again", err)
	}
	return n, err
}

// utf16Order says whether a file begins as UTF-16, by its byte order mark or by
// a first character in ASCII, which half of a NUL tells.
func utf16Order(start []byte) (order unicode.Endianness, ok bool) {
	switch {
	case len(start) < 4 || bytes.HasPrefix(start, []byte("\xff\xfe\x00\x00")): // or UTF-32
		return order, false
	case start[0] == 0xff && start[1] == 0xfe, start[0] != 0 && start[1] == 0 && start[2] != 0 && start[3] == 0:
		return unicode.LittleEndian, true
	case start[0] == 0xfe && start[1] == 0xff, start[0] == 0 && start[1] != 0 && start[2] == 0 && start[3] != 0:
		return unicode.BigEndian, true
	}
	return order, false
}

// whole refuses what a decoder puts in the place of half a character.
type whole struct {
	of   io.Reader
	tail []byte // the last of what was read: a character may be cut there
}

func (w *whole) Read(p []byte) (int, error) {
	n, err := w.of.Read(p)
	seen := append(w.tail, p[:n]...)
	if bytes.Contains(seen, []byte("\ufffd")) {
		return 0, errors.New("a character of this UTF-16 text is cut or unknown (U+FFFD); save the file as UTF-8")
	}
	w.tail = bytes.Clone(seen[max(0, len(seen)-2):])
	return n, err
}

// A fileKind is a kind of file that is no text and no Parquet, by how it begins.
type fileKind struct {
	start  string
	binary bool // text may begin so: a NUL is near
	is     string
	todo   string
}

var fileKinds = []fileKind{
	{"PK\x03\x04", false, "a ZIP archive or an Excel workbook", "unpack it, or save the sheet as CSV in UTF-8"},
	{"\xd0\xcf\x11\xe0", false, "an old Excel workbook", "save the sheet as CSV in UTF-8"},
	{"\x1f\x8b", false, "compressed by gzip twice", "unpack it with gunzip"},
	{"\x28\xb5\x2f\xfd", false, "compressed by zstd", "unpack it with unzstd"},
	{"\xfd7zXZ", false, "compressed by xz", "unpack it with unxz"},
	{"BZh", true, "compressed by bzip2", "unpack it with bunzip2"},
	{"\x04\x22\x4d\x18", false, "compressed by lz4", "unpack it with unlz4"},
	{"7z\xbc\xaf", false, "a 7-Zip archive", "unpack it"},
	{"Rar!", true, "a RAR archive", "unpack it"},
	{"ARROW1", true, "an Arrow (Feather) file", "write it as Parquet"},
	{"\xff\xff\xff\xff", false, "an Arrow stream, as the library datasets keeps them", "write it as Parquet: Dataset.to_parquet"},
	{"FEA1", true, "a Feather file", "write it as Parquet"},
	{"PARE", true, "an encrypted Parquet file", "write it without encryption"},
	{"ORC", true, "an ORC file", "write it as Parquet"},
	{"Obj\x01", false, "an Avro file", "write it as Parquet"},
	{"\x93NUMPY", false, "a NumPy array", "write it as Parquet or CSV"},
	{"\x80", false, "a pickle of Python", "write it as Parquet or CSV"},
	{"\x89HDF", false, "an HDF5 file", "write it as Parquet or CSV"},
	{"SQLite format 3\x00", false, "an SQLite database", "export the table as CSV"},
	{"\xff\xfe\x00\x00", false, "text in UTF-32", "save it as UTF-8"},
	{"\x00\x00\xfe\xff", false, "text in UTF-32", "save it as UTF-8"},
	{"%PDF-", false, "a PDF document", "choose a file of data"},
	{"version https://git-lfs.github.com/spec/", false, "a pointer of Git LFS, not the file itself", "get that with git lfs pull"},
	{"<!doctype html", false, "a web page", "download the file itself: on Hugging Face with /resolve/ in the address, not /blob/"},
	{"<html", false, "a web page", "download the file itself: on Hugging Face with /resolve/ in the address, not /blob/"},
}

// refused is what a file is that is nothing to read.
type refused struct{ error }

// plainError is an error of plainText, with the forms that are read where the file
// is of another one.
func plainError(name string, err error, forms string) error {
	if _, ok := errors.AsType[refused](err); !ok {
		return fmt.Errorf("read %s: %w", name, err)
	}
	if forms != "" {
		forms = "; " + forms
	}
	return fmt.Errorf("%s: %w%s", name, err, forms)
}

// refuse names what a file is that begins so, where that is nothing to read.
func refuse(start []byte) error {
	if len(start) > 262 && string(start[257:262]) == "ustar" {
		return refused{errors.New("it is a tar archive; unpack it and name a file of it")}
	}
	lower := strings.ToLower(string(bytes.TrimLeft(start, " \r\n\t")))
	for _, k := range fileKinds {
		begins := bytes.HasPrefix(start, []byte(k.start)) || strings.HasPrefix(k.start, "<") && strings.HasPrefix(lower, k.start)
		if begins && (!k.binary || bytes.IndexByte(start, 0) >= 0) {
			return refused{fmt.Errorf("it is %s; %s", k.is, k.todo)}
		}
	}
	return nil
}

// missingTexts are what programs write of a value that is not there: pandas,
// Python, SQL, R, spreadsheets.
var missingTexts = []string{"", "nan", "none", "null", "<na>", "n/a", "#n/a"}

// Missing says whether a text stands for no value: it is blank, or nan, None,
// NULL, <NA>, N/A or NA, as programs write it. Of an option, and of what repeats
// one, it is a text as any other: MMLU has the option None.
func Missing(text string) bool {
	text = strings.TrimSpace(text)
	if text == "NA" { // R's; not sodium
		return true
	}
	for _, m := range missingTexts {
		if strings.EqualFold(text, m) {
			return true
		}
	}
	return false
}

// parquetReader is a Parquet file to be read at any place: the file itself or,
// out of gzip, all of it in memory.
func parquetReader(text *bufio.Reader, file *os.File) (r io.ReaderAt, size int64, err error) {
	info, err := file.Stat()
	if err != nil {
		return nil, 0, unnamed(err)
	}
	magic := make([]byte, len(parquetMagic))
	if _, err := file.ReadAt(magic, 0); err == nil && string(magic) == parquetMagic {
		return file, info.Size(), nil
	}
	content, err := io.ReadAll(text)
	return bytes.NewReader(content), int64(len(content)), err
}
