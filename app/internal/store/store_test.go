package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"matrixos/sys"
)

var sample = map[string]Table{
	"books": {
		Columns: map[string]Type{"title": Text, "pages": Integer, "price": Float, "read": Boolean, "bought": Timestamp, "series": UUID, "tags": JSON},
		Indexes: []Index{{Columns: []string{"title"}}},
	},
}

func open(t *testing.T, decl map[string]Table) (*Store, *Tables) {
	t.Helper()
	s := New(t.TempDir())
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	_, problems, err := s.Migrate(t.Context(), "shelf", decl)
	if err != nil || len(problems) > 0 {
		t.Fatal(problems, err)
	}
	return s, s.Tables("shelf", decl)
}

func insert(t *testing.T, tables *Tables, rows ...string) []string {
	t.Helper()
	var raw []json.RawMessage
	for _, r := range rows {
		raw = append(raw, json.RawMessage(r))
	}
	ids, err := tables.Insert(t.Context(), "books", raw)
	if err != nil {
		t.Fatal(err)
	}
	return ids
}

func TestRowsComeBackAsTheyWent(t *testing.T) {
	_, tables := open(t, sample)
	id := insert(t, tables, `{"title":"Emma","pages":474,"price":9.5,"read":true,"bought":"2026-11-23T13:00:00+01:00","series":"6ba7b810-9dad-11d1-80b4-00c04fd430c8","tags":["a",{"b":null}]}`)[0]
	row, err := tables.FindOne(t.Context(), "books", id)
	if err != nil {
		t.Fatal(err)
	}
	got, err := json.Marshal(row)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"title":"Emma"`, `"pages":474`, `"price":9.5`, `"read":true`, `"bought":"2026-11-23T12:00:00.000Z"`, `"tags":["a",{"b":null}]`, `"id":"` + id + `"`} {
		if !strings.Contains(string(got), want) {
			t.Errorf("%s lacks %s", got, want)
		}
	}
	if c := row["created_at"]; c == nil || c != row["updated_at"] {
		t.Errorf("created %v, updated %v", row["created_at"], row["updated_at"])
	}
}

func TestWhere(t *testing.T) {
	_, tables := open(t, sample)
	insert(t, tables,
		`{"title":"Emma","pages":474,"read":true,"tags":["classic"]}`, `{"title":"Äpfel","pages":120,"read":false}`,
		`{"title":"100% Go_od","pages":300,"read":false}`, `{"title":null,"pages":null}`)
	tests := []struct{ where, want string }{
		{`{}`, "Emma,Äpfel,100% Go_od,<nil>"},
		{`null`, "Emma,Äpfel,100% Go_od,<nil>"},
		{`{"title":"Emma"}`, "Emma"},
		{`{"title":null}`, "<nil>"},
		{`{"title":{"$ne":null}}`, "Emma,Äpfel,100% Go_od"},
		{`{"title":{"$ne":"Emma"}}`, "Äpfel,100% Go_od,<nil>"},
		{`{"pages":{"$gt":120,"$lte":474}}`, "Emma,100% Go_od"},
		{`{"pages":{"$gte":120,"$lt":300}}`, "Äpfel"},
		{`{"read":true}`, "Emma"},
		{`{"read":{"$eq":false},"pages":120}`, "Äpfel"},
		{`{"title":{"$in":["Emma","x",null]}}`, "Emma,<nil>"},
		{`{"title":{"$in":[]}}`, ""},
		{`{"title":{"$like":"E%"}}`, "Emma"},
		{`{"title":{"$like":"e%"}}`, ""},
		{`{"title":{"$ilike":"ä%"}}`, "Äpfel"},
		{`{"title":{"$ilike":"%GO\\_OD"}}`, "100% Go_od"},
		{`{"title":{"$like":"100\\%%"}}`, "100% Go_od"},
		{`{"tags":["classic"]}`, "Emma"},
	}
	for _, tt := range tests {
		rows, err := tables.Find(t.Context(), "books", Query{Where: json.RawMessage(tt.where)})
		if err != nil {
			t.Errorf("%s: %v", tt.where, err)
			continue
		}
		var names []string
		for _, r := range rows {
			names = append(names, fmt.Sprint(r["title"]))
		}
		if got := strings.Join(names, ","); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.where, got, tt.want)
		}
		n, err := tables.Count(t.Context(), "books", json.RawMessage(tt.where))
		if err != nil || n != len(rows) {
			t.Errorf("count %s: %d, %v", tt.where, n, err)
		}
	}
}

func TestOrderAndLimits(t *testing.T) {
	_, tables := open(t, sample)
	insert(t, tables, `{"title":"b","pages":1}`, `{"title":"A","pages":2}`, `{"title":"c","pages":2}`)
	two := 2
	rows, err := tables.Find(t.Context(), "books", Query{OrderBy: json.RawMessage(`{"pages":"desc","title":"asc"}`), Limit: &two, Offset: 1})
	if err != nil || len(rows) != 2 || rows[0]["title"] != "c" || rows[1]["title"] != "b" {
		t.Errorf("%v, %v", rows, err)
	}
}

func TestErrorsNameWhatIsWrong(t *testing.T) {
	_, tables := open(t, sample)
	id := insert(t, tables, `{"title":"Emma"}`)[0]
	zero := 0
	find := func(q Query) error { _, err := tables.Find(t.Context(), "books", q); return err }
	add := func(row string) error {
		_, err := tables.Insert(t.Context(), "books", []json.RawMessage{json.RawMessage(row)})
		return err
	}
	_, noTable := tables.Find(t.Context(), "bookz", Query{})
	tests := []struct {
		err  error
		kind sys.Kind
		want []string
	}{
		{noTable, sys.NotFound, []string{"bookz", "books"}},
		{add(`{"title":5}`), sys.Invalid, []string{"books", "column title", "5 is not text"}},
		{add(`{"pages":"many"}`), sys.Invalid, []string{"column pages", `"many"`, "whole number"}},
		{add(`{"pages":1.5}`), sys.Invalid, []string{"1.5"}},
		{add(`{"read":"yes"}`), sys.Invalid, []string{"true or false"}},
		{add(`{"bought":"soon"}`), sys.Invalid, []string{"soon", "a time such as"}},
		{add(`{"series":"x"}`), sys.Invalid, []string{"uuid"}},
		{add(`{"colour":"red"}`), sys.Invalid, []string{`"colour"`, "title"}},
		{add(`{"title\" TEXT); DROP TABLE books; --":1}`), sys.Invalid, []string{"there is no column"}},
		{add(`[]`), sys.Invalid, []string{"not an object"}},
		{add(`null`), sys.Invalid, []string{"missing"}},
		{add(`{"id":"` + id + `"}`), sys.Exists, []string{"UNIQUE"}},
		{find(Query{Where: json.RawMessage(`{"pages":{"$near":1}}`)}), sys.Invalid, []string{"$near", "$ilike"}},
		{find(Query{Where: json.RawMessage(`{"pages":{"$gt":null}}`)}), sys.Invalid, []string{"null"}},
		{find(Query{Where: json.RawMessage(`{"1=1; --":1}`)}), sys.Invalid, []string{"there is no column"}},
		{find(Query{OrderBy: json.RawMessage(`{"title":"random()"}`)}), sys.Invalid, []string{"asc"}},
		{find(Query{Limit: &zero}), sys.Invalid, []string{"limit is 0", "10000"}},
		{find(Query{Offset: -1}), sys.Invalid, []string{"offset"}},
		{tables.Update(t.Context(), "books", []Patch{{ID: "nobody", Data: json.RawMessage(`{"title":"x"}`)}}), sys.NotFound, []string{"nobody"}},
		{tables.Delete(t.Context(), "books", "nobody"), sys.NotFound, []string{"nobody"}},
	}
	for i, tt := range tests {
		if !errors.Is(tt.err, tt.kind) {
			t.Errorf("%d: %v is no %s", i, tt.err, tt.kind)
			continue
		}
		for _, w := range tt.want {
			if !strings.Contains(tt.err.Error(), w) {
				t.Errorf("%d: %q lacks %q", i, tt.err, w)
			}
		}
	}
	if n, err := tables.Count(t.Context(), "books", nil); n != 1 || err != nil {
		t.Errorf("%d rows, %v", n, err)
	}
}

func TestBulkIsAllOrNone(t *testing.T) {
	_, tables := open(t, sample)
	_, err := tables.Insert(t.Context(), "books", []json.RawMessage{[]byte(`{"title":"a"}`), []byte(`{"title":1}`)})
	if err == nil {
		t.Fatal("no error")
	}
	ids := insert(t, tables, `{"title":"a"}`, `{"title":"b"}`)
	err = tables.Update(t.Context(), "books", []Patch{{ID: ids[0], Data: []byte(`{"title":"changed"}`)}, {ID: "gone", Data: []byte(`{"title":"x"}`)}})
	if err == nil {
		t.Fatal("no error")
	}
	if n, err := tables.Count(t.Context(), "books", []byte(`{"title":{"$in":["a","b"]}}`)); n != 2 || err != nil {
		t.Errorf("%d rows are as they were, %v", n, err)
	}
}

func TestADeletedRowComesBackAsItself(t *testing.T) {
	_, tables := open(t, sample)
	id := insert(t, tables, `{"title":"Emma"}`)[0]
	row, err := tables.FindOne(t.Context(), "books", id)
	if err != nil {
		t.Fatal(err)
	}
	if err := tables.Delete(t.Context(), "books", id); err != nil {
		t.Fatal(err)
	}
	back, err := json.Marshal(row)
	if err != nil {
		t.Fatal(err)
	}
	if got := insert(t, tables, string(back)); got[0] != id {
		t.Errorf("came back as %s, was %s", got[0], id)
	}
}

func TestMigrationAddsAndNeverTakes(t *testing.T) {
	s, tables := open(t, sample)
	insert(t, tables, `{"title":"Emma","pages":3}`)
	next := map[string]Table{
		"books": {Columns: map[string]Type{"title": Text, "author": Text}, Indexes: []Index{{Columns: []string{"author", "title"}}}},
		"loans": {Columns: map[string]Type{"who": Text}},
	}
	for range 2 { // the second time changes nothing
		if _, problems, err := s.Migrate(t.Context(), "shelf", next); err != nil || len(problems) > 0 {
			t.Fatal(problems, err)
		}
	}
	rows, err := s.Tables("shelf", next).Find(t.Context(), "books", Query{})
	if err != nil || len(rows) != 1 || rows[0]["title"] != "Emma" || rows[0]["author"] != nil {
		t.Fatal(rows, err)
	}
	if rows, err = tables.Find(t.Context(), "books", Query{}); err != nil || rows[0]["pages"] != int64(3) {
		t.Errorf("the column that the manifest dropped is lost: %v, %v", rows, err)
	}
	bad := map[string]Table{"books": {Columns: map[string]Type{"pages": Text}}, "extra": {Columns: map[string]Type{"x": Text}}}
	planned, err := s.Plan(t.Context(), "shelf", bad)
	if err != nil || len(planned) != 1 || !strings.Contains(planned[0].Text, "from integer to text") {
		t.Fatal(planned, err)
	}
	if _, problems, err := s.Migrate(t.Context(), "shelf", bad); err != nil || len(problems) != 1 {
		t.Fatal(problems, err)
	}
	if _, err := s.Tables("shelf", bad).Find(t.Context(), "extra", Query{}); err == nil {
		t.Error("a refused migration made a table")
	}
}

func TestOthersSeeTheRows(t *testing.T) {
	s, tables := open(t, sample)
	insert(t, tables, `{"title":"Emma"}`)
	look := func() (n int) {
		db, err := sql.Open("sqlite", "file:"+s.Path("shelf")+"?mode=ro")
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		if err := db.QueryRow(`SELECT count(*) FROM books WHERE title = 'Emma'`).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	if n := look(); n != 1 {
		t.Errorf("another connection sees %d rows", n)
	}
	s.mu.Lock()
	h := s.open["shelf"]
	s.mu.Unlock()
	s.retire("shelf", h) // what happens after a while without use
	if _, err := os.Stat(s.Path("shelf") + "-wal"); err == nil {
		t.Error("the idle database has a write-ahead log")
	}
	if n := look(); n != 1 {
		t.Errorf("the closed file holds %d rows", n)
	}
	insert(t, tables, `{"title":"Emma"}`)
	if n := look(); n != 2 {
		t.Errorf("after opening again there are %d rows", n)
	}
}

func TestCopyIsPrivate(t *testing.T) {
	s, tables := open(t, sample)
	insert(t, tables, `{"title":"Emma"}`)
	if err := s.WriteKey("shelf", "colour", []byte(`"red"`)); err != nil {
		t.Fatal(err)
	}
	copied := New(t.TempDir())
	defer copied.Close()
	if err := s.CopyTo(t.Context(), "shelf", copied); err != nil {
		t.Fatal(err)
	}
	if _, err := copied.Tables("shelf", sample).Insert(t.Context(), "books", []json.RawMessage{[]byte(`{}`)}); err != nil {
		t.Fatal(err)
	}
	if err := copied.WriteKey("shelf", "colour", []byte(`"blue"`)); err != nil {
		t.Fatal(err)
	}
	n, err := copied.Tables("shelf", sample).Count(t.Context(), "books", nil)
	if n != 2 || err != nil {
		t.Errorf("the copy has %d rows, %v", n, err)
	}
	n, err = tables.Count(t.Context(), "books", nil)
	if v, kerr := s.ReadKey("shelf", "colour"); n != 1 || err != nil || kerr != nil || string(v) != `"red"` {
		t.Errorf("the original has %d rows and %s: %v %v", n, v, err, kerr)
	}
}

func TestKeys(t *testing.T) {
	s := New(t.TempDir())
	if v, err := s.ReadKey("shelf", "none"); string(v) != "null" || err != nil {
		t.Errorf("%s, %v", v, err)
	}
	for _, value := range []string{`"text"`, `{"a": [1, 2.50, "ü"]}`, `null`, `12345678901234567890`, `""`} {
		if err := s.WriteKey("shelf", "v", []byte(value)); err != nil {
			t.Fatal(err)
		}
		raw, err := os.ReadFile(filepath.Join(s.Dir("shelf"), "v.json"))
		if err != nil || string(raw) != value {
			t.Errorf("the file holds %s, want %s: %v", raw, value, err)
		}
		if got, err := s.ReadKey("shelf", "v"); string(got) != value || err != nil {
			t.Errorf("read %s, want %s: %v", got, value, err)
		}
	}
	for _, key := range []string{"", ".", "..", "../x", "a/b", "a\\b", "a\x00b", ".hidden", "-x", strings.Repeat("a", 129), "é"} {
		if err := s.WriteKey("shelf", key, []byte("1")); !errors.Is(err, sys.Invalid) {
			t.Errorf("key %q: %v", key, err)
		}
		if _, err := s.ReadKey("shelf", key); !errors.Is(err, sys.Invalid) {
			t.Errorf("key %q: %v", key, err)
		}
	}
	if err := s.WriteKey("shelf", "v", []byte("{")); !errors.Is(err, sys.Invalid) {
		t.Errorf("half a value: %v", err)
	}
	entries, err := os.ReadDir(s.Dir("shelf"))
	if err != nil || len(entries) != 1 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
}

func TestManyWindowsWriteAtOnce(t *testing.T) {
	s, tables := open(t, sample)
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for range 5 {
				if _, err := tables.Insert(context.Background(), "books", []json.RawMessage{[]byte(fmt.Sprintf(`{"pages":%d}`, i))}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Go(func() {
		for range 10 {
			s.mu.Lock()
			h := s.open["shelf"]
			s.mu.Unlock()
			if h != nil {
				s.retire("shelf", h)
			}
			time.Sleep(time.Millisecond)
		}
	})
	wg.Wait()
	if n, err := tables.Count(t.Context(), "books", nil); n != 40 || err != nil {
		t.Errorf("%d rows, %v", n, err)
	}
}

// What goes in comes out, whatever the values and however it is asked for.
func TestRoundTripProperty(t *testing.T) {
	_, tables := open(t, sample)
	rapid.Check(t, func(rt *rapid.T) {
		price := rapid.Float64Range(-1e12, 1e12).Draw(rt, "price")
		if price == 0 {
			price = 0 // SQLite has no negative zero
		}
		in := map[string]any{
			"title": rapid.String().Draw(rt, "title"),
			"pages": float64(rapid.Int32().Draw(rt, "pages")),
			"price": price,
			"read":  rapid.Bool().Draw(rt, "read"),
			"tags":  map[string]any{"k": rapid.SliceOf(rapid.StringMatching(`[a-z"\\]{0,5}`)).Draw(rt, "tags")},
		}
		raw, err := json.Marshal(in)
		if err != nil {
			rt.Skip("not JSON")
		}
		ids, err := tables.Insert(context.Background(), "books", []json.RawMessage{raw})
		if err != nil {
			rt.Fatal(err)
		}
		where, err := json.Marshal(map[string]any{"id": ids[0], "title": in["title"], "pages": in["pages"], "read": in["read"], "price": in["price"]})
		if err != nil {
			rt.Fatal(err)
		}
		rows, err := tables.Find(context.Background(), "books", Query{Where: where})
		if err != nil || len(rows) != 1 {
			rt.Fatalf("%d rows, %v", len(rows), err)
		}
		out := map[string]any{}
		for column := range in {
			out[column] = rows[0][column]
		}
		got, err := json.Marshal(out)
		if err != nil {
			rt.Fatal(err)
		}
		var a, b any
		if json.Unmarshal(got, &a) != nil || json.Unmarshal(raw, &b) != nil || fmt.Sprint(a) != fmt.Sprint(b) {
			rt.Fatalf("in %s, out %s", raw, got)
		}
	})
}

