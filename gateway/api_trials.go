package gateway

import (
	"context"
	"encoding/json"
	"net/http"

	"matrixos/sys"
)

// Desks lets open desktops play scenarios of contracts for a home that has no browser of
// its own; *desktop.Host of package app/desktop is one. All but Here speak of one job,
// by the nonce that whoever took it was given.
type Desks interface {
	Take(id string) (sys.TrialJob, error)
	Call(ctx context.Context, id, nonce, method string, params json.RawMessage, now float64) (sys.TrialAnswer, error)
	Beat(id, nonce string) error
	Settle(id string, o sys.TrialOutcome) error
	// Here says that a desktop has come into view: what waited for one may be played now.
	Here()
}

// Desktops is how many desktops are open: browsers of the owner's with an event socket.
// Of no gateway, none is.
func (g *Gateway) Desktops() int {
	if g == nil {
		return 0
	}
	return int(g.live.desks.Load())
}

// TrialIn is the job that a path names.
type TrialIn struct {
	ID string `path:"id" maxLength:"64"`
}

// trialAPI registers the trials of apps that open desktops carry out.
func (g *Gateway) trialAPI() {
	register(g, http.MethodPost, "/api/trials/here", "desktop-here", "A desktop is in view and can play scenarios, if the home has any to play", func(context.Context, *struct{}) (*struct{}, error) {
		g.o.Desks.Here()
		return nil, nil
	})
	register(g, http.MethodPost, "/api/trials/{id}/take", "take-trial", "Take a scenario that was offered; the first to ask gets it", func(_ context.Context, in *TrialIn) (*reply[sys.TrialJob], error) {
		return replyOf(g.o.Desks.Take(in.ID))
	})
	register(g, http.MethodPost, "/api/trials/{id}/call", "call-trial", "A call of the window on trial, or of whoever conducts it; on data of its own", func(ctx context.Context, in *struct {
		TrialIn
		Body struct {
			Nonce  string          `json:"nonce" maxLength:"64"`
			Method string          `json:"method" minLength:"1" maxLength:"100"`
			Params json.RawMessage `json:"params,omitempty"`
			Now    float64         `json:"now" doc:"The time in the window, in milliseconds"`
		}
	}) (*reply[sys.TrialAnswer], error,
	) {
		return replyOf(g.o.Desks.Call(ctx, in.ID, in.Body.Nonce, in.Body.Method, in.Body.Params, in.Body.Now))
	}, upTo(8<<20))
	register(g, http.MethodPost, "/api/trials/{id}/beat", "beat-trial", "The desktop is still at it", func(_ context.Context, in *struct {
		TrialIn
		Body struct {
			Nonce string `json:"nonce" maxLength:"64"`
		}
	}) (*struct{}, error,
	) {
		return nil, g.o.Desks.Beat(in.ID, in.Body.Nonce)
	})
	register(g, http.MethodPost, "/api/trials/{id}/outcome", "end-trial", "What came of a scenario; without a result it is given back, and another desktop may take it", func(_ context.Context, in *struct {
		TrialIn
		Body sys.TrialOutcome
	}) (*struct{}, error,
	) {
		return nil, g.o.Desks.Settle(in.ID, in.Body)
	})
}
