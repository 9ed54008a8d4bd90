package talk

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"matrixos/journal"
	"matrixos/sys"
)

// Podium is a room that one person speaks in and others listen and answer.
type Podium struct {
	Name   string
	Topic  string
	Alias  string         // the part before the domain; empty for none
	Public bool           // anybody may join and read; else by invitation, and encrypted
	Mark   map[string]any // becomes part of the room's first event, which nobody can change
}

// MakePodium makes one, in which the account alone may change anything. It fails with
// Conflict if the alias is somebody else's.
func (c *Client) MakePodium(ctx context.Context, p Podium) (string, error) {
	alone := 100
	req := &mautrix.ReqCreateRoom{
		Preset: "private_chat", Visibility: "private", Name: p.Name, Topic: p.Topic, RoomAliasName: p.Alias, CreationContent: p.Mark,
		PowerLevelOverride: &event.PowerLevelsEventContent{
			Users:           map[id.UserID]int{id.UserID(c.me): 100},
			StateDefaultPtr: &alone, InvitePtr: &alone, KickPtr: &alone, BanPtr: &alone, RedactPtr: &alone,
		},
	}
	if p.Public {
		req.Preset = "public_chat"
	} else {
		req.InitialState = []*event.Event{{Type: event.StateEncryption, Content: event.Content{Parsed: &event.EncryptionEventContent{Algorithm: id.AlgorithmMegolmV1}}}}
	}
	resp, err := c.api.CreateRoom(ctx, req)
	if errors.Is(err, mautrix.MRoomInUse) {
		return "", &sys.Error{Op: "make room", Path: p.Name, Kind: sys.Conflict, Err: errors.New("the name #" + p.Alias + " is taken on the homeserver"), Hint: "whoever runs the homeserver can free it"}
	}
	if err != nil {
		return "", said("make room", p.Name, err)
	}
	return string(resp.RoomID), c.learn(ctx, resp.RoomID)
}

// JoinBy joins the room of an alias such as #feed_anna:example.org.
func (c *Client) JoinBy(ctx context.Context, alias string) (string, error) {
	limit, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	at, err := c.api.ResolveAlias(limit, id.RoomAlias(alias))
	if err != nil {
		return "", said("find", alias, err)
	}
	resp, err := c.api.JoinRoom(limit, string(at.RoomID), &mautrix.ReqJoinRoom{Via: at.Servers[:min(len(at.Servers), 5)]})
	if err != nil {
		return "", said("join", alias, err)
	}
	return string(resp.RoomID), c.o.Journal.Update(ctx, func(tx *journal.Tx) error {
		_, err := tx.Exec(ctx, `INSERT INTO matrix_room(account, room, state, inviter) VALUES(?,?,'joining','') ON CONFLICT(account, room) DO UPDATE SET state = CASE state WHEN 'joined' THEN state ELSE 'joining' END`, string(c.me), string(resp.RoomID))
		return err
	})
}

// Begun is who made a room that the account is in, and what its first event says.
func (c *Client) Begun(ctx context.Context, room string) (by sys.Handle, content json.RawMessage, err error) {
	e, err := c.api.FullStateEvent(ctx, id.RoomID(room), event.StateCreate, "")
	if err != nil {
		return "", nil, said("read", room, err)
	}
	return sys.Handle(e.Sender), contentOf(e), nil
}

func contentOf(e *event.Event) json.RawMessage {
	if e.Content.Raw != nil {
		return raw(e.Content.Raw)
	}
	return json.RawMessage(e.Content.VeryRaw)
}

// Standing says of every room that the account knows how it stands there: joined,
// left, invited, and so on. It asks nobody.
func (c *Client) Standing(ctx context.Context) (out map[string]string, err error) {
	rows, err := c.o.Journal.Query(ctx, `SELECT room, state FROM matrix_room WHERE account = ?`, string(c.me))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	out = map[string]string{}
	for rows.Next() {
		var room, state string
		if err := rows.Scan(&room, &state); err != nil {
			return nil, err
		}
		out[room] = state
	}
	return out, rows.Err()
}

// Invitation is a room that somebody wants the account to join.
type Invitation struct {
	Room   string
	By     sys.Handle
	Direct bool
	Begun  json.RawMessage // what the room's first event says, if the server has told; nobody has checked it
}

// Invited are the rooms that the account is invited to, with what their first events say.
func (c *Client) Invited(ctx context.Context) ([]Invitation, error) { return c.invitations(ctx) }

// Show puts a piece of a room's state, in which homeservers read, too.
func (c *Client) Show(ctx context.Context, room, kind string, content any) error {
	_, err := c.api.SendStateEvent(ctx, id.RoomID(room), event.Type{Type: kind, Class: event.StateEventType}, "", content)
	return said("change", room, err)
}

// Shown reads a piece of a room's state; NotFound if there is none.
func (c *Client) Shown(ctx context.Context, room, kind string) (json.RawMessage, error) {
	var out json.RawMessage
	err := c.api.StateEvent(ctx, id.RoomID(room), event.Type{Type: kind, Class: event.StateEventType}, "", &out)
	return out, said("read", room, err)
}

// PutOut takes somebody out of a room. For good means that they cannot come back.
func (c *Client) PutOut(ctx context.Context, room string, who sys.Handle, forGood bool) error {
	var err error
	if forGood {
		_, err = c.api.BanUser(ctx, id.RoomID(room), &mautrix.ReqBanUser{UserID: id.UserID(who)})
	} else {
		_, err = c.api.KickUser(ctx, id.RoomID(room), &mautrix.ReqKickUser{UserID: id.UserID(who)})
	}
	return said("put out", string(who), err)
}

// LetBack lets somebody come back who was put out for good.
func (c *Client) LetBack(ctx context.Context, room string, who sys.Handle) error {
	_, err := c.api.UnbanUser(ctx, id.RoomID(room), &mautrix.ReqUnbanUser{UserID: id.UserID(who)})
	return said("let back", string(who), err)
}

// Introduce gives the account the name and the picture that all of the network sees; a
// picture without content is taken away.
func (c *Client) Introduce(ctx context.Context, name string, picture File) error {
	if err := c.api.SetDisplayName(ctx, name); err != nil {
		return said("set the name of", string(c.me), err)
	}
	var at id.ContentURI
	if len(picture.Content) > 0 {
		resp, err := c.api.UploadBytesWithName(ctx, picture.Content, picture.Type, picture.Name)
		if err != nil {
			return uploaded(picture.Name, err)
		}
		at = resp.ContentURI
	}
	return said("set the picture of", string(c.me), c.api.SetAvatarURL(ctx, at))
}

// Introduced is the name that somebody has on the network, and whether they have a
// picture.
func (c *Client) Introduced(ctx context.Context, who sys.Handle) (name string, picture bool, err error) {
	p, err := c.api.GetProfile(ctx, id.UserID(who))
	if err != nil {
		return "", false, said("find", string(who), err)
	}
	return p.DisplayName, !p.AvatarURL.IsEmpty(), nil
}

// PictureOf reads somebody's picture; NotFound if they have none.
func (c *Client) PictureOf(ctx context.Context, who sys.Handle) (File, error) {
	p, err := c.api.GetProfile(ctx, id.UserID(who))
	if err != nil {
		return File{}, said("find", string(who), err)
	}
	b, err := c.fetch(ctx, string(who), p.AvatarURL.CUString())
	return File{Name: "picture", Content: b}, err
}
