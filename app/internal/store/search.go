package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
	"unicode"

	"matrixos/sys"
)

// Hit is a row in which a text was found.
type Hit struct {
	Table string `json:"table"`
	Row   Row    `json:"row"`
	// Text is the place in it, cut to a line.
	Text string `json:"text"`
}

// What a search takes in, and gives back.
const (
	mostHits    = 50
	mostRowText = 20_000 // bytes of one row that can be found
	mostWords   = 12
)

// indexSchema is the index of one app. It is derived: whatever is lost of it is made
// anew from the rows, and nothing of it is in the owner's database, so that copies,
// merges, exports and other programs know nothing of it.
const indexSchema = `
CREATE TABLE IF NOT EXISTS state(one INTEGER PRIMARY KEY CHECK (one = 1), stamp TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS entry(n INTEGER PRIMARY KEY, tbl TEXT NOT NULL, id TEXT NOT NULL, sum TEXT NOT NULL, UNIQUE(tbl, id));
CREATE VIRTUAL TABLE IF NOT EXISTS doc USING fts5(text, tokenize = "unicode61 remove_diacritics 2", prefix = '2 3')`

// SearchIn keeps the indexes of full-text search in dir. Without it, each search
// makes its own, which is right for copies that are soon thrown away.
func (s *Store) SearchIn(dir string) { s.index = dir }

// Search finds the rows that have all words of text in their text columns, the best
// first; the last word may be the beginning of one. Table is one table, or "" for
// all. The index follows whatever has changed the rows since, by whichever way.
func (t *Tables) Search(ctx context.Context, table, text string, limit int) ([]Hit, error) {
	const op = "search table"
	if table != "" {
		if _, err := t.table(op, table); err != nil {
			return nil, err
		}
	}
	match := matching(text)
	if match == "" || len(t.decl) == 0 {
		return []Hit{}, nil
	}
	if limit <= 0 || limit > mostHits {
		limit = mostHits
	}
	found, err := t.lookUp(ctx, table, match, limit)
	if err != nil {
		return nil, err
	}
	hits := []Hit{}
	for _, f := range found {
		row, err := t.FindOne(ctx, f.table, f.id)
		if err != nil {
			return nil, err
		}
		if row != nil { // it may have gone meanwhile
			hits = append(hits, Hit{f.table, row, f.text})
		}
	}
	return hits, nil
}

// matching makes an expression of FTS5 of what a person typed: nothing in it is an
// operator.
func matching(text string) string {
	words := strings.FieldsFunc(text, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r) })
	words = words[:min(len(words), mostWords)]
	for i, w := range words {
		words[i] = `"` + w + `"`
	}
	if len(words) == 0 {
		return ""
	}
	return strings.Join(words, " ") + "*"
}

type place struct{ table, id, text string }

func (t *Tables) lookUp(ctx context.Context, table, match string, limit int) (out []place, err error) {
	t.store.indexing.Lock()
	defer t.store.indexing.Unlock()
	index, err := t.openIndex(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, index.Close()) }()
	if err := t.follow(ctx, index); err != nil {
		return nil, err
	}
	rows, err := index.QueryContext(ctx, `SELECT entry.tbl, entry.id, snippet(doc, 0, '', '', '…', 16) FROM doc JOIN entry ON entry.n = doc.rowid
		WHERE doc MATCH ? AND (? = '' OR entry.tbl = ?) ORDER BY rank, entry.n LIMIT ?`, match, table, table, limit)
	if err != nil {
		return nil, &sys.Error{Op: "search", Path: string(t.app), Kind: sys.Internal, Err: err}
	}
	defer rows.Close()
	for rows.Next() {
		var p place
		if err := rows.Scan(&p.table, &p.id, &p.text); err != nil {
			return nil, err
		}
		p.text = strings.Join(strings.Fields(p.text), " ")
		out = append(out, p)
	}
	return out, rows.Err()
}

// openIndex opens the app's index; one that is damaged is made anew.
func (t *Tables) openIndex(ctx context.Context) (*sql.DB, error) {
	name := ":memory:"
	if t.store.index != "" {
		if err := os.MkdirAll(t.store.index, 0o700); err != nil {
			return nil, &sys.Error{Op: "search", Path: string(t.app), Kind: sys.Internal, Err: err}
		}
		name = filepath.Join(t.store.index, string(t.app)+".sqlite")
	}
	for again := false; ; again = true {
		db, err := sql.Open("sqlite", "file:"+name+"?_pragma=journal_mode(MEMORY)&_pragma=synchronous(OFF)&_txlock=immediate")
		if err != nil {
			return nil, err
		}
		db.SetMaxOpenConns(1)
		if _, err = db.ExecContext(ctx, indexSchema); err == nil {
			return db, nil
		}
		err = errors.Join(err, db.Close())
		if again || name == ":memory:" || ctx.Err() != nil {
			return nil, &sys.Error{Op: "search", Path: string(t.app), Kind: sys.Internal, Err: err}
		}
		if gone := os.Remove(name); gone != nil && !errors.Is(gone, fs.ErrNotExist) {
			return nil, errors.Join(err, gone)
		}
	}
}

