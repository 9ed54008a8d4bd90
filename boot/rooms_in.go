package boot

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"time"

	"matrixos/app"
	"matrixos/app/room"
	"matrixos/journal"
	"matrixos/matrix/talk"
	"matrixos/sys"
)

// receive takes an entry that has come, in the transaction that makes it received. What
// is malformed, of no room of an app, signed wrongly or of a stranger is let go: no app
// hears of it.
func (d *shared) receive(ctx context.Context, tx *journal.Tx, msg talk.Message) error {
	var slug string
	err := tx.QueryRow(ctx, `SELECT app FROM shared_room WHERE room = ? AND app <> ''`, msg.Room).Scan(&slug)
	if errors.Is(err, sql.ErrNoRows) {
		return nil // read from its beginning, should it turn out to be one
	}
	if err != nil {
		return err
	}
	e, err := room.Parse(msg.Content)
	if err == nil {
		err = e.Genuine(msg.Room, msg.Sender)
	}
	if err == nil && e.Kind == room.Score {
		err = d.m.desk.Vouch(ctx, tx, msg.Sender, e.Proof.Key)
	}
	switch sys.KindOf(err) {
	case sys.Invalid, sys.Refused:
		d.m.log.InfoContext(ctx, "an entry of a shared room was not taken", "room", msg.Room, "from", msg.Sender, "error", err)
		return nil
	}
	if err != nil {
		return err
	}
	raw, err := json.Marshal(e)
	if err != nil {
		return err
	}
	id := e.IDOf(msg.Room, msg.Sender)
	// Of two of one number the one with the smaller name is kept, whichever comes first.
	res, err := tx.Exec(ctx, `INSERT INTO shared_entry(room, by, n, id, entry, at, sent) VALUES(?1,?2,?3,?4,?5,?6,1) ON CONFLICT(room, by, n) DO UPDATE SET
		at = CASE WHEN excluded.id < id THEN excluded.at WHEN sent = 0 THEN excluded.at ELSE min(at, excluded.at) END, id = excluded.id, entry = excluded.entry, sent = 1
		WHERE excluded.id < id OR excluded.id = id AND (sent = 0 OR excluded.at < at)`,
		msg.Room, string(msg.Sender), e.N, string(id), string(raw), msg.At.UnixMilli())
	if err != nil {
		return err
	}
	if n, err := res.RowsAffected(); err != nil || n == 0 {
		return err
	}
	tx.OnCommit(func() { d.changed(sys.Slug(slug), msg.Room) })
	return nil
}

// tellPause is how long what comes is gathered before windows hear of it: a flood of
// entries is one change.
const tellPause = 80 * time.Millisecond

// changed forgets what a room came to, and tells the windows of its app.
func (d *shared) changed(slug sys.Slug, id string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.states, id)
	d.changes[id]++
	if d.due[id] {
		return
	}
	d.due[id] = true
	time.AfterFunc(tellPause, func() {
		d.mu.Lock()
		delete(d.due, id)
		d.mu.Unlock()
		d.m.disk.Journal().Publish(sys.NewEvent(sys.EventData, sys.TableData{App: slug, Room: id}))
	})
}

// seen takes who has a room open, which a window says as somebody who types does, and
// that somebody came or went.
func (d *shared) seen(ctx context.Context, s talk.Sign) {
	if s.Read != nil {
		return
	}
	now := map[sys.Handle]bool{}
	for _, who := range s.Typing {
		now[who] = true
	}
	d.mu.Lock()
	same := !s.Members && maps.Equal(d.present[s.Room], now)
	if s.Members {
		delete(d.members, s.Room)
	} else {
		d.present[s.Room] = now
	}
	d.mu.Unlock()
	if same {
		return
	}
	var slug sys.Slug
	if err := d.m.disk.Journal().QueryRow(ctx, `SELECT app FROM shared_room WHERE room = ? AND app <> ''`, s.Room).Scan(&slug); err == nil {
		d.changed(slug, s.Room)
	}
}

func (d *shared) here(id string) map[sys.Handle]bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.present[id]
}

// membersFor is how long it is believed who is in a room.
const membersFor = 5 * time.Second

// attendance is who is in a room; without a server, as it was last known.
func (d *shared) attendance(ctx context.Context, r sharedRoom) []talk.Member {
	d.mu.Lock()
	known := d.members[r.ID]
	d.mu.Unlock()
	if time.Since(known.at) < membersFor {
		return known.list
	}
	list, err := d.m.own.Attendance(ctx, r.ID)
	if err != nil || len(list) == 0 {
		return r.members
	}
	d.mu.Lock()
	d.members[r.ID] = attendance{time.Now(), list}
	d.mu.Unlock()
	if slices.Equal(list, r.members) {
		return list
	}
	raw, err := json.Marshal(list)
	if err == nil {
		err = d.m.disk.Journal().Update(ctx, func(tx *journal.Tx) error {
			_, err := tx.Exec(ctx, `UPDATE shared_room SET members = ? WHERE room = ?`, string(raw), r.ID)
			return err
		})
	}
	if err != nil {
		d.m.log.WarnContext(ctx, "who is in a shared room could not be kept", "room", r.ID, "error", err)
	}
	return list
}

