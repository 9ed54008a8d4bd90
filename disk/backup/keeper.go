package backup

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"matrixos/disk"
	"matrixos/sys"
)

// Secrets keeps keys by name; a keyring is one. Get fails with NotFound.
type Secrets interface {
	Get(name string) (string, error)
	Set(name, value string) error
}

// The names of secrets.
const (
	keySecret    = "backup/key"
	accessSecret = "backup/access-key"
	secretSecret = "backup/secret-key"
)

// Settings say when to do what by itself; zero durations mean never.
type Settings struct {
	Every time.Duration // a backup
	Drill time.Duration // a restore drill
	Keep  Keep
}

// Keeper looks after the backups of one home: where they go, when they run, and
// what became of them, in tables of kernel.db. It may be used from any goroutine.
type Keeper struct {
	d        *disk.Disk
	secrets  Secrets
	settings func() Settings
	beside   Beside
	version  string
	log      *slog.Logger
	now      func() time.Time

	mu   sync.Mutex
	repo *Repo // opened, for place
	at   Place
}

// migrations are the tables in kernel.db.
var migrations = []string{`
CREATE TABLE backup_place(
	one  INTEGER PRIMARY KEY CHECK(one = 1),
	data TEXT NOT NULL);
CREATE TABLE backup_run(
	id      INTEGER PRIMARY KEY,
	kind    TEXT NOT NULL,
	started INTEGER NOT NULL,
	ended   INTEGER NOT NULL,
	ok      INTEGER NOT NULL,
	detail  TEXT NOT NULL);
`}

// NewKeeper makes the keeper of d.
func NewKeeper(ctx context.Context, d *disk.Disk, s Secrets, settings func() Settings, beside Beside, version string, log *slog.Logger) (*Keeper, error) {
	if err := d.Journal().Migrate(ctx, "backup", migrations...); err != nil {
		return nil, err
	}
	return &Keeper{d: d, secrets: s, settings: settings, beside: beside, version: version, log: log, now: time.Now}, nil
}

// Beginning says where backups are to go.
type Beginning struct {
	Place
	Passphrase string // also keep the key there, locked
	Key        string // go on with backups that are there
}

// Begin makes a place ready, or takes one up again with its key, and remembers
// both. It returns the key, to be shown to the owner once: without it, or
// the passphrase, a backup cannot be read.
func (k *Keeper) Begin(ctx context.Context, b Beginning) (key string, err error) {
	s, err := OpenStore(b.Place)
	if err != nil {
		return "", err
	}
	if key = strings.TrimSpace(b.Key); key == "" {
		if key, err = Init(ctx, b.Place, s, b.Passphrase); err != nil {
			return "", err
		}
	}
	repo, err := Open(ctx, s, key)
	if err != nil {
		return "", err
	}
	for name, v := range map[string]string{keySecret: key, accessSecret: b.AccessKey, secretSecret: b.SecretKey} {
		if v == "" {
			continue
		}
		if err := k.secrets.Set(name, v); err != nil {
			return "", err
		}
	}
	text, err := json.Marshal(b.Place)
	if err != nil {
		return "", err
	}
	if err := k.setPlace(ctx, string(text)); err != nil {
		return "", err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.use(repo, b.Place)
	return key, nil
}

// errNoPlace says that no backup has been begun.
var errNoPlace = &sys.Error{Op: "back up", Kind: sys.NotFound, Err: errors.New("no place for backups is set"), Hint: "choose one: `matrixos backup init DEST`, a folder on another disk or s3://bucket/prefix"}

// open returns the repository at the place.
func (k *Keeper) open(ctx context.Context) (*Repo, error) {
	p, err := k.place(ctx)
	if err != nil {
		return nil, err
	}
	if p.Dest == "" {
		return nil, errNoPlace
	}
	secret := map[string]string{}
	for _, name := range []string{keySecret, accessSecret, secretSecret} {
		v, err := k.secrets.Get(name)
		if err != nil && !errors.Is(err, sys.NotFound) {
			return nil, err
		}
		secret[name] = v
	}
	if secret[keySecret] == "" {
		return nil, &sys.Error{Op: "back up", Path: p.Dest, Kind: sys.Unauthorized, Err: errors.New("this machine does not have the key of the backup"), Hint: "take it up again with `matrixos backup init DEST --key-file FILE`"}
	}
	p.AccessKey, p.SecretKey = secret[accessSecret], secret[secretSecret]
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.repo != nil && k.at == p {
		return k.repo, nil
	}
	s, err := OpenStore(p)
	if err != nil {
		return nil, err
	}
	r, err := Open(ctx, s, secret[keySecret])
	if err != nil {
		return nil, err
	}
	k.use(r, p)
	return r, nil
}

// use keeps an open repository. The caller holds k.mu.
func (k *Keeper) use(r *Repo, at Place) {
	r.now, r.beside = k.now, k.beside
	r.holder += " " + k.d.Root()
	k.repo, k.at = r, at
}

// Run makes a backup now, and removes what the settings do not keep.
func (k *Keeper) Run(ctx context.Context) (s Snapshot, err error) {
	err = k.record(ctx, kindBackup, func() (any, error) {
		r, err := k.open(ctx)
		if err != nil {
			return nil, err
		}
		if s, err = r.Run(ctx, k.d, k.version); err != nil {
			return nil, err
		}
		_, err = r.Prune(ctx, k.settings().Keep)
		if sys.KindOf(err) == sys.NotVerified { // the backup itself is good
			k.log.WarnContext(ctx, "old backups could not be removed", "error", err)
			err = nil
		}
		return s, err
	})
	return s, err
}

// Drill restores the newest snapshot to prove that it can be, and removes it.
func (k *Keeper) Drill(ctx context.Context) (out Drilled, err error) {
	err = k.record(ctx, kindDrill, func() (any, error) {
		r, err := k.open(ctx)
		if err != nil {
			return nil, err
		}
		out, err = r.Drill(ctx, filepath.Join(k.d.Root(), sys.Store, "drill"))
		return out, err
	})
	return out, err
}

// Verify compares every object with its name; see Repo.Verify.
func (k *Keeper) Verify(ctx context.Context, quick bool) ([]Damage, error) {
	r, err := k.open(ctx)
	if err != nil {
		return nil, err
	}
	return r.Verify(ctx, quick)
}

// List returns the snapshots, oldest first.
func (k *Keeper) List(ctx context.Context) ([]Snapshot, error) {
	r, err := k.open(ctx)
	if err != nil {
		return nil, err
	}
	return r.List(ctx)
}

// Restore makes a home at a folder of the snapshot that at names; see Repo.Find.
func (k *Keeper) Restore(ctx context.Context, at, home string, o RestoreOptions) (Restored, error) {
	r, err := k.open(ctx)
	if err != nil {
		return Restored{}, err
	}
	s, err := r.Find(ctx, at)
	if err != nil {
		return Restored{}, err
	}
	return r.Restore(ctx, s, home, o)
}
