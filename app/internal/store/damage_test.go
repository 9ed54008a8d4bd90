package store

import (
	"database/sql"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"matrixos/sys"
)

// TestADamagedDatabaseSaysSo: where it is and what to do, whoever needs it first.
func TestADamagedDatabaseSaysSo(t *testing.T) {
	s, tables := searching(t)
	enter(t, tables, "books", `{"title":"a"}`)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = New(s.dir)
	defer s.Close()
	if err := os.WriteFile(s.Path("shelf"), []byte(strings.Repeat("rot ", 4096)), 0o644); err != nil {
		t.Fatal(err)
	}
	_, plan := s.Plan(t.Context(), "shelf", tables.decl)
	_, _, migrate := s.Migrate(t.Context(), "shelf", tables.decl)
	for _, err := range []error{plan, migrate, s.CopyTo(t.Context(), "shelf", New(t.TempDir()))} {
		if sys.KindOf(err) != sys.Unavailable || !strings.Contains(err.Error(), "data/shelf/shelf.sqlite: the database is damaged") || sys.HintOf(err) == "" {
			t.Errorf("%v", err)
		}
	}
}

// TestARestoredDatabaseIsOpenedAnew: an app that has its database open while another file
// takes its place writes to that, and not to the one that was set aside.
func TestARestoredDatabaseIsOpenedAnew(t *testing.T) {
	s, tables := searching(t)
	enter(t, tables, "books", `{"title":"old"}`)
	wanted := New(t.TempDir())
	if err := s.CopyTo(t.Context(), "shelf", wanted); err != nil {
		t.Fatal(err)
	}
	enter(t, tables, "books", `{"title":"lost"}`) // it is open now, and has a log
	for _, suffix := range []string{"", "-wal", "-shm"} {
		if err := os.Rename(s.Path("shelf")+suffix, filepath.Join(t.TempDir(), "aside"+suffix)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Rename(wanted.Path("shelf"), s.Path("shelf")); err != nil {
		t.Fatal(err)
	}
	enter(t, tables, "books", `{"title":"new"}`)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = New(s.dir)
	defer s.Close()
	var titles string
	if err := s.use("shelf", false, func(db *sql.DB) error {
		return db.QueryRow(`SELECT group_concat(title) FROM books`).Scan(&titles)
	}); err != nil || titles != "old,new" {
		t.Errorf("%q, %v", titles, err)
	}
}
