package device

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"encoding/json"
	"errors"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"matrixos/journal"
	"matrixos/sys"
)

// Device is another device of the owner's that this home has let in.
type Device struct {
	ID      ID
	Name    string
	Version string // of its Matrix OS, as it last said
	Matrix  string // as which it is signed in to the homeserver; empty before
	Added   time.Time
	Seen    time.Time // zero: not since it was let in
	Removed bool
}

// Role is that this home is another device of a home elsewhere: of the first one.
type Role struct {
	First   ID
	Addrs   []string
	Handle  sys.Handle
	Name    string // as which the first device knows this home
	Of      string // what the first device is called
	Cloned  bool   // it has met the first device once
	Vouched string // the device of the account that the first has signed
	Removed bool   // the first device lets it in no more
	Number  int    // the how-manieth device it is, from 1; 0 in a home that was paired before these were counted
}

var rollTables = []string{
	`CREATE TABLE device (
		id TEXT PRIMARY KEY,
		name TEXT NOT NULL,
		version TEXT NOT NULL,
		matrix TEXT NOT NULL,
		added INTEGER NOT NULL,
		seen INTEGER NOT NULL,
		removed INTEGER NOT NULL
	) STRICT`,
	// What this home is itself: JSON of a Role, and where it listens for others.
	`CREATE TABLE device_self (
		what TEXT PRIMARY KEY, -- role or listen
		value TEXT NOT NULL
	) STRICT`,
}

const (
	codeLife   = 10 * time.Minute
	codesMost  = 8
	mostPaired = 32
)

// Roll is which devices are let in, and what this home is itself. It may be used from
// any goroutine.
type Roll struct {
	j   *journal.Journal
	now func() time.Time

	mu    sync.Mutex
	codes map[[sha256.Size]byte]invitation // of this run; kept as hashes
}

type invitation struct {
	name    string
	expires time.Time
}

// OpenRoll opens the roll of a home.
func OpenRoll(ctx context.Context, j *journal.Journal, now func() time.Time) (*Roll, error) {
	return &Roll{j: j, now: now, codes: map[[sha256.Size]byte]invitation{}}, j.Migrate(ctx, "device", rollTables...)
}

var nameForm = regexp.MustCompile(`^[\pL\pN][\pL\pN ._-]{0,39}$`)

// Invite makes a code that lets one device in, once, and says until when.
func (r *Roll) Invite(ctx context.Context, name string) (string, time.Time, error) {
	if !nameForm.MatchString(name) || strings.HasSuffix(name, " ") {
		return "", time.Time{}, &sys.Error{Op: "add device", Path: name, Kind: sys.Invalid, Hint: "call it by letters, digits, spaces and - . _, such as laptop; at most 40"}
	}
	list, err := r.List(ctx)
	if err != nil {
		return "", time.Time{}, err
	}
	if slices.ContainsFunc(list, func(d Device) bool { return !d.Removed && strings.EqualFold(d.Name, name) }) {
		return "", time.Time{}, &sys.Error{Op: "add device", Path: name, Kind: sys.Exists, Hint: "choose another name, or remove it first: `matrixos device remove " + name + "`"}
	}
	if len(slices.DeleteFunc(list, func(d Device) bool { return d.Removed })) >= mostPaired {
		return "", time.Time{}, &sys.Error{Op: "add device", Path: name, Kind: sys.Refused, Err: errors.New("there are too many devices"), Hint: "remove one first: `matrixos device remove NAME`"}
	}
	code := rand.Text()
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.now()
	for hash, i := range r.codes { // the same name again takes the place of the code before
		if i.name == name || !now.Before(i.expires) || len(r.codes) >= codesMost {
			delete(r.codes, hash)
		}
	}
	i := invitation{name, now.Add(codeLife)}
	r.codes[sha256.Sum256([]byte(code))] = i
	return code, i.expires, nil
}

// Waiting reports whether somebody may still come with a code.
func (r *Roll) Waiting() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, i := range r.codes {
		if r.now().Before(i.expires) {
			return true
		}
	}
	return false
}

// redeem uses a code up, and lets the device of a key in. A code that is wrong, old or
// used is refused with the same words; the lookup goes by hash, so its timing tells
// nothing.
func (r *Roll) redeem(ctx context.Context, code string, id ID, version string) (Device, error) {
	hash := sha256.Sum256([]byte(code))
	r.mu.Lock()
	i, ok := r.codes[hash]
	delete(r.codes, hash)
	r.mu.Unlock()
	now := r.now()
	if !ok || !now.Before(i.expires) {
		return Device{}, &sys.Error{Op: "pair", Kind: sys.Unauthorized, Err: errors.New("the code was used before, or is older than ten minutes"), Hint: "make another one on the first device: `matrixos device add NAME`"}
	}
	d := Device{ID: id, Name: i.name, Version: version, Added: now, Seen: now}
	return d, r.exec(ctx, `INSERT INTO device(id, name, version, matrix, added, seen, removed) VALUES(?,?,?,'',?,?,0)
		ON CONFLICT(id) DO UPDATE SET name = excluded.name, version = excluded.version, matrix = '', added = excluded.added, seen = excluded.seen, removed = 0`,
		string(id), d.Name, version, now.UnixMilli(), now.UnixMilli())
}

