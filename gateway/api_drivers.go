package gateway

import (
	"context"
	"encoding/json"
	"html/template"
	"net/http"
	"net/url"

	"matrixos/sys"
)

// Drivers is what is attached, as its owner sees and changes it.
type Drivers interface {
	List() []sys.DriverInfo
	Info(name string) (sys.DriverInfo, error)
	Add(ctx context.Context, name string, file []byte, replace bool) (sys.LandingInfo, error)
	Remove(ctx context.Context, name string) (sys.LandingInfo, error)
	Approve(ctx context.Context, name, hash string) error
	Restart(ctx context.Context, name string) error
	// SignIn begins a sign-in at a service: the address for the owner's browser.
	SignIn(ctx context.Context, name string) (string, error)
	// SignedIn takes what the browser brings back to SignInBack, and returns the
	// service's name.
	SignedIn(ctx context.Context, q url.Values) (string, error)
}

// SignInBack is the path to which browsers come back from a sign-in at a service.
const SignInBack = "/signedin"

// DriverSignIn is where to sign in at a service.
type DriverSignIn struct {
	URL string `json:"url" doc:"For the owner's browser"`
}

// driversAPI registers what is attached.
func (g *Gateway) driversAPI() {
	type named struct {
		Name string `path:"name" maxLength:"64"`
	}
	register(g, http.MethodGet, "/api/drivers", "list-drivers", "What is attached, and how it is", func(context.Context, *struct{}) (*reply[[]sys.DriverInfo], error) {
		return &reply[[]sys.DriverInfo]{all(g.o.Drivers.List())}, nil
	})
	register(g, http.MethodGet, "/api/drivers/{name}", "show-driver", "One attached thing, its tools, and what has changed about them", func(_ context.Context, in *named) (*reply[sys.DriverInfo], error) {
		i, err := g.o.Drivers.Info(in.Name)
		return &reply[sys.DriverInfo]{i}, err
	})
	register(g, http.MethodPut, "/api/drivers/{name}", "add-driver", "Attach a server: its file, as doc/recipes/driver.md has it", func(ctx context.Context, in *struct {
		Name    string `path:"name" maxLength:"64"`
		Replace bool   `query:"replace" doc:"Change one that is there"`
		Body    map[string]any
	}) (*reply[sys.LandingInfo], error,
	) {
		text, err := json.MarshalIndent(in.Body, "", "  ")
		if err != nil {
			return nil, err
		}
		l, err := g.o.Drivers.Add(ctx, in.Name, append(text, '\n'), in.Replace)
		return &reply[sys.LandingInfo]{l}, err
	})
	register(g, http.MethodDelete, "/api/drivers/{name}", "remove-driver", "Detach a server", func(ctx context.Context, in *named) (*reply[sys.LandingInfo], error) {
		l, err := g.o.Drivers.Remove(ctx, in.Name)
		return &reply[sys.LandingInfo]{l}, err
	})
	register(g, http.MethodPost, "/api/drivers/{name}/approve", "approve-driver", "Let in what a server has changed about its tools", func(ctx context.Context, in *struct {
		Name string `path:"name" maxLength:"64"`
		Body struct {
			Hash string `json:"hash" minLength:"1" maxLength:"100" doc:"Of the change that was shown"`
		}
	}) (*struct{}, error,
	) {
		return nil, g.o.Drivers.Approve(ctx, in.Name, in.Body.Hash)
	})
	register(g, http.MethodPost, "/api/drivers/{name}/signin", "sign-in-driver", "Begin to sign in at a service that asks for it; the browser comes back here", func(ctx context.Context, in *named) (*reply[DriverSignIn], error) {
		address, err := g.o.Drivers.SignIn(ctx, in.Name)
		return &reply[DriverSignIn]{DriverSignIn{address}}, err
	})
	register(g, http.MethodPost, "/api/drivers/{name}/restart", "restart-driver", "Close a server, and open it anew", func(ctx context.Context, in *named) (*struct{}, error) {
		return nil, g.o.Drivers.Restart(ctx, in.Name)
	})
}

// signedBack answers a browser that comes back from a sign-in at a service. It needs no
// session: what it brings is good once, and only for a sign-in that the owner began.
func (g *Gateway) signedBack(w http.ResponseWriter, r *http.Request) {
	name, err := g.o.Drivers.SignedIn(r.Context(), r.URL.Query())
	if err != nil {
		p := problemOf(err)
		g.page(w, p.Status, "The sign-in did not work", p.Detail+".", template.HTML(template.HTMLEscapeString(p.Hint))) //nolint:gosec // it is escaped
		return
	}
	g.page(w, http.StatusOK, "You are signed in at "+name, "You can close this window.", "")
}
