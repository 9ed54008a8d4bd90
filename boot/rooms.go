package boot

import (
	"context"
	"crypto/ed25519"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"matrixos/app"
	"matrixos/app/room"
	"matrixos/gateway"
	"matrixos/journal"
	"matrixos/matrix"
	"matrixos/matrix/talk"
	"matrixos/sys"
)

// shared are the rooms that apps share with other people: the owner's client carries
// the entries, and this keeps those that have come. What an app sees of it are the
// rooms of its own name.
type shared struct {
	m    *messenger
	key  ed25519.PrivateKey
	wake chan struct{} // a room is to be read from its beginning
	// device is the how-manieth of the owner's this is, 0 the first.
	device func() int

	writing sync.Mutex // above mu: one entry gets a number at a time

	mu      sync.Mutex
	states  map[string]room.State          // of rooms, as far as nothing has come since
	changes map[string]int                 // how often something has come
	present map[string]map[sys.Handle]bool // who has a room open
	members map[string]attendance          // who is in it
	read    map[string]time.Time           // when a room was last read from its beginning
	rate    map[string]*bucket             // of what apps write
	due     map[string]bool                // rooms of which windows are to be told
}

type attendance struct {
	at   time.Time
	list []talk.Member
}

var sharedTables = []string{
	// Rooms of the owner's that are of an app; of those that are not, app is empty.
	`CREATE TABLE shared_room (
		room TEXT PRIMARY KEY,
		app TEXT NOT NULL,
		name TEXT NOT NULL,
		version TEXT NOT NULL,
		title TEXT NOT NULL,
		turns INTEGER NOT NULL,
		maker TEXT NOT NULL,
		read INTEGER NOT NULL, -- from its beginning
		members TEXT NOT NULL
	) STRICT`,
	`CREATE TABLE shared_entry (
		room TEXT NOT NULL,
		by TEXT NOT NULL,
		n INTEGER NOT NULL,
		id TEXT NOT NULL,
		entry TEXT NOT NULL,
		at INTEGER NOT NULL,
		sent INTEGER NOT NULL,
		PRIMARY KEY (room, by, n)
	) STRICT`,
}

func newShared(ctx context.Context, m *messenger, key ed25519.PrivateKey) (*shared, error) {
	return &shared{
		m: m, key: key, device: func() int { return 0 }, wake: make(chan struct{}, 1), states: map[string]room.State{}, changes: map[string]int{}, present: map[string]map[sys.Handle]bool{},
		members: map[string]attendance{}, read: map[string]time.Time{}, rate: map[string]*bucket{}, due: map[string]bool{},
	}, m.disk.Journal().Migrate(ctx, "messenger-shared", sharedTables...)
}

// sharedRooms are the rooms of apps as the runtime uses them. The messenger comes later
// than the runtime.
type sharedRooms struct{ at atomic.Pointer[messenger] }

var _ app.Rooms = (*sharedRooms)(nil)

func (s *sharedRooms) desk(ctx context.Context) (*shared, error) {
	m := s.at.Load()
	if m == nil {
		return nil, &sys.Error{Op: "share", Path: "with others", Kind: sys.Unavailable, Err: errors.New("nobody can be reached from here"), Hint: "start Matrix OS with `matrixos up`; in safe mode nobody is"}
	}
	return m.rooms, m.ready(ctx)
}

// List implements app.Rooms. It starts no homeserver.
func (s *sharedRooms) List(ctx context.Context, slug sys.Slug) (app.RoomList, error) {
	m := s.at.Load()
	if m == nil {
		return app.RoomList{Rooms: []app.RoomInfo{}}, nil // safe mode
	}
	return m.rooms.list(ctx, slug)
}

// Create implements app.Rooms.
func (s *sharedRooms) Create(ctx context.Context, of app.RoomOf, n app.NewRoom) (string, error) {
	d, err := s.desk(ctx)
	if err != nil {
		return "", err
	}
	return d.create(ctx, of, n)
}

// Show implements app.Rooms.
func (s *sharedRooms) Show(ctx context.Context, slug sys.Slug, id string) (app.RoomView, error) {
	d, err := s.desk(ctx)
	if err != nil {
		return app.RoomView{}, err
	}
	return d.show(ctx, slug, id)
}

