package store

import (
	"encoding/json"
	"strings"
	"testing"

	"matrixos/sys"
)

// An app that keeps too much is told so with the limit and a way out, and nothing of
// the call is kept; what it deletes makes room.
func TestQuotas(t *testing.T) {
	s, tables := searching(t)
	s.quota = Quota{Rows: 3, Keys: 2, Bytes: 20}
	ids := enter(t, tables, "books", `{"title":"a"}`, `{"title":"b"}`)
	enter(t, tables, "loans", `{"who":"c"}`)
	over := func(err error, says string) {
		t.Helper()
		if sys.KindOf(err) != sys.OverBudget || !strings.Contains(err.Error(), says) || sys.HintOf(err) == "" {
			t.Errorf("%v, want it to say %q", err, says)
		}
	}
	_, err := tables.Insert(t.Context(), "books", []json.RawMessage{json.RawMessage(`{"title":"d"}`)})
	over(err, "limit of 3")
	if err := tables.Delete(t.Context(), "books", ids[0]); err != nil {
		t.Fatal(err)
	}
	enter(t, tables, "books", `{"title":"d"}`)

	for _, key := range []string{"a", "b", "a"} {
		if err := s.WriteKey("shelf", key, json.RawMessage(`"12345"`)); err != nil {
			t.Fatal(err)
		}
	}
	over(s.WriteKey("shelf", "c", json.RawMessage(`1`)), "3 keys")
	over(s.WriteKey("shelf", "a", json.RawMessage(`"12345678901234567"`)), "bytes together")
}

// What is restored has its ids and times; what was added later stays.
func TestRestoreRows(t *testing.T) {
	_, tables := searching(t)
	ids := enter(t, tables, "books", `{"title":"a","tags":["x"],"pages":3}`, `{"title":"b"}`)
	kept, err := tables.Find(t.Context(), "books", Query{OrderBy: json.RawMessage(`{"title":"asc"}`)})
	if err != nil {
		t.Fatal(err)
	}
	if err := tables.Update(t.Context(), "books", []Patch{{ID: ids[0], Data: json.RawMessage(`{"title":"spoilt"}`)}}); err != nil {
		t.Fatal(err)
	}
	if err := tables.Delete(t.Context(), "books", ids[1]); err != nil {
		t.Fatal(err)
	}
	enter(t, tables, "books", `{"title":"later"}`)
	if err := tables.Restore(t.Context(), "books", kept); err != nil {
		t.Fatal(err)
	}
	now, err := tables.Find(t.Context(), "books", Query{OrderBy: json.RawMessage(`{"title":"asc"}`)})
	if err != nil {
		t.Fatal(err)
	}
	was, is := mustJSON(t, kept), mustJSON(t, now)
	if len(now) != 3 || !strings.HasPrefix(is, strings.TrimSuffix(was, "]")) {
		t.Errorf("were %s\nare  %s", was, is)
	}
	if err := tables.Restore(t.Context(), "books", []Row{{"title": "no id"}}); sys.KindOf(err) != sys.Invalid {
		t.Errorf("a row without an id: %v", err)
	}
}

func mustJSON(t *testing.T, v any) string {
	t.Helper()
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}
