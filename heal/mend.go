package heal

import (
	"bytes"
	"encoding/json"
	"strings"
)

// Mend makes JSON of a text that was meant to be some: it drops zeros, a byte order
// mark, comments and one side of a conflict (the first stays), puts in what is missing
// between values and at the end, and quotes what has to be quoted. ok is false if
// nothing comes of it, or if it is JSON already. What comes out can be read; that
// it says what was meant is not known.
func Mend(text []byte) (_ []byte, ok bool) {
	if json.Valid(text) || len(text) > 8<<20 {
		return nil, false
	}
	text = bytes.TrimPrefix(bytes.ReplaceAll(text, []byte{0}, nil), []byte("\xef\xbb\xbf"))
	m := &mender{in: firstSide(strings.ToValidUTF8(string(text), ""))}
	if m.blank(); m.at == len(m.in) {
		return nil, false
	}
	m.value(0)
	out := strings.TrimSpace(m.out.String())
	if out == "" || !json.Valid([]byte(out)) {
		return nil, false
	}
	var shown bytes.Buffer
	if json.Indent(&shown, []byte(out), "", "  ") != nil {
		return nil, false
	}
	shown.WriteByte('\n')
	return shown.Bytes(), true
}

// firstSide drops the marks of conflicts and what the second side had.
func firstSide(text string) string {
	if !strings.Contains(text, "<<<<<<<") {
		return text
	}
	var out []string
	skip := false
	for line := range strings.SplitSeq(text, "\n") {
		switch {
		case strings.HasPrefix(line, "<<<<<<<"):
		case strings.HasPrefix(line, "=======") || strings.HasPrefix(line, "|||||||"):
			skip = true
		case strings.HasPrefix(line, ">>>>>>>"):
			skip = false
		case !skip:
			out = append(out, line)
		}
	}
	return strings.Join(out, "\n")
}

// deepest bounds how deep a text may nest.
const deepest = 200

// mender reads with forgiveness and writes JSON. It always moves on, so it ends.
type mender struct {
	in  string
	at  int
	out strings.Builder
}

func (m *mender) peek() byte {
	if m.at < len(m.in) {
		return m.in[m.at]
	}
	return 0
}

// blank passes over white space and comments.
func (m *mender) blank() {
	for m.at < len(m.in) {
		rest := m.in[m.at:]
		switch {
		case strings.IndexByte(" \t\r\n", rest[0]) >= 0:
			m.at++
		case strings.HasPrefix(rest, "//"):
			m.at += length(rest, "\n")
		case strings.HasPrefix(rest, "/*"):
			m.at += length(rest, "*/")
		default:
			return
		}
	}
}

// length is how far rest reaches to the end of mark, or whole.
func length(rest, mark string) int {
	if i := strings.Index(rest, mark); i >= 0 {
		return i + len(mark)
	}
	return len(rest)
}

// value writes one value; null where there is none.
func (m *mender) value(depth int) {
	m.blank()
	switch c := m.peek(); {
	case depth > deepest || m.at >= len(m.in):
		m.at = len(m.in)
		m.out.WriteString("null")
	case c == '{':
		m.list(depth, '}', true)
	case c == '[':
		m.list(depth, ']', false)
	case c == '"' || c == '\'':
		m.text(c)
	default:
		m.bare()
	}
}

// list writes an object or an array up to its end, or the text's.
func (m *mender) list(depth int, end byte, keys bool) {
	m.out.WriteByte(m.in[m.at])
	m.at++
	for first := true; ; {
		m.blank()
		switch c := m.peek(); {
		case m.at >= len(m.in):
			m.out.WriteByte(end)
			return
		case c == end:
			m.at++
			m.out.WriteByte(end)
			return
		case c == ',' || c == ':':
			m.at++ // one too many
			continue
		case c == '}' || c == ']': // of a list around this one
			m.out.WriteByte(end)
			return
		}
		if !first {
			m.out.WriteByte(',')
		}
		first = false
		if keys {
			m.key()
		}
		m.value(depth + 1)
	}
}

func (m *mender) key() {
	if c := m.peek(); c == '"' || c == '\'' {
		m.text(c)
	} else {
		from := m.at
		for m.at < len(m.in) && strings.IndexByte(" \t\r\n:,{}[]\"'", m.in[m.at]) < 0 {
			m.at++
		}
		if from == m.at && m.at < len(m.in) {
			m.at++
		}
		m.quote(m.in[from:m.at])
	}
	m.out.WriteByte(':')
	m.blank()
	if m.peek() == ':' || m.peek() == '=' {
		m.at++
	}
}

// text writes a quoted text up to its quote, its line's end or the text's.
func (m *mender) text(quote byte) {
	m.at++
	var b strings.Builder
	for m.at < len(m.in) && m.in[m.at] != quote && m.in[m.at] != '\n' {
		if m.in[m.at] == '\\' && m.at+1 < len(m.in) {
			b.WriteString(m.in[m.at : m.at+2])
			m.at += 2
			continue
		}
		b.WriteByte(m.in[m.at])
		m.at++
	}
	if m.peek() == quote {
		m.at++
	}
	var said string
	if json.Unmarshal([]byte(`"`+strings.ReplaceAll(b.String(), `"`, `\"`)+`"`), &said) != nil && json.Unmarshal([]byte(`"`+b.String()+`"`), &said) != nil {
		said = b.String()
	}
	m.quote(said)
}

func (m *mender) quote(s string) {
	raw, err := json.Marshal(s)
	if err != nil {
		raw = []byte(`""`)
	}
	m.out.Write(raw)
}

// bare writes a number, a word of JSON, or any other word as text.
func (m *mender) bare() {
	from := m.at
	for m.at < len(m.in) && strings.IndexByte(",:{}[]\"'\n", m.in[m.at]) < 0 && !strings.HasPrefix(m.in[m.at:], "//") {
		m.at++
	}
	if m.at == from {
		m.at++
	}
	word := strings.TrimSpace(m.in[from:m.at])
	for have, want := range map[string]string{"True": "true", "False": "false", "None": "null", "undefined": "null"} {
		if word == have {
			word = want
		}
	}
	if word != "" && json.Valid([]byte(word)) {
		m.out.WriteString(word)
		return
	}
	m.quote(word)
}
