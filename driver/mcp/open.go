package mcp

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"matrixos/driver"
	"matrixos/egress"
	"matrixos/keyring"
	"matrixos/sandbox"
	"matrixos/sys"
)

// Opener attaches servers. All fields but the last ones are required.
type Opener struct {
	Home    string // the home's folder
	Folders string // below it, each program has its own
	Version string
	// Sandbox confines programs; nil means that they are refused with Why.
	Sandbox *sandbox.Sandbox
	Why     error
	Gate    *egress.Gate
	// Proxied says that this program can open the network of another: see
	// sandbox.Network. Without it, programs have none.
	Proxied bool
	// Secret lends a key of the keyring.
	Secret func(name string) (keyring.Secret, error)
	// Keys puts keys into requests of programs at hosts that the owner has bound; may
	// be nil.
	Keys egress.Keys
	// Login signs in at services that ask for it; nil means that they are refused.
	Login Login
}

// The most that a program gets, unless its file says more. Runtimes such as Node
// reserve a lot of address space that they never use.
const (
	memory       = 2 << 30
	addressSpace = 64 << 30
	processes    = 256
)

// mount is where a program sees its own folder.
const mount = "/home/mcp"

// Entry is a server as the rack attaches it.
func (o *Opener) Entry(c Config) driver.Entry {
	e := driver.Entry{
		Name: c.Name, Version: c.version(), Program: c.program(), Off: c.Off, Sampling: c.Sampling,
		Limit: time.Duration(c.Timeout) * time.Second, Reach: c.reach(), Tools: map[string]driver.Reach{},
	}
	for name, may := range c.Tools {
		e.Tools[name] = driver.Reach(may)
	}
	if c.URL != "" {
		e.Runs = c.URL
		e.Open = func(ctx context.Context, changed func()) (driver.Driver, error) { return o.service(ctx, c, changed) }
		return e
	}
	e.Runs = strings.Join(append([]string{c.Command}, c.Args...), " ")
	e.Network = c.Network
	for _, g := range c.Folders {
		if g.Write {
			g.Path += " (may change it)"
		}
		e.Folders = append(e.Folders, g.Path)
	}
	e.Open = func(ctx context.Context, changed func()) (driver.Driver, error) { return o.program(ctx, c, changed) }
	return e
}

// reach is the most that the server's tools can touch; what is not granted is out
// of reach because nothing of it is there.
func (c *Config) reach() driver.Reach {
	switch {
	case c.URL != "" || len(c.Network) > 0:
		return driver.External
	case slices.ContainsFunc(c.Folders, func(g Granted) bool { return g.Write }):
		return driver.Write
	case len(c.Folders) > 0:
		return driver.Read
	}
	return driver.Own
}

// Describe says for people what attaching a server means.
func (c *Config) Describe() string {
	if c.URL != "" {
		return fmt.Sprintf("Attach “%s”: talk to %s. What its tools are given goes there.", c.Name, c.URL)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "Attach “%s”: run `%s`, confined.", c.Name, strings.Join(append([]string{c.Command}, c.Args...), " "))
	for _, g := range c.Folders {
		how := "read"
		if g.Write {
			how = "read and change"
		}
		fmt.Fprintf(&b, " It may %s %s.", how, g.Path)
	}
	switch {
	case len(c.Network) > 0:
		fmt.Fprintf(&b, " It may reach %s.", strings.Join(c.Network, ", "))
	default:
		b.WriteString(" It has no network.")
	}
	for _, k := range c.Lend {
		fmt.Fprintf(&b, " It gets the key %s.", k)
	}
	return b.String()
}

// program runs a program and shakes hands with it.
func (o *Opener) program(ctx context.Context, c Config, changed func()) (driver.Driver, error) {
	if o.Sandbox == nil {
		return nil, &sys.Error{Op: "attach", Path: c.Name, Kind: sys.Unavailable, Err: o.Why}
	}
	own := filepath.Join(o.Folders, c.Name)
	if err := os.MkdirAll(own, 0o700); err != nil {
		return nil, err
	}
	cmd := sandbox.Command{Folder: own, Mount: mount, Memory: memory, Space: addressSpace, Procs: processes}
	if c.Memory > 0 {
		cmd.Memory = int64(c.Memory) << 20
	}
	granted, binds, err := o.binds(c)
	if err != nil {
		return nil, err
	}
	c.Args = slices.Clone(c.Args)
	for i, a := range c.Args { // a folder that is named in the command line is named as it really is
		if n := slices.IndexFunc(c.Folders, func(g Granted) bool { return g.Path == a }); n >= 0 {
			c.Args[i] = granted[n].Path
		}
	}
	c.Folders, cmd.Binds, cmd.Argv = granted, binds, append([]string{c.Command}, c.Args...)
	if cmd.Env, err = o.env(c); err != nil {
		return nil, err
	}
	if err := o.find(ctx, c, &cmd); err != nil {
		return nil, err
	}
	life := context.WithoutCancel(ctx)
	if cmd.Network, err = o.network(life, c.Name, c.Network); err != nil {
		return nil, err
	}
	p, err := o.Sandbox.Start(life, cmd)
	if err != nil {
		return nil, err
	}
	m := &meter{ReadCloser: p.Out}
	return connect(ctx, c, o.Version, &mcp.IOTransport{Reader: m, Writer: p.In, MaxLineLength: frameMost}, p, m, changed)
}

