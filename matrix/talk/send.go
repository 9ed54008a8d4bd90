package talk

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"matrixos/journal"
	"matrixos/sys"
)

// Letter is something to be sent: to a room, or to a person in the room with them,
// which is made if there is none.
type Letter struct {
	Once    string // names it: posted again, it is sent once
	Room    string
	Person  sys.Handle
	Type    string // m.room.message if empty
	Content any
}

// Text is the content of a message of words; a notice is one that no AI answers.
func Text(text string, notice bool) map[string]any {
	kind := "m.text"
	if notice {
		kind = "m.notice"
	}
	return map[string]any{"msgtype": kind, "body": text}
}

// once is where a message says which one it is.
const once = "os.matrix.once"

// Post has a letter sent, durably with the transaction.
func (c *Client) Post(ctx context.Context, tx *journal.Tx, l Letter) error {
	if l.Type == "" {
		l.Type = event.EventMessage.Type
	}
	content := map[string]any{}
	raw, err := json.Marshal(l.Content)
	if err == nil {
		err = json.Unmarshal(raw, &content)
	}
	if err != nil {
		return err
	}
	if l.Type != event.EventReaction.Type && l.Type != event.EventRedaction.Type {
		content[once] = transaction(l.Once)
	}
	if raw, err = json.Marshal(content); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, `INSERT INTO matrix_out(account, once, room, person, type, content, state, event, why, made) VALUES(?,?,?,?,?,?,'waiting','','',?) ON CONFLICT DO NOTHING`,
		string(c.me), l.Once, l.Room, string(l.Person), l.Type, string(raw), c.o.Now().UnixMilli()); err != nil {
		return err
	}
	tx.OnCommit(c.nudge)
	return nil
}

// OnceOf is what a letter's event says under os.matrix.once, and Message.Once.
func OnceOf(l Letter) string { return transaction(l.Once) }

func (c *Client) nudge() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// transaction is the name of a letter as servers get it.
func transaction(once string) string {
	sum := sha256.Sum256([]byte(once))
	return "mx" + hex.EncodeToString(sum[:12])
}

// patienceFor is how long a room with somebody is tried to be made.
const patienceFor = time.Hour

type outgoing struct {
	id      int64
	once    string
	room    string
	person  sys.Handle
	kind    string
	content json.RawMessage
	again   bool // an earlier run may have sent it
	made    time.Time
}

// send sends what waits, in order; what cannot be sent to one room does not hold up
// the others.
func (c *Client) send(ctx context.Context) error {
	list, err := c.waiting(ctx)
	if err != nil {
		return err
	}
	var errs []error
	stuck := map[string]bool{}
	for _, o := range list {
		to := o.room + string(o.person)
		if stuck[to] {
			continue
		}
		if err := c.sendOne(ctx, o); err != nil {
			stuck[to] = true
			errs = append(errs, err)
		}
	}
	if len(errs) > 0 || len(list) > 0 {
		return errors.Join(errs...)
	}
	select {
	case <-c.wake:
	case <-ctx.Done():
	}
	return nil
}

func (c *Client) waiting(ctx context.Context) (out []outgoing, err error) {
	rows, err := c.o.Journal.Query(ctx, `SELECT id, once, room, person, type, content, state, made FROM matrix_out WHERE account = ? AND state IN ('waiting', 'sending') ORDER BY id LIMIT 100`, string(c.me))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var o outgoing
		var state, content string
		var made int64
		if err := rows.Scan(&o.id, &o.once, &o.room, &o.person, &o.kind, &content, &state, &made); err != nil {
			return nil, err
		}
		o.made = time.UnixMilli(made)
		o.content, o.again = json.RawMessage(content), state == "sending"
		out = append(out, o)
	}
	return out, rows.Err()
}

