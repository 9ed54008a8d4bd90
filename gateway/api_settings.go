package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"net/http"
	"os"
	"path"

	"matrixos/disk"
	"matrixos/sys"
)

const (
	themeFile  = sys.Path("system/theme.json")
	layoutFile = sys.Path("system/layout.json")
	// layoutLimit is far above what a desktop full of windows needs.
	layoutLimit = 256 << 10
)

// Theme is how the desktop looks.
type Theme struct {
	Mode      string `json:"mode" enum:"system,light,dark"`
	Accent    string `json:"accent" pattern:"^#[0-9A-Fa-f]{6}$"`
	Wallpaper string `json:"wallpaper" maxLength:"4096" doc:"A built-in one's name, or a picture of the home"`
}

// DefaultTheme is what a home without a theme looks like.
var DefaultTheme = Theme{Mode: "system", Accent: "#1F7A4D", Wallpaper: "contours"}

// ModelList is what may answer, and what does.
type ModelList struct {
	Current string  `json:"current"`
	Choices []Model `json:"choices" nullable:"false"`
}

// settingsAPI registers the theme, the layout of the desktop, and the model.
func (g *Gateway) settingsAPI() {
	register(g, http.MethodGet, "/api/theme", "get-theme", "How the desktop looks", func(context.Context, *struct{}) (*reply[Theme], error) {
		_, t, err := g.theme()
		return &reply[Theme]{t}, err
	})
	register(g, http.MethodPut, "/api/theme", "set-theme", "Change how the desktop looks", func(ctx context.Context, in *reply[Theme]) (*reply[Theme], error) {
		return in, g.setTheme(ctx, in.Body)
	})
	register(g, http.MethodGet, "/api/layout", "get-layout", "Where the windows were", func(context.Context, *struct{}) (*reply[json.RawMessage], error) {
		b, err := g.read(layoutFile, layoutLimit)
		if sys.KindOf(err) == sys.NotFound || (err == nil && !json.Valid(b)) {
			return &reply[json.RawMessage]{json.RawMessage("{}")}, nil
		}
		return &reply[json.RawMessage]{b}, err
	})
	register(g, http.MethodPut, "/api/layout", "set-layout", "Remember where the windows are", func(_ context.Context, in *reply[json.RawMessage]) (*struct{}, error) {
		return nil, g.setLayout(in.Body)
	}, upTo(layoutLimit))
	register(g, http.MethodGet, "/api/models", "list-models", "What may answer", func(ctx context.Context, _ *struct{}) (*reply[ModelList], error) {
		list, err := g.o.Models.Choices(ctx)
		if err != nil {
			return nil, err
		}
		return &reply[ModelList]{ModelList{g.o.Models.Current().ID, all(list)}}, nil
	})
	register(g, http.MethodPut, "/api/models", "set-model", "Choose what answers", func(ctx context.Context, in *reply[ModelChoice]) (*reply[Model], error) {
		if err := g.o.Models.Choose(ctx, in.Body); err != nil {
			return nil, err
		}
		g.publish(sys.EventSettings, sys.SettingsData{Path: "system/config.json"})
		return &reply[Model]{g.o.Models.Current()}, nil
	})
}

// theme reads the owner's theme, all of it and the part that is ours. What is
// missing or not understood is as by default: a slip in an editor must not
// leave the owner without a desktop.
func (g *Gateway) theme() (map[string]json.RawMessage, Theme, error) {
	return themeOf(g.read(themeFile, layoutLimit))
}

func themeOf(b []byte, err error) (map[string]json.RawMessage, Theme, error) {
	whole, t := map[string]json.RawMessage{}, DefaultTheme
	if sys.KindOf(err) == sys.NotFound || errors.Is(err, fs.ErrNotExist) {
		return whole, t, nil
	}
	if err != nil {
		return nil, t, err
	}
	if json.Unmarshal(b, &whole) != nil {
		return map[string]json.RawMessage{}, t, nil //nolint:nilerr // see above
	}
	set := func(name string, field *string, ok func(string) bool) {
		var s string
		if json.Unmarshal(whole[name], &s) == nil && ok(s) {
			*field = s
		}
	}
	set("mode", &t.Mode, func(s string) bool { return s == "system" || s == "light" || s == "dark" })
	set("accent", &t.Accent, isColour)
	set("wallpaper", &t.Wallpaper, func(s string) bool { return s != "" })
	return whole, t, nil
}

func isColour(s string) bool {
	if len(s) != 7 || s[0] != '#' {
		return false
	}
	for _, c := range []byte(s[1:]) {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') && (c < 'A' || c > 'F') {
			return false
		}
	}
	return true
}

// setTheme lands a new theme and keeps what else the owner wrote into the file.
func (g *Gateway) setTheme(ctx context.Context, t Theme) error {
	_, err := g.o.Disk.Edit(ctx, []sys.Path{themeFile}, func(home *disk.View) (disk.Write, error) {
		whole, _, err := themeOf(home.ReadFile(string(themeFile)))
		if err != nil {
			return disk.Write{}, err
		}
		for name, v := range map[string]string{"mode": t.Mode, "accent": t.Accent, "wallpaper": t.Wallpaper} {
			if whole[name], err = json.Marshal(v); err != nil {
				return disk.Write{}, err
			}
		}
		b, err := json.MarshalIndent(whole, "", "  ")
		return disk.Write{Files: map[sys.Path][]byte{themeFile: append(b, '\n')}, Kind: sys.ByOwner, Title: "Changed the theme"}, err
	})
	if err != nil {
		return err
	}
	g.publish(sys.EventSettings, sys.SettingsData{Path: themeFile})
	return nil
}

// setLayout replaces the layout file whole; it is not part of the history.
func (g *Gateway) setLayout(b json.RawMessage) error {
	if len(b) == 0 || !json.Valid(b) {
		return &sys.Error{Op: "save layout", Kind: sys.Invalid, Hint: "send a JSON document"}
	}
	root, err := os.OpenRoot(g.o.Disk.Root())
	if err != nil {
		return fileError("save", layoutFile, err)
	}
	defer root.Close()
	g.editing.Lock()
	defer g.editing.Unlock()
	if err := root.MkdirAll(path.Dir(string(layoutFile)), 0o755); err != nil {
		return fileError("save", layoutFile, err)
	}
	next := path.Join(sys.Store, "layout.next")
	if err := root.WriteFile(next, b, 0o600); err != nil {
		return fileError("save", layoutFile, err)
	}
	if err := root.Rename(next, string(layoutFile)); err != nil {
		return errors.Join(fileError("save", layoutFile, err), ignoreGone(root.Remove(next)))
	}
	return nil
}

func ignoreGone(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
