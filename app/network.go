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
	// Connected lists the services that the owner has connected, without keys.
	Connected func() ([]Integration, error)
	// Service has a connected service do an action, and returns its answer as JSON.
	Service func(ctx context.Context, app sys.Slug, service, action string, params json.RawMessage) (json.RawMessage, error)
}

// Integration is a connected service as an app sees it.
type Integration struct {
	Service string `json:"service"`
	Label   string `json:"account_label"`
	Email   string `json:"account_email"` // always empty: a home knows services, not accounts
	Status  string `json:"status"`        // active, needs_key, or not_allowed until the owner says yes
}

// ServicePermission is what a manifest asks for and the owner grants: calling one
// connected service with its key.
func ServicePermission(service string) string { return "service:" + service }

// integrations lists the connected services that the app's manifest names; of the
// others it does not hear.
func (c *call) integrations(context.Context) (any, error) {
	out := []Integration{}
	n := c.r.network
	if n.Connected == nil || n.Granted == nil {
		return out, nil
	}
	all, err := n.Connected()
	if err != nil {
		return nil, err
	}
	for _, i := range all {
		p := ServicePermission(i.Service)
		if !slices.Contains(c.manifest.Permissions, p) {
			continue
		}
		if !n.Granted(c.launch.slug, p) {
			i.Status = "not_allowed"
		}
		out = append(out, i)
	}
	return out, nil
}

// service calls a connected service with the owner's grant. A preview, a trial and
// an app of the past call none: what is done out there stays done.
func (c *call) service(ctx context.Context) (any, error) {
	name := c.params.Service
	refuse := func(kind sys.Kind, why, hint string) (any, error) {
		return nil, &sys.Error{Op: "call service", Path: name, Kind: kind, Err: errors.New(why), Hint: hint}
	}
	n, p := c.r.network, ServicePermission(name)
	switch {
	case c.preview || c.frozen || c.launch.trial:
		return refuse(sys.Refused, "an app that is only looked at calls no service", "open the app itself")
	case !slices.Contains(c.manifest.Permissions, p):
		return refuse(sys.Refused, fmt.Sprintf("the manifest of %s does not name it", c.manifest.Name), fmt.Sprintf("add %q to permissions in its %s", p, ManifestName))
	case n.Service == nil || n.Granted == nil:
		return refuse(sys.Unavailable, "there are no services for apps here", "")
	case !n.Granted(c.launch.slug, p):
		return refuse(sys.NeedsApproval, fmt.Sprintf("%s has not been allowed to call it", c.manifest.Name), "allow it in the app's window")
	}
	data, err := n.Service(ctx, c.launch.slug, name, c.params.Action, c.params.Params)
	if err != nil {
		return nil, err
	}
	return map[string]any{"data": data, "service": name, "action": c.params.Action}, nil
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
	if c.launch.trial {
		return c.launch.reply(u)
	}
	if c.r.network.Fetch == nil || c.r.network.Granted == nil {
		return refuse(u.Host, "there is no network for apps here", "", sys.Unavailable)
	}
	if !c.r.network.Granted(c.launch.slug, permission) {
		return refuse(u.Host, fmt.Sprintf("%s has not been allowed to read from it", c.manifest.Name), "allow it in the app's window", sys.NeedsApproval)
	}
	return c.r.network.Fetch(ctx, u.String())
}

// reply is what an address says in a trial: what the scenario gives.
func (l *launch) reply(u *url.URL) (any, error) {
	asked := u.Query()
	for _, r := range l.net {
		own, err := url.Parse(r.URL)
		if err != nil || own.Host != u.Host || own.Path != u.Path {
			continue
		}
		fits := true
		for name, values := range own.Query() {
			fits = fits && slices.Equal(values, asked[name])
		}
		switch {
		case !fits:
		case r.Fail != "":
			return nil, &sys.Error{Op: "reach", Path: u.Host, Kind: sys.Unavailable, Err: errors.New(r.Fail)}
		default:
			return r.JSON, nil
		}
	}
	return nil, &sys.Error{Op: "reach", Path: u.Host, Kind: sys.Unavailable, Err: fmt.Errorf("the scenario gives no answer for %s", u)}
}