// Write implements app.Rooms.
func (s *sharedRooms) Write(ctx context.Context, slug sys.Slug, id string, w app.RoomWrite) (app.RoomWritten, error) {
	d, err := s.desk(ctx)
	if err != nil {
		return app.RoomWritten{}, err
	}
	return d.write(ctx, slug, id, w)
}

// Act implements app.Rooms.
func (s *sharedRooms) Act(ctx context.Context, slug sys.Slug, id string, a app.RoomAct) error {
	d, err := s.desk(ctx)
	if err != nil {
		return err
	}
	return d.act(ctx, slug, id, a)
}

// sharedRoom is one row.
type sharedRoom struct {
	app.RoomInfo
	of      app.RoomOf
	members []talk.Member // as they were last known
}

const sharedColumns = `SELECT s.room, s.app, s.name, s.version, s.title, s.turns, s.maker, s.members, m.state FROM shared_room s JOIN matrix_room m ON m.room = s.room AND m.account = ?1`

func scanShared(row interface{ Scan(...any) error }) (r sharedRoom, err error) {
	var members []byte
	if err := row.Scan(&r.ID, &r.of.App, &r.of.Name, &r.of.Version, &r.Title, &r.Turns, &r.By, &members, &r.State); err != nil {
		return r, err
	}
	switch {
	case strings.HasPrefix(r.State, "invited"):
		r.State = "invited"
	case r.State == "joining":
		r.State = "joined"
	}
	return r, json.Unmarshal(members, &r.members)
}

// find is a room of an app; the rooms of others are not there.
func (d *shared) find(ctx context.Context, slug sys.Slug, id string) (sharedRoom, error) {
	r, err := scanShared(d.m.disk.Journal().QueryRow(ctx, sharedColumns+` WHERE s.room = ?2 AND s.app = ?3 AND s.app <> ''`, string(d.m.owner()), id, string(slug)))
	if errors.Is(err, sql.ErrNoRows) || err == nil && r.State != "joined" && r.State != "invited" {
		return r, app.NoRoom(id)
	}
	return r, err
}

// all are the rooms of apps; of one, if it is named.
func (d *shared) all(ctx context.Context, slug sys.Slug) (out []sharedRoom, err error) {
	rows, err := d.m.disk.Journal().Query(ctx, sharedColumns+` WHERE s.app <> '' AND (?2 = '' OR s.app = ?2) ORDER BY s.title, s.room`, string(d.m.owner()), string(slug))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		r, err := scanShared(rows)
		if err != nil {
			return nil, err
		}
		if r.State == "joined" || r.State == "invited" {
			out = append(out, r)
		}
	}
	return out, rows.Err()
}

// byRoom is of which app each room is, as the desktop shows it.
func (d *shared) byRoom(ctx context.Context) (map[string]*gateway.RoomApp, error) {
	all, err := d.all(ctx, "")
	out := map[string]*gateway.RoomApp{}
	for _, r := range all {
		out[r.ID] = &gateway.RoomApp{Slug: r.of.App, Name: r.of.Name, Title: r.Title, Version: r.of.Version}
	}
	return out, err
}

func (d *shared) list(ctx context.Context, slug sys.Slug) (app.RoomList, error) {
	out := app.RoomList{Allowed: true, Me: d.m.owner(), Reachable: !matrix.IsLocal(d.m.owner()), Rooms: []app.RoomInfo{}}
	all, err := d.all(ctx, slug)
	for _, r := range all {
		if !d.m.hides()(r.By) || r.State == "joined" {
			out.Rooms = append(out.Rooms, r.RoomInfo)
		}
	}
	return out, err
}

// mostRooms is how many rooms one app has.
const mostRooms = 100

func (d *shared) create(ctx context.Context, of app.RoomOf, n app.NewRoom) (string, error) {
	all, err := d.all(ctx, of.App)
	if err != nil {
		return "", err
	}
	if len(all) >= mostRooms {
		return "", &sys.Error{Op: "make", Path: n.Title, Kind: sys.Refused, Err: fmt.Errorf("%s shares in %d rooms already", of.Name, len(all)), Hint: "leave one"}
	}
	a := talk.AppRoom{App: string(of.App), Name: of.Name, Version: of.Version, Turns: n.Turns, Title: n.Title, By: d.m.owner()}
	id, err := d.m.own.MakeAppRoom(ctx, room.Type, a)
	if err != nil {
		return "", err
	}
	return id, d.m.disk.Journal().Update(ctx, func(tx *journal.Tx) error {
		if _, err := tx.Exec(ctx, `INSERT INTO matrix_room(account, room, state, inviter) VALUES(?,?,'joined','') ON CONFLICT DO NOTHING`, string(d.m.owner()), id); err != nil {
			return err
		}
		return noteShared(ctx, tx, id, a, true)
	})
}

