package data

import (
	"encoding/csv"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

func TestParseList(t *testing.T) {
	for _, tt := range []struct {
		name, in string
		want     []string
	}{
		{"python", `['a', "b's"]`, []string{"a", "b's"}},
		{"numpy wrapped over lines", "['a' 'b'\n 'c']", []string{"a", "b", "c"}},
		{"numpy with both quotes", `["x's" 'y']`, []string{"x's", "y"}},
		{"quote escaped in its own kind", `['Bem\'s "study"', "say \"so\""]`, []string{`Bem's "study"`, `say "so"`}},
		{"escapes of repr", `['\\ \n\r\t\x00\xe9\u2026\U0001f600']`, []string{"\\ \n\r\t\x00é…😀"}},
		{"separators within strings", `['a, b' "c] d" '[e']`, []string{"a, b", "c] d", "[e"}},
		{"one element", `['a']`, []string{"a"}},
		{"empty strings", `['' '']`, []string{"", ""}},
		{"no elements", ` [ ] `, []string{}},
		{"python with a trailing comma", `['a', 'b',]`, []string{"a", "b"}},
		{"blanks around everything", "\n[ 'a' ,\t'b' ]\r\n", []string{"a", "b"}},
		{"dots in a string", `['...' 'b']`, []string{"...", "b"}},
		{"python numbers", `[1, -2.5, 1e-05, .5]`, []string{"1", "-2.5", "1e-05", ".5"}},
		{"numpy numbers, padded", `[ 0.5  1.  10. ]`, []string{"0.5", "1.", "10."}},
		{"numpy repr", "array(['a, b', \"c)\"],\n      dtype=object)", []string{"a, b", "c)"}},
		{"numpy repr of texts", `np.array(['a', 'b'], dtype='<U1')`, []string{"a", "b"}},
		{"numpy repr without a type", `array(['a'])`, []string{"a"}},
		{"numpy 2 elements", `[np.str_('a'), np.str_("b's"), np.int64(3), np.float64(0.5)]`, []string{"a", "b's", "3", "0.5"}},
		{"letters beyond ASCII", `['é' '漢字']`, []string{"é", "漢字"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := ParseList(tt.in)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("ParseList(%q) (-want +got):\n%s", tt.in, diff)
			}
		})
	}
}

func TestParseListErrors(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{``, `list at offset 0: expected '[', found the end of the text`},
		{`a, b`, `list at offset 0: expected '[', found 'a'`},
		{`['a', 'b'`, `list at offset 9: expected ',' or ']', found the end of the text`},
		{`['a'`, `list at offset 4: expected ',', a blank or ']', found the end of the text`},
		{`['a', b]`, `list at offset 6: expected a quoted string or a number, found 'b'`},
		{`['a',, 'b']`, `list at offset 5: expected a quoted string or a number, found ','`},
		{`[,]`, `list at offset 1: expected a quoted string or a number, found ','`},
		{`['a''b']`, `list at offset 4: expected ',', a blank or ']', found '\''`},
		{`['a', 'b' 'c']`, `list at offset 10: expected ',' or ']', found '\''`},
		{`['a' 'b', 'c']`, `list at offset 8: expected no comma where the elements before it have none between them (a Python list has commas throughout, a NumPy array has none)`},
		{`['it's', 'b']`, `list at offset 5: expected ',', a blank or ']', found 's'`},
		{`['a`, `list at offset 3: expected '\'' to close the string opened at offset 1, found the end of the text`},
		{"['a\nb']", `list at offset 3: expected '\'' to close the string opened at offset 1, found a line break (within a string it is written \n)`},
		{`['\frac{1}{2}']`, `list at offset 2: expected one of \' \" \\ \n \r \t \xNN \uNNNN \UNNNNNNNN, found "\\f" (a backslash itself is written \\)`},
		{`['a\`, `list at offset 3: expected one of \' \" \\ \n \r \t \xNN \uNNNN \UNNNNNNNN, found a backslash at the end of the text`},
		{`['\xg0']`, `list at offset 2: expected 2 hexadecimal digits, found "g0" after \x`},
		{`['\u20']`, `list at offset 2: expected 4 hexadecimal digits, found "20']" after \u`},
		{`['\ud83d\ude00']`, `list at offset 2: expected a Unicode character, found half a surrogate pair or a number beyond U+10FFFF: d83d after \u`},
		{`['\U00110000']`, `list at offset 2: expected a Unicode character, found half a surrogate pair or a number beyond U+10FFFF: 00110000 after \U`},
		{`['a' 'b' ... 'y' 'z']`, `list at offset 9: expected an element, found "...": NumPy left elements out when it printed this array, and they cannot be recovered; print it again with numpy.set_printoptions(threshold=sys.maxsize)`},
		{`[['a'], ['b']]`, `list at offset 1: expected a quoted string or a number, found a list within the list`},
		{`array(['a', 'b']`, `list at offset 16: expected ')' or ', dtype=…)' after the list of array(, found the end of the text`},
		{`array(['a'], shape=(1,))`, `list at offset 11: expected ')' or ', dtype=…)' after the list of array(, found ','`},
		{`['a'])`, `list at offset 5: expected the end of the text after ']', found ')'`},
		{`[np.str_('a']`, `list at offset 12: expected ')', found ']'`},
		{`[np.void('a')]`, `list at offset 1: expected a quoted string or a number, found 'n'`},
		{`[1x]`, `list at offset 1: expected a quoted string or a number, found '1'`},
		{`[1e]`, `list at offset 1: expected a quoted string or a number, found '1'`},
		{`['a'] 'b'`, `list at offset 6: expected the end of the text after ']', found '\''`},
	} {
		got, err := ParseList(tt.in)
		if err == nil {
			t.Errorf("ParseList(%q) = %q, want an error", tt.in, got)
		} else if err.Error() != tt.want {
			t.Errorf("ParseList(%q):\n got %s\nwant %s", tt.in, err, tt.want)
		}
	}
}

