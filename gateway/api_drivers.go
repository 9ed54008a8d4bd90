package gateway

import (
	"context"
	"encoding/json"
	"net/http"

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
	register(g, http.MethodPost, "/api/drivers/{name}/restart", "restart-driver", "Close a server, and open it anew", func(ctx context.Context, in *named) (*struct{}, error) {
		return nil, g.o.Drivers.Restart(ctx, in.Name)
	})
}
