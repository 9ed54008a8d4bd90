package backup

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"filippo.io/age"
	"github.com/klauspost/compress/zstd"

	"matrixos/sys"
)

// repoFormat is the version of what a store holds:
//
//	matrixos-backup.json   format and public key, in clear
//	key.age                the key under a passphrase, if one was chosen
//	packs/HASH             chunks of contents, compressed and encrypted
//	manifests/HASH         what a snapshot consists of, encrypted
//	snapshots/ID           names its manifest; written last: now it exists
//	locks/ID               somebody is writing
//
// HASH is the SHA-256 of the object itself, so that anybody can check a store
// without the key. All encryption is age, to one X25519 key.
const repoFormat = 1

const (
	markName       = "matrixos-backup.json"
	lockedKeyName  = "key.age"
	packPrefix     = "packs/"
	manifestPrefix = "manifests/"
)

// mark is the object that makes a place a backup.
type mark struct {
	Format    int    `json:"format"`
	Recipient string `json:"recipient"`
}

// Repo is a place of backups, opened with its key. One run, prune or verify at
// a time; a second is refused with kind Held, also from another machine.
type Repo struct {
	store     Store
	identity  *age.X25519Identity
	recipient age.Recipient
	secrets   *secrets
	zip       *zstd.Encoder
	unzip     *zstd.Decoder
	now       func() time.Time
	holder    string // who we are, to other machines
	beside    Beside

	busy sync.Mutex
}

// Init makes a place ready for backups and returns the key, which nobody has
// but the caller from then on. With a passphrase the place also keeps the key,
// locked with it.
func Init(ctx context.Context, p Place, s Store, passphrase string) (key string, err error) {
	if sh, ok := s.(shelf); ok {
		if err := os.MkdirAll(sh.dir, 0o700); err != nil {
			return "", explain("make backup folder", sh.dir, err)
		}
	}
	have, err := s.List(ctx, "")
	if err != nil {
		return "", err
	}
	if len(have) > 0 {
		hint := "choose an empty folder or another prefix"
		for _, o := range have {
			if o.Name == markName {
				hint = "it holds backups: go on with them by giving their key with --key-file, or choose another place"
			}
		}
		return "", &sys.Error{Op: "begin backup", Path: p.Dest, Kind: sys.Exists, Err: errors.New("the place is not empty"), Hint: hint}
	}
	id, err := age.GenerateX25519Identity()
	if err != nil {
		return "", err
	}
	if passphrase != "" {
		b, err := lockWith(passphrase, []byte(id.String()))
		if err != nil {
			return "", err
		}
		if err := s.Put(ctx, lockedKeyName, b); err != nil {
			return "", err
		}
	}
	b, err := json.Marshal(mark{repoFormat, id.Recipient().String()})
	if err != nil {
		return "", err
	}
	return id.String(), s.Put(ctx, markName, append(b, '\n'))
}

// KeyFrom unlocks the key that a place keeps under a passphrase.
func KeyFrom(ctx context.Context, s Store, passphrase string) (string, error) {
	b, err := s.Get(ctx, lockedKeyName)
	if errors.Is(err, sys.NotFound) {
		return "", &sys.Error{Op: "unlock backup", Kind: sys.NotFound, Err: errors.New("this place keeps no key under a passphrase"), Hint: "give the key with --key-file FILE"}
	}
	if err != nil {
		return "", err
	}
	b, err = unlockWith(passphrase, b)
	return string(b), err
}

