package syscalls

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"matrixos/app"
	"matrixos/egress"
	"matrixos/kernel"
	"matrixos/policy"
	"matrixos/sys"
)

// Bundles is what apps need to travel: the key that signs them, and a way to get
// one from elsewhere. boot has it.
type Bundles interface {
	// Key is the home's own, made when it is first needed.
	Key() (ed25519.PrivateKey, error)
	// Fetch reads a bundle from an https address.
	Fetch(ctx context.Context, address string) ([]byte, error)
}

const slugForm = `{"type":"string","pattern":"^[a-z0-9][a-z0-9-]{0,63}$"}`

type publishIn struct {
	App sys.Slug `json:"app"`
}

func publishApp(o Options) kernel.Syscall {
	return define("publish_app", false, []string{"app"}, `"app":`+slugForm,
		func(in publishIn) string { return "Making a bundle of " + code(string(in.App)) },
		func(ctx context.Context, c *kernel.Call, in publishIn) (string, error) {
			tree, err := c.Tree(ctx)
			if err != nil {
				return "", err
			}
			by, err := publisher(o, tree)
			if err != nil {
				return "", err
			}
			p, err := app.Publish(tree, in.App, by)
			if err != nil {
				return "", err
			}
			if err := writeFile(ctx, c, string(p.Path), string(p.Content)); err != nil {
				return "", err
			}
			c.ShowsBelow(p.App.Folder)
			return fmt.Sprintf("Published %s %s as %s (%s), signed as %s. It has the app's files, no entries and no grants; it lands with your other changes, and nobody was sent it.",
				in.App, p.App.Manifest.Version, p.Path, count(len(p.Content), "byte"), by.Handle), nil
		})
}

// publisher is this home as others see it.
func publisher(o Options, tree fs.FS) (app.Publisher, error) {
	if o.Bundles == nil {
		return app.Publisher{}, &sys.Error{Op: "sign", Kind: sys.Unavailable, Err: errors.New("this system has no key to sign with")}
	}
	me, err := readIdentity(tree)
	if err != nil {
		return app.Publisher{}, err
	}
	key, err := o.Bundles.Key()
	return app.Publisher{Handle: me.Handle, Key: key}, err
}

type forkIn struct {
	App  sys.Slug `json:"app"`
	New  sys.Slug `json:"new_slug"`
	Name string   `json:"name"`
}

func forkApp() kernel.Syscall {
	return define("fork_app", false, []string{"app", "new_slug"}, `"app":`+slugForm+`,"new_slug":`+slugForm+`,"name":{"type":"string","maxLength":120}`,
		func(in forkIn) string { return "Copying " + code(string(in.App)) + " as " + code(string(in.New)) },
		func(ctx context.Context, c *kernel.Call, in forkIn) (string, error) {
			tree, err := c.Tree(ctx)
			if err != nil {
				return "", err
			}
			files, err := app.Fork(tree, c.Disk().Root(), in.App, in.New, in.Name, c.Disk().Head())
			if err != nil {
				return "", err
			}
			from, err := findApp(tree, in.App)
			if err != nil {
				return "", err
			}
			c.ShowsBelow(from.Folder)
			return fmt.Sprintf("Copied %s to apps/%s (%s), without its entries and grants. It lands with your other changes.", in.App, in.New, count(len(files), "file")), c.Lay(ctx, files)
		})
}

type installIn struct {
	Source string   `json:"source"`
	Slug   sys.Slug `json:"slug"`
}

// installApp brings an app of somebody else in, which the owner is asked about, or
// one of this home back.
func installApp(o Options) kernel.Syscall {
	return define("install_app", false, []string{"source"}, `"source":{"type":"string","maxLength":2048,"description":"a .mxapp file of the home, or its https address"},"slug":`+slugForm,
		func(in installIn) string { return "Installing an app" },
		func(ctx context.Context, c *kernel.Call, in installIn) (string, error) {
			tree, err := c.Tree(ctx)
			if err != nil {
				return "", err
			}
			by, err := publisher(o, tree)
			if err != nil {
				return "", err
			}
			raw, err := loadBundle(ctx, o, c, tree, in.Source)
			if err != nil {
				return "", err
			}
			a, err := app.Install(tree, c.Disk().Root(), raw, in.Slug, by.Public())
			if !a.Ours { // an error quotes it, too
				c.Reads(outside)
			}
			if err != nil {
				return "", err
			}
			if !a.Ours {
				if err := c.Effect(ctx, arriving(a)); err != nil {
					return "", err
				}
			}
			return fmt.Sprintf("Installed %q %s in apps/%s (%s). %s It has no grants: it asks the owner when it needs one. It lands with your other changes.",
				a.Name, a.Version, a.Slug, count(len(a.Files), "file"), a.Signature()), c.Lay(ctx, a.Files)
		})
}

// arriving is what the owner decides about somebody else's app.
func arriving(a app.Arrival) policy.Effect {
	target := string(a.Author)
	if a.Key == "" {
		target = "unsigned"
	}
	return policy.Effect{Kind: policy.Install, Target: target, Text: a.Summary(), Args: args(map[string]string{
		"app": a.Name, "version": a.Version, "slug": string(a.Slug), "key": a.Key, "sha256": a.SHA256, "permissions": strings.Join(a.Permissions, ", "),
	})}
}

// loadBundle reads a bundle of the home, or of the web.
func loadBundle(ctx context.Context, o Options, c *kernel.Call, tree fs.FS, source string) ([]byte, error) {
	if !strings.Contains(source, "://") {
		return localBundle(c, tree, source)
	}
	u, err := egress.ParseURL(source)
	if err != nil {
		return nil, err
	}
	if u.Scheme != "https" {
		return nil, &sys.Error{Op: "install from", Path: u.Hostname(), Kind: sys.Refused, Err: errors.New("on the way anybody could change it"), Hint: "use an https address"}
	}
	named, err := c.Names(ctx, u.Hostname())
	if err != nil {
		return nil, err
	}
	err = c.Effect(ctx, policy.Effect{
		Kind: policy.Fetch, Target: strings.ToLower(u.Hostname()), Text: "Get an app from " + u.String(), Args: args(u.String()), Known: c.Knows(u.String()), Named: named,
	})
	if err != nil {
		return nil, err
	}
	c.Shows()
	c.Reads(outside)
	return o.Bundles.Fetch(ctx, u.String())
}

func localBundle(c *kernel.Call, tree fs.FS, source string) ([]byte, error) {
	p, err := sys.ParsePath(source)
	if err != nil {
		return nil, err
	}
	c.Shows(p)
	info, err := fs.Stat(tree, string(p))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, &sys.Error{Op: "install", Path: string(p), Kind: sys.NotFound, Hint: near(tree, p)}
	case err != nil:
		return nil, err
	case info.IsDir() || info.Size() > app.MostBundle:
		return nil, &sys.Error{Op: "install", Path: string(p), Kind: sys.Invalid, Err: fmt.Errorf("it is a folder, or has more than %d MB", app.MostBundle>>20), Hint: "name a .mxapp file"}
	}
	return fs.ReadFile(tree, string(p))
}
