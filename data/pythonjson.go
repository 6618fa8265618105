package data

import "bytes"

// standardJSON is a text of JSON as Python's json.dumps writes it in standard JSON:
// a bare NaN, which is no JSON and stands for a missing value, is null, and an
// infinite number is a text.
func standardJSON(text []byte) []byte {
	if !bytes.Contains(text, []byte("NaN")) && !bytes.Contains(text, []byte("Infinity")) {
		return text
	}
	out := make([]byte, 0, len(text))
	quoted := false
	for i := 0; i < len(text); i++ {
		rest := text[i:]
		switch {
		case quoted && rest[0] == '\\' && len(rest) > 1:
			out = append(out, rest[0])
			i++
		case rest[0] == '"':
			quoted = !quoted
		case quoted:
		case bytes.HasPrefix(rest, []byte("NaN")):
			out = append(out, "null"...)
			i += len("NaN") - 1
			continue
		case bytes.HasPrefix(rest, []byte("-Infinity")), bytes.HasPrefix(rest, []byte("Infinity")):
			n := bytes.IndexByte(rest, 'y') + 1
			out = append(append(append(out, '"'), rest[:n]...), '"')
			i += n - 1
			continue
		}
		out = append(out, text[i])
	}
	return out
}
