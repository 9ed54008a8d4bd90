package boot

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"time"

	"matrixos/client"
	"matrixos/disk"
	"matrixos/disk/backup"
	"matrixos/gateway"
	"matrixos/keyring"
	"matrixos/sys"
)

// backups is the gateway's view of the keeper of backups.
type backups struct {
	keeper  *backup.Keeper
	disk    *disk.Disk
	keys    *keyring.Keyring
	beside  backup.Beside
	version string
	log     *slog.Logger
}

var _ gateway.Backups = (*backups)(nil)

// backupConfig is the part of system/config.json about backups. Durations are
// written such as "24h"; "off" means never.
type backupConfig struct {
	Every string       `json:"every,omitempty"` // "24h" if absent
	Drill string       `json:"drill,omitempty"` // "720h" if absent
	Keep  *backup.Keep `json:"keep,omitempty"`
}

const (
	backupEvery = 24 * time.Hour
	drillEvery  = 30 * 24 * time.Hour
)

// keepByDefault bounds what a place has to hold.
var keepByDefault = backup.Keep{Last: 3, Daily: 7, Weekly: 4, Monthly: 12}

func newBackups(ctx context.Context, d *disk.Disk, keys *keyring.Keyring, still func(context.Context, func() error) error, version string, log *slog.Logger) (*backups, error) {
	b := &backups{disk: d, keys: keys, beside: backup.Beside{Still: still}, version: version, log: log}
	b.beside.Keys = func() ([]byte, error) {
		text, err := keys.Portable(lasting...)
		if sys.KindOf(err) == sys.Unavailable { // a closed keyring does not keep the files from being copied
			log.Warn("the keys of the handle are not in this backup", "error", err)
			return nil, nil
		}
		return text, err
	}
	var err error
	b.keeper, err = backup.NewKeeper(ctx, d, secretNames{keys}, b.settings, b.beside, version, log)
	return b, err
}

// lasting are the names of keys that nobody can make anew: what the homeserver signs
// with, who the owner and the AI are to others, and to the owner's other devices.
var lasting = []string{"matrix/signing/", "matrix/identity/", "matrix/backup/", dealKeyName, "device/"}

// settings are the owner's; what cannot be read is as by default.
func (b *backups) settings() backup.Settings {
	out := backup.Settings{Every: backupEvery, Drill: drillEvery, Keep: keepByDefault}
	c, why, err := lastConfig(b.disk, 0)
	if why != nil || err != nil {
		b.log.Warn("the settings cannot be read; backups run as before", "error", errors.Join(why, err))
	}
	if c.Backup == nil {
		return out
	}
	for _, f := range []struct {
		text string
		to   *time.Duration
	}{{c.Backup.Every, &out.Every}, {c.Backup.Drill, &out.Drill}} {
		if f.text == "" {
			continue
		}
		d, err := time.ParseDuration(f.text)
		if f.text == "off" {
			d, err = 0, nil
		}
		if err != nil || d < 0 || d > 0 && d < time.Minute {
			b.log.Warn("this is no interval for backups; write such as 24h, or off", "text", f.text)
			continue
		}
		*f.to = d
	}
	if c.Backup.Keep != nil {
		out.Keep = *c.Backup.Keep
	}
	return out
}

// secretNames lends a keyring to package backup.
type secretNames struct{ keys *keyring.Keyring }

func (s secretNames) Get(name string) (string, error) {
	v, err := s.keys.Get(name)
	return v.Reveal(), err
}

func (s secretNames) Set(name, value string) error {
	return s.keys.Set(name, keyring.NewSecret(value))
}

// Status implements gateway.Backups.
func (b *backups) Status(ctx context.Context) (gateway.BackupStatus, error) {
	s, err := b.keeper.Status(ctx)
	return gateway.BackupStatus{
		Dest: s.Dest, Endpoint: s.Endpoint, Key: s.Key,
		LastBackup: (*gateway.BackupRun)(s.LastBackup), LastDrill: (*gateway.BackupRun)(s.LastDrill), Failed: (*gateway.BackupRun)(s.Failed),
	}, err
}

// Begin implements gateway.Backups.
func (b *backups) Begin(ctx context.Context, p gateway.BackupPlace) (string, error) {
	return b.keeper.Begin(ctx, backup.Beginning{
		Place:      backup.Place{Dest: p.Dest, Endpoint: p.Endpoint, Region: p.Region, AccessKey: p.AccessKey, SecretKey: p.SecretKey},
		Passphrase: p.Passphrase, Key: p.Key,
	})
}

