package backup

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"

	"matrixos/sys"
)

// Beside is what boot adds to copies of a home; the zero Beside adds nothing.
type Beside struct {
	// Still calls do while nothing writes to the homeserver's files; nil just calls it.
	Still func(ctx context.Context, do func() error) error
	// Keys are those of the keyring without which what is copied is of no use, as the
	// content of a keyring's file. Snapshots have them, which are encrypted; exports have
	// what ExportOptions say. Nil has none.
	Keys func() ([]byte, error)
}

const serverDir = sys.Store + "/matrix"

// serverForm is what of a homeserver's folder a copy has: databases, queues, media, and
// what stands in front of it. The index of its search is made anew, certificates are
// fetched anew, and the clients of the home sign in anew: their keys must not be used
// twice.
var serverForm = regexp.MustCompile(`^[a-z0-9.-]+/(data/[a-z]+\.db|data/(jetstream|media)/.+|front/.+)$`)

// homeserver adds the homeserver as it is at one moment, which is after that of the
// kernel's tables: who has received up to some point receives the rest again.
func (g *gathered) homeserver(ctx context.Context, home string, b Beside) error {
	base := filepath.Join(home, filepath.FromSlash(serverDir))
	if _, err := os.Stat(base); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	still := b.Still
	if still == nil {
		still = func(_ context.Context, do func() error) error { return do() }
	}
	return still(ctx, func() error {
		return filepath.WalkDir(base, func(p string, e fs.DirEntry, err error) error {
			if errors.Is(err, fs.ErrNotExist) {
				return nil
			}
			if err != nil || !e.Type().IsRegular() {
				return err
			}
			if err := ctx.Err(); err != nil {
				return err
			}
			rel, err := filepath.Rel(base, p)
			if err != nil {
				return err
			}
			name := filepath.ToSlash(rel)
			if !serverForm.MatchString(name) || strings.HasSuffix(name, ".new") {
				return nil
			}
			return g.ofServer(ctx, p, path.Join(serverDir, name))
		})
	})
}

// ofServer adds one file: media stay as they are, the rest is copied now.
func (g *gathered) ofServer(ctx context.Context, from, name string) error {
	if path.Ext(name) == ".db" && path.Base(path.Dir(name)) == "data" {
		return g.database(ctx, from, name, 0o600, g.landing.Time)
	}
	if strings.Contains(name, "/data/media/") {
		g.items = append(g.items, onDisk(name, from, 0o600, g.landing.Time))
		return nil
	}
	to, err := os.CreateTemp(g.temp, "server-")
	if err != nil {
		return err
	}
	f, err := os.Open(from)
	if err == nil {
		_, err = io.Copy(to, f)
		err = errors.Join(err, f.Close())
	}
	if err = errors.Join(err, to.Close()); err != nil {
		return err
	}
	g.items = append(g.items, onDisk(name, to.Name(), 0o600, g.landing.Time))
	return nil
}

// keys adds the keyring's file.
func (g *gathered) keys(b Beside) error {
	if b.Keys == nil {
		return nil
	}
	text, err := b.Keys()
	if err != nil || len(text) == 0 {
		return err
	}
	it := inMemory(keysFile, text, g.landing.Time)
	it.Mode = 0o600
	g.items = append(g.items, it)
	return nil
}
