package gateway

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"slices"

	"matrixos/app"
	"matrixos/disk"
	"matrixos/sys"
)

// shippedAPI registers adding an app that comes with Matrix OS: a home that is older
// than the app, or whose owner removed it, does not have it.
func (g *Gateway) shippedAPI() {
	register(g, http.MethodPost, "/api/apps/{slug}/add", "add-app", "Add an app that comes with Matrix OS: a landing, which can be undone", func(ctx context.Context, in *SlugIn) (*struct{}, error) {
		return nil, g.addShipped(ctx, in.Slug)
	})
}

func (g *Gateway) addShipped(ctx context.Context, slug sys.Slug) error {
	missing := &sys.Error{Op: "add", Path: string(slug), Kind: sys.NotFound, Err: errors.New("no app of this name comes with Matrix OS"), Hint: "ask whoever has it to share it as a bundle"}
	if g.o.Shipped == nil {
		return missing
	}
	apps, err := app.Find(g.o.Shipped)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(apps, func(a app.App) bool { return a.Manifest.Slug == slug })
	if i < 0 {
		return missing
	}
	if _, err := g.app(slug); err == nil {
		return &sys.Error{Op: "add", Path: string(slug), Kind: sys.Exists, Err: errors.New("it is here already")}
	}
	files := map[sys.Path][]byte{}
	err = fs.WalkDir(g.o.Shipped, string(apps[i].Folder), func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := fs.ReadFile(g.o.Shipped, p)
		files[sys.Path(p)] = text
		return err
	})
	if err != nil {
		return &sys.Error{Op: "add", Path: string(slug), Kind: sys.Internal, Err: err}
	}
	_, err = g.o.Disk.Edit(ctx, []sys.Path{apps[i].Folder}, func(home *disk.View) (disk.Write, error) {
		if _, err := fs.Stat(home, string(apps[i].Folder)); !errors.Is(err, fs.ErrNotExist) { // put there a moment ago, say
			return disk.Write{}, errors.Join(err, &sys.Error{Op: "add", Path: string(slug), Kind: sys.Exists, Err: fmt.Errorf("there is a folder %s already", apps[i].Folder), Hint: "move it elsewhere first"})
		}
		return disk.Write{Files: files, Kind: sys.ByOwner, Title: "Added " + apps[i].Manifest.Name}, nil
	})
	return err
}
