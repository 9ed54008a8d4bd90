package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"

	"matrixos/app/room"
	"matrixos/sys"
)

// RoomPermission is what a manifest asks for and the owner grants: to share with other
// people, in rooms that the app makes or that the owner accepts for it.
const RoomPermission = "room"

// Rooms are what apps share with other people. Every call names the app, and none
// reaches a room of another one.
type Rooms interface {
	List(ctx context.Context, app sys.Slug) (RoomList, error)
	Create(ctx context.Context, of RoomOf, r NewRoom) (string, error)
	Show(ctx context.Context, app sys.Slug, id string) (RoomView, error)
	Write(ctx context.Context, app sys.Slug, id string, w RoomWrite) (RoomWritten, error)
	Act(ctx context.Context, app sys.Slug, id string, a RoomAct) error
}

// RoomList is who the owner is to others, and the app's rooms.
type RoomList struct {
	Allowed bool       `json:"allowed"` // the owner has granted it
	Me      sys.Handle `json:"me,omitempty"`
	// Reachable reports whether others can be: false until a handle is claimed.
	Reachable bool       `json:"reachable"`
	Rooms     []RoomInfo `json:"rooms"`
}

// RoomInfo is one room in a list.
type RoomInfo struct {
	ID    string     `json:"id"`
	Title string     `json:"title"`
	Turns bool       `json:"turns"`
	State string     `json:"state"` // joined or invited
	By    sys.Handle `json:"by"`    // who made it
}

// RoomOf says which app a room is of.
type RoomOf struct {
	App           sys.Slug
	Name, Version string
}

// NewRoom is a room to be made.
type NewRoom struct {
	Title string `json:"title"`
	Turns bool   `json:"turns"`
}

// RoomView is a room as its app sees it.
type RoomView struct {
	RoomInfo
	Version string       `json:"version"` // of the app that made it
	Me      sys.Handle   `json:"me"`
	Members []RoomMember `json:"members"`
	Values  []RoomValue  `json:"values"`
	Log     []RoomMove   `json:"log"`
	Lost    []RoomMove   `json:"lost"` // moves of which another at the same place counts
	Scores  []RoomScore  `json:"scores"`
	Unsent  int          `json:"unsent"`  // of the owner's own, what the room does not have yet
	Waiting int          `json:"waiting"` // what builds on something that has not come yet
}

// RoomMember is one member.
type RoomMember struct {
	ID     sys.Handle `json:"id"`
	Joined bool       `json:"joined"` // or else invited
	Here   bool       `json:"here"`   // has the room open now
}

// RoomMove is one thing that was written.
type RoomMove struct {
	ID    room.ID         `json:"id"`
	By    sys.Handle      `json:"by"`
	At    time.Time       `json:"at"`
	Value json.RawMessage `json:"value"`
	Sent  bool            `json:"sent"`
}

// RoomValue is what a key holds.
type RoomValue struct {
	Key string `json:"key"`
	RoomMove
	Lost []RoomMove `json:"lost,omitempty"` // written at the same time, and does not count
}

// RoomScore is a claim that its author has signed.
type RoomScore struct {
	Board string     `json:"board"`
	By    sys.Handle `json:"by"`
	Score int64      `json:"score"`
	At    time.Time  `json:"at"`
	Key   string     `json:"key"`
	Sig   string     `json:"sig"`
}

// RoomWrite is what an app writes: a value, a move or a score.
type RoomWrite struct {
	Kind  room.Kind
	Key   string
	Value json.RawMessage
	After *string // of a move: the one that the app has seen last, or ""
}

// RoomWritten says what has become of it so far.
type RoomWritten struct {
	ID     room.ID `json:"id"`
	Counts bool    `json:"counts"`
}

// RoomAct is something about a room: join, leave, invite or here.
type RoomAct struct {
	Act string
	Who sys.Handle
}

// mostShown is how many moves an app is shown, the newest.
const mostShown = 2000

// ViewOf is a state as apps see it.
func ViewOf(info RoomInfo, version string, me sys.Handle, s room.State) RoomView {
	v := RoomView{RoomInfo: info, Version: version, Me: me, Members: []RoomMember{}, Values: []RoomValue{}, Scores: []RoomScore{}, Waiting: s.Waiting}
	for _, c := range s.Cells {
		v.Values = append(v.Values, RoomValue{Key: c.Key, RoomMove: moveOf(c.Posted), Lost: movesOf(c.Lost)})
	}
	v.Log = movesOf(s.Log[max(0, len(s.Log)-mostShown):])
	v.Lost = movesOf(s.Lost[max(0, len(s.Lost)-20):])
	for _, p := range s.Scores {
		var n int64
		if json.Unmarshal([]byte(p.Value), &n) == nil {
			v.Scores = append(v.Scores, RoomScore{Board: p.Key, By: p.By, Score: n, At: time.UnixMilli(p.Proof.At).UTC(), Key: p.Proof.Key, Sig: p.Proof.Sig})
		}
	}
	return v
}

func moveOf(p room.Posted) RoomMove {
	return RoomMove{ID: p.ID, By: p.By, At: p.At.UTC(), Value: json.RawMessage(p.Value), Sent: p.Sent}
}

func movesOf(list []room.Posted) []RoomMove {
	out := []RoomMove{}
	for _, p := range list {
		out = append(out, moveOf(p))
	}
	return out
}

