package gateway

import (
	"context"
	"net/http"
	"strings"

	"matrixos/sys"
)

// Matrix is the home on the Matrix network; boot has one. It serves the client API of
// the homeserver, which knows its own tokens and nothing of this desktop's sessions.
type Matrix interface {
	http.Handler
	Handle(ctx context.Context) (HandleReply, error)
	Claim(ctx context.Context, in ClaimBody) (HandleReply, error)
	// Look checks whether a domain can be reached; empty is the handle's own.
	Look(ctx context.Context, domain string) ([]HandleCheck, error)
	// Password gives an account of the homeserver a password, and makes the account if
	// that is what is asked for.
	Password(ctx context.Context, in PasswordBody) (PasswordReply, error)
}

// HandleReply is who the owner is on the network, and how that is served.
type HandleReply struct {
	Handle   sys.Handle   `json:"handle"`
	AI       sys.Handle   `json:"ai" doc:"The owner's AI"`
	Local    bool         `json:"local" doc:"Nobody else can reach it: no domain is claimed"`
	Driver   string       `json:"driver" enum:"child,embedded,external"`
	Phase    string       `json:"phase" enum:"idle,starting,running,failing,stopped"`
	Why      string       `json:"why,omitempty" doc:"What a failing homeserver said last"`
	Restarts int          `json:"restarts" doc:"How often it ended by itself since the start"`
	PID      int          `json:"pid,omitempty"`
	Log      string       `json:"log,omitempty" doc:"Where its log is"`
	URL      string       `json:"url" doc:"What Matrix clients take as the homeserver's address"`
	Listen   string       `json:"listen,omitempty" doc:"Where other servers and clients reach it"`
	Trouble  string       `json:"trouble,omitempty" doc:"Why that address is not served"`
	People   []sys.Handle `json:"people" nullable:"false" doc:"Who else has an account here"`
}

// ClaimBody names the handle, and how others reach its homeserver.
type ClaimBody struct {
	Handle      string `json:"handle" minLength:"1" maxLength:"255"`
	Listen      string `json:"listen,omitempty" maxLength:"255" doc:"host:port; 127.0.0.1:8448 if absent"`
	TLS         string `json:"tls,omitempty" enum:"proxy,files,acme" doc:"proxy if absent"`
	Certificate string `json:"certificate,omitempty" maxLength:"4096" doc:"A PEM file, for files"`
	Key         string `json:"key,omitempty" maxLength:"4096" doc:"A PEM file, for files"`
	Email       string `json:"email,omitempty" maxLength:"255" doc:"For acme"`
	Private     bool   `json:"allow_private,omitempty" doc:"Connect to homeservers of the owner's own network too"`
	Public      string `json:"public,omitempty" maxLength:"2048" doc:"The address of the client API; https://DOMAIN if absent"`
}

// HandleCheck is one thing that was looked at.
type HandleCheck struct {
	Name string `json:"name"`
	OK   bool   `json:"ok"`
	Text string `json:"text"`
	Hint string `json:"hint,omitempty"`
}

// PasswordBody names an account. Password goes to the homeserver and nowhere else.
type PasswordBody struct {
	Name     string `json:"name,omitempty" maxLength:"255" doc:"Of a person; the owner if absent"`
	New      bool   `json:"new,omitempty" doc:"Make the account, and that of the person's AI"`
	Password string `json:"password,omitempty" maxLength:"512" writeOnly:"true" doc:"One is made if absent"`
}

// PasswordReply is what signs in. The password is there if it was made, once.
type PasswordReply struct {
	Handle   sys.Handle `json:"handle"`
	URL      string     `json:"url"`
	Password string     `json:"password,omitempty"`
}

// CheckBody names a domain.
type CheckBody struct {
	Domain string `json:"domain,omitempty" maxLength:"255" doc:"The handle's own if absent"`
}

// handleAPI registers what the owner does about their handle.
func (g *Gateway) handleAPI() {
	register(g, http.MethodGet, "/api/handle", "get-handle", "Who the owner is on the Matrix network", func(ctx context.Context, _ *struct{}) (*reply[HandleReply], error) {
		r, err := g.o.Matrix.Handle(ctx)
		return &reply[HandleReply]{r}, err
	})
	register(g, http.MethodPost, "/api/handle", "claim-handle", "Claim a handle, for good", func(ctx context.Context, in *reply[ClaimBody]) (*reply[HandleReply], error) {
		r, err := g.o.Matrix.Claim(ctx, in.Body)
		if err == nil {
			g.publish(sys.EventSettings, sys.SettingsData{Path: "system/handle.json"})
		}
		return &reply[HandleReply]{r}, err
	})
	register(g, http.MethodPost, "/api/handle/check", "check-handle", "Look whether others can reach a domain", func(ctx context.Context, in *reply[CheckBody]) (*reply[[]HandleCheck], error) {
		list, err := g.o.Matrix.Look(ctx, in.Body.Domain)
		return &reply[[]HandleCheck]{all(list)}, err
	})
	register(g, http.MethodPost, "/api/handle/password", "set-handle-password", "Give an account of the homeserver a password", func(ctx context.Context, in *reply[PasswordBody]) (*reply[PasswordReply], error) {
		r, err := g.o.Matrix.Password(ctx, in.Body)
		return &reply[PasswordReply]{r}, err
	})
}

// toMatrix hands on what is below /_matrix and /.well-known/matrix before the desktop's
// own rules: any page and any program may speak the Matrix API, with a token of the
// homeserver. Nothing of the desktop is reached that way, and the session cookie is
// taken off. What people have uploaded is served here too, from the desktop's origin;
// so every answer is a sandbox, in which nothing runs.
func (g *Gateway) toMatrix(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if g.o.Matrix == nil || !strings.HasPrefix(r.URL.Path, "/_matrix/") && !strings.HasPrefix(r.URL.Path, "/.well-known/matrix/") {
			next.ServeHTTP(w, r)
			return
		}
		r.Header.Del("Cookie")
		h := w.Header()
		h.Set("Content-Security-Policy", "sandbox; default-src 'none'; frame-ancestors 'none'")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		began := g.now()
		g.o.Matrix.ServeHTTP(w, r)
		g.metrics.GetOrCreateHistogram(`matrixos_http_seconds{route="matrix"}`).Update(g.now().Sub(began).Seconds())
	})
}