func (r *Roll) exec(ctx context.Context, query string, args ...any) error {
	return r.j.Update(ctx, func(tx *journal.Tx) error {
		_, err := tx.Exec(ctx, query, args...)
		return err
	})
}

const deviceColumns = `SELECT id, name, version, matrix, added, seen, removed FROM device`

func scanDevice(row interface{ Scan(...any) error }) (d Device, err error) {
	var added, seen int64
	err = row.Scan(&d.ID, &d.Name, &d.Version, &d.Matrix, &added, &seen, &d.Removed)
	d.Added = time.UnixMilli(added).UTC()
	if seen != 0 {
		d.Seen = time.UnixMilli(seen).UTC()
	}
	return d, err
}

// List is all devices, those that were removed too, by name.
func (r *Roll) List(ctx context.Context) (out []Device, err error) {
	rows, err := r.j.Query(ctx, deviceColumns+` ORDER BY removed, name, id`)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		d, err := scanDevice(rows)
		if err != nil {
			return nil, err
		}
		out = append(out, d)
	}
	return out, rows.Err()
}

// find is the device of a key; NotFound if it was never let in.
func (r *Roll) find(ctx context.Context, id ID) (Device, error) {
	d, err := scanDevice(r.j.QueryRow(ctx, deviceColumns+` WHERE id = ?`, string(id)))
	if errors.Is(err, sql.ErrNoRows) {
		err = &sys.Error{Op: "find device", Path: id.Short(), Kind: sys.NotFound}
	}
	return d, err
}

// number is the how-manieth device of the roll one is, from 1.
func (r *Roll) number(ctx context.Context, id ID) (n int, err error) {
	err = r.j.QueryRow(ctx, `SELECT count(*) FROM device WHERE rowid <= (SELECT rowid FROM device WHERE id = ?)`, string(id)).Scan(&n)
	return n, err
}

// Named is the device of a name, or whose ID begins so, of those that are let in.
func (r *Roll) Named(ctx context.Context, name string) (Device, error) {
	list, err := r.List(ctx)
	if err != nil {
		return Device{}, err
	}
	for _, d := range list {
		if !d.Removed && (strings.EqualFold(d.Name, name) || d.ID.Short() == name) {
			return d, nil
		}
	}
	return Device{}, &sys.Error{Op: "find device", Path: name, Kind: sys.NotFound, Hint: "`matrixos device` lists them"}
}

// Remove lets a device in no more. It stays on the roll, so that it can be told.
func (r *Roll) Remove(ctx context.Context, id ID) error {
	return r.exec(ctx, `UPDATE device SET removed = 1 WHERE id = ?`, string(id))
}

// seen notes that a device was here.
func (r *Roll) seen(ctx context.Context, id ID, version string) error {
	return r.exec(ctx, `UPDATE device SET seen = ?, version = ? WHERE id = ?`, r.now().UnixMilli(), version, string(id))
}

// Signed notes as which device of the account one is signed in.
func (r *Roll) Signed(ctx context.Context, id ID, device string) error {
	return r.exec(ctx, `UPDATE device SET matrix = ? WHERE id = ?`, device, string(id))
}

// Role is what this home is; nil if it is a first device, or alone.
func (r *Roll) Role(ctx context.Context) (*Role, error) {
	text, err := r.self(ctx, "role")
	if err != nil || text == "" {
		return nil, err
	}
	var role Role
	return &role, json.Unmarshal([]byte(text), &role)
}

// SetRole keeps what this home is.
func (r *Roll) SetRole(ctx context.Context, role Role) error {
	text, err := json.Marshal(role)
	if err != nil {
		return err
	}
	return r.setSelf(ctx, "role", string(text))
}

// Listen is where this home listens for its other devices; empty is nowhere.
func (r *Roll) Listen(ctx context.Context) (string, error) { return r.self(ctx, "listen") }

// SetListen keeps where it listens.
func (r *Roll) SetListen(ctx context.Context, addr string) error {
	return r.setSelf(ctx, "listen", addr)
}

func (r *Roll) self(ctx context.Context, what string) (text string, err error) {
	err = r.j.QueryRow(ctx, `SELECT value FROM device_self WHERE what = ?`, what).Scan(&text)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	return text, err
}

func (r *Roll) setSelf(ctx context.Context, what, value string) error {
	return r.exec(ctx, `INSERT INTO device_self(what, value) VALUES(?,?) ON CONFLICT(what) DO UPDATE SET value = excluded.value`, what, value)
}
