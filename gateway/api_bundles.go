package gateway

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"matrixos/app"
	"matrixos/disk"
	"matrixos/sys"
)

// Bundles is what apps need to travel: the key that signs them, and a way to get
// one from an https address.
type Bundles interface {
	Key() (ed25519.PrivateKey, error)
	Fetch(ctx context.Context, address string) ([]byte, error)
}

// PublishReply is an app as one file.
type PublishReply struct {
	Path    sys.Path        `json:"path" doc:"The bundle, in the home"`
	Version string          `json:"version"`
	Author  sys.Handle      `json:"author" doc:"In whose name it is signed"`
	Landing sys.LandingInfo `json:"landing"`
}

// ForkBody names a copy of an app.
type ForkBody struct {
	Slug sys.Slug `json:"slug" pattern:"^[a-z0-9][a-z0-9-]{0,63}$"`
	Name string   `json:"name,omitempty" maxLength:"120"`
}

// InstallBody is an app to be installed: its bundle, or where it is.
type InstallBody struct {
	Bundle []byte   `json:"bundle,omitempty" doc:"The file itself"`
	Source string   `json:"source,omitempty" maxLength:"2048" doc:"A file of the home, or an https address"`
	Slug   sys.Slug `json:"slug,omitempty" pattern:"^[a-z0-9][a-z0-9-]{0,63}$" doc:"Instead of its own"`
}

// InstallReply is what was installed.
type InstallReply struct {
	Slug        sys.Slug        `json:"slug"`
	Name        string          `json:"name"`
	Version     string          `json:"version"`
	Signature   string          `json:"signature" doc:"Who signed it, for people"`
	Author      sys.Handle      `json:"author,omitempty"`
	Key         string          `json:"key,omitempty" doc:"A fingerprint; empty if it is unsigned"`
	Own         bool            `json:"own" doc:"This home has signed it; what has not is marked as text from outside"`
	Permissions []string        `json:"permissions" nullable:"false" doc:"What it may ask for; nothing is granted"`
	Landing     sys.LandingInfo `json:"landing"`
}

// bundlesAPI registers how apps leave and enter the home. What an owner does here
// lands as theirs.
func (g *Gateway) bundlesAPI() {
	register(g, http.MethodPost, "/api/apps/{slug}/publish", "publish-app", "Make one signed file of an app, without its data; it is sent to nobody", func(ctx context.Context, in *SlugIn) (*reply[PublishReply], error) {
		r, err := g.publishApp(ctx, in.Slug)
		return &reply[PublishReply]{r}, err
	})
	register(g, http.MethodPost, "/api/apps/{slug}/fork", "fork-app", "Copy an app under another slug, without its data", func(ctx context.Context, in *struct {
		SlugIn
		Body ForkBody
	}) (*reply[LandingReply], error,
	) {
		l, err := g.forkApp(ctx, in.Slug, in.Body)
		return &reply[LandingReply]{LandingReply{Landing: l, Files: []FileDiff{}}}, err
	})
	register(g, http.MethodPost, "/api/install", "install-app", "Install an app from a bundle: sums and signature are verified, nothing is granted", func(ctx context.Context, in *reply[InstallBody]) (*reply[InstallReply], error) {
		r, err := g.installApp(ctx, in.Body)
		return &reply[InstallReply]{r}, err
	}, upTo(app.MostBundle*4/3+64<<10))
}

// current is the home with what was edited by hand. The caller holds editing.
func (g *Gateway) current(ctx context.Context) (*disk.View, error) {
	if _, err := g.o.Disk.Capture(ctx); err != nil {
		return nil, err
	}
	return g.o.Disk.View(0)
}

func (g *Gateway) publisher() (app.Publisher, error) {
	key, err := g.o.Bundles.Key()
	return app.Publisher{Handle: g.o.Owner().Handle, Key: key}, err
}

