package model

import (
	"bytes"
	"encoding/json"
)

// Arguments makes a Block's Input of what a model wrote as arguments of a call,
// which may be anything: an object is kept byte for byte, nothing means no
// arguments, an object inside a JSON string (some models encode twice) is taken
// out, and everything else becomes a JSON string holding the text, so that the
// message can still be stored. See Malformed.
func Arguments(text string) json.RawMessage {
	raw := bytes.TrimSpace([]byte(text))
	switch {
	case len(raw) == 0 || string(raw) == "null":
		return json.RawMessage(`{}`)
	case IsObject(raw):
		return raw
	}
	var inner string
	if json.Unmarshal(raw, &inner) == nil && IsObject([]byte(inner)) {
		return json.RawMessage(inner)
	}
	quoted, err := json.Marshal(text)
	if err != nil {
		return json.RawMessage(`""`) // a string always marshals; invalid UTF-8 is replaced
	}
	return quoted
}

// Malformed reports whether the arguments of a call are not a JSON object, and
// returns what the model wrote instead. No tool may run on such arguments.
func Malformed(input json.RawMessage) (text string, yes bool) {
	if IsObject(input) {
		return "", false
	}
	if json.Unmarshal(input, &text) != nil {
		text = string(input)
	}
	return text, true
}

// IsObject reports whether raw is one well-formed JSON object.
func IsObject(raw []byte) bool {
	raw = bytes.TrimSpace(raw)
	return len(raw) > 0 && raw[0] == '{' && json.Valid(raw)
}
