package boot

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"net/url"
	"path/filepath"
	"strings"

	"matrixos/app"
	"matrixos/app/npm"
	"matrixos/disk"
	"matrixos/egress"
	"matrixos/sandbox"
	"matrixos/sys"
)

// packages is what installs packages from npm. The address in MATRIXOS_NPM_REGISTRY
// may be any, also one of this machine: the owner has named it.
func packages(home, registry string, d *disk.Disk, box *sandbox.Sandbox, why error, proxied bool) *npm.Installer {
	gate := egress.New(egress.Options{Allow: func(address netip.AddrPort) bool {
		u, err := url.Parse(registry)
		return err == nil && registry != "" && address.String() == u.Host
	}})
	return npm.New(npm.Options{
		Folder: filepath.Join(home, sys.Store, "packages"), Registry: registry, Sandbox: box, Why: why,
		Allowed: func() ([]string, error) {
			var f struct {
				Allowed []string `json:"allowed"`
			}
			err := readJSON(d, 0, npm.AllowedFile, &f)
			return f.Allowed, err
		},
		Network: func(ctx context.Context, host string) (*sandbox.Network, error) {
			if !proxied {
				return nil, &sys.Error{Op: "install", Path: host, Kind: sys.Unavailable, Err: errors.New("this program cannot give a command a network"), Hint: "use the matrixos binary"}
			}
			return only(ctx, gate, host)
		},
	})
}

// only is the network of a command that may reach one host.
func only(ctx context.Context, gate *egress.Gate, host string) (*sandbox.Network, error) {
	proxy, err := egress.NewProxy(egress.ProxyOptions{Gate: gate, May: func(_ context.Context, asked string) error {
		if strings.EqualFold(asked, host) {
			return nil
		}
		return &sys.Error{Op: "reach", Path: asked, Kind: sys.Refused, Err: errors.New("this command may reach " + host + " alone")}
	}})
	if err != nil {
		return nil, err
	}
	return &sandbox.Network{Serve: func(ln net.Listener) { proxy.Serve(ctx, ln) }, CA: proxy.Authorities()}, nil
}

// serverNetwork is what the servers of apps can reach: the hosts that the owner has
// granted to the app, which is asked anew for each connection.
func serverNetwork(n app.Network, proxied bool) func(context.Context, sys.Slug) (*sandbox.Network, error) {
	gate := egress.New(egress.Options{})
	return func(ctx context.Context, slug sys.Slug) (*sandbox.Network, error) {
		if !proxied {
			return nil, nil //nolint:nilnil // there is none
		}
		proxy, err := egress.NewProxy(egress.ProxyOptions{Gate: gate, May: func(_ context.Context, host string) error {
			if n.Granted(slug, app.HostPermission(host)) {
				return nil
			}
			return &sys.Error{Op: "reach", Path: host, Kind: sys.Refused, Err: errors.New("the app has no grant for it"), Hint: "name " + app.HostPermission(host) + " under permissions in its matrix.json, and allow it"}
		}})
		if err != nil {
			return nil, err
		}
		return &sandbox.Network{Serve: func(ln net.Listener) { proxy.Serve(ctx, ln) }, CA: proxy.Authorities()}, nil
	}
}
