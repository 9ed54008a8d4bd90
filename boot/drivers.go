package boot

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/url"
	"path"
	"path/filepath"
	"strings"
	"sync"

	"matrixos/disk"
	"matrixos/driver"
	"matrixos/driver/mcp"
	"matrixos/egress"
	"matrixos/gateway"
	"matrixos/kernel"
	"matrixos/keyring"
	"matrixos/sandbox"
	"matrixos/sys"
)

// pinsFolder has, for each server, the tools that the owner has let in.
const pinsFolder = mcp.Folder + "/pins"

// drivers makes the rack follow the files of the home, and keeps its pins in them.
// It is the gateway's view of what is attached.
type drivers struct {
	*driver.Rack
	disk   *disk.Disk
	opener *mcp.Opener
	logins *mcp.Logins
	log    *slog.Logger

	mu      sync.Mutex
	at      sys.LandingID
	configs map[string]mcp.Config // by name
}

var (
	_ driver.Pins     = (*drivers)(nil)
	_ gateway.Drivers = (*drivers)(nil)
)

// newDrivers makes an empty rack; follow fills it.
func newDrivers(d *disk.Disk, o *mcp.Opener, l *mcp.Logins, reserved []kernel.Syscall, log *slog.Logger) *drivers {
	o.Login = l.Login
	v := &drivers{disk: d, opener: o, logins: l, log: log}
	var names []string
	for _, c := range reserved {
		names = append(names, c.Name)
	}
	v.Rack = driver.NewRack(driver.Options{Pins: v, Reserved: names, Logger: log, Tell: func(e sys.DriverData) {
		d.Journal().Publish(sys.NewEvent(sys.EventDriver, e))
	}})
	return v
}

// opener makes what attaches MCP servers.
func opener(home, version string, box *sandbox.Sandbox, why error, gate *egress.Gate, proxied bool, keys *keyring.Keyring, bound egress.Keys) *mcp.Opener {
	return &mcp.Opener{
		Home: home, Folders: filepath.Join(home, sys.Store, "drivers"), Version: version, Sandbox: box, Why: why, Gate: gate, Proxied: proxied,
		Secret: keys.Get, Keys: bound,
	}
}

// follow attaches what the newest landing says.
func (v *drivers) follow() {
	v.mu.Lock()
	defer v.mu.Unlock()
	head := v.disk.Head()
	if v.at == head {
		return
	}
	view, err := v.disk.View(head)
	if err != nil {
		v.log.Error("the files of servers cannot be read; what is attached stays", "error", err)
		return
	}
	v.at = head
	v.Use(v.entries(view))
}

// entries reads every file of servers. What is wrong with one is its own.
func (v *drivers) entries(view fs.FS) []driver.Entry {
	files, err := fs.Glob(view, string(mcp.Folder)+"/*.json")
	if err != nil {
		panic("boot: " + err.Error()) // the pattern is ours
	}
	var out []driver.Entry
	from := map[string]string{}
	v.configs = map[string]mcp.Config{}
	for _, f := range files {
		name := strings.TrimSuffix(path.Base(f), ".json")
		text, err := fs.ReadFile(view, f)
		var list []mcp.Config
		if err == nil {
			list, err = mcp.ParseConfig(name, text)
		}
		if err != nil {
			out = append(out, driver.Entry{Name: name, Version: fmt.Sprint(err), Fault: err})
			continue
		}
		for _, c := range list {
			if first := from[c.Name]; first != "" {
				out = append(out, driver.Entry{Name: name, Version: "twice " + c.Name, Fault: &sys.Error{
					Op: "attach", Path: c.Name, Kind: sys.Exists, Err: fmt.Errorf("%s has a server of the same name", first), Hint: "give one of them another name",
				}})
				continue
			}
			from[c.Name], v.configs[c.Name] = f, c
			out = append(out, v.opener.Entry(c))
		}
	}
	return out
}

// check refuses landings with a file of servers that cannot be read.
func (v *drivers) check(_ context.Context, c disk.Checked) error {
	for _, change := range c.Changes {
		if change.Op == sys.Deleted || !isServerFile(change.Path) {
			continue
		}
		text, err := fs.ReadFile(c.Tree, string(change.Path))
		if err != nil {
			return err
		}
		if _, err := describe(change.Path, text); err != nil {
			return &sys.Error{Op: "check", Path: string(change.Path), Kind: sys.NotVerified, Err: err, Hint: sys.HintOf(err)}
		}
	}
	return nil
}

func isServerFile(p sys.Path) bool {
	ok, err := path.Match(string(mcp.Folder)+"/*.json", string(p))
	return err == nil && ok
}

