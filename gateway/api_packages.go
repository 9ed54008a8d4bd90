package gateway

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"

	"matrixos/app"
	"matrixos/sys"
)

// PackagesReply is what apps may have from npm, and what they lack of it.
type PackagesReply struct {
	Allowed []string      `json:"allowed" nullable:"false"`
	Missing []AppPackages `json:"missing" nullable:"false"`
}

// AppPackages are the packages that one app lacks.
type AppPackages struct {
	App      sys.Slug `json:"app"`
	Packages []string `json:"packages" nullable:"false"`
}

// PackagesBody is the owner's answer about packages.
type PackagesBody struct {
	Names []string `json:"names" nullable:"false" minItems:"1" maxItems:"50"`
	Allow bool     `json:"allow" doc:"False takes it back; what is installed is not used any more for apps that are compiled anew"`
}

// ServerLogReply is what the server of an app has said.
type ServerLogReply struct {
	Text string `json:"text" doc:"The end of it, at most 64 KB; lines in brackets are the system's own"`
}

// packagesAPI registers what apps may have from npm, and what their servers say.
func (g *Gateway) packagesAPI() {
	register(g, http.MethodGet, "/api/apps/{slug}/log", "app-server-log", "What the server of an app with the runtime node has said lately", func(_ context.Context, in *SlugIn) (*reply[ServerLogReply], error) {
		text, err := g.o.Apps.ServerLog(in.Slug)
		if err != nil {
			return nil, err
		}
		return &reply[ServerLogReply]{ServerLogReply{text}}, nil
	})
	register(g, http.MethodGet, "/api/packages", "list-packages", "Packages from npm that apps may have, and what they lack", func(context.Context, *struct{}) (*reply[PackagesReply], error) {
		file, err := g.object(app.PackagesFile)
		if err != nil {
			return nil, err
		}
		out := PackagesReply{Missing: []AppPackages{}}
		if out.Allowed, err = allowed(file); err != nil {
			return nil, err
		}
		for _, a := range g.o.Apps.List() {
			if len(a.Packages) > 0 {
				out.Missing = append(out.Missing, AppPackages{a.Slug, a.Packages})
			}
		}
		return &reply[PackagesReply]{out}, nil
	})
	register(g, http.MethodPut, "/api/packages", "allow-packages", "Allow packages from npm to apps, or take that back: a landing, which can be undone; what apps lack is installed", func(ctx context.Context, in *reply[PackagesBody]) (*struct{}, error) {
		for _, name := range in.Body.Names {
			if err := app.CheckPackage(name); err != nil {
				return nil, err
			}
		}
		if err := g.allowPackages(ctx, in.Body); err != nil {
			return nil, err
		}
		g.o.Apps.List() // it knows of the landing now, and what is missing
		return nil, g.o.Apps.Install(ctx)
	})
}

func (g *Gateway) allowPackages(ctx context.Context, b PackagesBody) error {
	title := "Took back packages from npm"
	if b.Allow {
		title = "Allowed packages from npm to apps"
	}
	return g.edit(ctx, app.PackagesFile, title, func(file object) error {
		list, err := allowed(file)
		if err != nil {
			return err
		}
		list = slices.DeleteFunc(list, func(n string) bool { return slices.Contains(b.Names, n) })
		if b.Allow {
			list = append(list, b.Names...)
		}
		slices.Sort(list)
		return file.set("allowed", slices.Compact(list))
	})
}

func allowed(file object) ([]string, error) {
	list := []string{}
	if raw, ok := file["allowed"]; ok {
		if err := json.Unmarshal(raw, &list); err != nil {
			return nil, notUnderstood(app.PackagesFile, err)
		}
	}
	return list, nil
}