// binds are the folders that the owner has granted, as they really are.
func (o *Opener) binds(c Config) ([]Granted, []sandbox.Bind, error) {
	home, err := filepath.EvalSymlinks(o.Home)
	if err != nil {
		return nil, nil, err
	}
	var granted []Granted
	var out []sandbox.Bind
	for _, g := range c.Folders {
		refuse := func(err error, hint string) ([]Granted, []sandbox.Bind, error) {
			return nil, nil, &sys.Error{Op: "grant the folder", Path: g.Path, Kind: sys.Invalid, Err: err, Hint: hint}
		}
		path := g.Path
		if rest, ok := strings.CutPrefix(path, "~/"); ok {
			path = filepath.Join(o.Home, rest)
		}
		if !filepath.IsAbs(path) {
			return refuse(errors.New("it is not a whole path"), "write it from / on, or from the home on as ~/projects")
		}
		real, err := filepath.EvalSymlinks(path)
		if err != nil {
			return refuse(err, "make the folder, or name another")
		}
		switch {
		case within(home, real):
			return refuse(errors.New("it holds the home"), "name a folder that does not hold "+o.Home)
		case within(real, filepath.Join(home, sys.Store)):
			return refuse(errors.New("that is where the home keeps its own things"), "name another folder")
		case g.Write && within(real, home):
			return refuse(errors.New("what a server changes in the home would count as changed by you"), "grant it without write; agents change the home themselves")
		case slices.ContainsFunc([]string{"/proc", "/sys", "/dev", "/run", "/etc", "/boot"}, func(p string) bool { return within(real, p) }):
			return refuse(errors.New("it belongs to the machine"), "name a folder of yours")
		}
		granted = append(granted, Granted{real, g.Write})
		out = append(out, sandbox.Bind{Path: real, Write: g.Write})
	}
	return granted, out, nil
}

// within reports whether path is folder, or in it.
func within(path, folder string) bool {
	rel, err := filepath.Rel(folder, path)
	return err == nil && (rel == "." || rel != ".." && !strings.HasPrefix(rel, "../"))
}

// env is what a program's file puts into its environment. A placeholder of a key
// stays one, for the proxy, unless the key is lent.
func (o *Opener) env(c Config) (map[string]string, error) {
	out := maps.Clone(c.Env)
	for _, name := range c.Lend {
		key, err := o.Secret(name)
		if err != nil {
			return nil, err
		}
		for k, v := range out {
			out[k] = strings.ReplaceAll(v, "{{key:"+name+"}}", key.Reveal())
		}
	}
	return out, nil
}

// seen are the folders in which a confined program finds others.
var seen = []string{"/usr/local/bin", "/usr/bin", "/bin"}

// find makes sure that the command is there, inside.
func (o *Opener) find(ctx context.Context, c Config, cmd *sandbox.Command) error {
	if c.Command == "npx" {
		return o.installed(ctx, c, cmd)
	}
	missing := func(err error) error {
		return &sys.Error{Op: "run", Path: c.Command, Kind: sys.NotFound, Err: err, Hint: "install it for the whole machine (" + strings.Join(seen, ", ") + "), or write its whole path"}
	}
	if !filepath.IsAbs(c.Command) {
		if strings.Contains(c.Command, "/") {
			return missing(errors.New("it is neither a name nor a whole path"))
		}
		for _, dir := range seen {
			if _, err := exec.LookPath(filepath.Join(dir, c.Command)); err == nil {
				return nil
			}
		}
		return missing(errors.New("no program of this name is where confined programs look"))
	}
	if _, err := exec.LookPath(c.Command); err != nil {
		return missing(err)
	}
	if !slices.ContainsFunc([]string{"/usr", "/bin", "/sbin", "/lib"}, func(p string) bool { return within(c.Command, p) }) {
		cmd.Binds = append(cmd.Binds, sandbox.Bind{Path: c.Command})
	}
	return nil
}

// network is a program's: the hosts that its file names, and no other.
func (o *Opener) network(ctx context.Context, name string, hosts []string) (*sandbox.Network, error) {
	if len(hosts) == 0 {
		return nil, nil //nolint:nilnil // there is none
	}
	if !o.Proxied {
		return nil, &sys.Error{Op: "attach", Path: name, Kind: sys.Unavailable, Err: errors.New("it wants network, which this program cannot give it"), Hint: "use the matrixos binary"}
	}
	proxy, err := egress.NewProxy(egress.ProxyOptions{Gate: o.Gate, Keys: o.Keys, May: func(_ context.Context, host string) error {
		if slices.ContainsFunc(hosts, func(h string) bool { return isHost(h, host) }) {
			return nil
		}
		return &sys.Error{Op: "reach", Path: host, Kind: sys.Refused, Err: fmt.Errorf("%s may reach %s only", name, strings.Join(hosts, ", ")), Hint: "the owner can add it to network in its file"}
	}})
	if err != nil {
		return nil, err
	}
	return &sandbox.Network{Serve: func(ln net.Listener) { proxy.Serve(ctx, ln) }, CA: proxy.Authorities()}, nil
}

// isHost reports whether a pattern of the owner's means a host.
func isHost(pattern, host string) bool {
	if rest, ok := strings.CutPrefix(pattern, "*."); ok {
		return strings.HasSuffix(strings.ToLower(host), "."+strings.ToLower(rest))
	}
	return strings.EqualFold(pattern, host)
}