// appName is the name of an app as others say it; empty if it is none.
func appName(name string) string {
	if !sys.Slug(name).Valid() {
		return ""
	}
	return name
}

// noteShared keeps which app a room is of; read says that nothing was written there
// before.
func noteShared(ctx context.Context, tx *journal.Tx, id string, a talk.AppRoom, read bool) error {
	_, err := tx.Exec(ctx, `INSERT INTO shared_room(room, app, name, version, title, turns, maker, read, members) VALUES(?,?,?,?,?,?,?,?,'[]') ON CONFLICT(room) DO NOTHING`,
		id, appName(a.App), app.RoomTitle(a.Name), app.RoomTitle(a.Version), app.RoomTitle(a.Title), a.Turns, string(a.By), read)
	return err
}

// entries are those of a room that have come.
func (d *shared) entries(ctx context.Context, id string) (out []room.Posted, err error) {
	rows, err := d.m.disk.Journal().Query(ctx, `SELECT by, id, entry, at, sent FROM shared_entry WHERE room = ?`, id)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var p room.Posted
		var raw []byte
		var at int64
		if err := errors.Join(rows.Scan(&p.By, &p.ID, &raw, &at, &p.Sent), json.Unmarshal(raw, &p.Entry)); err != nil {
			return nil, err
		}
		p.At = time.UnixMilli(at)
		out = append(out, p)
	}
	return out, rows.Err()
}

// state is what the entries of a room come to.
func (d *shared) state(ctx context.Context, r sharedRoom) (room.State, error) {
	d.mu.Lock()
	s, known := d.states[r.ID]
	seen := d.changes[r.ID]
	d.mu.Unlock()
	if known {
		return s, nil
	}
	list, err := d.entries(ctx, r.ID)
	if err != nil {
		return s, err
	}
	s = room.Replay(list, r.Turns)
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.changes[r.ID] == seen {
		d.states[r.ID] = s
	}
	return s, nil
}

func (d *shared) show(ctx context.Context, slug sys.Slug, id string) (app.RoomView, error) {
	r, err := d.find(ctx, slug, id)
	if err != nil {
		return app.RoomView{}, err
	}
	s, err := d.state(ctx, r)
	if err != nil {
		return app.RoomView{}, err
	}
	v := app.ViewOf(r.RoomInfo, r.of.Version, d.m.owner(), s)
	err = d.m.disk.Journal().QueryRow(ctx, `SELECT count(*) FROM shared_entry WHERE room = ? AND by = ? AND sent = 0`, id, string(d.m.owner())).Scan(&v.Unsent)
	here := d.here(id)
	for _, m := range d.attendance(ctx, r) {
		v.Members = append(v.Members, app.RoomMember{ID: m.Who, Joined: m.Joined, Here: here[m.Who] || m.Who == d.m.owner()})
	}
	if s.Waiting > 0 {
		d.again(ctx, id)
	}
	return v, err
}

// bucket is how much may be written at once.
type bucket struct {
	left float64
	at   time.Time
}

// An app writes so much at once into a room, and so much in a second from then on.
const (
	atOnce    = 60
	perSecond = 3
)

// spend takes one write from what a room may have.
func (d *shared) spend(id string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	now := time.Now()
	b := d.rate[id]
	if b == nil {
		b = &bucket{left: atOnce, at: now}
		d.rate[id] = b
	}
	b.left, b.at = min(atOnce, b.left+perSecond*now.Sub(b.at).Seconds()), now
	if b.left < 1 {
		return &sys.Error{Op: "write into", Path: "the room", Kind: sys.Unavailable, Err: errors.New("this app writes faster than others can read"), Hint: "try again in a moment"}
	}
	b.left--
	return nil
}