// EntryOf is the entry that writes w into a room as it is, from a device of the author's (see
// room.State.Next). It fails with Conflict where somebody else has moved, or has to.
func EntryOf(s room.State, me sys.Handle, device int, turns bool, w RoomWrite) (room.Entry, error) {
	refuse := func(kind sys.Kind, why, hint string) (room.Entry, error) {
		return room.Entry{}, &sys.Error{Op: "write into", Path: "the room", Kind: kind, Err: errors.New(why), Hint: hint}
	}
	last, moved := s.Last()
	switch {
	case s.Next(me, device) > room.MostEntries:
		return refuse(sys.Refused, fmt.Sprintf("you have written %d times into it, and it holds no more", room.MostEntries), "make a new one")
	case len(w.Value) == 0:
		return refuse(sys.Invalid, "there is nothing to write", "")
	case w.Kind == room.Move && w.After != nil && *w.After != string(last.ID):
		return refuse(sys.Conflict, "somebody has moved meanwhile", "look at what is there now")
	case w.Kind == room.Move && turns && moved && last.By == me:
		return refuse(sys.Conflict, "it is somebody else's turn", "")
	}
	return room.Entry{V: room.Version, N: s.Next(me, device), Kind: w.Kind, Key: w.Key, After: s.Head(w.Kind, w.Key), Value: string(w.Value)}, nil
}

// RoomTitle is a title as people can read it; empty if nothing is left of it.
func RoomTitle(title string) string {
	title = strings.Join(strings.FieldsFunc(strings.ToValidUTF8(title, ""), func(r rune) bool {
		return unicode.IsSpace(r) || unicode.IsControl(r) || unicode.Is(unicode.Cf, r)
	}), " ")
	if r := []rune(title); len(r) > 60 {
		title = string(r[:60])
	}
	return title
}

// rooms are what this window may share with: the owner's, or those of a trial.
func (c *call) rooms(path string) (Rooms, error) {
	refuse := func(kind sys.Kind, why, hint string) (Rooms, error) {
		return nil, &sys.Error{Op: "share", Path: path, Kind: kind, Err: errors.New(why), Hint: hint}
	}
	switch {
	case !slices.Contains(c.manifest.Permissions, RoomPermission):
		return refuse(sys.Refused, fmt.Sprintf("the manifest of %s does not name it", c.manifest.Name), fmt.Sprintf("add %q to permissions in its %s", RoomPermission, ManifestName))
	case c.launch.trial:
		return c.launch.rooms, nil
	case c.preview || c.frozen:
		return refuse(sys.Refused, "an app that is only looked at shares nothing", "open the app itself")
	case c.r.rooms == nil || c.r.network.Granted == nil:
		return refuse(sys.Unavailable, "apps can share nothing here", "")
	case !c.r.network.Granted(c.launch.slug, RoomPermission):
		return refuse(sys.NeedsApproval, fmt.Sprintf("%s has not been allowed to share with other people", c.manifest.Name), "allow it in the app's window")
	}
	return c.r.rooms, nil
}

// roomList tells of no room before the owner has allowed it, and does not ask them: only
// whether others could be reached.
func (c *call) roomList(ctx context.Context) (any, error) {
	r, err := c.rooms("with others")
	if kind := sys.KindOf(err); kind == sys.NeedsApproval || kind == sys.Unavailable || kind == sys.Refused && c.preview {
		out := RoomList{Rooms: []RoomInfo{}}
		if c.r.rooms != nil {
			all, err := c.r.rooms.List(ctx, c.launch.slug)
			if err != nil {
				return nil, err
			}
			out.Reachable = all.Reachable
		}
		return out, nil
	}
	if err != nil {
		return nil, err
	}
	return r.List(ctx, c.launch.slug)
}

func (c *call) roomCreate(ctx context.Context) (any, error) {
	r, err := c.rooms("a room")
	if err != nil {
		return nil, err
	}
	title := RoomTitle(c.params.Title)
	if title == "" {
		return nil, &sys.Error{Op: "make", Path: "a room", Kind: sys.Invalid, Err: errors.New("it needs a title"), Hint: "say what it is for"}
	}
	id, err := r.Create(ctx, RoomOf{App: c.launch.slug, Name: c.manifest.Name, Version: c.manifest.Version}, NewRoom{Title: title, Turns: c.params.Turns})
	return map[string]string{"id": id}, err
}

func (c *call) roomShow(ctx context.Context) (any, error) {
	r, err := c.rooms(c.params.Room)
	if err != nil {
		return nil, err
	}
	return r.Show(ctx, c.launch.slug, c.params.Room)
}

func (c *call) roomSet(ctx context.Context) (any, error) {
	return c.roomWrite(ctx, RoomWrite{Kind: room.Set, Key: c.params.Key, Value: c.params.Value})
}

func (c *call) roomAppend(ctx context.Context) (any, error) {
	return c.roomWrite(ctx, RoomWrite{Kind: room.Move, Value: c.params.Value, After: c.params.After})
}

func (c *call) roomScore(ctx context.Context) (any, error) {
	return c.roomWrite(ctx, RoomWrite{Kind: room.Score, Key: c.params.Key, Value: c.params.Value})
}

func (c *call) roomWrite(ctx context.Context, w RoomWrite) (any, error) {
	r, err := c.rooms(c.params.Room)
	if err != nil {
		return nil, err
	}
	return r.Write(ctx, c.launch.slug, c.params.Room, w)
}

func (c *call) roomAct(ctx context.Context) (any, error) {
	r, err := c.rooms(c.params.Room)
	if err != nil {
		return nil, err
	}
	return nil, r.Act(ctx, c.launch.slug, c.params.Room, RoomAct{Act: c.params.Action, Who: sys.Handle(c.params.Who)})
}
