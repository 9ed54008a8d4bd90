package gateway

import (
	"context"
	"net/http"
)

// Workspaces is how the folders of transactions are made on this machine.
type Workspaces struct {
	Kind   string   `json:"kind" enum:"overlay,snapshot,reflink,copy"`
	Detail string   `json:"detail" doc:"How, in a few words"`
	Why    []string `json:"why" doc:"Why each better way is not used"`
}

// diskAPI registers what there is to know of the disk itself.
func (g *Gateway) diskAPI() {
	register(g, http.MethodGet, "/api/workspaces", "get-workspaces", "How the folders in which processes work are made", func(context.Context, *struct{}) (*reply[Workspaces], error) {
		b := g.o.Disk.Workspaces()
		return &reply[Workspaces]{Workspaces{string(b.Kind), b.Detail, append([]string{}, b.Why...)}}, nil
	})
}
