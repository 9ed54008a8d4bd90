package door

import (
	"context"
	"sync"
	"time"

	"matrixos/journal"
	"matrixos/sys"
)

// The quotas of those who are not the owner.
const (
	perHour       = 20  // messages of one contact that are answered
	strangerHour  = 6   // of one stranger
	serverHour    = 60  // of one server, strangers together
	totalHour     = 200 // of everybody
	invitesHour   = 5   // invitations of one stranger that are looked at
	invitesTotal  = 40
	mostSenders   = 4096
	LongestOwner  = 100_000 // bytes of the owner's message that is read
	LongestOthers = 8_000   // and of anybody else's
)

// Quota counts, in windows of an hour. What was used is in the journal, so that a
// restart gives nobody more. Its methods may be called from any goroutine.
type Quota struct {
	journal *journal.Journal
	now     func() time.Time

	mu   sync.Mutex
	from time.Time
	used map[string]int
}

// window is the row that says when the hour began, in milliseconds.
const window = ""

var quotaTables = []string{`CREATE TABLE door_quota (
	name TEXT PRIMARY KEY,
	used INTEGER NOT NULL
) STRICT`}

// OpenQuota goes on counting where the journal says.
func OpenQuota(ctx context.Context, j *journal.Journal, now func() time.Time) (*Quota, error) {
	if err := j.Migrate(ctx, "door", quotaTables...); err != nil {
		return nil, err
	}
	rows, err := j.Query(ctx, `SELECT name, used FROM door_quota`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	q := &Quota{journal: j, now: now, used: map[string]int{}}
	for rows.Next() {
		var name string
		var used int64
		if err := rows.Scan(&name, &used); err != nil {
			return nil, err
		}
		if name == window {
			q.from = time.UnixMilli(used)
			continue
		}
		q.used[name] = int(used)
	}
	return q, rows.Err()
}

// Message reports whether one more message of somebody is answered.
func (q *Quota) Message(ctx context.Context, who sys.Handle, is Who) (bool, error) {
	_, server := who.Parts()
	switch is {
	case Owner:
		return true, nil
	case Contact:
		return q.take(ctx, map[string]int{"m " + string(who): perHour, "all": totalHour})
	case Stranger:
		return q.take(ctx, map[string]int{"m " + string(who): strangerHour, "s " + server: serverHour, "all": totalHour})
	case Blocked:
	}
	return false, nil
}

// Invite reports whether one more invitation is looked at.
func (q *Quota) Invite(ctx context.Context, who sys.Handle, is Who) (bool, error) {
	_, server := who.Parts()
	switch is {
	case Owner:
		return true, nil
	case Contact:
		return q.take(ctx, map[string]int{"i " + string(who): perHour})
	case Stranger:
		return q.take(ctx, map[string]int{"i " + string(who): invitesHour, "is " + server: 2 * invitesHour, "invites": invitesTotal})
	case Blocked:
	}
	return false, nil
}

// take uses one of each of some limits, or none of any; what is refused writes
// nothing. Where more senders have come than are counted, nobody new gets anything
// until the hour is over.
func (q *Quota) take(ctx context.Context, limits map[string]int) (bool, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	from, used, now := q.from, q.used, q.now()
	if now.Sub(from) >= time.Hour || now.Before(from) {
		from, used = now, map[string]int{}
	}
	for name, most := range limits {
		n, counted := used[name]
		if n >= most || !counted && len(used) >= mostSenders {
			return false, nil
		}
	}
	err := q.journal.Update(ctx, func(tx *journal.Tx) error {
		if len(used) == 0 {
			if _, err := tx.Exec(ctx, `DELETE FROM door_quota`); err != nil {
				return err
			}
			if _, err := tx.Exec(ctx, `INSERT INTO door_quota(name, used) VALUES(?,?)`, window, from.UnixMilli()); err != nil {
				return err
			}
		}
		for name := range limits {
			if _, err := tx.Exec(ctx, `INSERT INTO door_quota(name, used) VALUES(?, 1) ON CONFLICT DO UPDATE SET used = used + 1`, name); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return false, err
	}
	for name := range limits {
		used[name]++
	}
	q.from, q.used = from, used
	return true, nil
}