func (g *Gateway) publishApp(ctx context.Context, slug sys.Slug) (PublishReply, error) {
	g.editing.Lock()
	defer g.editing.Unlock()
	view, err := g.current(ctx)
	if err != nil {
		return PublishReply{}, err
	}
	by, err := g.publisher()
	if err != nil {
		return PublishReply{}, err
	}
	p, err := app.Publish(view, slug, by)
	if err != nil {
		return PublishReply{}, err
	}
	r := PublishReply{Path: p.Path, Version: p.App.Manifest.Version, Author: by.Handle}
	r.Landing, err = g.bring(ctx, p.App.Folder, map[sys.Path][]byte{p.Path: p.Content}, fmt.Sprintf("Published %s %s", p.App.Manifest.Name, p.App.Manifest.Version))
	return r, err
}

func (g *Gateway) forkApp(ctx context.Context, slug sys.Slug, b ForkBody) (sys.LandingInfo, error) {
	g.editing.Lock()
	defer g.editing.Unlock()
	view, err := g.current(ctx)
	if err != nil {
		return sys.LandingInfo{}, err
	}
	from, err := g.app(slug)
	if err != nil {
		return sys.LandingInfo{}, err
	}
	files, err := app.Fork(view, g.o.Disk.Root(), slug, b.Slug, b.Name, g.o.Disk.Head())
	if err != nil {
		return sys.LandingInfo{}, err
	}
	return g.bring(ctx, from.Folder, files, fmt.Sprintf("Copied %s as %s", from.Name, b.Slug))
}

// bring lands files that were made of a folder, with the folder's label.
func (g *Gateway) bring(ctx context.Context, from sys.Path, files map[sys.Path][]byte, title string) (sys.LandingInfo, error) {
	l, err := g.o.Policy.LabelBelow(ctx, from)
	if err != nil {
		return sys.LandingInfo{}, err
	}
	if err := g.o.Policy.Mark(ctx, l, slices.Sorted(maps.Keys(files))...); err != nil {
		return sys.LandingInfo{}, err
	}
	return g.o.Disk.Write(ctx, disk.Write{Files: files, Kind: sys.ByOwner, Title: title})
}

func (g *Gateway) installApp(ctx context.Context, b InstallBody) (InstallReply, error) {
	raw, err := g.bundle(ctx, b)
	if err != nil {
		return InstallReply{}, err
	}
	g.editing.Lock()
	defer g.editing.Unlock()
	if _, err := g.current(ctx); err != nil {
		return InstallReply{}, err
	}
	by, err := g.publisher()
	if err != nil {
		return InstallReply{}, err
	}
	var a app.Arrival
	l, err := g.o.Disk.Edit(ctx, []sys.Path{app.PublishersFile}, func(home *disk.View) (_ disk.Write, err error) {
		if a, err = app.Install(home, g.o.Disk.Root(), raw, b.Slug, by.Public()); err != nil {
			return disk.Write{}, err
		}
		if !a.Ours {
			paths := slices.DeleteFunc(slices.Sorted(maps.Keys(a.Files)), func(p sys.Path) bool { return p == app.PublishersFile })
			if err := g.o.Policy.Mark(ctx, sys.Label{Integrity: sys.Untrusted}, paths...); err != nil {
				return disk.Write{}, err
			}
		}
		return disk.Write{Files: a.Files, Kind: sys.ByOwner, Title: fmt.Sprintf("Installed %s %s", a.Name, a.Version)}, nil
	})
	if err != nil {
		return InstallReply{}, err
	}
	return InstallReply{Landing: l, Slug: a.Slug, Name: a.Name, Version: a.Version, Signature: a.Signature(), Author: a.Author, Key: a.Key, Own: a.Ours, Permissions: all(a.Permissions)}, nil
}

// bundle is the bytes that the owner means.
func (g *Gateway) bundle(ctx context.Context, b InstallBody) ([]byte, error) {
	switch {
	case (len(b.Bundle) > 0) == (b.Source != ""):
		return nil, &sys.Error{Op: "install", Kind: sys.Invalid, Err: errors.New("give either a bundle or its source")}
	case len(b.Bundle) > 0:
		return b.Bundle, nil
	case strings.Contains(b.Source, "://"):
		return g.o.Bundles.Fetch(ctx, b.Source)
	}
	p, err := sys.ParsePath(b.Source)
	if err != nil {
		return nil, err
	}
	return g.read(p, app.MostBundle)
}
