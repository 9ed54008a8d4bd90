package talk

import (
	"context"
	"errors"
	"time"

	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"matrixos/journal"
	"matrixos/sys"
)

// Forgetter is a Handler that hears, in the same transaction as Receive, what is taken
// back.
type Forgetter interface {
	Forget(ctx context.Context, tx *journal.Tx, room, event string) error
}

// forgotten lets go of what a batch takes back, and tells of it whoever wants to hear it.
func (c *Client) forgotten(ctx context.Context, tx *journal.Tx, batch []*event.Event) error {
	f, ok := c.o.Handler.(Forgetter)
	for _, e := range batch {
		if e.Type.Type != event.EventRedaction.Type {
			continue
		}
		gone := string(e.Redacts)
		if named, _ := e.Content.Raw["redacts"].(string); gone == "" {
			gone = named
		}
		c.thumbs.drop(gone)
		if !ok {
			continue
		}
		if err := f.Forget(ctx, tx, string(e.RoomID), gone); err != nil {
			return err
		}
	}
	return nil
}

// Unsent is a letter that has not become an event.
type Unsent struct {
	Once string // as OnceOf has it
	Body string
	At   time.Time
	Why  string // it cannot be delivered; empty while it is on its way
}

// patienceWithFailed is how long a letter that could not be delivered is shown.
const patienceWithFailed = 24 * time.Hour

// Unsent lists the letters to a room that are on their way or were refused, oldest
// first.
func (c *Client) Unsent(ctx context.Context, room string) (out []Unsent, err error) {
	rows, err := c.o.Journal.Query(ctx, `SELECT once, content ->> '$.body', why, made FROM matrix_out
		WHERE account = ? AND room = ? AND type = 'm.room.message' AND (state IN ('waiting', 'sending') OR state = 'failed' AND made > ?) ORDER BY id LIMIT 50`,
		string(c.me), room, c.o.Now().Add(-patienceWithFailed).UnixMilli())
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var u Unsent
		var made int64
		if err := rows.Scan(&u.Once, &u.Body, &u.Why, &made); err != nil {
			return nil, err
		}
		u.Once, u.At = transaction(u.Once), time.UnixMilli(made).UTC()
		out = append(out, u)
	}
	return out, rows.Err()
}

// Presence is whether somebody is there.
type Presence struct {
	State string // online, unavailable, offline
	Since time.Duration
}

// Presence asks the server for it; it fails with Refused where the two share no room.
func (c *Client) Presence(ctx context.Context, who sys.Handle) (Presence, error) {
	p, err := c.api.GetPresence(ctx, id.UserID(who))
	if err != nil {
		return Presence{}, said("see", string(who), err)
	}
	return Presence{string(p.Presence), time.Duration(p.LastActiveAgo) * time.Millisecond}, nil
}

// MakeSpace makes a space: a room that groups rooms.
func (c *Client) MakeSpace(ctx context.Context, name string) (string, error) {
	resp, err := c.api.CreateRoom(ctx, &mautrix.ReqCreateRoom{Preset: "private_chat", Name: name, CreationContent: map[string]any{"type": "m.space"}})
	if err != nil {
		return "", said("make space", name, err)
	}
	return string(resp.RoomID), nil
}

// PutInto puts a room into a space, or takes it out.
func (c *Client) PutInto(ctx context.Context, space, room string, in bool) error {
	content := map[string]any{}
	if in {
		_, domain := c.me.Parts()
		content["via"] = []string{domain}
	}
	_, err := c.api.SendStateEvent(ctx, id.RoomID(space), event.StateSpaceChild, room, content)
	return said("group", room, err)
}

// shown is what the server tells others while it waits for something to happen.
func (c *Client) shown() event.Presence {
	if c.o.Away != nil && c.o.Away() {
		return event.PresenceOffline
	}
	return event.PresenceOnline
}
