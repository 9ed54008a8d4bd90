package talk

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/crypto"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"matrixos/journal"
	"matrixos/sys"
)

// Message is one event of a room as it was received.
type Message struct {
	Event     string
	Room      string
	Sender    sys.Handle
	Type      string // such as m.room.message
	At        time.Time
	Encrypted bool
	Verified  bool // encrypted by a device that its owner has signed
	Content   json.RawMessage
	// Of m.room.message:
	Kind      string // m.text, m.notice, m.image, …
	Body      string
	Edits     string // the event that it replaces
	ReplyTo   string
	Thread    string
	Mentioned bool // the author's client says that this account is meant
	Once      string
}

// ErrLater is what Invited returns to leave an invitation as it is.
var ErrLater = errors.New("decided later")

// longPoll is how long the server may wait for something to happen.
const longPoll = 30 * time.Second

// mostCaught is how many events of a room are fetched that came while nobody listened.
const mostCaught = 2000

var filter = mautrix.Filter{Room: &mautrix.RoomFilter{Timeline: &mautrix.FilterPart{Limit: 200}, State: &mautrix.FilterPart{LazyLoadMembers: false}}}

// receive takes one answer of the server.
func (c *Client) receive(ctx context.Context) error {
	since, err := c.position(ctx)
	if err != nil {
		return err
	}
	raw, err := json.Marshal(filter)
	if err != nil {
		return err
	}
	limit, cancel := context.WithTimeout(ctx, longPoll+30*time.Second)
	defer cancel()
	resp, err := c.api.FullSyncRequest(limit, mautrix.ReqSync{Timeout: int(longPoll.Milliseconds()), Since: since, FilterID: string(raw), SetPresence: c.shown()})
	if err != nil {
		return said("receive from", c.o.Base, err)
	}
	if err := c.learnKeys(ctx, resp, since); err != nil {
		return err
	}
	batch, err := c.gather(ctx, resp, since)
	if err != nil {
		return err
	}
	if err := c.take(ctx, resp, batch); err != nil {
		return err
	}
	c.signs(ctx, resp)
	return c.invited(ctx)
}

// learnKeys takes the keys and the state of rooms that an answer brings.
func (c *Client) learnKeys(ctx context.Context, resp *mautrix.RespSync, since string) error {
	c.identity.Lock()
	err := c.syncer.ProcessResponse(ctx, resp, since)
	c.identity.Unlock()
	if len(resp.ToDevice.Events) > 0 {
		c.newKeys()
	}
	if err != nil || since != "" && len(resp.DeviceLists.Changed) == 0 {
		return err
	}
	return c.identities(ctx)
}

func (c *Client) position(ctx context.Context) (since string, err error) {
	err = c.o.Journal.QueryRow(ctx, `SELECT next FROM matrix_position WHERE account = ?`, string(c.me)).Scan(&since)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	return since, err
}

// gather lists what is new, room by room in order, with what the answer has left out.
func (c *Client) gather(ctx context.Context, resp *mautrix.RespSync, since string) (out []*event.Event, err error) {
	for room, joined := range resp.Rooms.Join {
		list := joined.Timeline.Events
		known, err := c.knows(ctx, room)
		if err != nil {
			return nil, err
		}
		if !known && since != "" && !slices.ContainsFunc(list, c.joins) && !slices.ContainsFunc(joined.State.Events, c.joins) {
			delete(resp.Rooms.Join, room) // Dendrite may say so a moment too early: the next answer has the join, and all again
			continue
		}
		if joined.Timeline.Limited && joined.Timeline.PrevBatch != "" && (since != "" || !known) {
			older, err := c.catchUp(ctx, room, joined.Timeline.PrevBatch, since, known)
			if err != nil {
				return nil, err
			}
			list = append(older, list...)
		}
		if !known {
			list = c.sinceInvited(list)
		}
		out = append(out, list...)
	}
	return out, nil
}

// knows reports whether the room was joined before this answer.
func (c *Client) knows(ctx context.Context, room id.RoomID) (bool, error) {
	var n int
	err := c.o.Journal.QueryRow(ctx, `SELECT count(*) FROM matrix_room WHERE account = ? AND room = ? AND state = 'joined'`, string(c.me), string(room)).Scan(&n)
	return n > 0, err
}

