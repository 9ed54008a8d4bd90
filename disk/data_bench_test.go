package disk

import (
	"fmt"
	"path/filepath"
	"testing"
)

const fiftyMB = `INSERT INTO task SELECT lower(hex(randomblob(16))), hex(randomblob(90)), i FROM (WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i < 200000) SELECT i FROM n)`

// BenchmarkLandingBesideABigDatabase says what an app of 50 MB costs a landing of one
// file: not touched; touched with nothing new in the database; with one new row; and
// the landing that changes one row itself. For the ratio see the first of them.
func BenchmarkLandingBesideABigDatabase(b *testing.B) {
	h := withTasks(b)
	live := filepath.Join(h.root, tasks)
	run(b, live, fiftyMB, `PRAGMA wal_checkpoint(TRUNCATE)`)
	h.landFiles(map[string]string{"apps/tasks/first.txt": "the first copy"})
	n := 0
	land := func(path string) {
		n++
		tx := h.begin()
		put(b, filepath.Join(tx.Dir(), path), fmt.Sprint(n))
		h.landTxn(tx)
	}
	b.Run("other", func(b *testing.B) {
		for b.Loop() {
			land("notes/a.txt")
		}
	})
	b.Run("unchanged", func(b *testing.B) {
		for b.Loop() {
			land("apps/tasks/a.txt")
		}
	})
	b.Run("new-row", func(b *testing.B) {
		for b.Loop() {
			b.StopTimer()
			run(b, live, `INSERT INTO task VALUES(lower(hex(randomblob(16))), 'x', 1)`)
			b.StartTimer()
			land("apps/tasks/a.txt")
		}
		copies, err := h.Copies(b.Context(), "tasks")
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(copies[0].Added), "copy-B")
	})
	b.Run("change-row", func(b *testing.B) {
		for b.Loop() {
			tx := h.begin()
			run(b, h.private(tx), `UPDATE task SET done = done + 1 WHERE id = 'a'`)
			h.landTxn(tx)
		}
	})
}
