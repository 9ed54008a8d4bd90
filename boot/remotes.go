package boot

import (
	"context"

	"matrixos/disk"
	"matrixos/disk/sync"
	"matrixos/gateway"
	"matrixos/keyring"
	"matrixos/syscalls"
)

// remotes is device sync as the gateway and the system calls see it.
type remotes struct{ sync *sync.Sync }

var (
	_ gateway.Sync     = remotes{}
	_ syscalls.Remotes = remotes{}
)

// copies makes the keepers of backups and of remotes.
func (s *System) copies(ctx context.Context, keys *keyring.Keyring, version string) (remotes, error) {
	var err error
	if s.backups, err = newBackups(ctx, s.disk, keys, s.homeserverStill, version, s.log); err != nil {
		return remotes{}, err
	}
	meet, err := sync.New(ctx, s.disk, secretNames{keys}, s.log)
	return remotes{meet}, err
}

// Sync implements gateway.Sync.
func (r remotes) Sync(ctx context.Context, in gateway.SyncBody) (gateway.SyncReply, error) {
	got, err := r.sync.Do(ctx, sync.Request{Action: in.Action, Message: in.Message, Remote: in.Remote, URL: in.URL, Prefer: disk.Side(in.Prefer)})
	out := gateway.SyncReply{Text: got.Text, Landing: got.Landing, Merged: got.Merged, Decided: got.Decided, Remotes: []gateway.SyncRemote{}}
	for _, m := range got.Remotes {
		out.Remotes = append(out.Remotes, gateway.SyncRemote(m))
	}
	return out, err
}

// SyncFiles implements syscalls.Remotes.
func (r remotes) SyncFiles(ctx context.Context, in syscalls.SyncRequest) (syscalls.SyncReply, error) {
	got, err := r.sync.Do(ctx, sync.Request{Action: in.Action, Message: in.Message, Remote: in.Remote, URL: in.URL})
	out := syscalls.SyncReply{Text: got.Text, Merged: got.Merged}
	for _, m := range got.Remotes {
		out.Remotes = append(out.Remotes, syscalls.Remote(m))
	}
	return out, err
}

// Delete makes secretNames what package sync needs.
func (s secretNames) Delete(name string) error { return s.keys.Delete(name) }
