package boot

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"matrixos/app/room"
	"matrixos/journal"
	"matrixos/matrix"
	"matrixos/matrix/talk"
	"matrixos/sys"
)

// ownInbox is the owner's client: the desktop shows what happens there, from a copy
// that is the owner's own, so that words of encrypted rooms are found, too.
type ownInbox struct {
	m    *messenger
	seen atomic.Int64 // when the desktop last looked, in Unix milliseconds
}

var (
	_ talk.Handler   = (*ownInbox)(nil)
	_ talk.Forgetter = (*ownInbox)(nil)
	_ talk.Muter     = (*ownInbox)(nil)
)

var ownTables = []string{
	// What was said in the owner's rooms, in the order in which it came.
	`CREATE TABLE messenger_said (
		id INTEGER PRIMARY KEY AUTOINCREMENT,
		event TEXT NOT NULL UNIQUE,
		room TEXT NOT NULL,
		sender TEXT NOT NULL,
		at INTEGER NOT NULL,
		type TEXT NOT NULL,
		kind TEXT NOT NULL,
		body TEXT NOT NULL,
		meant INTEGER NOT NULL -- the owner, by name
	) STRICT`,
	`CREATE INDEX messenger_said_room ON messenger_said(room, id)`,
	`CREATE VIRTUAL TABLE messenger_words USING fts5(body, tokenize = "unicode61 remove_diacritics 2", prefix = '2 3')`,
	// How far somebody has read a room: the event, and its place among what was said.
	`CREATE TABLE messenger_read (
		room TEXT NOT NULL,
		who TEXT NOT NULL,
		event TEXT NOT NULL,
		upto INTEGER NOT NULL,
		PRIMARY KEY (room, who)
	) STRICT`,
	// Rooms of which the owner wants no notices.
	`CREATE TABLE messenger_muted (room TEXT PRIMARY KEY) STRICT`,
}

// fresh is how old a message may be for the owner to be told of it: after a night
// offline they look by themselves.
const fresh = 10 * time.Minute

// longestKept is how much of a message is kept for the search, in bytes.
const longestKept = 64 << 10

// Receive implements talk.Handler.
func (i *ownInbox) Receive(ctx context.Context, tx *journal.Tx, msg talk.Message) error {
	if i.m.hides()(msg.Sender) {
		return nil
	}
	if msg.Type == room.EventType {
		return i.m.rooms.receive(ctx, tx, msg)
	}
	src, known, err := i.m.shelf.SourceIn(ctx, tx, msg.Room)
	switch {
	case err != nil:
		return err
	case src.Of != "":
		return i.takePost(ctx, tx, src, msg)
	case !known:
		tx.OnCommit(i.m.nudgeFeeds)
	}
	data := sys.RoomData{Room: msg.Room, Event: msg.Event, Sender: msg.Sender}
	switch {
	case msg.Edits != "":
		if err := reword(ctx, tx, msg); err != nil {
			return err
		}
	case msg.Type == "m.room.message" || msg.Type == "m.sticker":
		told, err := i.keep(ctx, tx, msg)
		if err != nil {
			return err
		}
		data.Notify = told
	}
	return tx.Append(sys.NewEvent(sys.EventRoom, data))
}

// keep makes msg part of the owner's copy, and says whether they want to be told.
func (i *ownInbox) keep(ctx context.Context, tx *journal.Tx, msg talk.Message) (bool, error) {
	owner := i.m.owner()
	if len(msg.Body) > longestKept {
		msg.Body = strings.ToValidUTF8(msg.Body[:longestKept], "")
	}
	meant := msg.Sender != owner && (msg.Mentioned || slices.Contains(handlesIn(msg.Body), owner))
	res, err := tx.Exec(ctx, `INSERT INTO messenger_said(event, room, sender, at, type, kind, body, meant) VALUES(?,?,?,?,?,?,?,?) ON CONFLICT DO NOTHING`,
		msg.Event, msg.Room, string(msg.Sender), msg.At.UnixMilli(), msg.Type, msg.Kind, msg.Body, meant)
	if err != nil {
		return false, err
	}
	if n, err := res.RowsAffected(); err != nil || n == 0 {
		return false, err
	}
	id, err := res.LastInsertId()
	if err != nil {
		return false, err
	}
	if _, err := tx.Exec(ctx, `INSERT INTO messenger_words(rowid, body) VALUES(?,?)`, id, msg.Body); err != nil {
		return false, err
	}
	if msg.Sender == owner { // who writes has read
		return false, markRead(ctx, tx, msg.Room, owner, msg.Event, id)
	}
	var muted, direct bool
	if err := tx.QueryRow(ctx, `SELECT EXISTS(SELECT 1 FROM messenger_muted WHERE room = ?1), EXISTS(SELECT 1 FROM matrix_direct WHERE account = ?2 AND room = ?1)`, msg.Room, string(owner)).Scan(&muted, &direct); err != nil {
		return false, err
	}
	return !muted && (meant || direct) && msg.Kind != "m.notice" && msg.Sender != matrix.AI(owner) && time.Since(msg.At) < fresh, nil
}

