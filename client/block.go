package client

import (
	"context"
	"net/http"
	"net/url"

	"matrixos/sys"
)

// Reported is what became of a report.
type Reported struct {
	Path sys.Path `json:"path"`
	Told bool     `json:"told"`          // the homeserver was
	Why  string   `json:"why,omitempty"` // it was not
}

// Blocked lists whom the owner has blocked.
func (c *Client) Blocked(ctx context.Context) (list []string, err error) {
	err = c.call(ctx, "list who is blocked", http.MethodGet, "/api/people/blocked", nil, &list)
	return list, err
}

// Block hides somebody from the owner and their AI, or no longer.
func (c *Client) Block(ctx context.Context, who string, blocked bool) error {
	return c.call(ctx, "block", http.MethodPost, "/api/people/block", map[string]any{"handle": who, "blocked": blocked}, nil)
}

// Report keeps what was said in the home, and tells the homeserver.
func (c *Client) Report(ctx context.Context, room string, events []string, reason string) (r Reported, err error) {
	err = c.call(ctx, "report", http.MethodPost, "/api/rooms/"+url.PathEscape(room)+"/report", map[string]any{"events": events, "reason": reason}, &r)
	return r, err
}