// invited notes an invitation to a room of an app, and reports whether it is one and is
// new.
func (d *shared) invited(ctx context.Context, inv talk.Invitation) (fresh bool, err error) {
	a, ok, err := d.m.own.InvitedApp(ctx, room.Type, inv.Room)
	if err != nil || !ok {
		return false, err
	}
	var there int
	if err := d.m.disk.Journal().QueryRow(ctx, `SELECT count(*) FROM shared_room WHERE room = ?`, inv.Room).Scan(&there); err != nil || there > 0 {
		return false, err
	}
	return true, d.m.disk.Journal().Update(ctx, func(tx *journal.Tx) error { return noteShared(ctx, tx, inv.Room, a, false) })
}

func (d *shared) nudge() {
	select {
	case d.wake <- struct{}{}:
	default:
	}
}

// againAfter is how long a room is left alone before it is read once more from its
// beginning because something in it builds on what has not come.
const againAfter = time.Minute

// again has a room read once more.
func (d *shared) again(ctx context.Context, id string) {
	d.mu.Lock()
	due := time.Since(d.read[id]) > againAfter
	if due {
		d.read[id] = time.Now()
	}
	d.mu.Unlock()
	if !due {
		return
	}
	if err := d.m.disk.Journal().Update(ctx, func(tx *journal.Tx) error {
		_, err := tx.Exec(ctx, `UPDATE shared_room SET read = 0 WHERE room = ?`, id)
		return err
	}); err != nil {
		d.m.log.WarnContext(ctx, "a shared room cannot be read again", "room", id, "error", err)
	}
	d.nudge()
}

// tend finds out which rooms are of apps, and reads those from their beginning whose
// beginning is not here: of rooms that the owner has joined, or joined on another device.
func (d *shared) tend(ctx context.Context) {
	for ctx.Err() == nil {
		if err := d.catchUp(ctx); err != nil && ctx.Err() == nil {
			d.m.log.WarnContext(ctx, "shared rooms could not be read and are tried again", "error", err)
		}
		select {
		case <-ctx.Done():
		case <-d.wake:
		case <-time.After(30 * time.Second):
		}
	}
}

func (d *shared) catchUp(ctx context.Context) error {
	const joined = `SELECT m.room, m.room IN (SELECT room FROM shared_room) FROM matrix_room m LEFT JOIN shared_room s ON s.room = m.room
		WHERE m.account = ? AND m.state IN ('joined', 'joining') AND (s.room IS NULL OR s.app <> '' AND s.read = 0)`
	rows, err := d.m.disk.Journal().Query(ctx, joined, string(d.m.owner()))
	if err != nil {
		return err
	}
	known := map[string]bool{}
	for rows.Next() {
		var id string
		var there bool
		if err := rows.Scan(&id, &there); err != nil {
			return errors.Join(err, rows.Close())
		}
		known[id] = there
	}
	errs := []error{rows.Err(), rows.Close()}
	for id, there := range known {
		if !there {
			errs = append(errs, d.look(ctx, id))
			continue
		}
		errs = append(errs, d.readAll(ctx, id))
	}
	return errors.Join(errs...)
}

// look finds out whether a room is of an app. Of which, its first event says, and not
// who has invited the owner.
func (d *shared) look(ctx context.Context, id string) error {
	a, _, err := d.m.own.AppOf(ctx, room.Type, id)
	if err != nil {
		return err
	}
	if a.App != "" {
		d.nudge() // it is to be read
	}
	return d.m.disk.Journal().Update(ctx, func(tx *journal.Tx) error { return noteShared(ctx, tx, id, a, false) })
}

// mostPages is how much of a room is read: as much as its members can write.
const mostPages = room.MostEntries * room.MostMembers / 100

// readAll reads a room from its newest event to its first.
func (d *shared) readAll(ctx context.Context, id string) error {
	a, ok, err := d.m.own.AppOf(ctx, room.Type, id)
	if err != nil {
		return err
	}
	if err := d.confirm(ctx, id, a, ok); err != nil || !ok {
		return err
	}
	hidden, before := d.m.hides(), ""
	for range mostPages {
		page, err := d.m.own.Timeline(ctx, id, before, 100)
		if err != nil {
			return err
		}
		if err := d.m.disk.Journal().Update(ctx, func(tx *journal.Tx) error {
			for _, msg := range page.Messages {
				if msg.Type != room.EventType || msg.Kind == "redacted" || hidden(msg.Sender) {
					continue
				}
				if err := d.receive(ctx, tx, msg); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			return err
		}
		if page.Before == "" || page.Before == before {
			break
		}
		before = page.Before
	}
	return d.m.disk.Journal().Update(ctx, func(tx *journal.Tx) error {
		tx.OnCommit(func() { d.changed(sys.Slug(a.App), id) })
		_, err := tx.Exec(ctx, `UPDATE shared_room SET read = 1 WHERE room = ?`, id)
		return err
	})
}

// confirm makes a room that of the app that its own first event names: what stood in the
// invitation was only said.
func (d *shared) confirm(ctx context.Context, id string, a talk.AppRoom, ok bool) error {
	if !ok {
		a = talk.AppRoom{}
	}
	return d.m.disk.Journal().Update(ctx, func(tx *journal.Tx) error {
		_, err := tx.Exec(ctx, `UPDATE shared_room SET app = ?, turns = ?, maker = ?, title = CASE ? WHEN '' THEN title ELSE ? END WHERE room = ?`,
			appName(a.App), a.Turns, string(a.By), app.RoomTitle(a.Title), app.RoomTitle(a.Title), id)
		return err
	})
}
