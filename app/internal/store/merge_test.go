package store

import (
	"testing"
)

func TestMergeKeepsWhatOthersHaveChanged(t *testing.T) {
	_, tables := open(t, sample)
	ids := insert(t, tables, `{"title":"a","pages":10}`)
	merge := func(data, seen string) []Clash {
		t.Helper()
		clashes, err := tables.Merge(t.Context(), "books", []Patch{{ID: ids[0], Data: []byte(data), Seen: []byte(seen)}})
		if err != nil {
			t.Fatal(err)
		}
		return clashes
	}
	row := func() Row {
		t.Helper()
		r, err := tables.FindOne(t.Context(), "books", ids[0])
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	const seen = `{"id":"x","title":"a","pages":10,"created_at":"2026-01-01T00:00:00Z","gone":1}`
	if c := merge(`{"title":"a","pages":20}`, seen); len(c) > 0 || row()["pages"] != int64(20) {
		t.Fatalf("%v %v", c, row())
	}
	if c := merge(`{"title":"b","pages":10}`, seen); len(c) > 0 || row()["title"] != "b" || row()["pages"] != int64(20) {
		t.Errorf("disjoint fields: %v %v", c, row())
	}
	if c := merge(`{"title":"b","pages":20}`, seen); len(c) > 0 {
		t.Errorf("the same change twice: %v", c)
	}
	c := merge(`{"title":"c","pages":30}`, seen)
	if len(c) != 1 || len(c[0].Fields) != 2 || c[0].Row["title"] != "b" || row()["title"] != "b" || row()["pages"] != int64(20) {
		t.Errorf("clash: %+v, row %v", c, row())
	}
	if c := merge(`{"pages":30}`, ""); len(c) > 0 || row()["pages"] != int64(30) {
		t.Errorf("without what was seen the last one counts: %v %v", c, row())
	}
	if _, err := tables.Merge(t.Context(), "books", []Patch{{ID: "gone", Data: []byte(`{"pages":1}`), Seen: []byte(seen)}}); err == nil {
		t.Error("a row that is gone")
	}
}
