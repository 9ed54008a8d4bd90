package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"time"

	"matrixos/app"
	"matrixos/disk"
	"matrixos/sys"
)

// AppBackup is one app with its data, as one document.
type AppBackup struct {
	Version int                         `json:"matrixos_app_backup" doc:"The form of the document: 1"`
	App     sys.Slug                    `json:"app"`
	Name    string                      `json:"name"`
	Made    time.Time                   `json:"made"`
	Bundle  []byte                      `json:"bundle" doc:"The app itself, a signed .mxapp file"`
	Tables  map[string][]map[string]any `json:"tables" doc:"All rows by table, with their ids and times"`
	Keys    map[string]json.RawMessage  `json:"keys" doc:"The values of writeData"`
	Server  map[string][]byte           `json:"server,omitempty" doc:"What the server of an app with the runtime node keeps, by file"`
}

// RestoredApp says what came back.
type RestoredApp struct {
	App       sys.Slug          `json:"app"`
	Installed bool              `json:"installed" doc:"The app itself was not there any more"`
	Rows      int               `json:"rows"`
	Keys      int               `json:"keys"`
	Files     int               `json:"files" doc:"Of what its server keeps"`
	Landings  []sys.LandingInfo `json:"landings" nullable:"false"`
}

const backupForm = 1

func (g *Gateway) appBackupAPI() {
	register(g, http.MethodGet, "/api/apps/{slug}/backup", "backup-app", "One app with its rows and values, as one document; nothing changes", func(ctx context.Context, in *SlugIn) (*reply[AppBackup], error) {
		b, err := g.backupApp(ctx, in.Slug)
		return &reply[AppBackup]{b}, err
	})
	register(g, http.MethodPost, restorePath, "restore-app", "Bring an app's data back from such a document, and the app if it is gone: landings, which can be undone", func(ctx context.Context, in *reply[AppBackup]) (*reply[RestoredApp], error) {
		r, err := g.restoreApp(ctx, in.Body)
		return &reply[RestoredApp]{r}, err
	}, upTo(restoreLimit))
}

func (g *Gateway) backupApp(ctx context.Context, slug sys.Slug) (AppBackup, error) {
	g.editing.Lock()
	defer g.editing.Unlock()
	view, err := g.current(ctx)
	if err != nil {
		return AppBackup{}, err
	}
	info, err := g.app(slug)
	if err != nil {
		return AppBackup{}, err
	}
	by, err := g.publisher()
	if err != nil {
		return AppBackup{}, err
	}
	p, err := app.Publish(view, slug, by)
	if err != nil {
		return AppBackup{}, err
	}
	b := AppBackup{Version: backupForm, App: slug, Name: info.Name, Made: time.Now().UTC().Truncate(time.Second), Bundle: p.Content, Tables: map[string][]map[string]any{}}
	for _, name := range info.Tables {
		t, err := g.o.Apps.Rows(ctx, slug, name)
		if err != nil {
			return AppBackup{}, err
		}
		b.Tables[name] = all(t.Rows)
	}
	if b.Keys, err = keysOf(view, slug); err != nil {
		return AppBackup{}, err
	}
	b.Server, err = g.o.Apps.ServerFiles(ctx, slug)
	return b, err
}

// keysOf reads the values of an app's keys.
func keysOf(view fs.FS, slug sys.Slug) (map[string]json.RawMessage, error) {
	keys := map[string]json.RawMessage{}
	folder := "data/" + string(slug)
	entries, err := fs.ReadDir(view, folder)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	for _, e := range entries {
		name, ok := strings.CutSuffix(e.Name(), ".json")
		if !ok || !e.Type().IsRegular() {
			continue
		}
		raw, err := fs.ReadFile(view, path.Join(folder, e.Name()))
		if err != nil {
			return nil, err
		}
		if json.Valid(raw) { // another is no value that an app has written
			keys[name] = raw
		}
	}
	return keys, nil
}

// restoreApp brings data back over what there is: a row or value that the backup has
// becomes what it was, as does a file that its server keeps, and what was added since
// stays.
func (g *Gateway) restoreApp(ctx context.Context, b AppBackup) (RestoredApp, error) {
	out := RestoredApp{App: b.App, Landings: []sys.LandingInfo{}}
	if b.Version != backupForm || !b.App.Valid() {
		return out, &sys.Error{Op: "restore", Kind: sys.Invalid, Err: errors.New("it is no backup of an app"), Hint: "choose a file that “Back up this app” has written"}
	}
	if _, err := g.app(b.App); sys.KindOf(err) == sys.NotFound {
		r, err := g.installApp(ctx, InstallBody{Bundle: b.Bundle, Slug: b.App})
		if err != nil {
			return out, err
		}
		out.Installed, out.Landings = true, append(out.Landings, r.Landing)
		g.o.Apps.List() // it follows the landing
	} else if err != nil {
		return out, err
	}
	tables := map[string][]app.Row{}
	for name, rows := range b.Tables {
		if len(rows) > 0 {
			tables[name] = appRows(rows)
			out.Rows += len(rows)
		}
	}
	if len(tables) > 0 {
		l, err := g.o.Apps.Restore(ctx, b.App, tables)
		if err != nil {
			return out, err
		}
		out.Landings = append(out.Landings, l)
	}
	if out.Files = len(b.Server); out.Files > 0 {
		l, err := g.o.Apps.RestoreServerFiles(ctx, b.App, b.Server)
		if err != nil {
			return out, err
		}
		out.Landings = append(out.Landings, l)
	}
	files := map[sys.Path][]byte{}
	for key, value := range b.Keys {
		p, err := sys.ParsePath("data/" + string(b.App) + "/" + key + ".json")
		if err != nil || strings.Contains(key, "/") {
			return out, &sys.Error{Op: "restore", Path: key, Kind: sys.Invalid, Err: errors.Join(err, errors.New("it is no key of an app"))}
		}
		files[p] = value
	}
	out.Keys = len(files)
	if len(files) == 0 {
		return out, nil
	}
	g.editing.Lock()
	defer g.editing.Unlock()
	if _, err := g.current(ctx); err != nil {
		return out, err
	}
	l, err := g.o.Disk.Write(ctx, disk.Write{Files: files, Kind: sys.ByOwner, Title: fmt.Sprintf("Restored %s of %s", countOf(len(files), "value"), b.Name)})
	if err == nil && l.ID != 0 {
		out.Landings = append(out.Landings, l)
	}
	return out, err
}

func countOf(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
