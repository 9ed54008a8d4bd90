package dendrite

import (
	"context"
	"crypto/ed25519"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/matrix-org/gomatrixserverlib"
	"github.com/matrix-org/gomatrixserverlib/spec"

	"github.com/element-hq/dendrite/internal/sqlutil"
	"github.com/element-hq/dendrite/setup/config"
)

// Options say what to run. Domain, Dir, KeyID and Key are required.
type Options struct {
	// Domain is the part of user ids behind the colon. It never changes for a Dir.
	Domain string
	// Dir is an absolute folder that holds everything: databases, media, queues.
	Dir string
	// KeyID, such as ed25519:a1, and Key sign what the server says to others.
	KeyID string
	Key   ed25519.PrivateKey
	// Federate lets it speak with other servers; else it neither asks nor answers.
	Federate bool
	// AllowPrivate lets it connect to addresses of this machine and of private
	// networks, which a stranger's server name could otherwise point at.
	AllowPrivate bool
	// Public is the address of the client API for /.well-known/matrix/client, and
	// Delegate the host and port for /.well-known/matrix/server. Both may be empty.
	Public, Delegate string
}

const (
	cacheBytes  = 32 << 20
	roomVersion = "11"
)

// configure makes Dendrite's configuration, and prepares the folder.
func configure(ctx context.Context, o Options) (*config.Dendrite, error) {
	if !filepath.IsAbs(o.Dir) { // a relative one makes every upload fail
		return nil, errors.New("the folder is not absolute")
	}
	if err := os.MkdirAll(o.Dir, 0o700); err != nil {
		return nil, err
	}
	cfg := &config.Dendrite{}
	cfg.Defaults(config.DefaultOpts{Generate: false, SingleDatabase: true})
	g := &cfg.Global
	g.ServerName = spec.ServerName(o.Domain)
	g.KeyID, g.PrivateKey = gomatrixserverlib.KeyID(o.KeyID), o.Key
	g.PrivateKeyPath = "given" // Verify wants one; it is not opened
	g.KeyValidityPeriod = 7 * 24 * time.Hour
	g.WellKnownClientName, g.WellKnownServerName = o.Public, o.Delegate
	g.DisableFederation = !o.Federate
	g.JetStream.StoragePath = config.Path(filepath.Join(o.Dir, "jetstream"))
	g.JetStream.NoLog = true
	g.Presence = config.PresenceOptions{EnableInbound: true, EnableOutbound: true}
	g.Cache.EstimatedMaxSize = cacheBytes
	if err := databases(ctx, cfg, o.Dir); err != nil {
		return nil, err
	}
	cfg.MediaAPI.BasePath = config.Path(filepath.Join(o.Dir, "media"))
	cfg.MediaAPI.AbsBasePath = cfg.MediaAPI.BasePath // only its loader of files sets it
	cfg.MediaAPI.DynamicThumbnails = true
	cfg.SyncAPI.Fulltext = config.Fulltext{Enabled: true, IndexPath: config.Path(filepath.Join(o.Dir, "search")), Language: "en"}
	cfg.RoomServer.DefaultRoomVersion = roomVersion
	cfg.ClientAPI.RegistrationDisabled, cfg.ClientAPI.GuestsDisabled = true, true
	cfg.ClientAPI.RateLimiting.Enabled = false // it counts what an AI says in a second; who faces a network counts sign-ins
	cfg.FederationAPI.PreferDirectFetch = true // no third server has to be trusted with keys
	cfg.FederationAPI.AllowNetworkCIDRs, cfg.FederationAPI.DenyNetworkCIDRs = everywhere(), private()
	if o.AllowPrivate {
		cfg.FederationAPI.DenyNetworkCIDRs = nil
	}
	if err := cfg.Derive(); err != nil {
		return nil, err
	}
	cfg.Wiring()
	var wrong config.ConfigErrors
	if cfg.Verify(&wrong); len(wrong) > 0 {
		return nil, wrong
	}
	return cfg, nil
}

// databases gives each component a file, and switches it to write-ahead logging,
// which halves the time a message takes.
func databases(ctx context.Context, cfg *config.Dendrite, dir string) error {
	for name, db := range map[string]*config.DatabaseOptions{
		"federationapi": &cfg.FederationAPI.Database,
		"keyserver":     &cfg.KeyServer.Database,
		"mscs":          &cfg.MSCs.Database,
		"mediaapi":      &cfg.MediaAPI.Database,
		"roomserver":    &cfg.RoomServer.Database,
		"syncapi":       &cfg.SyncAPI.Database,
		"userapi":       &cfg.UserAPI.AccountDatabase,
		"relayapi":      &cfg.RelayAPI.Database,
	} {
		path := filepath.Join(dir, name+".db")
		if err := writeAhead(ctx, path); err != nil {
			return fmt.Errorf("open %s: %w", path, err)
		}
		db.ConnectionString = config.DataSource("file:" + path)
	}
	return nil
}

// writeAhead sets the mode in the file, where it stays; Dendrite drops what its
// connection strings say.
func writeAhead(ctx context.Context, path string) error {
	db, err := sql.Open(sqlutil.SQLITE_DRIVER_NAME, path)
	if err != nil {
		return err
	}
	var mode string
	err = db.QueryRowContext(ctx, "PRAGMA journal_mode=WAL").Scan(&mode)
	return errors.Join(err, db.Close())
}

// everywhere is what Dendrite's own list says, and IPv6.
func everywhere() []string { return []string{"0.0.0.0/0", "::/0"} }

// private is where no homeserver of a stranger is: this machine, networks of a house,
// a provider or a cloud, and what is no single machine.
func private() []string {
	return []string{
		"0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.168.0.0/16",
		"198.18.0.0/15", "224.0.0.0/4", "240.0.0.0/4", "::/128", "::1/128", "64:ff9b::/96", "fc00::/7", "fe80::/10", "ff00::/8",
	}
}
