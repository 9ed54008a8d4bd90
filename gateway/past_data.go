package gateway

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"matrixos/disk"
	"matrixos/sys"
)

// pastData writes what an app's data were, as far as it is kept, to a folder: the
// copies of its databases, and its keys, which are versioned like files.
func (g *Gateway) pastData(copies []disk.Copy, view fs.FS, slug sys.Slug) func(context.Context, string) error {
	home := "data/" + string(slug)
	return func(ctx context.Context, dir string) error {
		for _, c := range copies {
			if err := g.writeCopy(ctx, c, filepath.Join(dir, filepath.FromSlash(strings.TrimPrefix(string(c.Path), home+"/")))); err != nil {
				return err
			}
		}
		keys, err := fs.Glob(view, home+"/*.json")
		if err != nil {
			return err
		}
		for _, k := range keys {
			b, err := fs.ReadFile(view, k)
			if err != nil {
				return err
			}
			if err := os.WriteFile(filepath.Join(dir, path.Base(k)), b, 0o600); err != nil {
				return err
			}
		}
		return nil
	}
}

func (g *Gateway) writeCopy(ctx context.Context, c disk.Copy, file string) error {
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	return errors.Join(g.o.Disk.ReadCopy(ctx, c, f), f.Close())
}
