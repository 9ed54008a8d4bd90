package syscalls

import (
	"context"
	"encoding/json"
	"net"

	"matrixos/egress"
	"matrixos/kernel"
	"matrixos/policy"
	"matrixos/sandbox"
	"matrixos/sys"
)

// reach makes the network of one command; nil if there is none. A command may have
// read all of the home, and after its first host it has text from outside, too: the
// process is labelled so before each next host is judged. A host that the owner has
// bound a key to counts as named.
func reach(ctx context.Context, o Options, c *kernel.Call, command string) (*sandbox.Network, *egress.Proxy, error) {
	if o.Gate == nil {
		return nil, nil, nil
	}
	proxy, err := egress.NewProxy(egress.ProxyOptions{Gate: o.Gate, Keys: o.Keys, May: func(ctx context.Context, host string) error {
		if err := c.Settle(ctx); err != nil {
			return err
		}
		args, err := json.Marshal(map[string]string{"host": host, "command": command})
		if err != nil {
			return err
		}
		named, err := c.Names(ctx, host)
		if err != nil {
			return err
		}
		named = named || o.Keys != nil && o.Keys.Named(host)
		err = c.Effect(ctx, policy.Effect{Kind: policy.Network, Target: host, Text: "Let a command talk to " + host, Args: args, Named: named})
		if err == nil {
			c.Reads(sys.Label{Integrity: sys.Untrusted})
		}
		return err
	}})
	if err != nil {
		return nil, nil, err
	}
	return &sandbox.Network{Serve: func(ln net.Listener) { proxy.Serve(ctx, ln) }, CA: proxy.Authorities()}, proxy, nil
}