func (d *shared) write(ctx context.Context, slug sys.Slug, id string, w app.RoomWrite) (app.RoomWritten, error) {
	d.writing.Lock()
	defer d.writing.Unlock()
	r, err := d.find(ctx, slug, id)
	if err != nil {
		return app.RoomWritten{}, err
	}
	if r.State != "joined" {
		return app.RoomWritten{}, &sys.Error{Op: "write into", Path: r.Title, Kind: sys.Refused, Err: errors.New("you have only been invited"), Hint: "accept the invitation in Messages"}
	}
	s, err := d.state(ctx, r)
	if err != nil {
		return app.RoomWritten{}, err
	}
	me := d.m.owner()
	e, err := app.EntryOf(s, me, d.device(), r.Turns, w)
	if err != nil {
		return app.RoomWritten{}, err
	}
	now := time.Now()
	if e.Kind == room.Score {
		e = e.Sign(id, me, now, d.key)
	}
	raw, err := json.Marshal(e)
	if err != nil {
		return app.RoomWritten{}, err
	}
	if e, err = room.Parse(raw); err != nil { // the rules for others are ours
		return app.RoomWritten{}, err
	}
	if err := d.spend(id); err != nil {
		return app.RoomWritten{}, err
	}
	name := e.IDOf(id, me)
	err = d.m.disk.Journal().Update(ctx, func(tx *journal.Tx) error {
		if _, err := tx.Exec(ctx, `INSERT INTO shared_entry(room, by, n, id, entry, at, sent) VALUES(?,?,?,?,?,?,0)`, id, string(me), e.N, string(name), string(raw), now.UnixMilli()); err != nil {
			return err
		}
		tx.OnCommit(func() { d.changed(slug, id) })
		return d.m.own.Post(ctx, tx, talk.Letter{Once: "app-" + string(name), Room: id, Type: room.EventType, Content: e})
	})
	return app.RoomWritten{ID: name, Counts: err == nil}, err
}

// act does something about a room. The desktop has asked the owner before it passes an
// invitation on.
func (d *shared) act(ctx context.Context, slug sys.Slug, id string, a app.RoomAct) error {
	r, err := d.find(ctx, slug, id)
	if err != nil {
		return err
	}
	switch a.Act {
	case "join":
		if err := d.m.own.Join(ctx, id); err != nil {
			return err
		}
		d.nudge()
		return nil
	case "leave":
		if err := d.m.own.Leave(ctx, id); err != nil {
			return err
		}
		return d.m.disk.Journal().Update(ctx, func(tx *journal.Tx) error {
			if _, err := tx.Exec(ctx, `UPDATE matrix_room SET state = 'left' WHERE account = ? AND room = ?`, string(d.m.owner()), id); err != nil {
				return err
			}
			if _, err := tx.Exec(ctx, `DELETE FROM shared_room WHERE room = ?`, id); err != nil {
				return err
			}
			_, err := tx.Exec(ctx, `DELETE FROM shared_entry WHERE room = ?`, id)
			tx.OnCommit(func() { d.changed(slug, id) })
			return err
		})
	case "invite":
		return d.invite(ctx, r, a.Who)
	case "here":
		return d.m.own.Typing(ctx, id, true)
	default:
		return &sys.Error{Op: "share", Path: a.Act, Kind: sys.NotFound, Err: errors.New("there is no such act"), Hint: "join, leave, invite or here"}
	}
}

func (d *shared) invite(ctx context.Context, r sharedRoom, who sys.Handle) error {
	if _, err := matrix.ParseUser(string(who)); err != nil {
		return err
	}
	list, err := d.m.own.Attendance(ctx, r.ID)
	if err != nil {
		return err
	}
	most := room.MostMembers
	if r.Turns {
		most = 2
	}
	switch {
	case slices.ContainsFunc(list, func(m talk.Member) bool { return m.Who == who }):
		return &sys.Error{Op: "invite", Path: string(who), Kind: sys.Exists, Err: errors.New("they have been invited before, or are in it")}
	case len(list) >= most:
		return &sys.Error{Op: "invite", Path: string(who), Kind: sys.Refused, Err: fmt.Errorf("%d people are in it, and no more can be", len(list)), Hint: "make another one"}
	}
	if err := d.m.own.Invite(ctx, r.ID, who); err != nil {
		return err
	}
	d.mu.Lock()
	delete(d.members, r.ID)
	d.mu.Unlock()
	d.changed(r.of.App, r.ID)
	return nil
}
