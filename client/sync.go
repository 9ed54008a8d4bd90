package client

import (
	"context"
	"net/http"
	"time"

	"matrixos/sys"
)

// Sync is one action of device sync.
type Sync struct {
	Action  string `json:"action"`
	Message string `json:"message,omitempty"`
	Remote  string `json:"remote_name,omitempty"`
	URL     string `json:"remote_url,omitempty"`
	Prefer  string `json:"prefer,omitempty"`
}

// Synced says what was done, and how the remotes are.
type Synced struct {
	Text    string        `json:"text"`
	Landing sys.LandingID `json:"landing"`
	Merged  sys.LandingID `json:"merged"`
	Decided []sys.Path    `json:"decided"`
	Remotes []SyncRemote  `json:"remotes"`
}

// SyncRemote is how the home and one remote stand.
type SyncRemote struct {
	Name      string     `json:"name"`
	URL       string     `json:"url"`
	Time      time.Time  `json:"time,omitzero"`
	Ahead     int        `json:"ahead"`
	Conflicts []sys.Path `json:"conflicts"`
}

// Sync runs one action of device sync.
func (c *Client) Sync(ctx context.Context, s Sync) (out Synced, err error) {
	err = c.call(ctx, "sync", http.MethodPost, "/api/sync", s, &out)
	return out, err
}
