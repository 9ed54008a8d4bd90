package client

import (
	"context"
	"net/http"
	"net/url"

	"matrixos/sys"
)

// Drivers says what is attached, and how it is.
func (c *Client) Drivers(ctx context.Context) (list []sys.DriverInfo, err error) {
	err = c.call(ctx, "list drivers", http.MethodGet, "/api/drivers", nil, &list)
	return list, err
}

// Driver is one attached thing.
func (c *Client) Driver(ctx context.Context, name string) (i sys.DriverInfo, err error) {
	err = c.call(ctx, "show driver", http.MethodGet, driverPath(name), nil, &i)
	return i, err
}

// AddDriver attaches a server; file is what system/mcp/<name>.json says.
func (c *Client) AddDriver(ctx context.Context, name string, file map[string]any) (l sys.LandingInfo, err error) {
	err = c.call(ctx, "attach", http.MethodPut, driverPath(name), file, &l)
	return l, err
}

// RemoveDriver detaches a server.
func (c *Client) RemoveDriver(ctx context.Context, name string) (l sys.LandingInfo, err error) {
	err = c.call(ctx, "detach", http.MethodDelete, driverPath(name), nil, &l)
	return l, err
}

// ApproveDriver lets in what a server has changed about its tools, as it was shown.
func (c *Client) ApproveDriver(ctx context.Context, name, hash string) error {
	return c.call(ctx, "let in the tools of", http.MethodPost, driverPath(name)+"/approve", map[string]string{"hash": hash}, nil)
}

// RestartDriver closes a server, and opens it anew.
func (c *Client) RestartDriver(ctx context.Context, name string) error {
	return c.call(ctx, "restart", http.MethodPost, driverPath(name)+"/restart", nil, nil)
}

func driverPath(name string) string { return "/api/drivers/" + url.PathEscape(name) }

// SignInDriver begins a sign-in at a service: where the owner's browser has to go.
func (c *Client) SignInDriver(ctx context.Context, name string) (string, error) {
	var out struct {
		URL string `json:"url"`
	}
	err := c.call(ctx, "sign in at", http.MethodPost, driverPath(name)+"/signin", nil, &out)
	return out.URL, err
}
