package gateway

import (
	"context"
	"net/http"
	"time"

	"matrixos/sys"
)

// Sync lets the home meet other devices at git remotes; boot has one.
type Sync interface {
	Sync(ctx context.Context, in SyncBody) (SyncReply, error)
}

// SyncBody is one action.
type SyncBody struct {
	Action  string `json:"action" enum:"status,commit,push,pull,add_remote,remove_remote"`
	Message string `json:"message,omitempty" maxLength:"2000"`
	Remote  string `json:"remote_name,omitempty" maxLength:"40" doc:"origin if absent"`
	URL     string `json:"remote_url,omitempty" maxLength:"2048" doc:"Credentials in it go to the keyring"`
	Prefer  string `json:"prefer,omitempty" enum:"ours,theirs" doc:"Decides conflicts of a pull; absent: they refuse it"`
}

// SyncReply says what was done, and how the remotes are.
type SyncReply struct {
	Text    string        `json:"text"`
	Landing sys.LandingID `json:"landing" doc:"The newest of the home"`
	Merged  sys.LandingID `json:"merged" doc:"The landing that a pull made; 0 if none"`
	Decided []sys.Path    `json:"decided" nullable:"false" doc:"Files in conflict that prefer decided"`
	Remotes []SyncRemote  `json:"remotes" nullable:"false"`
}

// SyncRemote is how the home and one remote stand.
type SyncRemote struct {
	Name      string     `json:"name"`
	URL       string     `json:"url"`
	Time      time.Time  `json:"time,omitzero" doc:"Of the last meeting"`
	Ahead     int        `json:"ahead" doc:"Landings that it does not have yet"`
	Conflicts []sys.Path `json:"conflicts" nullable:"false"`
}

// syncAPI registers device sync.
func (g *Gateway) syncAPI() {
	register(g, http.MethodGet, "/api/sync", "get-sync", "The git remotes, and how they stand", func(ctx context.Context, _ *struct{}) (*reply[SyncReply], error) {
		r, err := g.o.Sync.Sync(ctx, SyncBody{Action: "status"})
		return &reply[SyncReply]{r}, err
	})
	register(g, http.MethodPost, "/api/sync", "sync", "Meet other devices at a git remote", func(ctx context.Context, in *reply[SyncBody]) (*reply[SyncReply], error) {
		r, err := g.o.Sync.Sync(ctx, in.Body)
		return &reply[SyncReply]{r}, err
	})
}
