package disk

import (
	"context"
	"strings"
	"time"

	"matrixos/sys"
)

// Query selects landings; the zero Query is all of them. A landing has to meet
// everything that is set.
type Query struct {
	Limit  int           // at most so many; 0 means 100
	Before sys.LandingID // only older ones than this; 0 means from the newest
	Path   sys.Path      // only those that touched this file or folder; "" means any
	By     string        // only of this kind ("owner", "agent", "undo", …) or program ("builder"); "" means any
	Since  time.Time     // only those of this time or later
	Text   string        // only those whose title, files or request have this text in them
}

const landingColumns = `landing, commit_id, kind, title, time, changes, apps, created, provenance, undone_by`

// Log lists landings, newest first.
func (d *Disk) Log(ctx context.Context, q Query) ([]sys.LandingInfo, error) {
	if q.Limit <= 0 {
		q.Limit = 100
	}
	if q.Before <= 0 {
		q.Before = 1 << 62
	}
	where, args := []string{`landing < ?`}, []any{q.Before}
	and := func(condition string, values ...any) {
		where = append(where, condition)
		args = append(args, values...)
	}
	if q.Path != "" {
		and(`landing IN (SELECT landing FROM disk_touched WHERE path = ? OR (path > ? AND path < ?))`,
			string(q.Path), string(q.Path)+"/", string(q.Path)+"0")
	}
	if q.By != "" {
		and(`(kind = ? OR kind = 'agent' AND json_extract(provenance, '$.program') = ?)`, q.By, q.By)
	}
	if !q.Since.IsZero() {
		and(`time >= ?`, q.Since.UnixNano())
	}
	if q.Text != "" {
		like := "%" + strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(q.Text) + "%"
		and(`(title LIKE ? ESCAPE '\' OR landing IN (SELECT landing FROM disk_touched WHERE path LIKE ? ESCAPE '\')
			OR json_extract(provenance, '$.request') IN (SELECT request FROM event WHERE kind = 'request' AND json_extract(CAST(data AS TEXT), '$.text') LIKE ? ESCAPE '\'))`,
			like, like, like)
	}
	args = append(args, q.Limit)
	rows, err := d.j.Query(ctx, `SELECT `+landingColumns+` FROM disk_landing WHERE `+strings.Join(where, ` AND `)+` ORDER BY landing DESC LIMIT ?`, args...)
	if err != nil {
		return nil, err
	}
	list, err := scanLandings(rows)
	if err != nil {
		return nil, err
	}
	return list, d.fillData(ctx, list)
}
