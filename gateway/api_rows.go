package gateway

import (
	"context"
	"encoding/json"
	"net/http"
)

// TableRows are the rows of one table of an app.
type TableRows struct {
	Columns map[string]string `json:"columns" doc:"The columns of the manifest and their types"`
	Rows    []map[string]any  `json:"rows" nullable:"false"`
}

// EnterBody are rows to add to a table.
type EnterBody struct {
	Rows []json.RawMessage `json:"rows" nullable:"false" minItems:"1" maxItems:"200000" doc:"As db.insert takes them; an id that is brought along is kept"`
}

// TableIn names a table of an app.
type TableIn struct {
	SlugIn
	Table string `path:"table" pattern:"^[a-z0-9_]{1,63}$"`
}

// rowsAPI registers export and import of the rows of apps.
func (g *Gateway) rowsAPI() {
	register(g, http.MethodGet, "/api/apps/{slug}/rows/{table}", "read-rows", "All rows of a table of an app", func(ctx context.Context, in *TableIn) (*reply[TableRows], error) {
		out, err := g.o.Apps.Rows(ctx, in.Slug, in.Table)
		if err != nil {
			return nil, err
		}
		out.Rows = all(out.Rows)
		return &reply[TableRows]{out}, nil
	})
	register(g, http.MethodPost, "/api/apps/{slug}/rows/{table}", "enter-rows", "Add rows to a table of an app, all or none: a landing, which can be undone", func(ctx context.Context, in *struct {
		TableIn
		Body EnterBody
	}) (*reply[LandingReply], error,
	) {
		l, err := g.o.Apps.Enter(ctx, in.Slug, in.Table, in.Body.Rows)
		if err != nil {
			return nil, err
		}
		return &reply[LandingReply]{LandingReply{Landing: l, Files: []FileDiff{}}}, nil
	}, upTo(bodyLimit))
}
