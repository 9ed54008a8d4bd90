package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"net/http"

	"matrixos/disk"
	"matrixos/sys"
)

// LaunchReply is what a desktop needs for one window of an app.
type LaunchReply struct {
	URL        string `json:"url" doc:"For the frame; good for one load"`
	Nonce      string `json:"nonce" doc:"The frame's first message carries it"`
	Capability string `json:"capability" doc:"For X-App-Capability; the frame never sees it"`
	// Landing and Data are set for an app as it was.
	Landing sys.LandingID `json:"landing,omitempty" doc:"The landing as of which the app is shown, to be looked at only"`
	Data    string        `json:"data,omitempty" enum:"then,now" doc:"Whether its data are as of that landing, or today's"`
}

// SlugIn is the app that a path names. (The library reads exported fields only.)
type SlugIn struct {
	Slug sys.Slug `path:"slug" pattern:"^[a-z0-9][a-z0-9-]{0,63}$"`
}

// appAPI registers the apps, their windows and their bridge.
func (g *Gateway) appAPI() {
	register(g, http.MethodGet, "/api/apps", "list-apps", "Installed apps", func(context.Context, *struct{}) (*reply[[]sys.AppInfo], error) {
		return &reply[[]sys.AppInfo]{all(g.o.Apps.List())}, nil
	})
	register(g, http.MethodPost, "/api/apps/{slug}/launch", "launch-app", "Open a window of an app", func(ctx context.Context, in *struct {
		SlugIn
		Body struct {
			Preview sys.PID `json:"preview_pid,omitempty" minimum:"0" doc:"Show it as this process sees it, not landed yet"`
			At      string  `json:"at,omitempty" maxLength:"100" doc:"Show it as of this landing, snapshot or time, to be looked at only"`
		}
	}) (*reply[LaunchReply], error,
	) {
		if in.Body.At != "" {
			return g.launchPast(ctx, in.Slug, in.Body.At)
		}
		return g.launch(in.Slug, in.Body.Preview)
	})
	register(g, http.MethodPost, "/api/apps/{slug}/open", "open-app", "Show an app's window on the desktops that are open", func(_ context.Context, in *struct {
		SlugIn
		Body struct {
			Path string `json:"path,omitempty" maxLength:"2000"`
		}
	}) (*reply[SignInLink], error,
	) {
		if _, err := g.app(in.Slug); err != nil {
			return nil, err
		}
		g.publish(sys.EventOpen, sys.OpenData{App: in.Slug, Path: in.Body.Path})
		url, expires, err := g.SignInLink("/?open=" + string(in.Slug))
		if err != nil {
			return nil, err
		}
		return &reply[SignInLink]{SignInLink{url, expires}}, nil
	})
	register(g, http.MethodDelete, "/api/apps/{slug}", "remove-app", "Remove an app's folder: a landing, which can be undone; its data stays", func(ctx context.Context, in *SlugIn) (*reply[LandingReply], error) {
		l, err := g.removeApp(ctx, in.Slug)
		if err != nil {
			return nil, err
		}
		return &reply[LandingReply]{LandingReply{Landing: l, Files: []FileDiff{}}}, nil
	})
	g.contractAPI()
	g.recordingAPI()
	g.bridgeAPI()
	g.bundlesAPI()
	g.grantsAPI()
	g.shippedAPI()
	g.packagesAPI()
	g.rowsAPI()
}

// launch opens an app as it is, or as a process sees it that has not landed yet.
func (g *Gateway) launch(slug sys.Slug, preview sys.PID) (*reply[LaunchReply], error) {
	var p *Preview
	if preview != 0 {
		tree, err := g.workspace(preview)
		if err != nil {
			return nil, err
		}
		p = &Preview{Tree: tree}
	}
	l, err := g.o.Apps.Launch(slug, p)
	if err != nil {
		return nil, err
	}
	return &reply[LaunchReply]{LaunchReply{URL: l.URL, Nonce: l.Nonce, Capability: l.Capability}}, nil
}

// contractAPI registers trials of apps.
func (g *Gateway) contractAPI() {
	register(g, http.MethodPost, "/api/apps/{slug}/check", "check-app", "Try an app against its contract, on data of its own; nothing of the owner's is touched", func(ctx context.Context, in *SlugIn) (*reply[sys.ContractReport], error) {
		r, err := g.o.Apps.Check(ctx, in.Slug)
		if err != nil {
			return nil, err
		}
		return &reply[sys.ContractReport]{*r}, nil
	})
	register(g, http.MethodPost, "/api/apps/{slug}/strength", "measure-contract", "Measure how many small wrong changes of an app its contract finds; takes about a second for each", func(ctx context.Context, in *SlugIn) (*reply[sys.StrengthReport], error) {
		r, err := g.o.Apps.Strength(ctx, in.Slug)
		if err != nil {
			return nil, err
		}
		return &reply[sys.StrengthReport]{*r}, nil
	})
}

