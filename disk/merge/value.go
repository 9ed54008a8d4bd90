package merge

import (
	"bytes"
	"encoding/json"
	"slices"

	"go.yaml.in/yaml/v3"
)

// value is a JSON or YAML value with the order of its keys. Anything that is not
// an object or an array is kept as text.
type value struct {
	kind   byte // '{', '[' or 0
	text   string
	note   string // YAML: comments
	keys   []string
	fields map[string]*value
	items  []*value

	source    []byte     // JSON: how the file spells it; nil if it was merged
	node, key *yaml.Node // YAML: itself and the key it stands under
	like      *value     // whose layout a merged value takes
	noted     *value     // and whose comments
}

const mostNesting = 200

// threeValues merges values; nil means absent.
func threeValues(b, o, t *value) (*value, bool) {
	switch {
	case equal(o, t), equal(b, t):
		return o, true
	case equal(b, o):
		return t, true
	case o == nil || t == nil || o.kind != t.kind:
		return nil, false
	case o.kind == 0 && (b == nil || b.kind != 0):
		return nil, false
	}
	if b == nil || b.kind != o.kind {
		b = &value{kind: o.kind} // both added an object: its keys are additions
	}
	var out *value
	ok := true
	switch o.kind {
	case '{':
		out, ok = threeObjects(b, o, t)
	case '[':
		out, ok = threeArrays(b, o, t)
	default:
		out = &value{}
	}
	if !ok {
		return nil, false
	}
	text, okText := pick(b.text, o.text, t.text)
	note, okNote := pick(b.note, o.note, t.note)
	out.kind, out.text, out.note, out.like, out.noted = o.kind, text, note, o, o
	if text != o.text {
		out.like = t
	}
	if note != o.note {
		out.noted = t
	}
	out.key = out.noted.key
	return out, okText && okNote
}

// pick merges what has no parts.
func pick(b, o, t string) (string, bool) {
	switch {
	case o == t, b == t:
		return o, true
	case b == o:
		return t, true
	}
	return "", false
}

func threeObjects(b, o, t *value) (*value, bool) {
	out := &value{kind: '{', fields: map[string]*value{}}
	keys, ok := threeOrder(b.keys, o.keys, t.keys)
	if !ok {
		// The order of keys means nothing: ours, then what theirs has besides.
		keys = slices.Clone(o.keys)
		for _, k := range t.keys {
			if o.fields[k] == nil {
				keys = append(keys, k)
			}
		}
	}
	for _, k := range union(keys, b.keys, o.keys, t.keys) {
		v, ok := threeValues(b.fields[k], o.fields[k], t.fields[k])
		if !ok {
			return nil, false
		}
		if v != nil {
			out.keys = append(out.keys, k)
			out.fields[k] = v
		}
	}
	return out, true
}

// union is the first list and what the others have besides.
func union(lists ...[]string) []string {
	seen := map[string]bool{}
	var out []string
	for _, l := range lists {
		for _, k := range l {
			if !seen[k] {
				seen[k] = true
				out = append(out, k)
			}
		}
	}
	return out
}

// threeArrays merges records by their id where they have one, else element by
// element as diff3 does lines.
func threeArrays(b, o, t *value) (*value, bool) {
	if id := idOf(b, o, t); id != "" {
		return threeRecords(id, b, o, t)
	}
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
	if a == b {
		return true
	}
	if a.kind != b.kind || a.text != b.text || a.note != b.note || len(a.keys) != len(b.keys) || len(a.items) != len(b.items) {
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
			return []any{v.note, m}
		case '[':
			s := []any{v.note}
			for _, item := range v.items {
				s = append(s, plain(item))
			}
			return s
		}
		return v.note + "\x00" + v.text
	}
	out, err := json.Marshal(plain(v))
	if err != nil {
		panic("merge: " + err.Error()) // strings, lists and maps always encode
	}
	return out
}

// spelled tries the text itself: if merging it by lines and tokens says what the
// structure says, everybody's layout is kept.
func spelled(name string, base, ours, theirs []byte, want *value, parse func([]byte) (*value, bool)) ([]byte, bool) {
	out, ok := threeText(name, base, ours, theirs)
	if !ok {
		return nil, false
	}
	got, ok := parse(out)
	if !ok || !equal(got, want) {
		return nil, false
	}
	return bytes.Clone(out), true
}
