package merge

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
)

// value is a JSON value with the order of its keys. Anything that is not an
// object or an array is kept as text.
type value struct {
	kind   byte // '{', '[' or 0
	text   string
	keys   []string
	fields map[string]*value
	items  []*value
}

const mostNesting = 200

// parseJSON reads one document. It refuses an object with the same key twice,
// which has no structure to merge by.
func parseJSON(data []byte) (*value, bool) {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	v, err := decode(d, 0)
	if err != nil {
		return nil, false
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, false
	}
	return v, true
}

var errStructure = errors.New("no structure to merge by")

func decode(d *json.Decoder, depth int) (*value, error) {
	t, err := d.Token()
	if err != nil || depth > mostNesting {
		return nil, errors.Join(err, errStructure)
	}
	switch t {
	case json.Delim('{'):
		v := &value{kind: '{', fields: map[string]*value{}}
		for d.More() {
			k, err := d.Token()
			if err != nil {
				return nil, err
			}
			key, _ := k.(string)
			if v.fields[key] != nil {
				return nil, errStructure
			}
			if v.fields[key], err = decode(d, depth+1); err != nil {
				return nil, err
			}
			v.keys = append(v.keys, key)
		}
		_, err := d.Token()
		return v, err
	case json.Delim('['):
		v := &value{kind: '['}
		for d.More() {
			item, err := decode(d, depth+1)
			if err != nil {
				return nil, err
			}
			v.items = append(v.items, item)
		}
		_, err := d.Token()
		return v, err
	}
	text, err := encodeScalar(t)
	return &value{text: text}, err
}

func encodeScalar(t any) (string, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(t)
	return strings.TrimSuffix(b.String(), "\n"), err
}

// threeJSON merges by structure. known is false if one of the three is not
// JSON, and then lines have to do.
func threeJSON(base, ours, theirs []byte) (out []byte, known, ok bool) {
	b, okB := parseJSON(base)
	o, okO := parseJSON(ours)
	t, okT := parseJSON(theirs)
	if !okB || !okO || !okT {
		return nil, false, false
	}
	merged, ok := threeValues(b, o, t)
	if !ok {
		return nil, true, false
	}
	// Whoever's text already says it keeps its spelling.
	switch {
	case equal(merged, o):
		return ours, true, true
	case equal(merged, t):
		return theirs, true, true
	}
	var w bytes.Buffer
	write(&w, merged, "\n", indentOf(ours))
	if bytes.HasSuffix(ours, []byte("\n")) {
		w.WriteByte('\n')
	}
	return w.Bytes(), true, true
}

// threeValues merges values; nil means absent.
func threeValues(b, o, t *value) (*value, bool) {
	switch {
	case equal(o, t), equal(b, t):
		return o, true
	case equal(b, o):
		return t, true
	case o == nil || t == nil || o.kind != t.kind:
		return nil, false
	case o.kind == '{':
		if b == nil || b.kind != '{' {
			b = &value{kind: '{'} // both added an object: its keys are additions
		}
		return threeObjects(b, o, t)
	case o.kind == '[' && b != nil && b.kind == '[':
		return threeArrays(b, o, t)
	}
	return nil, false
}

func threeObjects(b, o, t *value) (*value, bool) {
	out := &value{kind: '{', fields: map[string]*value{}}
	add := func(key string) bool {
		if _, done := out.fields[key]; done {
			return true
		}
		v, ok := threeValues(b.fields[key], o.fields[key], t.fields[key])
		if ok && v != nil {
			out.keys = append(out.keys, key)
			out.fields[key] = v
		}
		return ok
	}
	for _, key := range o.keys {
		if !add(key) {
			return nil, false
		}
	}
	for _, key := range t.keys {
		if !add(key) {
			return nil, false
		}
	}
	for _, key := range b.keys { // gone on one side, changed on the other
		if o.fields[key] == nil && t.fields[key] == nil {
			continue
		}
		if _, ok := threeValues(b.fields[key], o.fields[key], t.fields[key]); !ok {
			return nil, false
		}
	}
	return out, true
}