// launchPast opens an app as of a landing, with the data of that time. Where no copy
// of them is kept, no landing has touched the app since, and they are today's: the
// answer says which. It cannot
// change them.
func (g *Gateway) launchPast(ctx context.Context, slug sys.Slug, at string) (*reply[LaunchReply], error) {
	id, err := g.moment(ctx, at)
	if err != nil {
		return nil, err
	}
	view, err := g.o.Disk.View(id)
	if err != nil {
		return nil, err
	}
	copies, err := g.o.Disk.CopiesAt(ctx, slug, id)
	if err != nil {
		return nil, err
	}
	p, data := &Preview{Tree: view, Frozen: true}, "now"
	if len(copies) > 0 {
		p.Data, data = g.pastData(copies, view, slug), "then"
	}
	l, err := g.o.Apps.Launch(slug, p)
	if err != nil {
		return nil, err
	}
	return &reply[LaunchReply]{LaunchReply{l.URL, l.Nonce, l.Capability, id, data}}, nil
}

// bridgeAPI registers what windows of apps call, through the desktop.
func (g *Gateway) bridgeAPI() {
	register(g, http.MethodPost, "/api/bridge", "bridge", "A call of an app's window", func(ctx context.Context, in *struct {
		Capability string `header:"X-App-Capability" required:"true" minLength:"1" maxLength:"200"`
		Body       struct {
			Method string          `json:"method" minLength:"1" maxLength:"100"`
			Params json.RawMessage `json:"params,omitempty"`
		}
	}) (*reply[BridgeReply], error,
	) {
		v, err := g.o.Apps.Call(ctx, in.Capability, in.Body.Method, in.Body.Params)
		if err != nil {
			return nil, err
		}
		if len(v) == 0 {
			v = json.RawMessage("null")
		}
		return &reply[BridgeReply]{BridgeReply{v}}, nil
	}, upTo(8<<20))
	register(g, http.MethodDelete, "/api/bridge", "leave-app", "A window of an app is closed: its address and rights end", func(_ context.Context, in *struct {
		Capability string `header:"X-App-Capability" required:"true" minLength:"1" maxLength:"200"`
	}) (*struct{}, error,
	) {
		g.o.Apps.Leave(in.Capability)
		return nil, nil
	})
}

// BridgeReply is what a bridge call returned.
type BridgeReply struct {
	Value json.RawMessage `json:"value"`
}

func (g *Gateway) app(slug sys.Slug) (sys.AppInfo, error) {
	for _, a := range g.o.Apps.List() {
		if a.Slug == slug {
			return a, nil
		}
	}
	return sys.AppInfo{}, &sys.Error{Op: "find app", Path: string(slug), Kind: sys.NotFound, Hint: "`matrixos apps` lists them"}
}

func (g *Gateway) workspace(pid sys.PID) (fs.FS, error) {
	if g.o.Workspace == nil {
		return nil, &sys.Error{Op: "preview", Kind: sys.Unavailable, Hint: "open the app itself"}
	}
	return g.o.Workspace(pid)
}

// removeApp lands the removal of everything in an app's folder, and of what it was
// granted: an app that is built under this name later has to ask for itself.
func (g *Gateway) removeApp(ctx context.Context, slug sys.Slug) (sys.LandingInfo, error) {
	a, err := g.app(slug)
	if err != nil {
		return sys.LandingInfo{}, err
	}
	return g.o.Disk.Edit(ctx, []sys.Path{a.Folder, GrantsFile}, func(home *disk.View) (disk.Write, error) {
		return removing(home, a)
	})
}

// removing takes an app's folder away, with what the owner has granted it.
func removing(home fs.FS, a sys.AppInfo) (disk.Write, error) {
	files := map[sys.Path][]byte{}
	err := fs.WalkDir(home, string(a.Folder), func(p string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			files[sys.Path(p)] = nil
		}
		return err
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return disk.Write{}, err
	}
	if len(files) == 0 {
		return disk.Write{}, &sys.Error{Op: "remove app", Path: string(a.Slug), Kind: sys.NotFound, Hint: "it is gone already"}
	}
	granted, err := grants(home)
	if err != nil {
		return disk.Write{}, err
	}
	if _, has := granted[a.Slug]; has {
		delete(granted, a.Slug)
		if files[GrantsFile], err = grantsText(granted); err != nil {
			return disk.Write{}, err
		}
	}
	return disk.Write{Files: files, Kind: sys.ByOwner, Title: "Removed " + a.Name}, nil
}