// Text that invites rescanning must be read in one pass: at this size,
// quadratic time would not come to an end.
func TestParseListIsLinear(t *testing.T) {
	const n = 1 << 18
	for _, in := range []string{
		"[" + strings.Repeat(`'a' `, n) + "]",
		"[" + strings.Repeat(`"", `, n) + "]",
		"['" + strings.Repeat(`\'`, n) + "']",
		"['" + strings.Repeat(`\\`, n),
		strings.Repeat("[", n),
		"[" + strings.Repeat("1", n) + "x",
		"[" + strings.Repeat(" ", n),
		"['a' 'b'," + strings.Repeat(" ", n),
	} {
		ParseList(in)
	}
}

// pyRepr writes a string as Python's repr does (but that Python and Go know
// different versions of Unicode).
func pyRepr(s string) string {
	quote := '\''
	if strings.Contains(s, "'") && !strings.Contains(s, `"`) {
		quote = '"'
	}
	var b strings.Builder
	b.WriteRune(quote)
	for _, r := range s {
		switch {
		case r == quote || r == '\\':
			b.WriteRune('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\r':
			b.WriteString(`\r`)
		case r == '\t':
			b.WriteString(`\t`)
		case unicode.IsPrint(r):
			b.WriteRune(r)
		case r < 0x100:
			fmt.Fprintf(&b, `\x%02x`, r)
		case r < 0x10000:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			fmt.Fprintf(&b, `\U%08x`, r)
		}
	}
	b.WriteRune(quote)
	return b.String()
}

func pyList(elements []string) string {
	var reprs []string
	for _, e := range elements {
		reprs = append(reprs, pyRepr(e))
	}
	return "[" + strings.Join(reprs, ", ") + "]"
}

// numpyArray writes strings as NumPy's str does: no commas, a new line where
// the next element would pass column 75.
func numpyArray(elements []string) string {
	var b strings.Builder
	b.WriteString("[")
	column := 1
	for i, e := range elements {
		repr := pyRepr(e)
		width := utf8.RuneCountInString(repr)
		switch {
		case i == 0:
		case column+1+width > 75:
			b.WriteString("\n ")
			column = 1
		default:
			b.WriteString(" ")
			column++
		}
		b.WriteString(repr)
		column += width
	}
	b.WriteString("]")
	return b.String()
}

func FuzzParseList(f *testing.F) {
	for _, s := range []string{`['a', "b's"]`, "['a' 'b'\n 'c']", `["x" 'y']`, `['\x41\u0041\U00000041\'\"\\\n']`, `[1, 2]`, `[ 0.5 1. ]`, `['a' ... 'z']`, `[]`, `['a`, `['\u`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, err := ParseList(s)
		if err != nil || !utf8.ValidString(s) {
			return
		}
		again, err := ParseList(pyList(got))
		if err != nil || !slices.Equal(got, again) {
			t.Errorf("ParseList(%q) = %q, written and read again %q, %v", s, got, again, err)
		}
	})
}

func FuzzParseListRoundTrip(f *testing.F) {
	f.Add("a", "b's", `"both" 'quotes'`, "line\nbreak\ttab\\\r\x00\x7f\u00a0…😀")
	f.Add("", " ", "...", "]")
	f.Fuzz(func(t *testing.T, a, b, c, d string) {
		want := []string{a, b, c, d}
		if slices.ContainsFunc(want, func(s string) bool { return !utf8.ValidString(s) }) {
			t.Skip("a list of texts is UTF-8")
		}
		for _, text := range []string{pyList(want), numpyArray(want)} {
			got, err := ParseList(text)
			if err != nil || !slices.Equal(got, want) {
				t.Errorf("ParseList(%q) = %q, %v; want %q", text, got, err, want)
			}
		}
	})
}

// The options columns of the real response files are Python lists or NumPy
// arrays, which have no commas between the texts.
func TestParseListOfResponses(t *testing.T) {
	files, err := filepath.Glob("../../shared/responses/*.csv")
	if err == nil {
		var more []string
		more, err = filepath.Glob("../../shared/responses/more/*.csv")
		files = append(files, more...)
	}
	if err != nil {
		t.Fatal(err)
	}
	if len(files) == 0 {
		t.Skip("needs the CSV files of shared/responses beside the project")
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			f, err := os.Open(file)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			records, err := csv.NewReader(f).ReadAll()
			if err != nil {
				t.Fatal(err)
			}
			header := records[0]
			options, gold := slices.Index(header, "options"), slices.Index(header, "gold_option")
			if options < 0 || gold < 0 || len(records) < 2 {
				t.Fatalf("no options and gold_option in %q, or no rows", header)
			}
			parsed := 0
			for i, r := range records[1:] {
				list, err := ParseList(r[options])
				if err != nil {
					t.Errorf("row %d: %v", i+1, err)
					continue
				}
				if _, ok := LetterIndex(r[gold], len(list)); !ok || slices.Contains(list, "") {
					t.Errorf("row %d: gold option %s of %q", i+1, r[gold], list)
					continue
				}
				parsed++
				// Written again in the form it came in, it is the same text, but
				// for where the lines of an array are wrapped.
				want := strings.Fields(r[options])
				asPython, asNumPy := strings.Fields(pyList(list)), strings.Fields(numpyArray(list))
				if !slices.Equal(asPython, want) && !slices.Equal(asNumPy, want) {
					t.Errorf("row %d: read %q, which is written %q or %q", i+1, want, asPython, asNumPy)
				}
			}
			t.Logf("%d of %d parsed", parsed, len(records)-1)
		})
	}
}
