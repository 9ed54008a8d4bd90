package disk

import (
	"database/sql"
	"path/filepath"
	"testing"

	"matrixos/sys"
)

// Cutting the end off the journal leaves a whole chain; the landings know better.
func TestLandingsAnchorTheJournal(t *testing.T) {
	home := t.TempDir()
	open := func() *Disk {
		t.Helper()
		d, err := Open(t.Context(), home, Options{NoWatch: true})
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	d := open()
	for _, text := range []string{"one", "two", "three"} {
		if _, err := d.Write(t.Context(), Write{Files: map[sys.Path][]byte{"a.txt": []byte(text)}}); err != nil {
			t.Fatal(err)
		}
		if _, err := d.Journal().Append(t.Context(), sys.NewEvent(sys.EventNotice, sys.NoticeData{Title: text})); err != nil {
			t.Fatal(err)
		}
	}
	if a, err := d.VerifyJournal(t.Context()); err != nil || a.Broken != 0 || a.Events == 0 {
		t.Fatalf("%+v %v", a, err)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", filepath.Join(home, sys.Store, "kernel.db"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec(`DELETE FROM event WHERE seq > 2`); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	d = open()
	defer d.Close()
	if a, err := d.VerifyJournal(t.Context()); err != nil || a.Broken != 3 {
		t.Fatalf("a cut end: %+v %v", a, err)
	}
}
