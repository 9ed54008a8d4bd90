package talk

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"matrixos/journal"
)

// A room that is full of what nobody can read takes no place of another.
func TestSealedEventsAreBounded(t *testing.T) {
	j, err := journal.Open(t.Context(), filepath.Join(t.TempDir(), "journal.sqlite"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = j.Close() })
	if err := j.Migrate(t.Context(), "matrix", tables...); err != nil {
		t.Fatal(err)
	}
	c := &Client{me: "@you:home", o: Options{Journal: j, Now: time.Now}}
	put := func(room string, n int, came time.Time) {
		t.Helper()
		if err := j.Update(t.Context(), func(tx *journal.Tx) error {
			for i := range n {
				raw := fmt.Sprintf(`{"room_id":%q}`, room)
				if _, err := tx.Exec(t.Context(), `INSERT INTO matrix_sealed(account, event, raw, came) VALUES(?,?,?,?)`, string(c.me), fmt.Sprint(room, came.Unix(), i), raw, came.UnixMilli()); err != nil {
					return err
				}
			}
			return c.forget(t.Context(), tx, "!flood")
		}); err != nil {
			t.Fatal(err)
		}
	}
	put("!mine", 3, time.Now())
	put("!mine", 2, time.Now().Add(-2*patience))
	put("!flood", 5*mostSealed, time.Now())
	for room, want := range map[string]int{"!mine": 3, "!flood": mostSealed} {
		var n int
		if err := j.QueryRow(t.Context(), `SELECT count(*) FROM matrix_sealed WHERE raw ->> '$.room_id' = ?`, room).Scan(&n); err != nil || n != want {
			t.Errorf("%s: %d, %v", room, n, err)
		}
	}
}
