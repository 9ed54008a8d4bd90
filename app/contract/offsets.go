package contract

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// Offsets tells where each value of a JSON text begins, by its place, such as
// "scenarios[0].steps[2]".
func Offsets(raw []byte) map[string]int {
	w := walk{d: json.NewDecoder(bytes.NewReader(raw)), raw: raw, at: map[string]int{}}
	w.value("")
	return w.at
}

type walk struct {
	d   *json.Decoder
	raw []byte
	at  map[string]int
}

// value walks over one value; false at the end or a fault, which others tell of.
func (w *walk) value(place string) bool {
	from := int(w.d.InputOffset())
	for from < len(w.raw) && bytes.IndexByte([]byte(" \t\r\n:,"), w.raw[from]) >= 0 {
		from++
	}
	w.at[place] = from
	token, err := w.d.Token()
	if err != nil {
		return false
	}
	switch token {
	case json.Delim('{'):
		for w.d.More() {
			key, err := w.d.Token()
			name, ok := key.(string)
			if err != nil || !ok || !w.value(join(place, name)) {
				return false
			}
		}
		_, err = w.d.Token()
	case json.Delim('['):
		for i := 0; w.d.More(); i++ {
			if !w.value(fmt.Sprintf("%s[%d]", place, i)) {
				return false
			}
		}
		_, err = w.d.Token()
	}
	return err == nil
}
