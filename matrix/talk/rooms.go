package talk

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"matrixos/journal"
	"matrixos/sys"
)

// Page is a part of a room's timeline, oldest first. Before asks for what came before;
// empty is the beginning.
type Page struct {
	Messages []Message
	Before   string
}

// Timeline reads the newest messages of a room, or those before a place that an earlier
// page has named. What cannot be decrypted or was taken back has no Body, and says so
// by its Kind: unreadable or redacted.
func (c *Client) Timeline(ctx context.Context, room, before string, limit int) (Page, error) {
	resp, err := c.api.Messages(ctx, id.RoomID(room), before, "", mautrix.DirectionBackward, nil, limit)
	if err != nil {
		return Page{}, said("read", room, err)
	}
	p := Page{Before: resp.End, Messages: []Message{}}
	for _, e := range resp.Chunk {
		e.RoomID = id.RoomID(room)
		plain, err := c.open(ctx, e)
		switch {
		case e.StateKey == nil && e.Unsigned.RedactedBecause != nil:
			m := c.message(e)
			m.Kind, m.Body = "redacted", ""
			p.Messages = append(p.Messages, m)
		case err != nil:
			m := c.message(e)
			m.Kind = "unreadable"
			p.Messages = append(p.Messages, m)
		case plain != nil:
			p.Messages = append(p.Messages, c.message(plain))
		}
	}
	slices.Reverse(p.Messages)
	return p, nil
}

// Room is one room of the account.
type Room struct {
	ID        string
	Name      string // "" if nobody gave it one; of an invitation, as the server of who invites has it
	State     string // joined or invited
	Inviter   sys.Handle
	Members   []sys.Handle // who is in it, or invited
	Invited   []sys.Handle // those of them who have not come in
	Encrypted bool
	Direct    bool // a chat with one person
	Topic     string
	Space     bool     // it groups rooms
	Children  []string // the rooms that it groups
}

// Rooms lists the rooms that the account is in, or invited to.
func (c *Client) Rooms(ctx context.Context) (out []Room, err error) {
	rows, err := c.o.Journal.Query(ctx, `SELECT room, state, inviter, EXISTS(SELECT 1 FROM matrix_direct d WHERE d.account = r.account AND d.room = r.room),
		COALESCE((SELECT i.title FROM matrix_invited_app i WHERE i.account = r.account AND i.room = r.room), '') FROM matrix_room r
		WHERE account = ? AND (state IN ('joined', 'joining') OR state LIKE 'invited%') ORDER BY room`, string(c.me))
	if err != nil {
		return nil, err
	}
	for rows.Next() {
		var r Room
		if err := rows.Scan(&r.ID, &r.State, &r.Inviter, &r.Direct, &r.Name); err != nil {
			return nil, errors.Join(err, rows.Close())
		}
		if strings.HasPrefix(r.State, "invited") {
			r.Direct, r.State = r.State == "invited-direct", "invited"
			if r.Direct {
				r.Name = "" // it is called by who asks, whatever they say
			}
		} else {
			r.State = "joined"
		}
		out = append(out, r)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return nil, err
	}
	for i := range out {
		if err := c.describe(ctx, &out[i]); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// describe adds what the server knows of a room that the account is in.
func (c *Client) describe(ctx context.Context, r *Room) error {
	if r.State != "joined" {
		return nil
	}
	state, err := c.api.State(ctx, id.RoomID(r.ID))
	if err != nil {
		err = said("read", r.ID, err)
		if kind := sys.KindOf(err); kind == sys.Refused || kind == sys.NotFound {
			r.State = "left"
			return nil
		}
		return err
	}
	text := func(t event.Type, key string) (out string) {
		if e := state[t][""]; e != nil {
			out, _ = e.Content.Raw[key].(string)
		}
		return out
	}
	r.Name, r.Topic = text(event.StateRoomName, "name"), text(event.StateTopic, "topic")
	r.Space, r.Encrypted = text(event.StateCreate, "type") == "m.space", text(event.StateEncryption, "algorithm") != ""
	for who, e := range state[event.StateMember] {
		if how, _ := e.Content.Raw["membership"].(string); how == "join" || how == "invite" {
			r.Members = append(r.Members, sys.Handle(who))
			if how == "invite" {
				r.Invited = append(r.Invited, sys.Handle(who))
			}
		}
	}
	slices.Sort(r.Members)
	slices.Sort(r.Invited)
	for child, e := range state[event.StateSpaceChild] {
		if via, _ := e.Content.Raw["via"].([]any); len(via) > 0 {
			r.Children = append(r.Children, child)
		}
	}
	slices.Sort(r.Children)
	return nil
}

// Create makes an encrypted room with a name and invites people.
func (c *Client) Create(ctx context.Context, name string, people []sys.Handle) (string, error) {
	req := &mautrix.ReqCreateRoom{
		Preset: "private_chat", Name: name,
		InitialState: []*event.Event{{Type: event.StateEncryption, Content: event.Content{Parsed: &event.EncryptionEventContent{Algorithm: id.AlgorithmMegolmV1}}}},
	}
	for _, p := range people {
		req.Invite = append(req.Invite, id.UserID(p))
	}
	resp, err := c.api.CreateRoom(ctx, req)
	if err != nil {
		return "", said("make room", name, err)
	}
	return string(resp.RoomID), c.learn(ctx, resp.RoomID)
}

// Join accepts an invitation.
func (c *Client) Join(ctx context.Context, room string) error {
	limit, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	list, err := c.invitations(ctx)
	if err != nil {
		return err
	}
	i := Invitation{Room: room}
	if at := slices.IndexFunc(list, func(one Invitation) bool { return one.Room == room }); at >= 0 {
		i = list[at] // who asks, and whether it is a chat with them
	}
	if err := c.join(limit, i); err != nil {
		return said("join", room, err)
	}
	return c.o.Journal.Update(ctx, func(tx *journal.Tx) error {
		_, err := tx.Exec(ctx, `UPDATE matrix_room SET state = 'joining' WHERE account = ? AND room = ? AND state LIKE 'invited%'`, string(c.me), room)
		return err
	})
}

// Leave goes from a room, or declines an invitation.
func (c *Client) Leave(ctx context.Context, room string) error {
	if _, err := c.api.LeaveRoom(ctx, id.RoomID(room)); err != nil {
		return said("leave", room, err)
	}
	return c.o.Journal.Update(ctx, func(tx *journal.Tx) error {
		_, err := tx.Exec(ctx, `UPDATE matrix_room SET state = 'left' WHERE account = ? AND room = ?`, string(c.me), room)
		return err
	})
}

// Invite asks somebody into a room.
func (c *Client) Invite(ctx context.Context, room string, who sys.Handle) error {
	_, err := c.api.InviteUser(ctx, id.RoomID(room), &mautrix.ReqInviteUser{UserID: id.UserID(who)})
	return said("invite", string(who), err)
}

// Redact takes back what was said.
func (c *Client) Redact(ctx context.Context, room, event, why string) error {
	_, err := c.api.RedactEvent(ctx, id.RoomID(room), id.EventID(event), mautrix.ReqRedact{Reason: why})
	return said("take back", event, err)
}
