package gateway

import (
	"context"
	"net/http"

	"matrixos/heal"
	"matrixos/sys"
)

// Healer finds and mends what is broken; *heal.Healer is one.
type Healer interface {
	Heal(ctx context.Context, o sys.HealOptions) (sys.HealReport, error)
	Cases(ctx context.Context, app sys.Slug, limit int) ([]sys.HealCase, error)
	Accept(ctx context.Context, id int64) (sys.HealCase, error)
	Leave(ctx context.Context, id int64) (sys.HealCase, error)
	Missed(ctx context.Context, app sys.Slug, text string) (sys.HealCase, error)
	Reliability(ctx context.Context) (sys.Reliability, error)
}

var _ Healer = (*heal.Healer)(nil)

// healAPI registers the healer: its runs, its ledger, and what waits for the owner.
func (g *Gateway) healAPI() {
	register(g, http.MethodPost, "/api/heal", "heal", "Look for what is broken and mend it, without a model; takes as long as trying the apps", func(ctx context.Context, in *struct {
		Body struct {
			App   sys.Slug `json:"app,omitempty" maxLength:"64" doc:"Only this app; else all, the settings and the stored bytes"`
			Quick bool     `json:"quick,omitempty" doc:"Only files: play no scenarios"`
			Again bool     `json:"again,omitempty" doc:"Also what was given up, or left as it is"`
		}
	}) (*reply[sys.HealReport], error,
	) {
		if _, err := g.o.Disk.Capture(ctx); err != nil { // what was edited or damaged just now
			return nil, err
		}
		return replyOf(g.o.Healer.Heal(ctx, sys.HealOptions{App: in.Body.App, Quick: in.Body.Quick, Again: in.Body.Again}))
	})
	register(g, http.MethodGet, "/api/heal", "list-healed", "What was found broken, and what became of it, newest first", func(ctx context.Context, in *struct {
		App   string `query:"app" maxLength:"64"`
		Limit int    `query:"limit" minimum:"1" maximum:"1000" default:"100"`
	}) (*reply[[]sys.HealCase], error,
	) {
		list, err := g.o.Healer.Cases(ctx, sys.Slug(in.App), in.Limit)
		return replyOf(all(list), err)
	})
	register(g, http.MethodPost, "/api/heal/{id}", "decide-repair", "Carry out a repair that was proposed, or leave what is broken as it is", func(ctx context.Context, in *struct {
		ID   int64 `path:"id" minimum:"1"`
		Body struct {
			Decision string `json:"decision" enum:"repair,leave"`
		}
	}) (*reply[sys.HealCase], error,
	) {
		if in.Body.Decision == "repair" {
			return replyOf(g.o.Healer.Accept(ctx, in.ID))
		}
		return replyOf(g.o.Healer.Leave(ctx, in.ID))
	})
	register(g, http.MethodPost, "/api/apps/{slug}/missed", "report-missed", "Say that an app is broken although its checks hold: it counts in the ledger", func(ctx context.Context, in *struct {
		SlugIn
		Body struct {
			Text string `json:"text" minLength:"1" maxLength:"2000"`
		}
	}) (*reply[sys.HealCase], error,
	) {
		return replyOf(g.o.Healer.Missed(ctx, in.Slug, in.Body.Text))
	})
	register(g, http.MethodGet, "/api/reliability", "get-reliability", "The ledger by failure mode: seen, mended, how fast, and what it cost", func(ctx context.Context, _ *struct{}) (*reply[sys.Reliability], error) {
		r, err := g.o.Healer.Reliability(ctx)
		r.Contracts = []sys.ContractStrength{}
		for _, a := range g.o.Apps.List() {
			if a.Contract {
				r.Contracts = append(r.Contracts, sys.ContractStrength{App: a.Slug, Strength: a.Strength, Weak: a.Weak})
			}
		}
		return replyOf(r, err)
	})
}
