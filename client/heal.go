package client

import (
	"context"
	"fmt"
	"net/http"
	"net/url"

	"matrixos/sys"
)

// Heal looks for what is broken and mends it; it takes as long as trying the apps.
func (c *Client) Heal(ctx context.Context, o sys.HealOptions) (r sys.HealReport, err error) {
	err = c.call(ctx, "heal", http.MethodPost, "/api/heal", o, &r)
	return r, err
}

// Healed lists what was found broken, newest first; of one app if slug is not empty.
func (c *Client) Healed(ctx context.Context, slug sys.Slug, limit int) (list []sys.HealCase, err error) {
	q := url.Values{"limit": {fmt.Sprint(limit)}}
	if slug != "" {
		q.Set("app", string(slug))
	}
	err = c.call(ctx, "list what was healed", http.MethodGet, "/api/heal?"+q.Encode(), nil, &list)
	return list, err
}

// DecideRepair carries out a proposed repair, or leaves what is broken as it is.
func (c *Client) DecideRepair(ctx context.Context, id int64, repair bool) (one sys.HealCase, err error) {
	decision := map[bool]string{true: "repair", false: "leave"}[repair]
	err = c.call(ctx, decision, http.MethodPost, fmt.Sprintf("/api/heal/%d", id), map[string]string{"decision": decision}, &one)
	return one, err
}

// Missed says that an app is broken although its checks hold.
func (c *Client) Missed(ctx context.Context, slug sys.Slug, text string) (one sys.HealCase, err error) {
	err = c.call(ctx, "report "+string(slug), http.MethodPost, "/api/apps/"+url.PathEscape(string(slug))+"/missed", map[string]string{"text": text}, &one)
	return one, err
}

// Reliability is the ledger by failure mode.
func (c *Client) Reliability(ctx context.Context) (r sys.Reliability, err error) {
	err = c.call(ctx, "read the ledger", http.MethodGet, "/api/reliability", nil, &r)
	return r, err
}
