package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"

	"matrixos/sys"
)

// Network lets apps read from the hosts that their manifests name and their owner
// has granted.
type Network struct {
	// Fetch reads an address and returns its answer as JSON.
	Fetch func(ctx context.Context, address string) (json.RawMessage, error)
	// Granted reports whether the owner has granted a permission to an app.
	Granted func(app sys.Slug, permission string) bool
}

// HostPermission is what a manifest asks for and the owner grants: reading from one
// host over https.
func HostPermission(host string) string { return "net:" + host }

// fetch is proxyFetch. An app names the hosts in its manifest, so that they can be
// read there, and the owner says yes to each once, when it is first needed.
func (c *call) fetch(ctx context.Context) (any, error) {
	refuse := func(path, why, hint string, kind sys.Kind) (any, error) {
		return nil, &sys.Error{Op: "reach", Path: path, Kind: kind, Err: errors.New(why), Hint: hint}
	}
	u, err := url.Parse(c.params.URL)
	if err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil {
		return refuse("the network", "apps read addresses such as https://example.org/data", "check the address", sys.Invalid)
	}
	permission := HostPermission(u.Host)
	if !slices.Contains(c.manifest.Permissions, permission) {
		return refuse(u.Host, fmt.Sprintf("the manifest of %s does not name it", c.manifest.Name), fmt.Sprintf("add %q to permissions in its %s", permission, ManifestName), sys.Refused)
	}
	if c.r.network.Fetch == nil || c.r.network.Granted == nil {
		return refuse(u.Host, "there is no network for apps here", "", sys.Unavailable)
	}
	if !c.r.network.Granted(c.launch.slug, permission) {
		return refuse(u.Host, fmt.Sprintf("%s has not been allowed to read from it", c.manifest.Name), "allow it in the app's window", sys.NeedsApproval)
	}
	return c.r.network.Fetch(ctx, u.String())
}
