package journal

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"matrixos/sys"
)

// written makes a journal of n events and closes it.
func written(t testing.TB, n int) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "kernel.db")
	j, err := Open(context.Background(), path)
	if err != nil {
		t.Fatal(err)
	}
	for i := range n {
		e := sys.NewEvent(sys.EventNotice, sys.NoticeData{Title: fmt.Sprint("event ", i)})
		e.PID, e.Conversation, e.Request = sys.PID(i), "c", "r"
		if _, err := j.Append(context.Background(), e); err != nil {
			t.Fatal(err)
		}
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

// tampered runs a statement behind the journal's back.
func tampered(t testing.TB, path, statement string) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(statement); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

func verified(t testing.TB, path string, anchors map[sys.Seq]string) Audit {
	t.Helper()
	j, err := Open(context.Background(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	a, err := j.Verify(context.Background(), anchors)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestVerifyFindsEveryEditCutAndReorder(t *testing.T) {
	if a := verified(t, written(t, 20), nil); a.Broken != 0 || a.Events != 20 || a.Head == "" {
		t.Fatalf("untouched: %+v", a)
	}
	for name, c := range map[string]struct {
		sql string
		at  sys.Seq
	}{
		"edit of content":      {`UPDATE event SET data = '{"title":"other"}' WHERE seq = 7`, 7},
		"edit of a time":       {`UPDATE event SET time = time + 1 WHERE seq = 7`, 7},
		"edit of a kind":       {`UPDATE event SET kind = 'landing' WHERE seq = 7`, 7},
		"edit of a pid":        {`UPDATE event SET pid = 99 WHERE seq = 7`, 7},
		"edit of a hash":       {`UPDATE event SET chain = x'00' WHERE seq = 7`, 7},
		"a cut":                {`DELETE FROM event WHERE seq = 7`, 7},
		"the beginning cut":    {`DELETE FROM event WHERE seq < 7`, 1},
		"another order":        {`UPDATE event SET seq = 100 WHERE seq = 7; UPDATE event SET seq = 7 WHERE seq = 8; UPDATE event SET seq = 8 WHERE seq = 100`, 7},
		"an edit as forgotten": {`UPDATE event SET digest = x'00', data = '{"title":"other"}' WHERE seq = 7`, 7},
		"a false tombstone":    {`UPDATE event SET digest = x'00', data = '{"forgotten":true}' WHERE seq = 7`, 7},
	} {
		path := written(t, 20)
		tampered(t, path, c.sql)
		if a := verified(t, path, nil); a.Broken != c.at || a.Why == "" {
			t.Errorf("%s: %+v, want a break at %d", name, a, c.at)
		}
	}
}

// A cut end leaves a whole chain: what was noted elsewhere shows it.
func TestAnchors(t *testing.T) {
	path := written(t, 20)
	a := verified(t, path, nil)
	anchors := map[sys.Seq]string{20: a.Head}
	if b := verified(t, path, anchors); b.Broken != 0 {
		t.Errorf("%+v", b)
	}
	tampered(t, path, `DELETE FROM event WHERE seq > 12`)
	if b := verified(t, path, nil); b.Broken != 0 {
		t.Errorf("without the anchor: %+v", b)
	}
	if b := verified(t, path, anchors); b.Broken != 13 {
		t.Errorf("%+v", b)
	}
	if b := verified(t, written(t, 20), anchors); b.Broken != 20 { // another history of the same length
		t.Errorf("%+v", b)
	}
}

func TestForgottenIsGoneAndTheChainHolds(t *testing.T) {
	path := written(t, 20)
	j, err := Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // twice does no harm
		if err := j.Update(t.Context(), func(tx *Tx) error { return tx.Forget(t.Context(), 7, 8, 999) }); err != nil {
			t.Fatal(err)
		}
	}
	events, err := j.Read(t.Context(), 6, 2)
	if err != nil || strings.Contains(string(events[0].Data)+string(events[1].Data), "event") {
		t.Errorf("%s %v", events[0].Data, err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	if a := verified(t, path, nil); a.Broken != 0 || a.Forgotten != 2 {
		t.Errorf("%+v", a)
	}
}

// A file of the first format gets its chain when it is opened.
func TestOldFormatIsChained(t *testing.T) {
	path := written(t, 1500)
	head := verified(t, path, nil).Head
	tampered(t, path, `ALTER TABLE event DROP COLUMN chain; ALTER TABLE event DROP COLUMN digest; PRAGMA user_version = 1`)
	if a := verified(t, path, map[sys.Seq]string{1500: head}); a.Broken != 0 || a.Events != 1500 {
		t.Errorf("%+v", a)
	}
}

// Any one byte of any event that changes is found.
func TestAnyByte(t *testing.T) {
	path := written(t, 8)
	rapid.Check(t, func(rt *rapid.T) {
		seq := rapid.IntRange(1, 8).Draw(rt, "seq")
		at := rapid.IntRange(1, 20).Draw(rt, "at")
		set := func(expr string) {
			tampered(t, path, fmt.Sprintf(`UPDATE event SET data = CAST(%s AS BLOB) WHERE seq = %d`, expr, seq))
		}
		var before []byte
		db, err := sql.Open("sqlite", path)
		if err != nil {
			rt.Fatal(err)
		}
		if err := db.QueryRow(`SELECT data FROM event WHERE seq = ?`, seq).Scan(&before); err != nil {
			rt.Fatal(err)
		}
		if err := db.Close(); err != nil {
			rt.Fatal(err)
		}
		after := append([]byte{}, before...)
		after[at%len(after)] ^= byte(rapid.IntRange(1, 255).Draw(rt, "flip"))
		set(fmt.Sprintf("x'%x'", after))
		if a := verified(t, path, nil); a.Broken != sys.Seq(seq) {
			rt.Errorf("%+v", a)
		}
		set(fmt.Sprintf("x'%x'", before))
	})
}