// threeArrays merges element by element as diff3 does lines.
func threeArrays(b, o, t *value) (*value, bool) {
	encode := func(v *value) [][]byte {
		var parts [][]byte
		for _, item := range v.items {
			parts = append(parts, canonical(item))
		}
		return parts
	}
	out := &value{kind: '['}
	for _, c := range chunks(encode(b), encode(o), encode(t)) {
		bs, os, ts := &value{kind: '[', items: b.items[c.b0:c.b1]}, &value{kind: '[', items: o.items[c.o0:c.o1]}, &value{kind: '[', items: t.items[c.t0:c.t1]}
		switch {
		case equal(os, ts), equal(bs, ts):
			out.items = append(out.items, os.items...)
		case equal(bs, os):
			out.items = append(out.items, ts.items...)
		case len(bs.items) == len(os.items) && len(bs.items) == len(ts.items): // the same elements, each edited
			for i := range bs.items {
				v, ok := threeValues(bs.items[i], os.items[i], ts.items[i])
				if !ok || v == nil {
					return nil, false
				}
				out.items = append(out.items, v)
			}
		default:
			return nil, false
		}
	}
	return out, true
}

// equal compares by content; the order of keys does not count.
func equal(a, b *value) bool {
	if a == nil || b == nil {
		return a == b
	}
	if a.kind != b.kind || a.text != b.text || len(a.keys) != len(b.keys) || len(a.items) != len(b.items) {
		return false
	}
	for _, key := range a.keys {
		if b.fields[key] == nil || !equal(a.fields[key], b.fields[key]) {
			return false
		}
	}
	for i := range a.items {
		if !equal(a.items[i], b.items[i]) {
			return false
		}
	}
	return true
}

// canonical is the same for equal values.
func canonical(v *value) []byte {
	var plain func(v *value) any
	plain = func(v *value) any {
		switch v.kind {
		case '{':
			m := map[string]any{}
			for k, f := range v.fields {
				m[k] = plain(f)
			}
			return m
		case '[':
			s := []any{}
			for _, item := range v.items {
				s = append(s, plain(item))
			}
			return s
		}
		return json.RawMessage(v.text)
	}
	out, err := json.Marshal(plain(v))
	if err != nil {
		panic("merge: " + err.Error()) // it came from a decoder
	}
	return out
}

// indentOf guesses how the text is indented; "" means all on one line.
func indentOf(text []byte) string {
	_, rest, ok := bytes.Cut(text, []byte("\n"))
	if !ok || len(bytes.TrimSpace(rest)) == 0 {
		return ""
	}
	n := len(rest) - len(bytes.TrimLeft(rest, " \t"))
	if n == 0 {
		return "  "
	}
	return string(rest[:n])
}

// write prints v; a line break is written as newline, which carries the
// indentation so far.
func write(w *bytes.Buffer, v *value, newline, indent string) {
	inner := newline + indent
	if indent == "" {
		newline, inner = "", ""
	}
	list := func(open, end byte, n int, item func(i int)) {
		w.WriteByte(open)
		for i := range n {
			if i > 0 {
				w.WriteByte(',')
			}
			w.WriteString(inner)
			item(i)
		}
		if n > 0 {
			w.WriteString(newline)
		}
		w.WriteByte(end)
	}
	switch v.kind {
	case '{':
		list('{', '}', len(v.keys), func(i int) {
			key, err := encodeScalar(v.keys[i])
			if err != nil {
				panic("merge: " + err.Error()) // a string always encodes
			}
			w.WriteString(key + ":")
			if indent != "" {
				w.WriteByte(' ')
			}
			write(w, v.fields[v.keys[i]], inner, indent)
		})
	case '[':
		list('[', ']', len(v.items), func(i int) { write(w, v.items[i], inner, indent) })
	default:
		w.WriteString(v.text)
	}
}
