package client

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"matrixos/sys"
)

// Devices is which devices have this home, and what this one is among them.
type Devices struct {
	Role    string         `json:"role"` // first or other
	Name    string         `json:"name"`
	Listen  string         `json:"listen,omitempty"`
	Trouble string         `json:"trouble,omitempty"`
	Devices []PairedDevice `json:"devices"`
	First   *FirstDevice   `json:"first,omitempty"`
}

// PairedDevice is one that was let in.
type PairedDevice struct {
	ID      string    `json:"id"`
	Name    string    `json:"name"`
	Version string    `json:"version,omitempty"`
	Added   time.Time `json:"added"`
	Seen    time.Time `json:"seen,omitzero"`
	Online  bool      `json:"online"`
	Removed bool      `json:"removed"`
}

// FirstDevice is the first device as another one knows it.
type FirstDevice struct {
	Name      string     `json:"name"`
	Handle    sys.Handle `json:"handle"`
	Addresses []string   `json:"addresses"`
	State     string     `json:"state"` // connecting, connected, offline, stopped or removed
	Why       string     `json:"why,omitempty"`
	Since     time.Time  `json:"since"`
	Met       time.Time  `json:"met,omitzero"`
	Conflicts []sys.Path `json:"conflicts"`
}

// DeviceRequest names a device that is to be let in.
type DeviceRequest struct {
	Name      string   `json:"name"`
	Listen    string   `json:"listen,omitempty"`
	Addresses []string `json:"addresses,omitempty"`
}

// NewDevice is what lets one in, once.
type NewDevice struct {
	Name    string    `json:"name"`
	Link    string    `json:"link"`
	Expires time.Time `json:"expires"`
}

// Devices lists the owner's devices.
func (c *Client) Devices(ctx context.Context) (d Devices, err error) {
	err = c.call(ctx, "list devices", http.MethodGet, "/api/devices", nil, &d)
	return d, err
}

// AddDevice makes a link that lets another device in.
func (c *Client) AddDevice(ctx context.Context, r DeviceRequest) (d NewDevice, err error) {
	err = c.call(ctx, "add device", http.MethodPost, "/api/devices", r, &d)
	return d, err
}

// RemoveDevice lets one in no more.
func (c *Client) RemoveDevice(ctx context.Context, name string) error {
	return c.call(ctx, "remove device", http.MethodDelete, "/api/devices/"+url.PathEscape(name), nil, nil)
}
