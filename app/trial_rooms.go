package app

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"

	"matrixos/app/contract"
	"matrixos/app/room"
	"matrixos/sys"
)

// Who the window of a trial is to others, and when nobody else is given.
const (
	trialMe    sys.Handle = "@you:home.example"
	trialAlone sys.Handle = "@you:local"
)

// trialRooms are the rooms of one window of a trial: in memory, by the same rules as
// real ones, with what others do in them as the scenario has it.
type trialRooms struct {
	now func() time.Time
	key ed25519.PrivateKey

	mu   sync.Mutex
	me   sys.Handle
	list []*trialRoom
}

type trialRoom struct {
	id, title string
	turns     bool
	there     bool // the window is in it, or has been invited
	fresh     bool // the app makes it
	members   []RoomMember
	with      []sys.Handle
	then      []contract.Other
	entries   []room.Posted
	writes    int
	newest    map[string]room.Posted // of the window's own, by what they write
}

var _ Rooms = (*trialRooms)(nil)

func newTrialRooms(given []contract.Room, now func() time.Time) *trialRooms {
	t := &trialRooms{now: now, me: trialMe, key: ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))}
	if len(given) == 0 {
		t.me = trialAlone
	}
	for i, g := range given {
		r := &trialRoom{id: fmt.Sprintf("!trial%d:home.example", i), title: g.Title, turns: g.Turns, there: !g.New, fresh: g.New, then: g.Then, newest: map[string]room.Posted{}}
		for _, who := range g.With {
			r.with = append(r.with, sys.Handle(who))
		}
		r.members = []RoomMember{{ID: t.me, Joined: true, Here: true}}
		for _, who := range r.with {
			if !r.fresh {
				r.members = append(r.members, RoomMember{ID: who, Joined: true})
			}
		}
		if !r.fresh {
			t.follow(r)
		}
		t.list = append(t.list, r)
	}
	return t
}

// List implements Rooms.
func (t *trialRooms) List(context.Context, sys.Slug) (RoomList, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	out := RoomList{Allowed: true, Me: t.me, Reachable: t.me != trialAlone, Rooms: []RoomInfo{}}
	for _, r := range t.list {
		if r.there {
			out.Rooms = append(out.Rooms, t.info(r))
		}
	}
	return out, nil
}

func (t *trialRooms) info(r *trialRoom) RoomInfo {
	by := t.me
	if !r.fresh && len(r.with) > 0 {
		by = r.with[0]
	}
	return RoomInfo{ID: r.id, Title: r.title, Turns: r.turns, State: "joined", By: by}
}

// Create implements Rooms: it is the first that the scenario leaves to the app.
func (t *trialRooms) Create(_ context.Context, _ RoomOf, n NewRoom) (string, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, r := range t.list {
		if r.fresh && !r.there {
			r.there, r.title, r.turns = true, n.Title, n.Turns
			t.follow(r)
			return r.id, nil
		}
	}
	return "", &sys.Error{Op: "make", Path: n.Title, Kind: sys.Unavailable, Err: errors.New("the scenario gives no room that the app may make")}
}

func (t *trialRooms) at(id string) (*trialRoom, error) {
	for _, r := range t.list {
		if r.id == id && r.there {
			return r, nil
		}
	}
	return nil, NoRoom(id)
}

// NoRoom says that an app has no such room.
func NoRoom(id string) error {
	return &sys.Error{Op: "find", Path: id, Kind: sys.NotFound, Err: errors.New("this app has no such room")}
}

// Show implements Rooms.
func (t *trialRooms) Show(_ context.Context, _ sys.Slug, id string) (RoomView, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	r, err := t.at(id)
	if err != nil {
		return RoomView{}, err
	}
	v := ViewOf(t.info(r), "1.0.0", t.me, room.Replay(r.entries, r.turns))
	v.Members = slices.Clone(r.members)
	return v, nil
}

// Write implements Rooms; then others do what the scenario has for that moment.
func (t *trialRooms) Write(_ context.Context, _ sys.Slug, id string, w RoomWrite) (RoomWritten, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	r, err := t.at(id)
	if err != nil {
		return RoomWritten{}, err
	}
	e, err := EntryOf(room.Replay(r.entries, r.turns), t.me, 0, r.turns, w)
	if err != nil {
		return RoomWritten{}, err
	}
	p, err := t.post(r, t.me, e)
	if err != nil {
		return RoomWritten{}, err
	}
	r.newest[string(w.Kind)+" "+w.Key] = p
	r.writes++
	t.follow(r)
	return RoomWritten{ID: p.ID, Counts: true}, nil
}

func (t *trialRooms) post(r *trialRoom, by sys.Handle, e room.Entry) (room.Posted, error) {
	now := t.now()
	if e.Kind == room.Score {
		e = e.Sign(r.id, by, now, t.key)
	}
	raw, err := json.Marshal(e)
	if err == nil {
		e, err = room.Parse(raw)
	}
	p := room.Posted{Entry: e, ID: e.IDOf(r.id, by), By: by, At: now, Sent: true}
	if err == nil {
		r.entries = append(r.entries, p)
	}
	return p, err
}

// follow lets others do what is due.
func (t *trialRooms) follow(r *trialRoom) {
	rest := []contract.Other{}
	for _, o := range r.then {
		if o.Writes > r.writes || t.other(r, o) != nil {
			rest = append(rest, o)
		}
	}
	r.then = rest
}

func (t *trialRooms) other(r *trialRoom, o contract.Other) error {
	w := RoomWrite{Kind: room.Set, Key: o.Set, Value: o.Value}
	switch {
	case o.Move:
		w.Kind = room.Move
	case o.Score != "":
		w.Kind, w.Key = room.Score, o.Score
	}
	by := sys.Handle(o.By)
	s := room.Replay(r.entries, r.turns)
	if o.AtOnce == "" {
		e, err := EntryOf(s, by, 0, r.turns, w)
		if err != nil {
			return err
		}
		_, err = t.post(r, by, e)
		return err
	}
	mine, ok := r.newest[string(w.Kind)+" "+w.Key]
	if !ok {
		return nil // there is nothing beside which it could be written
	}
	e := room.Entry{V: room.Version, Kind: w.Kind, Key: w.Key, After: mine.After, Value: string(w.Value)}
	for e.N = s.Next(by, 0); (e.IDOf(r.id, by) < mine.ID) != (o.AtOnce == "win"); e.N++ { // the smaller ID counts
	}
	_, err := t.post(r, by, e)
	return err
}

// Act implements Rooms. Whoever the scenario names joins when they are invited.
func (t *trialRooms) Act(_ context.Context, _ sys.Slug, id string, a RoomAct) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	r, err := t.at(id)
	if err != nil {
		return err
	}
	switch a.Act {
	case "leave":
		r.there = false
	case "invite":
		if _, err := sys.ParseHandle(string(a.Who), ""); err != nil {
			return err
		}
		if !slices.ContainsFunc(r.members, func(m RoomMember) bool { return m.ID == a.Who }) {
			r.members = append(r.members, RoomMember{ID: a.Who, Joined: slices.Contains(r.with, a.Who)})
		}
	case "join", "here":
	default:
		return &sys.Error{Op: "share", Path: strconv.Quote(a.Act), Kind: sys.NotFound}
	}
	return nil
}
