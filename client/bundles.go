package client

import (
	"context"
	"net/http"
	"net/url"

	"matrixos/sys"
)

// Published is an app as one file.
type Published struct {
	Path    sys.Path        `json:"path"`
	Version string          `json:"version"`
	Author  sys.Handle      `json:"author"`
	Landing sys.LandingInfo `json:"landing"`
}

// Installed is an app that came out of a bundle.
type Installed struct {
	Slug        sys.Slug        `json:"slug"`
	Name        string          `json:"name"`
	Version     string          `json:"version"`
	Signature   string          `json:"signature"`
	Author      sys.Handle      `json:"author,omitempty"`
	Key         string          `json:"key,omitempty"`
	Own         bool            `json:"own"`
	Permissions []string        `json:"permissions"`
	Landing     sys.LandingInfo `json:"landing"`
}

// Publish makes one signed file of an app, in the home.
func (c *Client) Publish(ctx context.Context, slug sys.Slug) (p Published, err error) {
	err = c.call(ctx, "publish "+string(slug), http.MethodPost, "/api/apps/"+url.PathEscape(string(slug))+"/publish", struct{}{}, &p)
	return p, err
}

// ForkApp copies an app under another slug; the name may be empty.
func (c *Client) ForkApp(ctx context.Context, slug, to sys.Slug, name string) (l Landing, err error) {
	in := map[string]any{"slug": to}
	if name != "" {
		in["name"] = name
	}
	err = c.call(ctx, "fork "+string(slug), http.MethodPost, "/api/apps/"+url.PathEscape(string(slug))+"/fork", in, &l)
	return l, err
}

// Install installs a bundle, or what is at an https address if that is not empty;
// as is its slug here, or empty for its own.
func (c *Client) Install(ctx context.Context, bundle []byte, address string, as sys.Slug) (i Installed, err error) {
	in := map[string]any{}
	if address != "" {
		in["source"] = address
	} else {
		in["bundle"] = bundle
	}
	if as != "" {
		in["slug"] = as
	}
	err = c.call(ctx, "install app", http.MethodPost, "/api/install", in, &i)
	return i, err
}
