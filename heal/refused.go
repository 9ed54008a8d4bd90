package heal

import (
	"context"
	"errors"
	"strings"
	"time"

	"matrixos/journal"
	"matrixos/sys"
)

// Refused counts a landing that the checks before it refused, for what it would have made
// of an app. With joined it was the work of two, each of which did not know of the other's.
func (h *Healer) Refused(ctx context.Context, r *sys.ContractReport, joined bool) error {
	list := failures(r)
	if len(list) == 0 {
		return nil
	}
	mode, _ := classify(r, list[0])
	if joined {
		mode = modeJoined
	}
	why := strings.Join(words(r), "\n")
	return h.o.Disk.Journal().Update(ctx, func(tx *journal.Tx) error {
		_, err := tx.Exec(ctx, `INSERT INTO heal_refused(app, mode, n, last, why) VALUES(?, ?, 1, ?, ?)
			ON CONFLICT(app, mode) DO UPDATE SET n = n + 1, last = excluded.last, why = excluded.why`, string(r.App), mode, h.o.Now().UnixNano(), why)
		return err
	})
}

// refused lists what Refused has counted.
func (h *Healer) refused(ctx context.Context) (out []sys.RefusedCount, err error) {
	rows, err := h.o.Disk.Journal().Query(ctx, `SELECT app, mode, n, last, why FROM heal_refused ORDER BY n DESC, last DESC`)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	out = []sys.RefusedCount{}
	for rows.Next() {
		var one sys.RefusedCount
		var last int64
		if err := rows.Scan(&one.App, &one.Mode, &one.N, &last, &one.Why); err != nil {
			return nil, err
		}
		one.Name, one.Last = names[one.Mode], time.Unix(0, last).UTC()
		out = append(out, one)
	}
	return out, rows.Err()
}
