package kernel

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"sync"
	"unicode"
)

// index is a ranked full-text search over texts that stand in files. It lives in
// memory and is made of the files when it is asked, as far as they have changed
// since: so a hand edit counts, each process finds what it can see, and what is
// deleted leaves nothing behind.
type index struct {
	mu     sync.Mutex
	db     *sql.DB
	groups map[string]*indexed
}

// indexed is what the index has of one file.
type indexed struct {
	stamp string
	rows  []int64
}

// source is one file: its stamp changes with its content, and texts reads it.
type source struct {
	name, stamp string
	texts       func() ([]passage, error)
}

// passage is a piece of a file that is found as a whole.
type passage struct{ key, text string }

// found is a passage that matches; the better, the lower its rank.
type found struct {
	source, key, excerpt string
	rank                 float64
}

func (x *index) open(ctx context.Context) error {
	if x.db != nil {
		return nil
	}
	db, err := sql.Open("sqlite", ":memory:")
	if err != nil {
		return err
	}
	db.SetMaxOpenConns(1) // each connection would be a database of its own
	if _, err := db.ExecContext(ctx, `CREATE VIRTUAL TABLE passage USING fts5(source UNINDEXED, key UNINDEXED, text, tokenize = "porter unicode61 remove_diacritics 2")`); err != nil {
		return errors.Join(err, db.Close())
	}
	x.db, x.groups = db, map[string]*indexed{}
	return nil
}

func (x *index) close() error {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.db == nil {
		return nil
	}
	err := x.db.Close()
	x.db = nil
	return err
}

// search finds the passages of the sources that have words of the query, the
// best first.
func (x *index) search(ctx context.Context, sources []source, query string, limit int) ([]found, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if err := x.open(ctx); err != nil {
		return nil, err
	}
	if err := x.follow(ctx, sources); err != nil {
		return nil, err
	}
	match := matching(query)
	if match == "" {
		return nil, nil
	}
	return x.match(ctx, match, limit)
}

func (x *index) match(ctx context.Context, match string, limit int) (out []found, err error) {
	rows, err := x.db.QueryContext(ctx, `SELECT source, key, snippet(passage, 2, '', '', '…', 24), rank FROM passage WHERE passage MATCH ? ORDER BY rank, rowid LIMIT ?`, match, limit)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var f found
		if err := rows.Scan(&f.source, &f.key, &f.excerpt, &f.rank); err != nil {
			return nil, err
		}
		out = append(out, f)
	}
	return out, rows.Err()
}

// follow makes the index hold exactly the sources.
func (x *index) follow(ctx context.Context, sources []source) (err error) {
	now := map[string]bool{}
	for _, s := range sources {
		now[s.name] = true
	}
	tx, err := x.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	next := map[string]*indexed{}
	defer func() {
		if err != nil {
			err = errors.Join(err, tx.Rollback())
			return
		}
		if err = tx.Commit(); err == nil {
			x.groups = next
		}
	}()
	for name, g := range x.groups {
		if now[name] {
			next[name] = g
		} else if err := drop(ctx, tx, g); err != nil {
			return err
		}
	}
	for _, s := range sources {
		old := next[s.name]
		if old != nil && old.stamp == s.stamp {
			continue
		}
		if err := drop(ctx, tx, old); err != nil {
			return err
		}
		texts, err := s.texts()
		if err != nil {
			return err
		}
		fresh := &indexed{stamp: s.stamp}
		for _, t := range texts {
			res, err := tx.ExecContext(ctx, `INSERT INTO passage(source, key, text) VALUES(?,?,?)`, s.name, t.key, t.text)
			if err != nil {
				return err
			}
			id, err := res.LastInsertId()
			if err != nil {
				return err
			}
			fresh.rows = append(fresh.rows, id)
		}
		next[s.name] = fresh
	}
	return nil
}

func drop(ctx context.Context, tx *sql.Tx, g *indexed) error {
	if g == nil {
		return nil
	}
	for _, id := range g.rows {
		if _, err := tx.ExecContext(ctx, `DELETE FROM passage WHERE rowid = ?`, id); err != nil {
			return err
		}
	}
	return nil
}

// matching is a query of the search engine for any of the words in text, each
// also as the beginning of a longer one. Words that say nothing are left out,
// unless there are no others.
func matching(text string) string {
	var all, telling []string
	for w := range strings.FieldsFuncSeq(strings.ToLower(text), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
		term := `"` + w + `"`
		if len(w) > 3 {
			term += " OR " + term + "*"
		}
		all = append(all, term)
		if !empty[w] {
			telling = append(telling, term)
		}
	}
	if len(telling) > 0 {
		all = telling
	}
	return strings.Join(all, " OR ")
}
