package rows

import (
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// A row that stays and says next to nothing any more is as good as removed. A row is
// emptied if it loses more than half of what it said: values that become NULL, blank text or
// an empty list. What counts is what people have written: a text as long as it is, a figure
// as a few letters; dates, ids, yes and no, and what many rows have in common (a category, a
// status) next to nothing. A row of nothing but such values is emptied if all of them go,
// for zero too.
//
// Text that is replaced by other text is a change like any other.

const (
	figure = 4 // what a figure counts that few rows share
	little = 1 // what a value counts that says little by itself
)

// rigid is text of a form: a time, a date, an id.
var rigid = regexp.MustCompile(`^\d{4}-\d\d-\d\d([T ].*)?$|^\d\d?:\d\d(:\d\d)?$|^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F-]{22}$`)

// system are the columns that every row of an app has.
var system = []string{"id", "created_at", "updated_at"}

// emptied are the places of the rows that are emptied.
func (t Table) emptied() (out []int) {
	if len(t.Key) == 0 {
		return nil // what was changed there is a row less and a row more
	}
	var said []int // the columns that count
	for i, name := range t.Columns {
		if !slices.Contains(t.Key, i) && !slices.Contains(system, strings.ToLower(name)) {
			said = append(said, i)
		}
	}
	common := t.common(said)
	for i, r := range t.Rows {
		if r.Old == nil || r.New == nil {
			continue
		}
		had, lost, left := 0, 0, false
		for _, c := range said {
			was := weight(r.Old[c])
			if common[c] {
				was = min(was, little)
			}
			had += was
			if blank(r.New[c]) {
				lost += was
			}
			left = left || !blank(r.New[c]) && !zero(r.New[c])
		}
		if 2*lost > had || !left && slices.ContainsFunc(said, func(c int) bool { return weight(r.Old[c]) > 0 }) {
			out = append(out, i)
		}
	}
	return out
}

// common are the columns in which the rows that change say few things: no more than half as
// many as there are rows.
func (t Table) common(columns []int) map[int]bool {
	out := map[int]bool{}
	for _, c := range columns {
		seen, n := map[any]bool{}, 0
		for _, r := range t.Rows {
			if r.Old == nil || r.New == nil || blank(r.Old[c]) {
				continue
			}
			n++
			v := r.Old[c]
			if raw, ok := v.([]byte); ok {
				v = string(raw)
			}
			seen[v] = true
		}
		out[c] = n > 1 && 2*len(seen) <= n
	}
	return out
}

// weight is how much a value says.
func weight(v any) int {
	switch v := v.(type) {
	case string:
		if s := strings.TrimSpace(v); !blank(s) {
			if rigid.MatchString(s) {
				return little
			}
			return utf8.RuneCountInString(s)
		}
	case []byte:
		return len(v)
	case int64:
		if v == 1 {
			return little
		}
		if v != 0 {
			return figure
		}
	case float64:
		if v != 0 {
			return figure
		}
	case bool:
		if v {
			return little
		}
	}
	return 0
}

// blank reports whether a value says nothing.
func blank(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case string:
		s := strings.TrimSpace(v)
		return s == "" || s == "[]" || s == "{}" || s == "null" || s == `""`
	case []byte:
		return len(v) == 0
	}
	return false
}

func zero(v any) bool { return v == int64(0) || v == float64(0) || v == false }
