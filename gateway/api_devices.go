package gateway

import (
	"context"
	"net/http"
	"time"

	"matrixos/sys"
)

// Devices are the owner's further devices, each with this home; boot has them.
type Devices interface {
	Devices(ctx context.Context) (DevicesInfo, error)
	AddDevice(ctx context.Context, b AddDevice) (NewDevice, error)
	// RemoveDevice lets one in no more, at once.
	RemoveDevice(ctx context.Context, name string) error
}

// DevicesInfo is which devices have this home, and what this one is among them.
type DevicesInfo struct {
	Role    string         `json:"role" enum:"first,other" doc:"first has the handle and the AI; other has let itself in to one"`
	Name    string         `json:"name" doc:"What this device is called"`
	Listen  string         `json:"listen,omitempty" doc:"Where the others reach this one"`
	Trouble string         `json:"trouble,omitempty" doc:"Why they do not"`
	Devices []PairedDevice `json:"devices" nullable:"false" doc:"That the first one has let in"`
	First   *FirstDevice   `json:"first,omitempty" doc:"Of another device"`
}

// PairedDevice is one that was let in.
type PairedDevice struct {
	ID      string    `json:"id"`
	Name    string    `json:"name"`
	Version string    `json:"version,omitempty" doc:"Of its Matrix OS"`
	Added   time.Time `json:"added"`
	Seen    time.Time `json:"seen,omitzero"`
	Online  bool      `json:"online"`
	Removed bool      `json:"removed" doc:"It is let in no more"`
}

// FirstDevice is the first device as another one knows it.
type FirstDevice struct {
	Name      string     `json:"name"`
	Handle    sys.Handle `json:"handle"`
	Addresses []string   `json:"addresses" nullable:"false"`
	State     string     `json:"state" enum:"connecting,connected,offline,stopped,removed" doc:"stopped: something has to be done first, and why says what"`
	Why       string     `json:"why,omitempty"`
	Since     time.Time  `json:"since" doc:"Of the state"`
	Met       time.Time  `json:"met,omitzero" doc:"When both had the same files"`
	Conflicts []sys.Path `json:"conflicts" nullable:"false" doc:"Files that both have changed, and that wait for the owner"`
}

// AddDevice names a device that is to be let in.
type AddDevice struct {
	Name      string   `json:"name" minLength:"1" maxLength:"40"`
	Listen    string   `json:"listen,omitempty" maxLength:"255" doc:"Where this device listens for the others; :4010 if absent"`
	Addresses []string `json:"addresses,omitempty" maxItems:"8" doc:"host:port under which the other finds it; those of this machine if absent"`
}

// NewDevice is what lets one in, once. It is not shown again.
type NewDevice struct {
	Name    string    `json:"name"`
	Link    string    `json:"link"`
	Expires time.Time `json:"expires"`
}

// deviceAPI registers the owner's devices.
func (g *Gateway) deviceAPI() {
	register(g, http.MethodGet, "/api/devices", "list-devices", "The owner's devices that have this home", func(ctx context.Context, _ *struct{}) (*reply[DevicesInfo], error) {
		r, err := g.o.Devices.Devices(ctx)
		return &reply[DevicesInfo]{r}, err
	})
	register(g, http.MethodPost, "/api/devices", "add-device", "Let another device of the owner in; the answer shows the link once", func(ctx context.Context, in *reply[AddDevice]) (*reply[NewDevice], error) {
		r, err := g.o.Devices.AddDevice(ctx, in.Body)
		return &reply[NewDevice]{r}, err
	})
	register(g, http.MethodDelete, "/api/devices/{name}", "remove-device", "Let a device in no more; its access ends at once", func(ctx context.Context, in *struct {
		Name string `path:"name" maxLength:"40"`
	}) (*struct{}, error,
	) {
		return nil, g.o.Devices.RemoveDevice(ctx, in.Name)
	})
}