// follow brings the index to the rows as they are now: by their text, so that it does
// not matter who changed them, a window, a landing, an undo or another program.
func (t *Tables) follow(ctx context.Context, index *sql.DB) error {
	stamp, fresh, err := t.stamp()
	if err != nil {
		return err
	}
	var have string
	err = index.QueryRowContext(ctx, `SELECT stamp FROM state`).Scan(&have)
	if err != nil && !errors.Is(err, sql.ErrNoRows) || err == nil && have == stamp {
		return err
	}
	if fresh {
		stamp = "" // something may follow within the same tick of the file system's clock
	}
	now := map[place]string{} // with the text in place of a snippet's
	for _, name := range slices.Sorted(maps.Keys(t.decl)) {
		if err := t.texts(ctx, name, now); err != nil {
			return err
		}
	}
	return inTx(ctx, index, func(tx *sql.Tx) error {
		if err := replaceEntries(ctx, tx, now); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `INSERT OR REPLACE INTO state(one, stamp) VALUES(1, ?)`, stamp)
		return err
	})
}

// tick is longer than a file system takes for a change to have another time.
const tick = 50 * time.Millisecond

// stamp is another one after each change of the database or of its form; fresh says
// that the last change was just now.
func (t *Tables) stamp() (_ string, fresh bool, _ error) {
	var b strings.Builder
	for _, file := range []string{"", "-wal"} {
		info, err := os.Stat(t.store.Path(t.app) + file)
		switch {
		case err == nil:
			fmt.Fprint(&b, info.Size(), info.ModTime().UnixNano(), ";")
			fresh = fresh || time.Since(info.ModTime()) < tick
		case !errors.Is(err, fs.ErrNotExist):
			return "", false, &sys.Error{Op: "search", Path: string(t.app), Kind: sys.Internal, Err: err}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(t.decl)) {
		fmt.Fprint(&b, name, textColumns(t.decl[name]))
	}
	return b.String(), fresh, nil
}

func textColumns(decl Table) (out []string) {
	for _, c := range slices.Sorted(maps.Keys(decl.Columns)) {
		if typ := decl.Columns[c]; system[c] == "" && (typ == Text || typ == JSON) {
			out = append(out, c)
		}
	}
	return out
}

// texts adds what can be found of a table.
func (t *Tables) texts(ctx context.Context, name string, into map[place]string) error {
	columns := textColumns(t.decl[name])
	if len(columns) == 0 {
		return nil
	}
	return t.run("search table", name, func(db *sql.DB) error {
		rows, err := db.QueryContext(ctx, selectFrom(name, append([]string{"id"}, columns...)))
		if err != nil {
			return err
		}
		defer rows.Close()
		values, refs := make([]sql.NullString, len(columns)+1), make([]any, len(columns)+1)
		for i := range values {
			refs[i] = &values[i]
		}
		for rows.Next() {
			if err := rows.Scan(refs...); err != nil {
				return err
			}
			var b strings.Builder
			for _, v := range values[1:] {
				if !strings.HasPrefix(v.String, "data:") && b.Len()+len(v.String) < mostRowText { // a picture says nothing
					b.WriteString(v.String + "\n")
				}
			}
			if text := strings.TrimSpace(b.String()); text != "" {
				into[place{table: name, id: values[0].String}] = strings.ToValidUTF8(text, "")
			}
		}
		return rows.Err()
	})
}

// replaceEntries makes the index hold now, and touches only what is different.
func replaceEntries(ctx context.Context, tx *sql.Tx, now map[place]string) error {
	gone, err := differing(ctx, tx, now)
	if err != nil {
		return err
	}
	for _, n := range gone {
		for _, q := range []string{`DELETE FROM doc WHERE rowid = ?`, `DELETE FROM entry WHERE n = ?`} {
			if _, err := tx.ExecContext(ctx, q, n); err != nil {
				return err
			}
		}
	}
	for p, text := range now {
		res, err := tx.ExecContext(ctx, `INSERT INTO entry(tbl, id, sum) VALUES(?, ?, ?)`, p.table, p.id, sumOf(text))
		if err != nil {
			return err
		}
		n, err := res.LastInsertId()
		if err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `INSERT INTO doc(rowid, text) VALUES(?, ?)`, n, text); err != nil {
			return err
		}
	}
	return nil
}

// differing takes out of now what the index has, and lists the entries that it has no
// longer to have.
func differing(ctx context.Context, tx *sql.Tx, now map[place]string) (gone []int64, _ error) {
	rows, err := tx.QueryContext(ctx, `SELECT n, tbl, id, sum FROM entry`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var n int64
		var p place
		var sum string
		if err := rows.Scan(&n, &p.table, &p.id, &sum); err != nil {
			return nil, err
		}
		if text, ok := now[p]; ok && sumOf(text) == sum {
			delete(now, p)
			continue
		}
		gone = append(gone, n)
	}
	return gone, rows.Err()
}

func sumOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:12])
}
