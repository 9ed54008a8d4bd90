package gateway

import (
	"context"
	"net/http"

	"matrixos/sys"
)

// upkeepAPI registers what keeps a home sound and small.
func (g *Gateway) upkeepAPI() {
	register(g, http.MethodGet, "/api/upkeep", "get-upkeep", "When the home was last checked and tidied, with what result", func(ctx context.Context, _ *struct{}) (*reply[sys.UpkeepState], error) {
		return replyOf(g.o.Disk.Upkeep(ctx))
	})
	register(g, http.MethodGet, "/api/space", "get-space", "What takes room", func(ctx context.Context, _ *struct{}) (*reply[sys.SpaceReport], error) {
		return replyOf(g.o.Disk.Space(ctx))
	})
	register(g, http.MethodPost, "/api/scrub", "scrub", "Compare everything stored with what it should be, and restore what is damaged", func(ctx context.Context, _ *struct{}) (*reply[sys.ScrubReport], error) {
		return replyOf(g.o.Disk.Scrub(ctx, 0))
	})
	register(g, http.MethodPost, "/api/gc", "collect-garbage", "Free what is not needed, and pack the history", func(ctx context.Context, _ *struct{}) (*reply[sys.GCReport], error) {
		return replyOf(g.o.Disk.GC(ctx, true))
	})
}

func replyOf[T any](v T, err error) (*reply[T], error) {
	if err != nil {
		return nil, err
	}
	return &reply[T]{v}, nil
}