// Run implements gateway.Backups.
func (b *backups) Run(ctx context.Context) (gateway.BackupSnapshot, error) {
	s, err := b.keeper.Run(ctx)
	return snapshot(s), err
}

// Drill implements gateway.Backups.
func (b *backups) Drill(ctx context.Context) (gateway.Drilled, error) {
	d, err := b.keeper.Drill(ctx)
	return gateway.Drilled{Snapshot: snapshot(d.Snapshot), Files: d.Files, Bytes: d.Bytes, Seconds: d.Took.Seconds()}, err
}

// List implements gateway.Backups.
func (b *backups) List(ctx context.Context) ([]gateway.BackupSnapshot, error) {
	list, err := b.keeper.List(ctx)
	out := make([]gateway.BackupSnapshot, 0, len(list))
	for _, s := range list {
		out = append(out, snapshot(s))
	}
	return out, err
}

// Verify implements gateway.Copies.
func (b *backups) Verify(ctx context.Context, quick bool) ([]gateway.BackupDamage, error) {
	list, err := b.keeper.Verify(ctx, quick)
	out := make([]gateway.BackupDamage, 0, len(list))
	for _, d := range list {
		out = append(out, gateway.BackupDamage(d))
	}
	return out, err
}

// Restore implements gateway.Copies.
func (b *backups) Restore(ctx context.Context, r gateway.RestoreHome) (gateway.RestoredHome, error) {
	got, err := b.keeper.Restore(ctx, r.At, r.Into, backup.RestoreOptions{Partial: r.Partial})
	return restored(got), err
}

// Export implements gateway.Copies.
func (b *backups) Export(ctx context.Context, w io.Writer, keys bool, passphrase string) error {
	o := backup.ExportOptions{Version: b.version, Passphrase: passphrase, Beside: b.beside}
	if keys {
		var err error
		if o.Keys, err = b.keys.Portable(); err != nil {
			return err
		}
	}
	_, err := backup.Export(ctx, b.disk, w, o)
	return err
}

func snapshot(s backup.Snapshot) gateway.BackupSnapshot {
	return gateway.BackupSnapshot{ID: s.ID, Time: s.Time, Landing: s.Landing, Home: s.Home, Version: s.Version, Files: s.Files, Bytes: s.Bytes, Added: s.Added}
}

func restored(r backup.Restored) gateway.RestoredHome {
	return gateway.RestoredHome{Snapshot: snapshot(r.Snapshot), Files: r.Files, Bytes: r.Bytes, Lost: r.Lost}
}

// Exported is what an export holds.
type Exported = backup.Summary

// Import makes a home at the folder home of an export; links allows links that
// lead out of it.
func Import(ctx context.Context, file, home string, links bool, passphrase string) (Exported, error) {
	return backup.Import(ctx, file, home, backup.ImportOptions{Links: links, Passphrase: passphrase})
}

// VerifyExport compares every hash of an export.
func VerifyExport(ctx context.Context, file string) (Exported, error) {
	return backup.Verify(ctx, file)
}

// RestoreFrom makes a home of a backup whose home is no more: from says where
// it is, with its key or passphrase.
func RestoreFrom(ctx context.Context, from client.BackupPlace, r client.RestoreHome) (client.RestoredHome, error) {
	p := backup.Place{Dest: from.Dest, Endpoint: from.Endpoint, Region: from.Region, AccessKey: from.AccessKey, SecretKey: from.SecretKey}
	s, err := backup.OpenStore(p)
	if err != nil {
		return client.RestoredHome{}, err
	}
	if from.Key == "" {
		if from.Key, err = backup.KeyFrom(ctx, s, from.Passphrase); err != nil {
			return client.RestoredHome{}, err
		}
	}
	repo, err := backup.Open(ctx, s, from.Key)
	if err != nil {
		return client.RestoredHome{}, err
	}
	snap, err := repo.Find(ctx, r.At)
	if err != nil {
		return client.RestoredHome{}, err
	}
	got, err := repo.Restore(ctx, snap, r.Into, backup.RestoreOptions{Partial: r.Partial})
	g := restored(got)
	return client.RestoredHome{Snapshot: client.BackupSnapshot(g.Snapshot), Files: g.Files, Bytes: g.Bytes, Lost: g.Lost}, err
}
