package gateway

import (
	"context"
	"encoding/json"
	"net/http"
	"reflect"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"matrixos/disk"
	"matrixos/sys"
)

// BisectLine is one line of the answer of a search: a step, then how it ended.
type BisectLine struct {
	Step   *disk.BisectStep `json:"step,omitempty"`
	Result *disk.Bisected   `json:"result,omitempty"`
	Failed *Problem         `json:"failed,omitempty"`
}

// bisectAPI registers the search for the landing that broke an app.
func (g *Gateway) bisectAPI() {
	register(g, http.MethodPost, "/api/bisect", "bisect", "Find the landing that broke an app; progress comes as lines of JSON, the last of which is the result or the failure", func(ctx context.Context, in *struct {
		Body struct {
			App  sys.Slug `json:"app" minLength:"1" maxLength:"64"`
			Good string   `json:"good,omitempty" maxLength:"100" doc:"A landing, snapshot or time that was well; absent: the first landing"`
			Bad  string   `json:"bad,omitempty" maxLength:"100" doc:"Likewise, that is broken; absent: the newest"`
			Run  string   `json:"run,omitempty" maxLength:"10000" doc:"A command whose exit status decides; absent: the checks of the app"`
		}
	}) (*huma.StreamResponse, error,
	) {
		o := disk.BisectOptions{Bad: g.o.Disk.Head()}
		var err error
		if in.Body.Good != "" {
			if o.Good, err = g.moment(ctx, in.Body.Good); err != nil {
				return nil, err
			}
		}
		if in.Body.Bad != "" {
			if o.Bad, err = g.moment(ctx, in.Body.Bad); err != nil {
				return nil, err
			}
		}
		if o.Path, o.Test, err = g.o.Trial(ctx, in.Body.App, in.Body.Run); err != nil {
			return nil, err
		}
		return &huma.StreamResponse{Body: func(hc huma.Context) { g.bisect(hc, o) }}, nil
	}, func(op *huma.Operation) {
		op.Responses = map[string]*huma.Response{"200": {
			Description: "Lines", Content: map[string]*huma.MediaType{"application/x-ndjson": {Schema: g.api.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[BisectLine](), true, "")}},
		}}
	})
}

// bisect streams a search. Who goes away ends it.
func (g *Gateway) bisect(hc huma.Context, o disk.BisectOptions) {
	hc.SetHeader("Content-Type", "application/x-ndjson")
	_, w := humago.Unwrap(hc)
	ctx, stop := context.WithCancel(hc.Context())
	defer stop()
	enc, out := json.NewEncoder(w), http.NewResponseController(w)
	tell := func(l BisectLine) {
		if enc.Encode(l) != nil || out.Flush() != nil {
			stop()
		}
	}
	o.Progress = func(s disk.BisectStep) { tell(BisectLine{Step: &s}) }
	found, err := g.o.Disk.Bisect(ctx, o)
	if err != nil {
		tell(BisectLine{Failed: problemOf(g.failed(ctx, "bisect", err))})
		return
	}
	tell(BisectLine{Result: &found})
}