// sendOne sends a letter and notes that it was.
func (c *Client) sendOne(ctx context.Context, o outgoing) error {
	room := o.room
	if room == "" {
		var err error
		if room, err = c.RoomWith(ctx, o.person); err != nil {
			if c.o.Now().Sub(o.made) < patienceFor {
				return err // whoever it is may not be there yet
			}
			return c.undeliverable(ctx, o, err)
		}
	}
	name := transaction(o.once)
	if o.again {
		sent, err := c.already(ctx, room, name)
		if err != nil {
			return c.undeliverable(ctx, o, err)
		}
		if sent != "" {
			return c.mark(ctx, o, "sent", sent, "")
		}
	} else if err := c.mark(ctx, o, "sending", "", ""); err != nil {
		return err
	}
	if err := c.know(ctx, room); err != nil {
		return c.undeliverable(ctx, o, err)
	}
	limit, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	resp, err := c.api.SendMessageEvent(limit, id.RoomID(room), event.Type{Type: o.kind, Class: event.MessageEventType}, o.content, mautrix.ReqSendEvent{TransactionID: name})
	if err != nil {
		return c.undeliverable(ctx, o, said("send to", room, err))
	}
	c.newKeys()
	return c.mark(ctx, o, "sent", string(resp.EventID), "")
}

// undeliverable gives a letter up that its server refuses for good; any other failure
// is tried again.
func (c *Client) undeliverable(ctx context.Context, o outgoing, err error) error {
	if kind := sys.KindOf(err); kind != sys.Refused && kind != sys.Invalid && kind != sys.NotFound || ctx.Err() != nil {
		return err
	}
	c.o.Log.WarnContext(ctx, "Matrix: a message cannot be delivered", "room", o.room, "person", o.person, "error", err)
	return c.mark(ctx, o, "failed", "", err.Error())
}

func (c *Client) mark(ctx context.Context, o outgoing, state, event, why string) error {
	return c.o.Journal.Update(context.WithoutCancel(ctx), func(tx *journal.Tx) error {
		_, err := tx.Exec(ctx, `UPDATE matrix_out SET state = ?, event = ?, why = ? WHERE id = ?`, state, event, why, o.id)
		return err
	})
}

// already looks in a room for a letter that may have been sent before a crash.
func (c *Client) already(ctx context.Context, room, name string) (string, error) {
	page, err := c.api.Messages(ctx, id.RoomID(room), "", "", mautrix.DirectionBackward, nil, 100)
	if err != nil {
		return "", said("read", room, err)
	}
	for _, e := range page.Chunk {
		if sys.Handle(e.Sender) != c.me {
			continue
		}
		e.RoomID = id.RoomID(room)
		if e.Unsigned.TransactionID == name {
			return string(e.ID), nil
		}
		if plain, err := c.open(ctx, e); err == nil && plain != nil && c.message(plain).Once == name {
			return string(e.ID), nil
		}
	}
	return "", nil
}

// Sent is the event that a letter has become, or why there is none: NotFound if it was
// never posted, Unavailable while it is on its way, Refused if it cannot be delivered.
func (c *Client) Sent(ctx context.Context, once string) (event string, err error) {
	var state, why string
	err = c.o.Journal.QueryRow(ctx, `SELECT state, event, why FROM matrix_out WHERE account = ? AND once = ?`, string(c.me), once).Scan(&state, &event, &why)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return "", &sys.Error{Op: "find message", Path: once, Kind: sys.NotFound}
	case err != nil:
		return "", err
	case state == "failed":
		return "", &sys.Error{Op: "send", Path: once, Kind: sys.Refused, Err: errors.New(why)}
	case state != "sent":
		return "", &sys.Error{Op: "send", Path: once, Kind: sys.Unavailable, Err: errors.New("it is still on its way")}
	}
	return event, nil
}

