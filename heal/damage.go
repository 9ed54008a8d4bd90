package heal

import (
	"bytes"
	"unicode/utf8"
)

// What Damaged says of a file that lost bytes.
const (
	emptied  = "it is empty"
	cutShort = "it is cut short"
)

// zeros is how many zero bytes in a row a text does not have.
const zeros = 4

// Damaged says in words what has happened to a file, if its bytes are such as come of a
// failing disk or an interrupted write and not of a hand: cut short, or with zeros or
// broken characters in a text that had none. Else it is "".
//
// One flipped bit that yields another letter is not told from a typing mistake: the
// disk's scrub finds it by its sum as long as nobody has saved the file.
func Damaged(before, after []byte) string {
	text := utf8.Valid(before) && !bytes.Contains(before, []byte{0})
	switch {
	case len(before) == 0 || bytes.Equal(before, after):
		return ""
	case len(after) == 0:
		return emptied
	case len(after) < len(before) && bytes.HasPrefix(before, after) && !boundary(before, after):
		return cutShort
	case text && bytes.Contains(after, make([]byte, zeros)):
		return "it has a block of zeros in it"
	case text && len(before) == len(after) && !utf8.Valid(after):
		return "it has bytes in it that are no text"
	case text && len(before) == len(after) && strange(after) > strange(before):
		return "it has bytes in it that are no text"
	}
	return ""
}

// boundary reports whether a text lost whole lines at its end, or nothing but space: a hand
// deletes lines, and some editors the last line's end; an interrupted write counts neither.
func boundary(before, after []byte) bool {
	lost := before[len(after):]
	return len(bytes.TrimSpace(lost)) == 0 || lost[0] == '\n' || bytes.HasSuffix(after, []byte{'\n'}) && bytes.HasSuffix(before, []byte{'\n'})
}

// strange counts the bytes that no text has.
func strange(b []byte) (n int) {
	for _, c := range b {
		if c < ' ' && c != '\n' && c != '\r' && c != '\t' || c == 0x7f {
			n++
		}
	}
	return n
}
