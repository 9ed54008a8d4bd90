package client

import (
	"context"
	"net/http"

	"matrixos/sys"
)

// Handle is who the owner is on the Matrix network, and how that is served.
type Handle struct {
	Handle   sys.Handle   `json:"handle"`
	AI       sys.Handle   `json:"ai"`
	Local    bool         `json:"local"` // nobody else can reach it
	Driver   string       `json:"driver"`
	Phase    string       `json:"phase"`
	Why      string       `json:"why,omitempty"` // what a failing homeserver said last
	Restarts int          `json:"restarts"`
	PID      int          `json:"pid,omitempty"`
	Log      string       `json:"log,omitempty"`
	URL      string       `json:"url"` // what Matrix clients take
	Listen   string       `json:"listen,omitempty"`
	Trouble  string       `json:"trouble,omitempty"` // why Listen is not served
	People   []sys.Handle `json:"people"`
}

// HandleClaim names a handle, and how others reach its homeserver.
type HandleClaim struct {
	Handle      string `json:"handle"`
	Listen      string `json:"listen,omitempty"`
	TLS         string `json:"tls,omitempty"` // proxy, files or acme
	Certificate string `json:"certificate,omitempty"`
	Key         string `json:"key,omitempty"`
	Email       string `json:"email,omitempty"`
	Public      string `json:"public,omitempty"`
	Private     bool   `json:"allow_private,omitempty"` // reach homeservers of the own network too
}

// HandleCheck is one thing that was looked at.
type HandleCheck struct {
	Name string `json:"name"`
	OK   bool   `json:"ok"`
	Text string `json:"text"`
	Hint string `json:"hint,omitempty"`
}

// HandlePassword names an account that gets a password.
type HandlePassword struct {
	Name     string `json:"name,omitempty"` // the owner if empty
	New      bool   `json:"new,omitempty"`
	Password string `json:"password,omitempty"` // one is made if empty
}

// HandleSignIn is what signs a client in.
type HandleSignIn struct {
	Handle   sys.Handle `json:"handle"`
	URL      string     `json:"url"`
	Password string     `json:"password,omitempty"` // if it was made
}

// Handle says who the owner is on the network.
func (c *Client) Handle(ctx context.Context) (h Handle, err error) {
	err = c.call(ctx, "read handle", http.MethodGet, "/api/handle", nil, &h)
	return h, err
}

// ClaimHandle claims one, for good.
func (c *Client) ClaimHandle(ctx context.Context, in HandleClaim) (h Handle, err error) {
	err = c.call(ctx, "claim handle", http.MethodPost, "/api/handle", in, &h)
	return h, err
}

// CheckHandle looks whether others can reach a domain; empty is the handle's own.
func (c *Client) CheckHandle(ctx context.Context, domain string) (list []HandleCheck, err error) {
	err = c.call(ctx, "check handle", http.MethodPost, "/api/handle/check", map[string]string{"domain": domain}, &list)
	return list, err
}

// SetHandlePassword gives an account of the homeserver a password.
func (c *Client) SetHandlePassword(ctx context.Context, in HandlePassword) (s HandleSignIn, err error) {
	err = c.call(ctx, "set password", http.MethodPost, "/api/handle/password", in, &s)
	return s, err
}
