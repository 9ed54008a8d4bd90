package sync

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"matrixos/disk"
	"matrixos/journal"
	"matrixos/sys"
)

// Secrets keeps credentials by name; a keyring is one. Get fails with NotFound.
type Secrets interface {
	Get(name string) (string, error)
	Set(name, value string) error
	Delete(name string) error
}

// Sync is the remotes of one home. It may be used from any goroutine; one action
// runs at a time.
type Sync struct {
	d       *disk.Disk
	secrets Secrets
	log     *slog.Logger
	mu      sync.Mutex
	through func(ctx context.Context) (url, secret string, err error)
}

// deviceURL is the address of the remote at which the owner's paired devices meet: it
// has none of its own, and Through says where it is.
const deviceURL = "device:"

// Through makes a remote of the place where paired devices meet, under a name. Where it
// is, and with which user:password, is asked each time. Call it before the first Do.
func (s *Sync) Through(ctx context.Context, name string, where func(ctx context.Context) (url, secret string, err error)) error {
	s.through = where
	return s.exec(ctx, `INSERT INTO sync_remote(name, url) VALUES(?,?) ON CONFLICT(name) DO UPDATE SET url = excluded.url`, name, deviceURL)
}

var migrations = []string{`
CREATE TABLE sync_remote(
	name      TEXT PRIMARY KEY,
	url       TEXT NOT NULL,
	met       TEXT NOT NULL DEFAULT '', -- the remote's commit of the last meeting
	pushing   TEXT NOT NULL DEFAULT '', -- a commit on its way there
	landing   INTEGER NOT NULL DEFAULT 0, -- the newest that is there
	time      INTEGER NOT NULL DEFAULT 0,
	conflicts TEXT NOT NULL DEFAULT '[]') WITHOUT ROWID;
`, `
ALTER TABLE sync_remote ADD COLUMN conflict TEXT NOT NULL DEFAULT ''; -- under which a refused pull waits for the owner
ALTER TABLE sync_remote ADD COLUMN refused TEXT NOT NULL DEFAULT ''; -- the remote's commit of that pull
`}

// New opens the remotes of d.
func New(ctx context.Context, d *disk.Disk, secrets Secrets, log *slog.Logger) (*Sync, error) {
	if err := d.Journal().Migrate(ctx, "sync", migrations...); err != nil {
		return nil, err
	}
	return &Sync{d: d, secrets: secrets, log: log}, nil
}

// Request is one action, as the tool sync_files has it.
type Request struct {
	Action  string    // status, commit, push, pull, add_remote or remove_remote
	Message string    // of the meeting, for push and pull
	Remote  string    // "origin" if empty
	URL     string    // for add_remote
	Prefer  disk.Side // for pull: decides conflicts; empty refuses
	// Adopt has a home that is new become what the remote has, at their first meeting:
	// what came with it is not the owner's, and goes where the remote has it no more.
	Adopt bool
}

// Reply says what was done, and how the remotes are.
type Reply struct {
	Text    string        `json:"text"`
	Landing sys.LandingID `json:"landing"` // the newest of the home
	Merged  sys.LandingID `json:"merged"`  // the landing that a pull made; 0 if none
	Decided []sys.Path    `json:"decided"` // files in conflict that Prefer decided
	Remotes []Remote      `json:"remotes"`
}

// Remote is how the home and one remote stand.
type Remote struct {
	Name      string     `json:"name"`
	URL       string     `json:"url"`
	Time      time.Time  `json:"time,omitzero"` // of the last meeting
	Ahead     int        `json:"ahead"`         // landings that it does not have yet
	Conflicts []sys.Path `json:"conflicts"`     // that the last pull found
}

const origin = "origin"

// Do runs one action. A pull that finds conflicts changes nothing and fails with a
// *disk.ConflictError; it waits among the home's conflicts for the owner's choice,
// and Status names the files until then.
func (s *Sync) Do(ctx context.Context, r Request) (Reply, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r.Remote == "" {
		r.Remote = origin
	}
	out := Reply{Decided: []sys.Path{}}
	err := s.heed(ctx)
	if err != nil {
		return Reply{}, err
	}
	switch r.Action {
	case "status":
		out.Text = "These are the remotes."
	case "commit":
		out.Text, err = s.commit(ctx)
	case "add_remote":
		out.Text, err = s.add(ctx, r)
	case "remove_remote":
		out.Text, err = s.remove(ctx, r.Remote)
	case "push", "pull":
		err = s.meet(ctx, r, &out)
	default:
		err = &sys.Error{Op: "sync", Path: r.Action, Kind: sys.Invalid, Err: errors.New("there is no such action"), Hint: "use status, commit, push, pull, add_remote or remove_remote"}
	}
	if err != nil {
		return Reply{}, err
	}
	out.Landing = s.d.Head()
	out.Remotes, err = s.remotes(ctx)
	return out, err
}

