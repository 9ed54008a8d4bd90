package talk

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"slices"

	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"matrixos/journal"
	"matrixos/sys"
)

// AppRoom says which app a room is of. All but the title stands in the room's first
// event, which nobody can change.
type AppRoom struct {
	App     string     `json:"app"`
	Name    string     `json:"name"`
	Version string     `json:"version"`
	Turns   bool       `json:"turns,omitempty"`
	Title   string     `json:"-"`
	By      sys.Handle `json:"-"` // who made it
}

// appKey is where the first event of a room says so.
const appKey = "os.matrix.app"

// invitedTables hold which app the rooms are of to which the account is invited.
var invitedTables = []string{`CREATE TABLE matrix_invited_app (
	account TEXT NOT NULL,
	room TEXT NOT NULL,
	app TEXT NOT NULL,
	title TEXT NOT NULL,
	maker TEXT NOT NULL,
	PRIMARY KEY (account, room)
) STRICT`}

// MakeAppRoom makes a room of an app. Who made it invites, nobody else, and no one
// changes what it is called. What was written nobody takes back, and who comes later
// reads it: the room is not encrypted.
func (c *Client) MakeAppRoom(ctx context.Context, kind string, a AppRoom) (string, error) {
	maker := 100
	resp, err := c.api.CreateRoom(ctx, &mautrix.ReqCreateRoom{
		Preset: "private_chat", Name: a.Title,
		CreationContent: map[string]any{"type": kind, appKey: a},
		PowerLevelOverride: &event.PowerLevelsEventContent{
			Users: map[id.UserID]int{id.UserID(c.me): maker}, Events: map[string]int{event.EventRedaction.Type: maker + 1},
			StateDefaultPtr: &maker, InvitePtr: &maker, KickPtr: &maker, BanPtr: &maker, RedactPtr: &maker,
		},
	})
	if err != nil {
		return "", said("make room", a.Title, err)
	}
	return string(resp.RoomID), nil
}

// appOf reads a first event; false if the room is of no app.
func appOf(kind string, content map[string]any) (a AppRoom, ok bool) {
	if is, _ := content["type"].(string); is != kind {
		return a, false
	}
	raw, err := json.Marshal(content[appKey])
	if err != nil || json.Unmarshal(raw, &a) != nil {
		return a, false
	}
	return a, a.App != ""
}

// AppOf says which app a room of the account is of; false if it is of none.
func (c *Client) AppOf(ctx context.Context, kind, room string) (a AppRoom, ok bool, err error) {
	state, err := c.api.State(ctx, id.RoomID(room))
	if err != nil {
		return a, false, said("read", room, err)
	}
	if e := state[event.StateCreate][""]; e != nil {
		if a, ok = appOf(kind, e.Content.Raw); ok {
			a.By = sys.Handle(e.Sender)
		}
	}
	if e := state[event.StateRoomName][""]; e != nil {
		a.Title, _ = e.Content.Raw["name"].(string)
	}
	return a, ok, nil
}

// noteApp keeps what the state that came with an invitation says of an app.
func (c *Client) noteApp(ctx context.Context, tx *journal.Tx, room id.RoomID, state []*event.Event) error {
	var content, title []byte
	maker := ""
	for _, e := range state {
		switch e.Type.Type {
		case event.StateCreate.Type:
			content, maker = raw(e.Content.Raw), string(e.Sender)
		case event.StateRoomName.Type:
			name, _ := e.Content.Raw["name"].(string)
			title = []byte(name)
		}
	}
	if content == nil || len(content) > 4<<10 || len(title) > 4<<10 {
		return nil
	}
	_, err := tx.Exec(ctx, `INSERT INTO matrix_invited_app(account, room, app, title, maker) VALUES(?,?,?,?,?) ON CONFLICT(account, room) DO UPDATE SET app = excluded.app, title = excluded.title, maker = excluded.maker`,
		string(c.me), string(room), string(content), string(title), maker)
	return err
}

// InvitedApp says which app a room is of to which the account was invited, as the server
// of who invites has it; false if it is of none.
func (c *Client) InvitedApp(ctx context.Context, kind, room string) (a AppRoom, ok bool, err error) {
	var content []byte
	var title, maker string
	err = c.o.Journal.QueryRow(ctx, `SELECT app, title, maker FROM matrix_invited_app WHERE account = ? AND room = ?`, string(c.me), room).Scan(&content, &title, &maker)
	if errors.Is(err, sql.ErrNoRows) {
		return a, false, nil
	}
	var first map[string]any
	if err == nil {
		err = json.Unmarshal(content, &first)
	}
	if err != nil {
		return a, false, err
	}
	a, ok = appOf(kind, first)
	a.Title, a.By = title, sys.Handle(maker)
	return a, ok, nil
}

// Member is somebody in a room.
type Member struct {
	Who    sys.Handle
	Joined bool // or else invited
}

// Attendance is who is in a room or invited, by handle.
func (c *Client) Attendance(ctx context.Context, room string) ([]Member, error) {
	resp, err := c.api.Members(ctx, id.RoomID(room))
	if err != nil {
		return nil, said("read", room, err)
	}
	var out []Member
	for _, e := range resp.Chunk {
		how, _ := e.Content.Raw["membership"].(string)
		if e.StateKey != nil && (how == "join" || how == "invite") {
			out = append(out, Member{Who: sys.Handle(*e.StateKey), Joined: how == "join"})
		}
	}
	slices.SortFunc(out, func(a, b Member) int {
		if a.Who < b.Who {
			return -1
		}
		return 1
	})
	return out, nil
}