// catchUp fetches what came before from, oldest first: back to the last position, or
// in a new room to the invitation.
func (c *Client) catchUp(ctx context.Context, room id.RoomID, from, to string, known bool) (out []*event.Event, err error) {
	if !known {
		to = ""
	}
	for len(out) < mostCaught && from != "" {
		page, err := c.api.Messages(ctx, room, from, to, mautrix.DirectionBackward, nil, 100)
		if errors.Is(err, mautrix.MForbidden) {
			break
		}
		if err != nil {
			return nil, said("read", string(room), err)
		}
		for _, e := range page.Chunk {
			e.RoomID = room
			out = append(out, e)
		}
		if len(page.Chunk) == 0 || page.End == from || !known && slices.ContainsFunc(page.Chunk, c.invites) {
			break
		}
		from = page.End
	}
	slices.Reverse(out)
	return out, nil
}

// invites reports whether e is how the account came to be in a room.
func (c *Client) invites(e *event.Event) bool {
	return e.Type.Type == event.StateMember.Type && e.StateKey != nil && *e.StateKey == string(c.me)
}

// joins reports whether e is the account's own coming into a room.
func (c *Client) joins(e *event.Event) bool {
	return c.invites(e) && e.Content.Raw["membership"] == string(event.MembershipJoin)
}

// sinceInvited leaves out what was said before the account was invited.
func (c *Client) sinceInvited(list []*event.Event) []*event.Event {
	for i, e := range list {
		if c.invites(e) {
			return list[i+1:]
		}
	}
	return list
}

// take makes everything received, with the position, in one transaction.
func (c *Client) take(ctx context.Context, resp *mautrix.RespSync, batch []*event.Event) error {
	var sealed, open []*event.Event
	for _, e := range batch {
		plain, err := c.open(ctx, e)
		switch {
		case err == nil && plain != nil:
			open = append(open, plain)
		case errors.Is(err, crypto.ErrNoSessionFound):
			sealed = append(sealed, e)
		case err != nil:
			c.o.Log.WarnContext(ctx, "Matrix: a message cannot be read", "room", e.RoomID, "event", e.ID, "error", err)
		}
	}
	late, err := c.unsealed(ctx)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(open, func(e *event.Event) bool {
		return e.Mautrix.WasEncrypted && e.Mautrix.TrustState < id.TrustStateCrossSignedTOFU
	}) {
		if err := c.identities(ctx); err != nil { // its keys were fetched just now
			return err
		}
	}
	if err := c.keepBatch(ctx, resp, batch, sealed, late, open); err != nil {
		return err
	}
	for _, e := range open {
		c.emoji.inRoom(ctx, e)
	}
	return nil
}

// keepBatch makes what a batch has brought received.
func (c *Client) keepBatch(ctx context.Context, resp *mautrix.RespSync, batch, sealed, late, open []*event.Event) error {
	return c.o.Journal.Update(ctx, func(tx *journal.Tx) error {
		for _, e := range late {
			if _, err := tx.Exec(ctx, `DELETE FROM matrix_sealed WHERE account = ? AND event = ?`, string(c.me), string(e.ID)); err != nil {
				return err
			}
		}
		for _, e := range sealed {
			raw, err := json.Marshal(e)
			if err != nil {
				return err
			}
			if _, err := tx.Exec(ctx, `INSERT INTO matrix_sealed(account, event, raw, came) VALUES(?,?,?,?) ON CONFLICT DO NOTHING`, string(c.me), string(e.ID), string(raw), c.o.Now().UnixMilli()); err != nil {
				return err
			}
			if err := c.forget(ctx, tx, e.RoomID); err != nil {
				return err
			}
		}
		for _, e := range append(late, open...) {
			if err := c.o.Handler.Receive(ctx, tx, c.message(e)); err != nil {
				return err
			}
		}
		if err := errors.Join(c.forgotten(ctx, tx, batch), c.muted(ctx, tx, resp)); err != nil {
			return err
		}
		return c.note(ctx, tx, resp)
	})
}

