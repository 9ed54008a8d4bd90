package store

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"matrixos/sys"
)

// stampForm is how the system writes times: UTC, sortable as text.
const stampForm = "2006-01-02T15:04:05.000Z"

var localStamp = regexp.MustCompile(`^\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?)?$`)

func stamp(t time.Time) string { return t.UTC().Format(stampForm) }

func invalid(op, path, format string, args ...any) error {
	return &sys.Error{Op: op, Path: path, Kind: sys.Invalid, Err: fmt.Errorf(format, args...)}
}

// encode makes a SQL argument of a JSON value for a column of type typ. The error
// names the value; the caller adds table and column.
func encode(typ Type, raw json.RawMessage) (any, error) {
	raw = bytes.TrimSpace(raw)
	if len(raw) == 0 || string(raw) == "null" {
		return nil, nil
	}
	wrong := func(want string) error { return fmt.Errorf("%s is not %s", clip(raw), want) }
	switch typ {
	case Text:
		var s string
		if json.Unmarshal(raw, &s) != nil {
			return nil, wrong(`text; write it as "` + strings.Trim(clip(raw), `"`) + `"`)
		}
		return s, nil
	case Integer:
		return encodeInteger(raw, wrong)
	case Float:
		f, err := strconv.ParseFloat(string(raw), 64)
		if err != nil || math.IsInf(f, 0) {
			return nil, wrong("a number")
		}
		return f, nil
	case Boolean:
		var b bool
		if json.Unmarshal(raw, &b) != nil {
			return nil, wrong("true or false")
		}
		if b {
			return int64(1), nil
		}
		return int64(0), nil
	case Timestamp:
		return encodeTime(raw, wrong)
	case UUID:
		var s string
		if json.Unmarshal(raw, &s) == nil {
			if id, err := uuid.Parse(s); err == nil && len(s) == 36 {
				return id.String(), nil
			}
		}
		return nil, wrong("a uuid")
	case JSON:
		var b bytes.Buffer
		if err := json.Compact(&b, raw); err != nil {
			return nil, wrong("JSON")
		}
		return b.String(), nil
	}
	return nil, wrong("of a known type")
}

func encodeInteger(raw []byte, wrong func(string) error) (any, error) {
	if n, err := strconv.ParseInt(string(raw), 10, 64); err == nil {
		return n, nil
	}
	f, err := strconv.ParseFloat(string(raw), 64)
	if err != nil || f != math.Trunc(f) || math.Abs(f) > 1<<53 {
		return nil, wrong("a whole number")
	}
	return int64(f), nil
}

// encodeTime keeps times with a zone in UTC, so that their order is that of the
// text; a time without a zone is the owner's clock and stays as it is.
func encodeTime(raw []byte, wrong func(string) error) (any, error) {
	var s string
	if json.Unmarshal(raw, &s) != nil {
		return nil, wrong(`a time such as "2026-11-23T12:00:00Z"`)
	}
	if t, err := time.Parse(time.RFC3339Nano, s); err == nil {
		return stamp(t), nil
	}
	if localStamp.MatchString(s) {
		if _, err := time.Parse("2006-01-02", s[:10]); err == nil {
			return s, nil
		}
	}
	return nil, wrong(`a time such as "2026-11-23T12:00:00Z"`)
}

func clip(raw []byte) string {
	if len(raw) <= 60 {
		return string(raw)
	}
	return strings.ToValidUTF8(string(raw[:60]), "") + "…"
}

// decode makes a JSON-ready value of what SQLite holds in a column of type typ. A
// value that another tool put there in another type is passed on as it is.
func decode(typ Type, v any) any {
	if b, ok := v.([]byte); ok {
		v = string(b)
	}
	switch typ {
	case Boolean:
		if n, ok := v.(int64); ok {
			return n != 0
		}
	case JSON:
		if s, ok := v.(string); ok && json.Valid([]byte(s)) {
			return json.RawMessage(s)
		}
	case Float:
		if f, ok := v.(float64); ok && (math.IsNaN(f) || math.IsInf(f, 0)) {
			return nil
		}
	case Timestamp:
		if t, ok := v.(time.Time); ok {
			return stamp(t)
		}
	case Text, Integer, UUID:
	}
	return v
}
