package boot

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"matrixos/app"
	"matrixos/disk"
	"matrixos/heal"
	"matrixos/sandbox"
	"matrixos/sys"
)

// cannotTell is the exit status by which a command says so, as git bisect has it.
const cannotTell = 125

// trials judge apps as they were: see gateway.Options.
type trials struct {
	apps   *apps
	healer *heal.Healer
	box    *sandbox.Sandbox
	why    error // there is no box
	mount  string
}

func (t trials) trial(ctx context.Context, slug sys.Slug, command string) (sys.Path, func(context.Context, *disk.View) error, error) {
	folder := sys.Path("apps/" + slug)
	for _, a := range t.apps.List() {
		if a.Slug == slug {
			folder = a.Folder
		}
	}
	if _, err := sys.ParsePath(string(folder)); err != nil || strings.Contains(string(slug), "/") {
		return "", nil, &sys.Error{Op: "bisect", Path: string(slug), Kind: sys.Invalid, Err: errors.New("it is no name of an app"), Hint: "`matrixos apps` lists them"}
	}
	judge, err := t.healer.Past(ctx, folder)
	if err != nil {
		return "", nil, err
	}
	path := folder
	if command != "" {
		if t.box == nil {
			return "", nil, t.why
		}
		path = "" // a command may look anywhere
		judge = func(ctx context.Context, v fs.FS) error { return t.run(ctx, v, command) }
	}
	return path, func(ctx context.Context, v *disk.View) error {
		_, err := fs.Stat(v, string(folder)+"/"+app.ManifestName)
		if missing(err) {
			return nil // there was no such app
		}
		if err != nil {
			return err
		}
		return judge(ctx, v)
	}, nil
}

// run runs a command on a copy of the home, which it may change. It sees the copy
// where the home is.
func (t trials) run(ctx context.Context, v fs.FS, command string) (err error) {
	dir, err := os.MkdirTemp("", "matrixos-bisect-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if err := os.CopyFS(dir, v); err != nil {
		return err
	}
	out, err := t.box.Run(ctx, sandbox.Command{Script: command, Folder: dir, Mount: t.mount, Output: 4 << 10})
	if err != nil {
		return err
	}
	said := strings.TrimSpace(strings.ToValidUTF8(string(out.Output), "�"))
	switch {
	case out.Over != "":
		return &sys.Error{Op: "run", Path: "the command", Kind: sys.Unavailable, Err: fmt.Errorf("it used too much (%s)", out.Over), Hint: "test less at once"}
	case out.Status == cannotTell:
		return &sys.Error{Op: "run", Path: "the command", Kind: sys.Unavailable, Err: fmt.Errorf("exit status %d: %s", out.Status, said)}
	case out.Status != 0:
		return &sys.Error{Op: "run", Path: "the command", Kind: sys.NotVerified, Err: fmt.Errorf("exit status %d: %s", out.Status, said)}
	}
	return nil
}