// reword replaces the words of what its author has edited.
func reword(ctx context.Context, tx *journal.Tx, msg talk.Message) error {
	var id int64
	err := tx.QueryRow(ctx, `SELECT id FROM messenger_said WHERE event = ? AND room = ? AND sender = ?`, msg.Edits, msg.Room, string(msg.Sender)).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, `UPDATE messenger_said SET body = ? WHERE id = ?`, msg.Body, id); err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `UPDATE messenger_words SET body = ? WHERE rowid = ?`, msg.Body, id)
	return err
}

// Forget implements talk.Forgetter: what is taken back is not found any more.
func (i *ownInbox) Forget(ctx context.Context, tx *journal.Tx, room, event string) error {
	if _, err := tx.Exec(ctx, `DELETE FROM messenger_words WHERE rowid IN (SELECT id FROM messenger_said WHERE event = ? AND room = ?)`, event, room); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, `DELETE FROM messenger_said WHERE event = ? AND room = ?`, event, room); err != nil {
		return err
	}
	if err := i.m.shelf.Forget(ctx, tx, room, event); err != nil {
		return err
	}
	return tx.Append(sys.NewEvent(sys.EventRoom, sys.RoomData{Room: room, Event: event}))
}

// Muted implements talk.Muter.
func (i *ownInbox) Muted(ctx context.Context, tx *journal.Tx, rooms []string) error {
	raw, err := json.Marshal(append([]string{}, rooms...))
	if err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, `DELETE FROM messenger_muted WHERE room NOT IN (SELECT value FROM json_each(?))`, string(raw)); err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `INSERT INTO messenger_muted(room) SELECT value FROM json_each(?) WHERE true ON CONFLICT DO NOTHING`, string(raw))
	return err
}

// Invited implements talk.Handler: the owner joins by their own hand, but for rooms
// that their AI makes. What somebody who is blocked wants them to join is declined.
func (i *ownInbox) Invited(ctx context.Context, inv talk.Invitation) (bool, error) {
	if inv.By == matrix.AI(i.m.owner()) {
		return true, nil
	}
	if i.m.hides()(inv.By) {
		return false, nil
	}
	ofApp, err := i.m.rooms.invited(ctx, inv)
	if err != nil {
		return false, err
	}
	i.m.disk.Journal().Publish(sys.NewEvent(sys.EventRoom, sys.RoomData{Room: inv.Room, Sender: inv.By, Notify: ofApp}))
	return false, talk.ErrLater
}

// Seen implements talk.Handler.
func (i *ownInbox) Seen(ctx context.Context, s talk.Sign) {
	if len(s.Read) > 0 {
		if err := i.m.disk.Journal().Update(ctx, func(tx *journal.Tx) error { return readUpTo(ctx, tx, s.Room, s.Read) }); err != nil && ctx.Err() == nil {
			i.m.log.WarnContext(ctx, "what was read could not be noted", "room", s.Room, "error", err)
		}
	}
	s.Typing = slices.DeleteFunc(s.Typing, i.m.hides())
	i.m.rooms.seen(ctx, s)
	if s.Members { // the desktop reads anew who is in it
		i.m.disk.Journal().Publish(sys.NewEvent(sys.EventRoom, sys.RoomData{Room: s.Room, Sender: i.m.owner()}))
		return
	}
	i.m.disk.Journal().Publish(sys.NewEvent(sys.EventRoom, sys.RoomData{Room: s.Room, Typing: s.Typing, Read: s.Read}))
}

// readUpTo notes receipts.
func readUpTo(ctx context.Context, tx *journal.Tx, room string, read map[sys.Handle]string) error {
	for who, event := range read {
		var upto int64
		err := tx.QueryRow(ctx, `SELECT id FROM messenger_said WHERE event = ? AND room = ?`, event, room).Scan(&upto)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		if err := markRead(ctx, tx, room, who, event, upto); err != nil {
			return err
		}
	}
	return nil
}

func markRead(ctx context.Context, tx *journal.Tx, room string, who sys.Handle, event string, upto int64) error {
	_, err := tx.Exec(ctx, `INSERT INTO messenger_read(room, who, event, upto) VALUES(?,?,?,?)
		ON CONFLICT(room, who) DO UPDATE SET event = excluded.event, upto = max(upto, excluded.upto)`, room, string(who), event, upto)
	return err
}

// idleAfter is how long after the desktop's last look its owner counts as away.
const idleAfter = 3 * time.Minute

func (i *ownInbox) look() { i.seen.Store(time.Now().UnixMilli()) }

func (i *ownInbox) away() bool { return time.Since(time.UnixMilli(i.seen.Load())) > idleAfter }

var handlePattern = regexp.MustCompile(`@[a-z0-9._=/+-]+:[A-Za-z0-9.-]+(?::[0-9]+)?`)

// handlesIn are the handles that a text names.
func handlesIn(text string) (out []sys.Handle) {
	for _, name := range handlePattern.FindAllString(text, 50) {
		if h := sys.Handle(strings.TrimRight(name, ".")); !slices.Contains(out, h) {
			out = append(out, h)
		}
	}
	return out
}