func TestLikeAgreesWithAPlainReading(t *testing.T) {
	var plain func(p, s []rune) bool
	plain = func(p, s []rune) bool {
		switch {
		case len(p) == 0:
			return len(s) == 0
		case p[0] == '%':
			return plain(p[1:], s) || len(s) > 0 && plain(p, s[1:])
		case len(s) == 0:
			return false
		case p[0] == '\\' && len(p) > 1:
			return p[1] == s[0] && plain(p[2:], s[1:])
		}
		return (p[0] == '_' || p[0] == s[0]) && plain(p[1:], s[1:])
	}
	rapid.Check(t, func(rt *rapid.T) {
		p := []rune(rapid.StringMatching(`[ab%_\\]{0,8}`).Draw(rt, "pattern"))
		s := []rune(rapid.StringMatching(`[ab%_\\]{0,10}`).Draw(rt, "text"))
		if like(p, s) != plain(p, s) {
			rt.Errorf("like(%q, %q) = %v", string(p), string(s), like(p, s))
		}
	})
}

func TestCheckTables(t *testing.T) {
	bad := map[string]Table{
		"Bad Name":  {},
		"sqlite_x":  {},
		"ok":        {Columns: map[string]Type{"a": "string", "B": Text}, Indexes: []Index{{Columns: []string{"zzz"}}, {}}},
		"select":    {Columns: map[string]Type{"order": Text}},
		"group_by9": {Columns: map[string]Type{"id": UUID}},
	}
	found := CheckTables(bad)
	var words []string
	for _, p := range found {
		words = append(words, p.Place)
	}
	slices.Sort(words)
	if got := strings.Join(words, " "); got != "storage.tables.Bad Name storage.tables.ok.columns.B storage.tables.ok.columns.a storage.tables.ok.indexes storage.tables.ok.indexes storage.tables.sqlite_x" {
		t.Errorf("%s: %v", got, found)
	}
	s := New(t.TempDir())
	defer s.Close()
	good := map[string]Table{"select": bad["select"], "group_by9": bad["group_by9"]} // words of SQL are fine as names
	if _, problems, err := s.Migrate(t.Context(), "x", good); err != nil || len(problems) > 0 {
		t.Error(problems, err)
	}
	if got := strings.Join(slices.Sorted(maps.Keys(good)), " "); got != "group_by9 select" {
		t.Error(got)
	}
}

func FuzzWhere(f *testing.F) {
	f.Add([]byte(`{"title":{"$in":["a",null]},"pages":{"$gt":1}}`))
	f.Add([]byte(`{"tags":{"$x":{}}}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		clause, args, err := condition("books", sample["books"], raw)
		if err != nil && !errors.Is(err, sys.Invalid) {
			t.Errorf("%v", err)
		}
		if err == nil && strings.Count(clause, "?") != len(args) {
			t.Errorf("%s has %d arguments", clause, len(args))
		}
		if _, err := order("books", sample["books"], raw); err != nil && !errors.Is(err, sys.Invalid) {
			t.Errorf("%v", err)
		}
	})
}
