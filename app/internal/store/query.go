package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"matrixos/sys"
)

// queryTime bounds a check's query: one that runs away says nothing.
const queryTime = 3 * time.Second

// Query runs one reading statement of a check on an app's data and returns its
// first rows, at most limit. The caller has judged that it only reads
// (contract.ReadOnly); on top, the database is told to refuse writing.
func (s *Store) Query(ctx context.Context, app sys.Slug, query string, limit int) (columns []string, rows [][]any, err error) {
	ctx, cancel := context.WithTimeout(ctx, queryTime)
	defer cancel()
	err = s.use(app, true, func(db *sql.DB) (err error) {
		conn, err := db.Conn(ctx) // the only one: nobody else meets it while it refuses to write
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, conn.Close()) }()
		if _, err := conn.ExecContext(ctx, `PRAGMA query_only=1`); err != nil {
			return err
		}
		defer func() {
			_, off := conn.ExecContext(context.WithoutCancel(ctx), `PRAGMA query_only=0`)
			err = errors.Join(err, off)
		}()
		columns, rows, err = read(ctx, conn, query, limit)
		return err
	})
	if err != nil {
		return nil, nil, &sys.Error{Op: "ask the data of", Path: string(app), Kind: sys.Invalid, Err: fmt.Errorf("%s: %w", strings.TrimSpace(query), err)}
	}
	return columns, rows, nil
}

func read(ctx context.Context, conn *sql.Conn, query string, limit int) (columns []string, rows [][]any, err error) {
	found, err := conn.QueryContext(ctx, query)
	if err != nil {
		return nil, nil, err
	}
	defer func() { err = errors.Join(err, found.Close()) }()
	if columns, err = found.Columns(); err != nil {
		return nil, nil, err
	}
	for len(rows) < limit && found.Next() {
		row, into := make([]any, len(columns)), make([]any, len(columns))
		for i := range row {
			into[i] = &row[i]
		}
		if err := found.Scan(into...); err != nil {
			return nil, nil, err
		}
		rows = append(rows, row)
	}
	return columns, rows, found.Err()
}
