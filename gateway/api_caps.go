package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"net/http"
	"net/url"
	"strings"

	"matrixos/disk"
	"matrixos/sys"
)

const (
	configFile = sys.Path("system/config.json")
	keysFile   = sys.Path("system/keys.json")
)

// CapsBody is what models may cost. What is absent stays as it is.
type CapsBody struct {
	Day     *float64 `json:"day,omitempty" minimum:"0" maximum:"100000" doc:"Dollars a day, all together; 0: no limit"`
	Request *float64 `json:"request,omitempty" minimum:"0" maximum:"100000" doc:"Dollars for one request with all its processes; 0: no limit"`
}

// BoundKey is a key by its name, and where commands may use it.
type BoundKey struct {
	Name  string   `json:"name"`
	Hosts []string `json:"hosts" nullable:"false" doc:"Such as api.github.com, git.home:8443 or http://192.168.1.5"`
}

// capsAPI registers what may be spent.
func (g *Gateway) capsAPI() {
	register(g, http.MethodPut, "/api/caps", "set-caps", "Say what models may cost; a landing, which can be undone", func(ctx context.Context, in *reply[CapsBody]) (*struct{}, error) {
		err := g.edit(ctx, configFile, "Changed what models may cost", func(file object) error {
			caps, err := file.object("caps")
			if err != nil {
				return err
			}
			for name, usd := range map[string]*float64{"day": in.Body.Day, "request": in.Body.Request} {
				if usd == nil {
					continue
				}
				budget, err := caps.object(name)
				if err != nil {
					return err
				}
				if err := budget.set("usd", *usd); err != nil {
					return err
				}
				if err := caps.set(name, budget); err != nil {
					return err
				}
			}
			return file.set("caps", caps)
		})
		if err == nil {
			g.publish(sys.EventSettings, sys.SettingsData{Path: configFile})
		}
		return nil, err
	})
}

// bindingAPI registers where commands may use keys.
func (g *Gateway) bindingAPI() {
	register(g, http.MethodGet, "/api/bindings", "list-bindings", "Names of the keys, with the hosts that commands may use each at", func(context.Context, *struct{}) (*reply[[]BoundKey], error) {
		file, err := g.object(keysFile)
		if err != nil {
			return nil, err
		}
		hosts, err := file.object("hosts")
		if err != nil {
			return nil, err
		}
		list := []BoundKey{}
		for _, name := range g.o.Keys.Names() {
			k := BoundKey{Name: name, Hosts: []string{}}
			if raw, ok := hosts[name]; ok {
				if err := json.Unmarshal(raw, &k.Hosts); err != nil {
					return nil, notUnderstood(keysFile, err)
				}
			}
			list = append(list, k)
		}
		return &reply[[]BoundKey]{list}, nil
	})
	register(g, http.MethodPut, "/api/keys/{name}/hosts", "bind-key", "Say at which hosts commands may use a key", func(ctx context.Context, in *struct {
		Name string `path:"name" maxLength:"100"`
		Body struct {
			Hosts []string `json:"hosts" nullable:"false" maxItems:"100" doc:"Empty: nowhere"`
		}
	}) (*struct{}, error,
	) {
		for _, h := range in.Body.Hosts {
			if !isHost(h) {
				return nil, &sys.Error{Op: "bind the key to", Path: h, Kind: sys.Invalid, Hint: "write a host, such as api.github.com, git.home:8443 or http://192.168.1.5"}
			}
		}
		return nil, g.edit(ctx, keysFile, "Changed where the key "+in.Name+" may be used", func(file object) error {
			hosts, err := file.object("hosts")
			if err != nil {
				return err
			}
			delete(hosts, in.Name)
			if len(in.Body.Hosts) > 0 {
				if err := hosts.set(in.Name, in.Body.Hosts); err != nil {
					return err
				}
			}
			return file.set("hosts", hosts)
		})
	})
}

// isHost reports whether an owner's entry names a host, with a scheme and a port
// or without, and nothing else.
func isHost(entry string) bool {
	if !strings.Contains(entry, "://") {
		entry = "https://" + entry
	}
	u, err := url.Parse(entry)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Hostname() != "" && !strings.ContainsAny(u.Hostname(), "* ") && u.User == nil && entry == u.Scheme+"://"+u.Host
}

// object is a JSON object of a settings file, whose fields stay as they are until
// they are set.
type object map[string]json.RawMessage

// object reads a field that is an object; one that is absent is empty.
func (o object) object(name string) (object, error) {
	in := object{}
	if raw, ok := o[name]; ok {
		if err := json.Unmarshal(raw, &in); err != nil {
			return nil, &sys.Error{Op: "read " + name, Kind: sys.Invalid, Err: err, Hint: "mend it in the file, or undo the change to it"}
		}
	}
	return in, nil
}

func (o object) set(name string, v any) (err error) {
	o[name], err = json.Marshal(v)
	return err
}

func notUnderstood(p sys.Path, err error) error {
	return &sys.Error{Op: "read", Path: string(p), Kind: sys.Invalid, Err: err, Hint: "mend the file, or undo the change to it"}
}

// object reads a settings file of the live home; one that is missing is empty.
func (g *Gateway) object(p sys.Path) (object, error) {
	b, err := g.read(p, layoutLimit)
	return objectOf(p, b, err)
}

// objectOf is what a settings file holds; one that is missing is empty.
func objectOf(p sys.Path, b []byte, err error) (object, error) {
	file := object{}
	if sys.KindOf(err) == sys.NotFound || errors.Is(err, fs.ErrNotExist) {
		return file, nil
	}
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(b, &file); err != nil {
		return nil, notUnderstood(p, err)
	}
	return file, nil
}

// edit lands a change of a settings file; what else the owner has in it stays.
func (g *Gateway) edit(ctx context.Context, p sys.Path, title string, change func(object) error) error {
	_, err := g.o.Disk.Edit(ctx, []sys.Path{p}, func(home *disk.View) (disk.Write, error) {
		b, err := home.ReadFile(string(p))
		file, err := objectOf(p, b, err)
		if err != nil {
			return disk.Write{}, err
		}
		if err := change(file); err != nil {
			return disk.Write{}, err
		}
		b, err = json.MarshalIndent(file, "", "  ")
		return disk.Write{Files: map[sys.Path][]byte{p: append(b, '\n')}, Kind: sys.ByOwner, Title: title}, err
	})
	return err
}