// open is an event in plain text; nil for what nobody has to hear of.
func (c *Client) open(ctx context.Context, e *event.Event) (*event.Event, error) {
	if e.StateKey != nil || e.Type.Type == event.EventRedaction.Type {
		return nil, nil //nolint:nilnil // nothing to hear
	}
	if e.Type.Type != event.EventEncrypted.Type {
		return e, nil
	}
	e.Type.Class = event.MessageEventType
	if err := e.Content.ParseRaw(e.Type); err != nil && !errors.Is(err, event.ErrContentAlreadyParsed) {
		return nil, err
	}
	plain, err := c.crypto.Decrypt(ctx, e)
	if err != nil {
		return nil, err
	}
	plain.Mautrix.WasEncrypted = true
	return plain, nil
}

// Events wait for their keys for so long, and so many of a room: whoever sends what
// nobody can read fills neither the disk nor the place of other rooms.
const (
	patience   = 30 * 24 * time.Hour
	mostSealed = 100
)

// forget drops the events of a room that have waited too long, or are too many.
func (c *Client) forget(ctx context.Context, tx *journal.Tx, room id.RoomID) error {
	_, err := tx.Exec(ctx, `DELETE FROM matrix_sealed WHERE account = ?1 AND (came < ?2 OR raw ->> '$.room_id' = ?3 AND event NOT IN
		(SELECT event FROM matrix_sealed WHERE account = ?1 AND raw ->> '$.room_id' = ?3 ORDER BY came DESC, rowid DESC LIMIT ?4))`,
		string(c.me), c.o.Now().Add(-patience).UnixMilli(), string(room), mostSealed)
	return err
}

// unsealed are events that could not be read when they came and can be now.
func (c *Client) unsealed(ctx context.Context) (out []*event.Event, err error) {
	rows, err := c.o.Journal.Query(ctx, `SELECT raw FROM matrix_sealed WHERE account = ? AND came > ? ORDER BY came LIMIT 500`, string(c.me), c.o.Now().Add(-patience).UnixMilli())
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var raw []byte
		var e event.Event
		if err := errors.Join(rows.Scan(&raw), json.Unmarshal(raw, &e)); err != nil {
			return nil, err
		}
		if plain, err := c.open(ctx, &e); err == nil && plain != nil {
			out = append(out, plain)
		}
	}
	return out, rows.Err()
}

// note keeps which rooms the account is in, and the position.
func (c *Client) note(ctx context.Context, tx *journal.Tx, resp *mautrix.RespSync) error {
	put := func(room id.RoomID, state, inviter, begun string) error {
		_, err := tx.Exec(ctx, `INSERT INTO matrix_room(account, room, state, inviter, begun) VALUES(?,?,?,?,?)
			ON CONFLICT(account, room) DO UPDATE SET state = excluded.state, begun = excluded.begun, inviter = CASE excluded.inviter WHEN '' THEN inviter ELSE excluded.inviter END`, string(c.me), string(room), state, inviter, begun)
		return err
	}
	for room := range resp.Rooms.Join {
		if err := put(room, "joined", "", ""); err != nil {
			return err
		}
	}
	for room := range resp.Rooms.Leave {
		if err := put(room, "left", "", ""); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `DELETE FROM matrix_direct WHERE account = ? AND room = ?`, string(c.me), string(room)); err != nil {
			return err
		}
	}
	for room, invite := range resp.Rooms.Invite {
		by, state, begun := "", "invited", ""
		for _, e := range invite.State.Events {
			if e.Type.Type == event.StateCreate.Type {
				begun = string(contentOf(e))
			}
			if c.invites(e) {
				by = string(e.Sender)
				if direct, _ := e.Content.Raw["is_direct"].(bool); direct {
					state = "invited-direct"
				}
			}
		}
		if err := errors.Join(put(room, state, by, begun), c.noteApp(ctx, tx, room, invite.State.Events)); err != nil {
			return err
		}
	}
	_, err := tx.Exec(ctx, `INSERT INTO matrix_position(account, next) VALUES(?,?) ON CONFLICT(account) DO UPDATE SET next = excluded.next`, string(c.me), resp.NextBatch)
	return err
}

