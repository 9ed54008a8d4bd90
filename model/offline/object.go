package offline

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
)

// object is a JSON object that keeps the order of its members and, untouched,
// every value it does not change: files belong to the owner.
type object struct{ members []member }

type member struct {
	key   string
	value json.RawMessage
}

var errShape = errors.New("not in the shape that this app was written with")

func parseObject(text string) (*object, error) {
	dec := json.NewDecoder(strings.NewReader(text))
	if t, err := dec.Token(); err != nil {
		return nil, err
	} else if t != json.Delim('{') {
		return nil, errShape
	}
	o := &object{}
	for dec.More() {
		k, err := dec.Token()
		if err != nil {
			return nil, err
		}
		var v json.RawMessage
		if err := dec.Decode(&v); err != nil {
			return nil, err
		}
		key, ok := k.(string)
		if !ok {
			return nil, errShape
		}
		o.members = append(o.members, member{key, v})
	}
	if _, err := dec.Token(); err != nil {
		return nil, err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errShape
	}
	return o, nil
}

func (o *object) get(key string) (json.RawMessage, bool) {
	for _, m := range o.members {
		if m.key == key {
			return m.value, true
		}
	}
	return nil, false
}

func (o *object) set(key string, value json.RawMessage) {
	for i := range o.members {
		if o.members[i].key == key {
			o.members[i].value = value
			return
		}
	}
	o.members = append(o.members, member{key, value})
}

func (o *object) drop(key string) {
	for i := range o.members {
		if o.members[i].key == key {
			o.members = append(o.members[:i:i], o.members[i+1:]...)
			return
		}
	}
}

// line writes o on one line, with spaces as people write it.
func (o *object) line() string {
	parts := make([]string, len(o.members))
	for i, m := range o.members {
		parts[i] = compactJSON(m.key) + ": " + spaced(m.value)
	}
	return "{ " + strings.Join(parts, ", ") + " }"
}

// raw is o as a value of another object.
func (o *object) raw() json.RawMessage {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, m := range o.members {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(compactJSON(m.key) + ":")
		b.Write(m.value)
	}
	b.WriteByte('}')
	return b.Bytes()
}

// page writes o over several lines, indented by two.
func (o *object) page() string {
	var b bytes.Buffer
	if json.Indent(&b, o.raw(), "", "  ") != nil {
		return string(o.raw())
	}
	return b.String() + "\n"
}

// spaced writes a value on one line with a space after commas and colons.
func spaced(v json.RawMessage) string {
	if s := string(v); !strings.Contains(s, "\n") && (strings.Contains(s, ", ") || strings.Contains(s, ": ")) {
		return s // as somebody wrote it
	}
	var b bytes.Buffer
	if json.Compact(&b, v) != nil {
		return string(v)
	}
	var out strings.Builder
	quoted := false
	src := b.String()
	for i := 0; i < len(src); i++ {
		c := src[i]
		out.WriteByte(c)
		switch {
		case quoted && c == '\\':
			i++
			out.WriteByte(src[i])
		case c == '"':
			quoted = !quoted
		case !quoted && (c == ',' || c == ':'):
			out.WriteByte(' ')
		}
	}
	return out.String()
}

// compactJSON marshals a plain value without escaping for HTML.
func compactJSON(v any) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if e.Encode(v) != nil {
		return "null" // not reached: only plain values come here
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// fieldLine writes a field as one line of fields.json.
func fieldLine(f Field) string {
	o, err := parseObject(compactJSON(f))
	if err != nil {
		return compactJSON(f)
	}
	return o.line()
}

// fieldsFile writes fields.json: one field a line.
func fieldsFile(lines []string) string {
	if len(lines) == 0 {
		return "[]\n"
	}
	return "[\n  " + strings.Join(lines, ",\n  ") + "\n]\n"
}
