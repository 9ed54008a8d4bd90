package talk

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/rs/zerolog"
	"go.mau.fi/util/dbutil"
	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/crypto/cryptohelper"
	"maunium.net/go/mautrix/id"

	"matrixos/journal"
	"matrixos/matrix"
	"matrixos/sys"
)

// Handler is whom a client tells. Receive is called within the transaction that makes
// the message received: what it writes there happens once; its error stops the
// client until the next try. Invited says whether to join; it is asked again until it
// is answered. Seen is of what is not kept, and may be dropped.
type Handler interface {
	Receive(ctx context.Context, tx *journal.Tx, m Message) error
	Invited(ctx context.Context, i Invitation) (join bool, err error)
	Seen(ctx context.Context, s Sign)
}

// Options are what a client is made of. All but Now and Away are required.
type Options struct {
	Base    string // address of the client API
	HTTP    *http.Client
	Account matrix.Account
	Dir     string // for the file of keys
	Keys    matrix.Keys
	Journal *journal.Journal
	Handler Handler
	Log     *slog.Logger
	Now     func() time.Time
	// Away reports whether others are shown that the account is not there; nil is never.
	Away func() bool
}

// Client is one signed-in device. Its methods may be called from any goroutine.
type Client struct {
	o      Options
	me     sys.Handle
	api    *mautrix.Client
	crypto *cryptohelper.CryptoHelper
	syncer *mautrix.DefaultSyncer
	wake   chan struct{} // something is to be sent
	keys   chan struct{} // a key may be new to the backup
	db     *dbutil.Database
	emoji  *verifier
	guard  Guard // the Handler, if it is one; else nil

	opening chan struct{} // the one picture that is being made smaller
	thumbs  thumbs

	joining  sync.Mutex // one attempt to make or find a direct room at a time
	identity sync.Mutex // above mu: whoever changes what the library keeps of keys

	mu     sync.Mutex
	backup Backup
	known  map[string]bool // rooms whose state is here
}

var tables = []string{
	`CREATE TABLE matrix_position (
		account TEXT PRIMARY KEY,
		next TEXT NOT NULL
	) STRICT`,
	// Events that cannot be read yet.
	`CREATE TABLE matrix_sealed (
		account TEXT NOT NULL,
		event TEXT NOT NULL,
		raw TEXT NOT NULL,
		came INTEGER NOT NULL,
		PRIMARY KEY (account, event)
	) STRICT`,
	`CREATE TABLE matrix_out (
		id INTEGER PRIMARY KEY AUTOINCREMENT,
		account TEXT NOT NULL,
		once TEXT NOT NULL,
		room TEXT NOT NULL, -- or empty, and then person
		person TEXT NOT NULL,
		type TEXT NOT NULL,
		content TEXT NOT NULL,
		state TEXT NOT NULL, -- waiting, sending, sent, failed
		event TEXT NOT NULL,
		why TEXT NOT NULL,
		made INTEGER NOT NULL,
		UNIQUE (account, once)
	) STRICT`,
	`CREATE INDEX matrix_out_state ON matrix_out(account, state)`,
	// Invitations that were declined or could not be joined; who has a room with whom.
	`CREATE TABLE matrix_direct (
		account TEXT NOT NULL,
		person TEXT NOT NULL,
		room TEXT NOT NULL,
		PRIMARY KEY (account, person)
	) STRICT`,
	// Rooms of the account, and whether what is said there is for it from now on.
	`CREATE TABLE matrix_room (
		account TEXT NOT NULL,
		room TEXT NOT NULL,
		state TEXT NOT NULL, -- invited, joined, left
		inviter TEXT NOT NULL,
		PRIMARY KEY (account, room)
	) STRICT`,
	// Whose identity is which: as it was first seen or accepted, and as it is now.
	`CREATE TABLE matrix_identity (
		account TEXT NOT NULL,
		person TEXT NOT NULL,
		accepted TEXT NOT NULL,
		now TEXT NOT NULL,
		PRIMARY KEY (account, person)
	) STRICT`,
	// What the first event of a room says to which the account is invited.
	`ALTER TABLE matrix_room ADD COLUMN begun TEXT NOT NULL DEFAULT ''`,
}

