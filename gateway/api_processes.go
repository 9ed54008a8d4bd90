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
	register(g, http.MethodPost, "/api/processes/{pid}/signal", "signal-process", "Interrupt, stop, continue or kill a process", func(_ context.Context, in *struct {
		PID  sys.PID `path:"pid" minimum:"1"`
		Body struct {
			Signal string `json:"signal" enum:"interrupt,stop,cont,kill"`
		}
	}) (*struct{}, error,
	) {
		return nil, g.o.Kernel.Signal(in.PID, Signal(in.Body.Signal))
	})
	register(g, http.MethodPost, "/api/processes/{pid}/continue", "continue-process", "Let a parked process go on, with a new request id", func(ctx context.Context, in *struct {
		PID  sys.PID `path:"pid" minimum:"1"`
		Body struct {
			Budget float64 `json:"budget,omitempty" minimum:"0" doc:"Dollars on top; as much again if absent"`
			Model  string  `json:"model,omitempty" maxLength:"200"`
		}
	}) (*reply[AskReply], error,
	) {
		t, err := g.o.Kernel.Continue(ctx, in.PID, Grant{USD: in.Body.Budget, Model: in.Body.Model})
		return &reply[AskReply]{AskReply(t)}, err
	})
	register(g, http.MethodPost, "/api/continue", "continue-all", "Lift a stop of everything", func(ctx context.Context, _ *struct{}) (*reply[[]AskReply], error) {
		list, err := g.o.Kernel.ContinueAll(ctx)
		out := []AskReply{}
		for _, t := range list {
			out = append(out, AskReply(t))
		}
		return &reply[[]AskReply]{out}, err
	})
	register(g, http.MethodGet, "/api/spending", "get-spending", "What was spent, by day, program, app, model and request", func(ctx context.Context, in *struct {
		Days int `query:"days" minimum:"1" maximum:"3660" default:"30"`
	}) (*reply[Spending], error,
	) {
		s, err := g.o.Kernel.Spending(ctx, in.Days)
		return &reply[Spending]{s}, err
	})
	register(g, http.MethodGet, "/api/prompt", "get-prompt", "The exact prompt of a program, with its size by section", func(ctx context.Context, in *struct {
		Program sys.Program `query:"program" default:"kernel" maxLength:"64"`
	}) (*reply[Prompt], error,
	) {
		p, err := g.o.Kernel.Prompt(ctx, in.Program)
		return &reply[Prompt]{p}, err
	})
	register(g, http.MethodPost, "/api/stop", "stop-all", "Stop everything that runs, now, until it is continued", func(ctx context.Context, _ *struct{}) (*struct{}, error) {
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
