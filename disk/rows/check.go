package rows

import (
	"context"
	"errors"
	"strings"
	"time"

	"modernc.org/sqlite"
)

// Check reads a whole database and says in the words of SQLite what is damaged in it; ""
// if it is sound. Nothing is written to it, and who writes to a database with a
// write-ahead log is not held up. A row that breaks a constraint is no damage. The
// error says that it could not be looked at.
func Check(ctx context.Context, path string) (string, error) {
	what, err := check(ctx, path)
	var said *sqlite.Error
	if Damaged(err) && errors.As(err, &said) {
		return said.Error(), nil
	}
	return what, Explain("check", path, err)
}

func check(ctx context.Context, path string) (what string, err error) {
	db, err := Open(ctx, path, ToRead, 2*time.Second)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if _, err := db.ExecContext(ctx, `PRAGMA ignore_check_constraints(1)`); err != nil {
		return "", err
	}
	found, err := db.QueryContext(ctx, `PRAGMA quick_check(20)`)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, found.Close()) }()
	var said []string
	for found.Next() {
		var line string
		if err := found.Scan(&line); err != nil {
			return "", err
		}
		if line != "ok" && !strings.Contains(line, " value in ") { // of a column, which has NULL or another type
			said = append(said, strings.TrimSpace(strings.TrimPrefix(line, "*** in database main ***\n")))
		}
	}
	return strings.Join(said, "; "), found.Err()
}
