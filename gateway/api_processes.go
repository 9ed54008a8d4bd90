package gateway

import (
	"context"
	"net/http"

	"matrixos/sys"
)

// processAPI registers the process table and its signals.
func (g *Gateway) processAPI() {
	register(g, http.MethodGet, "/api/processes", "list-processes", "The process table", func(context.Context, *struct{}) (*reply[[]sys.Process], error) {
		return &reply[[]sys.Process]{all(g.o.Kernel.Processes())}, nil
	})
	register(g, http.MethodPost, "/api/processes/{pid}/signal", "signal-process", "Interrupt or kill a process", func(_ context.Context, in *struct {
		PID  sys.PID `path:"pid" minimum:"1"`
		Body struct {
			Signal string `json:"signal" enum:"interrupt,kill"`
		}
	}) (*struct{}, error,
	) {
		return nil, g.o.Kernel.Signal(in.PID, Signal(in.Body.Signal))
	})
	register(g, http.MethodPost, "/api/stop", "stop-all", "Stop everything that runs, now", func(ctx context.Context, _ *struct{}) (*struct{}, error) {
		return nil, g.o.Kernel.StopAll(ctx)
	})
}

// all makes sure that a list is one, also when it is empty: [] and never null.
func all[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}
