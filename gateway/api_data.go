package gateway

import (
	"context"
	"net/http"

	"matrixos/disk"
	"matrixos/sys"
)

// dataAPI registers the copies of the databases of apps.
func (g *Gateway) dataAPI() {
	register(g, http.MethodGet, "/api/data", "list-copies", "Kept copies of the databases of apps, newest first", func(ctx context.Context, in *struct {
		App sys.Slug `query:"app" maxLength:"64" doc:"Only of this app"`
	}) (*reply[[]disk.Copy], error,
	) {
		list, err := g.o.Disk.Copies(ctx, in.App)
		if err != nil {
			return nil, err
		}
		return &reply[[]disk.Copy]{all(list)}, nil
	})
}