// silent keeps the library's own log out of ours, which says what matters.
var silent = zerolog.Nop()

// Migrate makes the tables of clients, which can be asked before there is one.
func Migrate(ctx context.Context, j *journal.Journal) error {
	return errors.Join(j.Migrate(ctx, "matrix-talk", tables...), j.Migrate(ctx, "matrix-talk-apps", invitedTables...))
}

// Open makes a client ready: its tables, its keys, and its device's keys on the
// server, signed by a cross-signing identity that is made the first time. It needs
// the server. Close it after Run has returned.
func Open(ctx context.Context, o Options) (*Client, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	if err := Migrate(ctx, o.Journal); err != nil {
		return nil, err
	}
	api, err := mautrix.NewClient(o.Base, id.UserID(o.Account.ID), o.Account.Token.Reveal())
	if err != nil {
		return nil, err
	}
	api.DeviceID, api.Client, api.Log = id.DeviceID(o.Account.Device), o.HTTP, silent
	api.DefaultHTTPRetries = 0
	c := &Client{o: o, me: o.Account.ID, api: api, syncer: mautrix.NewDefaultSyncer(), wake: make(chan struct{}, 1), keys: make(chan struct{}, 1), opening: make(chan struct{}, 1), thumbs: thumbs{by: map[string]File{}}, known: map[string]bool{}}
	c.guard, _ = o.Handler.(Guard)
	if err := os.MkdirAll(o.Dir, 0o700); err != nil {
		return nil, err
	}
	if err := c.openKeys(ctx, filepath.Join(o.Dir, "keys.db")); err != nil {
		if c.crypto != nil {
			err = errors.Join(err, c.crypto.Close())
		}
		return nil, said("open the keys of", string(o.Account.ID), err)
	}
	return c, nil
}

// Me is who the client is.
func (c *Client) Me() sys.Handle { return c.me }

// Close lets the files go. What was being verified is not.
func (c *Client) Close() error {
	c.emoji.drop()
	return c.crypto.Close()
}

// Run receives and sends until ctx ends. Failures are tried again, slower and slower.
func (c *Client) Run(ctx context.Context) {
	c.readBefore(ctx)
	var both sync.WaitGroup
	both.Go(func() { c.keep(ctx, "receive", c.receive) })
	both.Go(func() { c.keep(ctx, "send", c.send) })
	both.Go(func() { c.keep(ctx, "back up keys", c.backUp) })
	both.Wait()
}

// longestWait is how long a failure is left alone at most.
const longestWait = 30 * time.Second

// keep does work again and again; work returns when there was nothing to do for a
// while, or with what is in the way.
func (c *Client) keep(ctx context.Context, what string, work func(context.Context) error) {
	wait := 100 * time.Millisecond
	for ctx.Err() == nil {
		err := work(ctx)
		if err == nil {
			wait = 100 * time.Millisecond
			continue
		}
		if ctx.Err() != nil {
			return
		}
		c.o.Log.WarnContext(ctx, "Matrix: "+what+" is tried again", "user", c.me, "error", err)
		select {
		case <-ctx.Done():
		case <-time.After(wait):
		}
		wait = min(2*wait, longestWait)
	}
}

// said makes an error of the library one of ours.
func said(op, path string, err error) error {
	if err == nil {
		return nil
	}
	var e *sys.Error
	if errors.As(err, &e) {
		return err
	}
	kind := sys.Unavailable
	switch {
	case errors.Is(err, mautrix.MForbidden):
		kind = sys.Refused
	case errors.Is(err, mautrix.MNotFound):
		kind = sys.NotFound
	case errors.Is(err, mautrix.MBadJSON), errors.Is(err, mautrix.MInvalidParam), errors.Is(err, mautrix.MTooLarge):
		kind = sys.Invalid
	}
	return &sys.Error{Op: op, Path: path, Kind: kind, Err: err}
}