// commit records edits by hand, which the home would do by itself in a moment.
func (s *Sync) commit(ctx context.Context) (string, error) {
	l, err := s.d.Capture(ctx)
	if err != nil {
		return "", err
	}
	if l.ID == 0 {
		return fmt.Sprintf("Everything is recorded already, up to %s.", s.d.Head()), nil
	}
	return fmt.Sprintf("Recorded %d files as %s.", len(l.Changes), l.ID), nil
}

func secretName(remote string) string { return "sync/" + remote }

func (s *Sync) add(ctx context.Context, r Request) (string, error) {
	if !remoteForm.MatchString(r.Remote) {
		return "", &sys.Error{Op: "add remote", Path: r.Remote, Kind: sys.Invalid, Err: errors.New("this is no name for a remote"), Hint: "use small letters, digits and dashes"}
	}
	clean, secret, err := address(r.URL)
	if err != nil {
		return "", err
	}
	if have, err := s.remote(ctx, r.Remote); err == nil && have.url != clean {
		return "", &sys.Error{Op: "add remote", Path: r.Remote, Kind: sys.Exists, Err: fmt.Errorf("it stands for %s", have.url), Hint: "remove it first: `matrixos sync remove_remote " + r.Remote + "`"}
	}
	if secret != "" {
		if err := s.secrets.Set(secretName(r.Remote), secret); err != nil {
			return "", err
		}
	}
	err = s.exec(ctx, `INSERT INTO sync_remote(name, url) VALUES(?,?) ON CONFLICT(name) DO NOTHING`, r.Remote, clean)
	return fmt.Sprintf("%s is %s. Meet there with `matrixos sync pull`.", r.Remote, clean), err
}

func (s *Sync) remove(ctx context.Context, name string) (string, error) {
	if _, err := s.remote(ctx, name); err != nil {
		return "", err
	}
	if err := s.secrets.Delete(secretName(name)); err != nil {
		return "", err
	}
	err := s.exec(ctx, `DELETE FROM sync_remote WHERE name = ?`, name)
	return name + " is removed; what it brought stays.", err
}

func (s *Sync) exec(ctx context.Context, query string, args ...any) error {
	return s.d.Journal().Update(ctx, func(tx *journal.Tx) error {
		_, err := tx.Exec(ctx, query, args...)
		return err
	})
}

// remote is a row of the table.
type remote struct{ name, url, met, pushing, conflict, secret string }

func (s *Sync) remote(ctx context.Context, name string) (r remote, err error) {
	r.name = name
	err = s.d.Journal().QueryRow(ctx, `SELECT url, met, pushing, conflict FROM sync_remote WHERE name = ?`, name).Scan(&r.url, &r.met, &r.pushing, &r.conflict)
	if errors.Is(err, sql.ErrNoRows) {
		return r, &sys.Error{Op: "sync", Path: name, Kind: sys.NotFound, Err: errors.New("there is no such remote"), Hint: "add it: `matrixos sync add_remote " + name + " URL`"}
	}
	if err != nil {
		return r, err
	}
	if r.url == deviceURL {
		if s.through == nil {
			return r, &sys.Error{Op: "sync", Path: name, Kind: sys.Unavailable, Err: errors.New("no other device is paired"), Hint: "`matrixos device` says how it is"}
		}
		r.url, r.secret, err = s.through(ctx)
		return r, err
	}
	r.secret, err = s.secrets.Get(secretName(name))
	if errors.Is(err, sys.NotFound) {
		err = nil
	}
	return r, err
}

func (s *Sync) remotes(ctx context.Context) (out []Remote, err error) {
	rows, err := s.d.Journal().Query(ctx, `SELECT name, url, landing, time, conflicts FROM sync_remote ORDER BY name`)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	out = []Remote{}
	for rows.Next() {
		var r Remote
		var landing sys.LandingID
		var at int64
		var conflicts []byte
		if err := rows.Scan(&r.Name, &r.URL, &landing, &at, &conflicts); err != nil {
			return nil, err
		}
		if err := json.Unmarshal(conflicts, &r.Conflicts); err != nil {
			return nil, err
		}
		if r.Ahead = int(s.d.Head() - landing); at != 0 {
			r.Time = time.Unix(0, at).UTC()
		}
		out = append(out, r)
	}
	return out, rows.Err()
}
