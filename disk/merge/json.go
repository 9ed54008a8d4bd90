package merge

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
)

// parseJSON reads one document. It refuses an object with the same key twice,
// which has no structure to merge by.
func parseJSON(data []byte) (*value, bool) {
	r := &jsonReader{d: json.NewDecoder(bytes.NewReader(data)), data: data}
	r.d.UseNumber()
	v, err := r.value(0)
	if err != nil {
		return nil, false
	}
	if _, err := r.d.Token(); !errors.Is(err, io.EOF) {
		return nil, false
	}
	return v, true
}

var errStructure = errors.New("no structure to merge by")

// jsonReader reads values and remembers how they are spelled.
type jsonReader struct {
	d    *json.Decoder
	data []byte
}

func (r *jsonReader) value(depth int) (*value, error) {
	rest := r.data[r.d.InputOffset():]
	start := len(r.data) - len(bytes.TrimLeft(rest, " \t\r\n:,"))
	t, err := r.d.Token()
	if err != nil || depth > mostNesting {
		return nil, errors.Join(err, errStructure)
	}
	v := &value{}
	switch t {
	case json.Delim('{'):
		v.kind, v.fields = '{', map[string]*value{}
		err = r.fields(v, depth)
	case json.Delim('['):
		v.kind = '['
		err = r.items(v, depth)
	default:
		v.text, err = encodeScalar(t)
	}
	if err != nil {
		return nil, err
	}
	v.source = r.data[start:r.d.InputOffset()]
	return v, nil
}

func (r *jsonReader) fields(v *value, depth int) error {
	for r.d.More() {
		k, err := r.d.Token()
		if err != nil {
			return err
		}
		key, _ := k.(string)
		if v.fields[key] != nil {
			return errStructure
		}
		if v.fields[key], err = r.value(depth + 1); err != nil {
			return err
		}
		v.keys = append(v.keys, key)
	}
	_, err := r.d.Token()
	return err
}

func (r *jsonReader) items(v *value, depth int) error {
	for r.d.More() {
		item, err := r.value(depth + 1)
		if err != nil {
			return err
		}
		v.items = append(v.items, item)
	}
	_, err := r.d.Token()
	return err
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
	ours, theirs = inOrder(ours, theirs)
	b, okB := parseJSON(base)
	o, okO := parseJSON(ours)
	t, okT := parseJSON(theirs)
	if !okB || !okO || !okT {
		return nil, false, false
	}
	merged, ok := threeValues(b, o, t)
	if !ok || merged == nil {
		return nil, true, false
	}
	if out, ok := spelled("a.json", base, ours, theirs, merged, parseJSON); ok {
		return out, true, true
	}
	// Whoever's text already says it keeps its spelling.
	switch {
	case equal(merged, o):
		return ours, true, true
	case equal(merged, t):
		return theirs, true, true
	}
	var w bytes.Buffer
	w.Write(ours[:len(ours)-len(bytes.TrimLeft(ours, " \t\r\n"))])
	writeJSON(&w, merged, "\n", indentOf(ours))
	w.Write(ours[len(bytes.TrimRight(ours, " \t\r\n")):])
	return w.Bytes(), true, true
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

// writeJSON prints v: what was not merged as its file spells it, the rest in the
// layout of what it was merged from. newline carries the indentation so far.
func writeJSON(w *bytes.Buffer, v *value, newline, indent string) {
	if v.source != nil {
		w.Write(v.source)
		return
	}
	if v.kind == 0 {
		w.WriteString(v.text)
		return
	}
	inner, outer, gap, colon := newline+indent, newline, "", ": "
	if like := v.like.layout(); like != nil && !bytes.ContainsRune(like, '\n') {
		inner, outer = "", ""
		if bytes.Contains(like, []byte(", ")) {
			gap = " "
		}
		if len(like) > 2 && like[1] == ' ' {
			inner, outer = " ", " "
		}
		if !bytes.Contains(like, []byte(": ")) {
			colon = ":"
		}
	}
	open, end, n := byte('['), byte(']'), len(v.items)
	if v.kind == '{' {
		open, end, n = '{', '}', len(v.keys)
	}
	w.WriteByte(open)
	for i := range n {
		switch {
		case i == 0:
			w.WriteString(inner)
		case inner == "" || inner == " ":
			w.WriteString("," + gap)
		default:
			w.WriteString("," + inner)
		}
		if v.kind == '[' {
			writeJSON(w, v.items[i], inner, indent)
			continue
		}
		key, err := encodeScalar(v.keys[i])
		if err != nil {
			panic("merge: " + err.Error()) // a string always encodes
		}
		w.WriteString(key + colon)
		writeJSON(w, v.fields[v.keys[i]], inner, indent)
	}
	if n > 0 {
		w.WriteString(outer)
	}
	w.WriteByte(end)
}

// layout is the text that shows how to write a merged value; nil if nothing does.
func (v *value) layout() []byte {
	for ; v != nil; v = v.like {
		if len(v.source) > 2 {
			return v.source
		}
	}
	return nil
}
