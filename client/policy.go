package client

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"matrixos/sys"
)

// Approval is something that waits for the owner's yes or no.
type Approval struct {
	ID      string          `json:"id"`
	PID     sys.PID         `json:"pid"`
	Request sys.RequestID   `json:"request"`
	Text    string          `json:"text"`
	Why     string          `json:"why"`
	Kind    string          `json:"kind"`
	Target  string          `json:"target"`
	Args    json.RawMessage `json:"args"`
	Asked   time.Time       `json:"asked"`
	Expires time.Time       `json:"expires"`
}

// Labelled is a file that holds text from outside.
type Labelled struct {
	Path  sys.Path  `json:"path"`
	Label sys.Label `json:"label"`
}

// Approvals lists what waits for the owner.
func (c *Client) Approvals(ctx context.Context) (list []Approval, err error) {
	err = c.call(ctx, "list approvals", http.MethodGet, "/api/approvals", nil, &list)
	return list, err
}

// Approve answers an approval; always keeps the answer as a rule.
func (c *Client) Approve(ctx context.Context, id string, allow, always bool) error {
	body := map[string]any{"allow": allow, "always": always, "from": "cli"}
	return c.call(ctx, "approve", http.MethodPost, "/api/approvals/"+url.PathEscape(id), body, nil)
}

// Untrusted lists the files that hold text from outside.
func (c *Client) Untrusted(ctx context.Context) (list []Labelled, err error) {
	err = c.call(ctx, "list untrusted files", http.MethodGet, "/api/untrusted", nil, &list)
	return list, err
}

// Trust says that a file, or all in a folder, may be believed.
func (c *Client) Trust(ctx context.Context, path string) error {
	return c.call(ctx, "trust", http.MethodPost, "/api/trust", map[string]string{"path": path}, nil)
}

// Audit is what a check of the journal found; Broken is the first event that is not
// as it was written, 0 if there is none.
type Audit struct {
	Events    int     `json:"events"`
	Forgotten int     `json:"forgotten"`
	Last      sys.Seq `json:"last"`
	Head      string  `json:"head"`
	Broken    sys.Seq `json:"broken,omitempty"`
	Why       string  `json:"why,omitempty"`
}

// VerifyAudit checks that the journal is as it was written.
func (c *Client) VerifyAudit(ctx context.Context) (a Audit, err error) {
	err = c.call(ctx, "verify audit", http.MethodGet, "/api/audit/verify", nil, &a)
	return a, err
}

// SafetyReport says how safe a home is.
type SafetyReport struct {
	Time     time.Time       `json:"time"`
	Worst    string          `json:"worst"` // ok, note, warning or bad
	Findings []SafetyFinding `json:"findings"`
	Outside  bool            `json:"outside"`
}

// SafetyFinding is what one check has found.
type SafetyFinding struct {
	Check string `json:"check"`
	Level string `json:"level"`
	Text  string `json:"text"`
	Hint  string `json:"hint,omitempty"`
}

// SafetyReport has the home look at its own safety.
func (c *Client) SafetyReport(ctx context.Context) (r SafetyReport, err error) {
	err = c.call(ctx, "audit", http.MethodGet, "/api/audit/report", nil, &r)
	return r, err
}

// Audits lists decisions of policy and of the owner after a position, oldest first.
func (c *Client) Audits(ctx context.Context, after sys.Seq) (list []sys.Event, err error) {
	err = c.call(ctx, "list audit", http.MethodGet, "/api/audit?limit=10000&after="+strconv.FormatInt(int64(after), 10), nil, &list)
	return list, err
}

// Keys lists the names of the keys in the keyring.
func (c *Client) Keys(ctx context.Context) (names []string, err error) {
	err = c.call(ctx, "list keys", http.MethodGet, "/api/keys", nil, &names)
	return names, err
}

// Keyring says how the keys are protected, or why they are closed.
func (c *Client) Keyring(ctx context.Context) (string, error) {
	var k struct {
		Status string `json:"status"`
	}
	err := c.call(ctx, "look at the keyring", http.MethodGet, "/api/keyring", nil, &k)
	return k.Status, err
}

// SetKey keeps a key in the keyring.
func (c *Client) SetKey(ctx context.Context, name, value string) error {
	return c.call(ctx, "keep key", http.MethodPut, "/api/keys/"+url.PathEscape(name), map[string]string{"value": value}, nil)
}

// KeyHosts lists the hosts at which commands may use each key.
func (c *Client) KeyHosts(ctx context.Context) (map[string][]string, error) {
	var list []struct {
		Name  string   `json:"name"`
		Hosts []string `json:"hosts"`
	}
	err := c.call(ctx, "list hosts of keys", http.MethodGet, "/api/bindings", nil, &list)
	hosts := map[string][]string{}
	for _, k := range list {
		hosts[k.Name] = k.Hosts
	}
	return hosts, err
}

// BindKey sets the hosts to which commands may send a key; none takes it from them.
func (c *Client) BindKey(ctx context.Context, name string, hosts []string) error {
	return c.call(ctx, "bind key", http.MethodPut, "/api/keys/"+url.PathEscape(name)+"/hosts", map[string][]string{"hosts": append([]string{}, hosts...)}, nil)
}

// DeleteKey forgets a key.
func (c *Client) DeleteKey(ctx context.Context, name string) error {
	return c.call(ctx, "forget key", http.MethodDelete, "/api/keys/"+url.PathEscape(name), nil, nil)
}
