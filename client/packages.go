package client

import (
	"context"
	"net/http"
	"net/url"

	"matrixos/sys"
)

// Packages is what apps may have from npm, and what they lack of it.
type Packages struct {
	Allowed []string      `json:"allowed"`
	Missing []AppPackages `json:"missing"`
}

// AppPackages are the packages that one app lacks.
type AppPackages struct {
	App      sys.Slug `json:"app"`
	Packages []string `json:"packages"`
}

// Packages lists what apps may have from npm.
func (c *Client) Packages(ctx context.Context) (p Packages, err error) {
	err = c.call(ctx, "list packages", http.MethodGet, "/api/packages", nil, &p)
	return p, err
}

// AllowPackages allows packages from npm to apps, or takes that back, and waits until
// what apps lack is installed.
func (c *Client) AllowPackages(ctx context.Context, names []string, allow bool) error {
	return c.call(ctx, "allow packages", http.MethodPut, "/api/packages", map[string]any{"names": names, "allow": allow}, nil)
}

// ServerLog is what the server of an app with the runtime node has said lately.
func (c *Client) ServerLog(ctx context.Context, slug sys.Slug) (string, error) {
	var out struct{ Text string }
	err := c.call(ctx, "read the log of "+string(slug), http.MethodGet, "/api/apps/"+url.PathEscape(string(slug))+"/log", nil, &out)
	return out.Text, err
}

// Grant grants an app something its manifest asks for, or takes it back.
func (c *Client) Grant(ctx context.Context, slug sys.Slug, permission string, allow bool) error {
	return c.call(ctx, "grant "+permission, http.MethodPost, "/api/apps/"+url.PathEscape(string(slug))+"/grants", map[string]any{"permission": permission, "allow": allow}, nil)
}
