package app

import (
	"context"

	"matrixos/app/internal/store"
	"matrixos/sys"
)

// Hit is a row in which a text was found.
type Hit = store.Hit

// FoundRow is a row of some app in which a text was found.
type FoundRow struct {
	App   sys.Slug `json:"app"`
	Name  string   `json:"name"` // of the app
	Table string   `json:"table"`
	ID    string   `json:"id"`
	Text  string   `json:"text"` // the place in it
}

// mostOfOneApp keeps one app from filling what a search over all of them finds.
const mostOfOneApp = 5

// Search finds rows of all apps that have data, a few of each, at most limit. An app
// whose data cannot be read is left out, and noted in the log.
func (r *Runtime) Search(ctx context.Context, text string, limit int) ([]FoundRow, error) {
	out := []FoundRow{}
	for _, l := range r.all() {
		m := l.app.Manifest
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if len(out) >= limit || len(m.Storage.Tables) == 0 || !r.data.Has(m.Slug) {
			continue
		}
		hits, err := r.data.Tables(m.Slug, m.Storage.Tables).Search(ctx, "", text, min(mostOfOneApp, limit-len(out)))
		if err != nil {
			if ctx.Err() != nil {
				return nil, err
			}
			r.log.WarnContext(ctx, "an app's rows cannot be searched", "slug", m.Slug, "error", err)
			continue
		}
		for _, h := range hits {
			id, _ := h.Row["id"].(string)
			out = append(out, FoundRow{m.Slug, m.Name, h.Table, id, h.Text})
		}
	}
	return out, nil
}
