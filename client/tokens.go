package client

import (
	"context"
	"net/http"
	"net/url"
	"time"
)

// Token lets an agent of somebody else in.
type Token struct {
	ID      string    `json:"id"`
	Name    string    `json:"name"`
	May     []string  `json:"may"`
	Folders []string  `json:"folders"`
	Created time.Time `json:"created"`
	Seen    time.Time `json:"seen"`
	Expires time.Time `json:"expires"`
}

// NewToken is a token that was just made, with its value.
type NewToken struct {
	Token
	Value string `json:"value"`
	URL   string `json:"url"`
}

// TokenRequest says what a new token is to let in to.
type TokenRequest struct {
	Name    string   `json:"name"`
	May     []string `json:"may,omitempty"`
	Folders []string `json:"folders,omitempty"`
	Days    int      `json:"days,omitempty"`
}

// Tokens lists the tokens that are good.
func (c *Client) Tokens(ctx context.Context) (list []Token, err error) {
	err = c.call(ctx, "list tokens", http.MethodGet, "/api/tokens", nil, &list)
	return list, err
}

// MakeToken lets an agent of somebody else in.
func (c *Client) MakeToken(ctx context.Context, r TokenRequest) (t NewToken, err error) {
	err = c.call(ctx, "make token", http.MethodPost, "/api/tokens", r, &t)
	return t, err
}

// RevokeToken ends a token.
func (c *Client) RevokeToken(ctx context.Context, id string) error {
	return c.call(ctx, "revoke the token", http.MethodDelete, "/api/tokens/"+url.PathEscape(id), nil, nil)
}
