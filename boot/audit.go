package boot

import (
	"context"
	"encoding/json"
	"io/fs"
	"path/filepath"
	"strings"
	"time"

	"matrixos/app"
	"matrixos/audit"
	"matrixos/client"
	"matrixos/kernel"
	"matrixos/keyring"
	"matrixos/sys"
)

// auditor joins what the audit looks at. The kernel comes to be after it.
func (s *System) auditor(k func() *kernel.Kernel, keys *keyring.Keyring, why error, o Options) *audit.Auditor {
	store := filepath.Join(s.home, sys.Store)
	return audit.New(audit.Options{
		Disk: s.disk, Kernel: later{k}, Sandbox: why, Listen: o.Listen, Origins: o.Origins, Now: time.Now,
		Secrets: []string{store, filepath.Join(store, "keys.json"), filepath.Join(store, "run"), client.DaemonFile(s.home)},
		Keyring: func() (string, bool) {
			status := keys.Status()
			return status, strings.HasPrefix(status, "closed")
		},
		Apps: s.asked,
		Backup: func(ctx context.Context) (last time.Time, placed bool, failed string, err error) {
			b, err := s.backups.Status(ctx)
			if b.LastBackup != nil {
				last = b.LastBackup.Ended
			}
			if b.Failed != nil {
				failed = b.Failed.Text
			}
			return last, b.Dest != "", failed, err
		},
	})
}

// later is the kernel once it is there.
type later struct{ kernel func() *kernel.Kernel }

func (l later) Untrusted(ctx context.Context) ([]kernel.Labelled, error) {
	return l.kernel().Untrusted(ctx)
}

func (l later) Refusals(ctx context.Context, since time.Time) ([]kernel.Refusal, error) {
	return l.kernel().Refusals(ctx, since)
}

// asked lists the permissions that the manifests of apps ask for.
func (s *System) asked() (map[sys.Slug][]string, error) {
	view, err := s.disk.View(0)
	if err != nil {
		return nil, err
	}
	out := map[sys.Slug][]string{}
	for _, a := range s.apps.List() {
		var m app.Manifest
		text, err := fs.ReadFile(view, string(a.Folder)+"/"+app.ManifestName)
		if err != nil || json.Unmarshal(text, &m) != nil {
			out[a.Slug] = nil // it is broken, which is said elsewhere
			continue
		}
		out[a.Slug] = m.Permissions
	}
	return out, nil
}