// RoomWith is the room with one person and nobody else, encrypted; it is made and
// they are invited if there is none.
func (c *Client) RoomWith(ctx context.Context, who sys.Handle) (string, error) {
	c.joining.Lock()
	defer c.joining.Unlock()
	var room string
	err := c.o.Journal.QueryRow(ctx, `SELECT room FROM matrix_direct WHERE account = ? AND person = ?`, string(c.me), string(who)).Scan(&room)
	if err == nil || !errors.Is(err, sql.ErrNoRows) {
		return room, err
	}
	resp, err := c.api.CreateRoom(ctx, &mautrix.ReqCreateRoom{
		Preset: "trusted_private_chat", IsDirect: true, Invite: []id.UserID{id.UserID(who)},
		InitialState: []*event.Event{{Type: event.StateEncryption, Content: event.Content{Parsed: &event.EncryptionEventContent{Algorithm: id.AlgorithmMegolmV1}}}},
	})
	if err != nil {
		return "", said("open a room with", string(who), err)
	}
	if err := c.learn(ctx, resp.RoomID); err != nil {
		return "", err
	}
	return string(resp.RoomID), c.o.Journal.Update(ctx, func(tx *journal.Tx) error {
		if _, err := tx.Exec(ctx, `INSERT INTO matrix_room(account, room, state, inviter) VALUES(?,?,'joined','') ON CONFLICT DO NOTHING`, string(c.me), string(resp.RoomID)); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `INSERT INTO matrix_direct(account, person, room) VALUES(?,?,?) ON CONFLICT(account, person) DO UPDATE SET room = excluded.room`, string(c.me), string(who), string(resp.RoomID))
		return err
	})
}

// learn reads a room's state before the server tells of it, so that the first message
// there is encrypted, and for everybody.
func (c *Client) learn(ctx context.Context, room id.RoomID) error {
	state, err := c.api.StateAsArray(ctx, room)
	if err != nil {
		return said("read", string(room), err)
	}
	for _, e := range state {
		e.RoomID = room
		if err := e.Content.ParseRaw(e.Type); err != nil && !errors.Is(err, event.ErrContentAlreadyParsed) {
			continue // of a kind that says nothing about encryption
		}
		mautrix.UpdateStateStore(ctx, c.api.StateStore, e)
	}
	return nil
}

// know makes sure that it is known whether a room is encrypted, and who is in it: where
// the file of keys was lost, the server does not tell by itself, and a message would
// go out for everybody to read.
func (c *Client) know(ctx context.Context, room string) error {
	c.mu.Lock()
	known := c.known[room]
	c.mu.Unlock()
	if known {
		return nil
	}
	encrypted, err := c.api.StateStore.IsEncrypted(ctx, id.RoomID(room))
	if err == nil && !encrypted {
		err = c.learn(ctx, id.RoomID(room))
	}
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.known[room] = true
	return nil
}

// Members are who is in a room or invited, by handle.
func (c *Client) Members(ctx context.Context, room string) ([]sys.Handle, error) {
	resp, err := c.api.Members(ctx, id.RoomID(room))
	if err != nil {
		return nil, said("read", room, err)
	}
	var out []sys.Handle
	for _, e := range resp.Chunk {
		how := e.Content.AsMember().Membership
		if how == "" {
			text, _ := e.Content.Raw["membership"].(string)
			how = event.Membership(text)
		}
		if e.StateKey != nil && (how == event.MembershipJoin || how == event.MembershipInvite) {
			out = append(out, sys.Handle(*e.StateKey))
		}
	}
	slices.Sort(out)
	if len(out) == 0 {
		return nil, &sys.Error{Op: "read", Path: room, Kind: sys.Unavailable, Err: fmt.Errorf("nobody is in it")}
	}
	return out, nil
}

// Typing shows in a room that the account writes, or no longer does.
func (c *Client) Typing(ctx context.Context, room string, on bool) error {
	_, err := c.api.UserTyping(ctx, id.RoomID(room), on, 30*time.Second)
	return said("show typing in", room, err)
}

// MarkRead tells a room that the account has read up to an event.
func (c *Client) MarkRead(ctx context.Context, room, event string) error {
	return said("mark read", room, c.api.MarkRead(ctx, id.RoomID(room), id.EventID(event)))
}
