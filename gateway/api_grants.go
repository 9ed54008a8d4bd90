package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"slices"

	"matrixos/app"
	"matrixos/disk"
	"matrixos/sys"
)

// GrantsFile is app.GrantsFile.
const GrantsFile = app.GrantsFile

// GrantBody is the owner's answer to what an app asks for.
type GrantBody struct {
	Permission string `json:"permission" minLength:"1" maxLength:"300" doc:"One that the app's manifest names"`
	Allow      bool   `json:"allow" doc:"False takes it back"`
}

// grantsAPI registers the owner's answers to what apps ask for.
func (g *Gateway) grantsAPI() {
	register(g, http.MethodPost, "/api/apps/{slug}/grants", "grant-app", "Grant an app something its manifest asks for, or take it back: a landing, which can be undone", func(ctx context.Context, in *struct {
		SlugIn
		Body GrantBody
	}) (*struct{}, error,
	) {
		return nil, g.grant(ctx, in.Slug, in.Body)
	})
}

func (g *Gateway) grant(ctx context.Context, slug sys.Slug, b GrantBody) error {
	a, err := g.app(slug)
	if err != nil {
		return err
	}
	if b.Allow && !slices.Contains(a.Permissions, b.Permission) {
		return &sys.Error{Op: "grant", Path: b.Permission, Kind: sys.Invalid, Err: fmt.Errorf("the manifest of %s does not ask for it", a.Name), Hint: "name it under permissions in matrix.json"}
	}
	_, err = g.o.Disk.Edit(ctx, []sys.Path{GrantsFile}, func(home *disk.View) (disk.Write, error) {
		return granting(home, a, b)
	})
	return err
}

// granting is the owner's answer to what an app asks for, in the file of them.
func granting(home fs.FS, a sys.AppInfo, b GrantBody) (disk.Write, error) {
	all, err := grants(home)
	if err != nil {
		return disk.Write{}, err
	}
	slug := a.Slug
	kept := slices.DeleteFunc(slices.Clone(all[slug]), func(p string) bool { return p == b.Permission })
	title := fmt.Sprintf("Took %s back from %s", b.Permission, a.Name)
	if b.Allow {
		kept = append(kept, b.Permission)
		title = fmt.Sprintf("Granted %s to %s", b.Permission, a.Name)
	}
	if slices.Equal(kept, all[slug]) {
		return disk.Write{}, nil
	}
	if all[slug] = kept; len(kept) == 0 {
		delete(all, slug)
	}
	out, err := grantsText(all)
	return disk.Write{Files: map[sys.Path][]byte{GrantsFile: out}, Kind: sys.ByOwner, Title: title}, err
}

// grants reads what the owner has granted.
func grants(home fs.FS) (map[sys.Slug][]string, error) {
	all := map[sys.Slug][]string{}
	raw, err := fs.ReadFile(home, string(GrantsFile))
	if err == nil {
		err = json.Unmarshal(raw, &all)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, &sys.Error{Op: "read", Path: string(GrantsFile), Kind: sys.Invalid, Err: err, Hint: "repair the file, or undo its last change"}
	}
	return all, nil
}

func grantsText(all map[sys.Slug][]string) ([]byte, error) {
	out, err := json.MarshalIndent(all, "", "  ")
	if err != nil {
		return nil, errors.Join(errors.New("grants do not marshal"), err)
	}
	return append(out, '\n'), nil
}