// describe says for people what a file of servers attaches.
func describe(p sys.Path, text []byte) (string, error) {
	list, err := mcp.ParseConfig(strings.TrimSuffix(p.Base(), ".json"), text)
	if err != nil {
		return "", err
	}
	var out []string
	for _, c := range list {
		out = append(out, c.Describe())
	}
	return strings.Join(out, " "), nil
}

func pinFile(server string) sys.Path { return pinsFolder + sys.Path("/"+server+".json") }

// Pinned implements driver.Pins.
func (v *drivers) Pinned(server string) (p driver.Pinned, ok bool, err error) {
	err = readJSON(v.disk, 0, pinFile(server), &p)
	return p, p.Hash != "", err
}

// Pin implements driver.Pins.
func (v *drivers) Pin(ctx context.Context, server string, p driver.Pinned, byOwner bool) error {
	text, err := json.MarshalIndent(p, "", "  ")
	if err != nil {
		return err
	}
	w := disk.Write{Files: map[sys.Path][]byte{pinFile(server): append(text, '\n')}, Kind: sys.BySystem, Title: "The tools of " + server}
	if byOwner {
		w.Kind, w.Title = sys.ByOwner, "Let in the changed tools of "+server
	}
	_, err = v.disk.Write(ctx, w) // a record of the system's, made of nothing that is in it
	return err
}

// Add attaches a server at the owner's word: text is its file. With replace, one that
// is there is changed.
func (v *drivers) Add(ctx context.Context, name string, text []byte, replace bool) (sys.LandingInfo, error) {
	p := mcp.Folder + sys.Path("/"+name+".json")
	if !sys.Slug(name).Valid() {
		return sys.LandingInfo{}, &sys.Error{Op: "attach", Path: name, Kind: sys.Invalid, Err: errors.New("a server's name is made of a-z, 0-9 and -"), Hint: "name it like files"}
	}
	if _, err := mcp.ParseConfig(name, text); err != nil {
		return sys.LandingInfo{}, err
	}
	l, err := v.disk.Edit(ctx, []sys.Path{p}, func(home *disk.View) (disk.Write, error) {
		if _, err := fs.Stat(home, string(p)); err == nil && !replace {
			return disk.Write{}, &sys.Error{Op: "attach", Path: name, Kind: sys.Exists, Err: errors.New("a server of this name is attached"), Hint: "remove it first, or edit " + string(p)}
		}
		return disk.Write{Files: map[sys.Path][]byte{p: text}, Kind: sys.ByOwner, Title: "Attach " + name}, nil
	})
	v.follow()
	return l, err
}

// SignIn begins a sign-in of the owner's at a service, and returns the address that a
// browser has to open. When it is there, the service is attached anew.
func (v *drivers) SignIn(ctx context.Context, name string) (string, error) {
	if _, err := v.Info(name); err != nil {
		return "", err
	}
	v.mu.Lock()
	c := v.configs[name]
	v.mu.Unlock()
	return v.logins.SignIn(ctx, c, func(err error) {
		if err == nil {
			err = v.Restart(context.WithoutCancel(ctx), name)
		}
		if err != nil {
			v.log.Warn("a sign-in at a service came to nothing", "driver", name, "error", err)
		}
	})
}

// SignedIn takes what the owner's browser brings back from a sign-in.
func (v *drivers) SignedIn(ctx context.Context, q url.Values) (string, error) {
	return v.logins.Back(ctx, q)
}

// Remove detaches a server at the owner's word. What it has in its own folder stays.
func (v *drivers) Remove(ctx context.Context, name string) (sys.LandingInfo, error) {
	if _, err := v.Info(name); err != nil {
		return sys.LandingInfo{}, err
	}
	p := mcp.Folder + sys.Path("/"+name+".json")
	l, err := v.disk.Edit(ctx, []sys.Path{p}, func(home *disk.View) (disk.Write, error) {
		if _, err := fs.Stat(home, string(p)); err != nil {
			return disk.Write{}, &sys.Error{Op: "detach", Path: name, Kind: sys.NotFound, Err: errors.New("it has no file of its own"), Hint: "take it out of the file in " + string(mcp.Folder) + " that names it"}
		}
		return disk.Write{Files: map[sys.Path][]byte{p: nil}, Kind: sys.ByOwner, Title: "Detach " + name}, nil
	})
	v.follow()
	return l, err
}

// signInBack is where the owner's browser comes back to from a sign-in; "" without an
// address.
func signInBack(origins []string, base string) string {
	if len(origins) > 0 {
		base = origins[0]
	}
	if base == "" {
		return ""
	}
	return base + gateway.SignInBack
}
