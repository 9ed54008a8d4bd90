package client

import (
	"context"
	"net/http"

	"matrixos/sys"
)

// Upkeep says when the home was last checked and tidied.
func (c *Client) Upkeep(ctx context.Context) (s sys.UpkeepState, err error) {
	err = c.call(ctx, "read upkeep", http.MethodGet, "/api/upkeep", nil, &s)
	return s, err
}

// Space says what takes room in the home.
func (c *Client) Space(ctx context.Context) (r sys.SpaceReport, err error) {
	err = c.call(ctx, "measure space", http.MethodGet, "/api/space", nil, &r)
	return r, err
}

// Scrub compares everything stored with what it should be; it takes as long as
// reading all of it.
func (c *Client) Scrub(ctx context.Context) (r sys.ScrubReport, err error) {
	err = c.call(ctx, "scrub", http.MethodPost, "/api/scrub", struct{}{}, &r)
	return r, err
}

// GC frees what is not needed.
func (c *Client) GC(ctx context.Context) (r sys.GCReport, err error) {
	err = c.call(ctx, "collect garbage", http.MethodPost, "/api/gc", struct{}{}, &r)
	return r, err
}
