package client

import (
	"context"
	"net/http"

	"matrixos/sys"
)

// Security is how safe the owner's conversations are.
type Security struct {
	Device   string `json:"device"`
	Identity string `json:"identity"` // here, elsewhere or replaced
	Verified bool   `json:"verified"`
	Backup   struct {
		Version string `json:"version"`
		Keys    int    `json:"keys"`
		Foreign bool   `json:"foreign"`
	} `json:"backup"`
	Devices       []SecurityDevice `json:"devices"`
	Verifications []Verification   `json:"verifications"`
	Changed       []sys.Handle     `json:"changed"` // whose identity has changed and waits for the owner
}

// SecurityDevice is one place where the owner is signed in.
type SecurityDevice struct {
	ID       string `json:"id"`
	Name     string `json:"name"`
	Verified bool   `json:"verified"`
	Encrypts bool   `json:"encrypts"`
}

// Verification is a comparison of emoji.
type Verification struct {
	ID      string     `json:"id"`
	As      sys.Handle `json:"as"`
	With    sys.Handle `json:"with"`
	Device  string     `json:"device"`
	Stage   string     `json:"stage"` // asked, waiting, ready, compare, confirmed, done or cancelled
	Emoji   []Emoji    `json:"emoji"`
	Numbers []int      `json:"numbers"`
	Why     string     `json:"why,omitempty"`
}

// Emoji is one of seven.
type Emoji struct {
	Symbol string `json:"symbol"`
	Name   string `json:"name"`
}

// Over reports whether nothing more can come of it.
func (v Verification) Over() bool { return v.Stage == "done" || v.Stage == "cancelled" }

// VerifyStep is the owner's next step of a comparison.
type VerifyStep struct {
	Act  string     `json:"act"` // begin, accept, start, match, differ or cancel
	ID   string     `json:"id,omitempty"`
	With sys.Handle `json:"with,omitempty"`
}

// Security shows the owner's devices, the backup of keys, and comparisons of emoji.
func (c *Client) Security(ctx context.Context) (s Security, err error) {
	err = c.call(ctx, "read security", http.MethodGet, "/api/handle/security", nil, &s)
	return s, err
}

// Verify takes a step.
func (c *Client) Verify(ctx context.Context, step VerifyStep) (s Security, err error) {
	err = c.call(ctx, "verify", http.MethodPost, "/api/handle/verify", step, &s)
	return s, err
}

// MakeRecoveryKey makes a recovery key; those before it end.
func (c *Client) MakeRecoveryKey(ctx context.Context) (key string, err error) {
	var r struct {
		Key string `json:"key"`
	}
	err = c.call(ctx, "make recovery key", http.MethodPost, "/api/handle/recovery", nil, &r)
	return r.Key, err
}

// Recover takes over the account's identity and its backup by a recovery key.
func (c *Client) Recover(ctx context.Context, key string) error {
	return c.call(ctx, "recover", http.MethodPost, "/api/handle/recover", map[string]string{"key": key}, nil)
}

// AcceptIdentity takes somebody's new identity for theirs.
func (c *Client) AcceptIdentity(ctx context.Context, who sys.Handle) error {
	return c.call(ctx, "accept identity", http.MethodPost, "/api/handle/identity", map[string]sys.Handle{"handle": who}, nil)
}