// Open opens a place of backups with its key, AGE-SECRET-KEY-1….
func Open(ctx context.Context, s Store, key string) (*Repo, error) {
	b, err := s.Get(ctx, markName)
	if errors.Is(err, sys.NotFound) {
		return nil, &sys.Error{Op: "open backup", Kind: sys.NotFound, Err: errors.New("there are no backups at this place"), Hint: "check the place, or begin with `matrixos backup init`"}
	}
	if err != nil {
		return nil, err
	}
	var m mark
	if err := json.Unmarshal(b, &m); err != nil {
		return nil, &sys.Error{Op: "open backup", Path: markName, Kind: sys.NotVerified, Err: err, Hint: "this file is damaged; it holds {\"format\":1,\"recipient\":\"age1…\"} and can be written by hand"}
	}
	if m.Format > repoFormat {
		return nil, &sys.Error{Op: "open backup", Path: markName, Kind: sys.TooNew, Err: fmt.Errorf("it has format %d, this program knows %d", m.Format, repoFormat), Hint: "install a newer Matrix OS"}
	}
	id, err := age.ParseX25519Identity(strings.TrimSpace(key))
	if err != nil {
		return nil, &sys.Error{Op: "open backup", Kind: sys.Unauthorized, Err: errors.New("the key is not one of a backup"), Hint: "it begins with AGE-SECRET-KEY-1"}
	}
	if id.Recipient().String() != m.Recipient {
		return nil, &sys.Error{Op: "open backup", Kind: sys.Unauthorized, Err: errors.New("the key belongs to another backup"), Hint: "give the key that was shown when this backup was begun"}
	}
	sec, err := deriveSecrets(id.String())
	if err != nil {
		return nil, err
	}
	zip, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1))
	if err != nil {
		return nil, err
	}
	unzip, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(1<<30))
	if err != nil {
		return nil, err
	}
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	return &Repo{store: s, identity: id, recipient: id.Recipient(), secrets: sec, zip: zip, unzip: unzip, now: time.Now, holder: host}, nil
}

func sum(b []byte) string {
	s := sha256.Sum256(b)
	return hex.EncodeToString(s[:])
}

// put writes an object under its hash, unless it is there.
func (r *Repo) put(ctx context.Context, prefix string, b []byte) (name string, err error) {
	name = prefix + sum(b)
	return name, r.store.Put(ctx, name, b)
}

// lease is a lock as the store keeps it.
type lease struct {
	Holder string    `json:"holder"`
	Time   time.Time `json:"time"`
}

const (
	leaseRenewed = 5 * time.Minute
	leaseStale   = 30 * time.Minute // so long without renewal: its holder is dead
)

// exclusive runs fn while nobody else writes into the store, here or on another
// machine. A lock of this machine's own that is left over is removed: the one
// process that may hold it is us.
func (r *Repo) exclusive(ctx context.Context, fn func(ctx context.Context) error) (err error) {
	if !r.busy.TryLock() {
		return &sys.Error{Op: "back up", Kind: sys.Held, Err: errors.New("a backup, drill or check is running already"), Hint: "wait until it is done: `matrixos backup status`"}
	}
	defer r.busy.Unlock()
	name := "locks/" + strings.ToLower(rand.Text())
	if err := r.renew(ctx, name); err != nil {
		return err
	}
	defer func() {
		release, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
		defer cancel()
		err = errors.Join(err, r.store.Delete(release, name))
	}()
	if err := r.alone(ctx, name); err != nil {
		return err
	}
	ctx, stop := context.WithCancelCause(ctx)
	var renewing sync.WaitGroup
	renewing.Go(func() {
		tick := time.NewTicker(leaseRenewed)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			if err := r.renew(ctx, name); err != nil && ctx.Err() == nil {
				stop(err) // without it another machine may begin to prune
				return
			}
		}
	})
	err = fn(ctx)
	if err != nil && ctx.Err() != nil {
		err = errors.Join(context.Cause(ctx), err)
	}
	stop(nil)
	renewing.Wait()
	return err
}

func (r *Repo) renew(ctx context.Context, name string) error {
	b, err := json.Marshal(lease{sum([]byte(r.holder))[:16], r.now().UTC()})
	if err != nil {
		return err
	}
	return r.store.Put(ctx, name, b)
}

// alone looks for others after our own lock is visible: of two that begin at
// once, both may give way, but never does neither.
func (r *Repo) alone(ctx context.Context, own string) error {
	locks, err := r.store.List(ctx, "locks/")
	if err != nil {
		return err
	}
	for _, l := range locks {
		if l.Name == own {
			continue
		}
		b, err := r.store.Get(ctx, l.Name)
		if errors.Is(err, sys.NotFound) {
			continue
		}
		if err != nil {
			return err
		}
		var o lease
		if json.Unmarshal(b, &o) == nil && o.Holder != sum([]byte(r.holder))[:16] && r.now().Sub(o.Time) < leaseStale {
			return &sys.Error{Op: "back up", Kind: sys.Held, Err: fmt.Errorf("another machine has been writing into this backup since %s", o.Time.Local().Format(time.DateTime)), Hint: "wait until it is done; if it died, its lock ends after 30 minutes"}
		}
		if err := r.store.Delete(ctx, l.Name); err != nil {
			return err
		}
	}
	return nil
}
