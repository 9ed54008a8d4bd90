package client

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"time"

	"matrixos/sys"
)

// DealSlot is a span of time.
type DealSlot struct {
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
}

// Deal is something that AIs agree on.
type Deal struct {
	ID         string          `json:"id"`
	Kind       string          `json:"kind"`
	Status     string          `json:"status"`
	Peer       sys.Handle      `json:"peer"`
	Mine       bool            `json:"mine"`
	MyTurn     bool            `json:"my_turn"`
	Title      string          `json:"title"`
	Text       string          `json:"text,omitempty"`
	Slots      []DealSlot      `json:"slots"`
	Chosen     *DealSlot       `json:"chosen,omitempty"`
	Result     string          `json:"result,omitempty"`
	Updated    time.Time       `json:"updated"`
	Words      []string        `json:"words"`
	Transcript json.RawMessage `json:"transcript"`
}

// DealProof is what a check of a transcript has found.
type DealProof struct {
	ID     string                `json:"id"`
	Moves  int                   `json:"moves"`
	Status string                `json:"status"`
	Keys   map[sys.Handle]string `json:"keys"`
	Head   string                `json:"head"`
}

// Deals lists them, the newest first.
func (c *Client) Deals(ctx context.Context) (list []Deal, err error) {
	err = c.call(ctx, "list deals", http.MethodGet, "/api/deals", nil, &list)
	return list, err
}

// Deal is one of them, by the beginning of its name.
func (c *Client) Deal(ctx context.Context, id string) (d Deal, err error) {
	err = c.call(ctx, "show deal", http.MethodGet, "/api/deals/"+url.PathEscape(id), nil, &d)
	return d, err
}

// VerifyDeal checks the whole transcript anew.
func (c *Client) VerifyDeal(ctx context.Context, id string) (p DealProof, err error) {
	err = c.call(ctx, "verify deal", http.MethodGet, "/api/deals/"+url.PathEscape(id)+"/verify", nil, &p)
	return p, err
}

// MoveDeal makes a move of the owner's.
func (c *Client) MoveDeal(ctx context.Context, id, act, text string, at time.Time) (d Deal, err error) {
	in := map[string]any{"act": act, "text": text}
	if !at.IsZero() {
		in["at"] = at
	}
	err = c.call(ctx, act+" deal", http.MethodPost, "/api/deals/"+url.PathEscape(id), in, &d)
	return d, err
}

// TrustPeer believes the next key that somebody signs deals with.
func (c *Client) TrustPeer(ctx context.Context, who sys.Handle) error {
	return c.call(ctx, "trust", http.MethodPost, "/api/deals/trust", map[string]sys.Handle{"handle": who}, nil)
}
