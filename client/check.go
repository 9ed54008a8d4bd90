package client

import (
	"context"
	"net/http"
	"net/url"

	"matrixos/sys"
)

// Check tries an app against its contract; it takes as long as using the app would.
func (c *Client) Check(ctx context.Context, slug sys.Slug) (r sys.ContractReport, err error) {
	err = c.call(ctx, "check "+string(slug), http.MethodPost, "/api/apps/"+url.PathEscape(string(slug))+"/check", struct{}{}, &r)
	return r, err
}

// Strength measures the contract of an app by small wrong changes of it.
func (c *Client) Strength(ctx context.Context, slug sys.Slug) (r sys.StrengthReport, err error) {
	err = c.call(ctx, "measure the contract of "+string(slug), http.MethodPost, "/api/apps/"+url.PathEscape(string(slug))+"/strength", struct{}{}, &r)
	return r, err
}