// message is an event as a handler gets it.
func (c *Client) message(e *event.Event) Message {
	m := Message{
		Event: string(e.ID), Room: string(e.RoomID), Sender: sys.Handle(e.Sender), Type: e.Type.Type, At: time.UnixMilli(e.Timestamp).UTC(),
		Encrypted: e.Mautrix.WasEncrypted, Verified: e.Mautrix.WasEncrypted && e.Mautrix.TrustState >= id.TrustStateCrossSignedTOFU,
		Content: raw(e.Content.Raw),
	}
	if len(m.Content) == 0 || string(m.Content) == "null" {
		m.Content = raw(e.Content.VeryRaw)
	}
	var content struct {
		Kind string `json:"msgtype"`
		Body string `json:"body"`
		New  *struct {
			Body string `json:"body"`
		} `json:"m.new_content"`
		Mentions struct {
			Users []sys.Handle `json:"user_ids"`
		} `json:"m.mentions"`
		Relates struct {
			Type  string `json:"rel_type"`
			Event string `json:"event_id"`
			Reply struct {
				Event string `json:"event_id"`
			} `json:"m.in_reply_to"`
		} `json:"m.relates_to"`
		Once string `json:"os.matrix.once"`
	}
	if json.Unmarshal(m.Content, &content) != nil {
		return m // it is foreign, and has another form
	}
	m.Kind, m.Body, m.Once, m.ReplyTo = content.Kind, content.Body, content.Once, content.Relates.Reply.Event
	m.Mentioned = slices.Contains(content.Mentions.Users, c.me)
	switch content.Relates.Type {
	case "m.replace":
		if m.Edits = content.Relates.Event; content.New != nil {
			m.Body = content.New.Body
		}
	case "m.thread":
		m.Thread = content.Relates.Event
	}
	return m
}

func raw(v any) json.RawMessage {
	b, err := json.Marshal(v)
	if err != nil {
		return nil // it came as JSON
	}
	return b
}

// invited asks what becomes of invitations, and joins. One that cannot be joined now
// is tried again with the next answer.
func (c *Client) invited(ctx context.Context) error {
	list, err := c.invitations(ctx)
	if err != nil {
		return err
	}
	for _, i := range list {
		join, err := c.o.Handler.Invited(ctx, i)
		if errors.Is(err, ErrLater) {
			continue
		}
		if err != nil {
			return err
		}
		state := "declined"
		if join {
			if err := c.join(ctx, i); err != nil {
				c.o.Log.WarnContext(ctx, "Matrix: a room cannot be joined now", "room", i.Room, "error", err)
				continue
			}
			state = "joining"
		} else if _, err := c.api.LeaveRoom(ctx, id.RoomID(i.Room)); err != nil {
			c.o.Log.WarnContext(ctx, "Matrix: an invitation cannot be declined now", "room", i.Room, "error", err)
		}
		if err := c.o.Journal.Update(ctx, func(tx *journal.Tx) error {
			_, err := tx.Exec(ctx, `UPDATE matrix_room SET state = ? WHERE account = ? AND room = ? AND state LIKE 'invited%'`, state, string(c.me), i.Room)
			return err
		}); err != nil {
			return err
		}
	}
	return nil
}

func (c *Client) invitations(ctx context.Context) (out []Invitation, err error) {
	rows, err := c.o.Journal.Query(ctx, `SELECT room, inviter, state, begun FROM matrix_room WHERE account = ? AND state LIKE 'invited%' LIMIT 50`, string(c.me))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var i Invitation
		var state string
		if err := rows.Scan(&i.Room, &i.By, &state, (*[]byte)(&i.Begun)); err != nil {
			return nil, err
		}
		i.Direct = state == "invited-direct"
		out = append(out, i)
	}
	return out, rows.Err()
}

// join joins a room, a few times: a server that does not hold writers back until the
// join is through refuses the first tries.
func (c *Client) join(ctx context.Context, i Invitation) (err error) {
	for try := range 5 {
		if _, err = c.api.JoinRoomByID(ctx, id.RoomID(i.Room)); err == nil {
			break
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Duration(200<<try) * time.Millisecond):
		}
	}
	if err == nil { // an invitation tells of encryption, but not for whom to encrypt
		err = c.learn(ctx, id.RoomID(i.Room))
	}
	if err != nil || !i.Direct {
		return err
	}
	return c.o.Journal.Update(ctx, func(tx *journal.Tx) error {
		_, err := tx.Exec(ctx, `INSERT INTO matrix_direct(account, person, room) VALUES(?,?,?) ON CONFLICT DO NOTHING`, string(c.me), string(i.By), i.Room)
		return err
	})
}
