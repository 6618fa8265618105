// Package printable makes text from outside safe to show.
package printable

import "strings"

// Text is text that came from outside, made safe to show: what would
// steer a terminal or turn the direction of a line is shown as U+FFFD. Line
// ends and tabs stay.
func Text(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return r
		case r < ' ', 0x7f <= r && r < 0xa0, // controls
			0x202a <= r && r <= 0x202e, 0x2066 <= r && r <= 0x2069, r == 0x200e, r == 0x200f, // directions
			r == 0x2028, r == 0x2029: // line ends of Unicode's own
			return '\uFFFD'
		}
		return r
	}, s)
}
