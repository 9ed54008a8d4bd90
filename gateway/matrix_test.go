package gateway_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"matrixos/gateway"
)

// network is a homeserver that says what reached it.
type network struct{ seen http.Header }

func (n *network) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	n.seen = r.Header.Clone()
	w.Header().Set("Content-Type", "text/html")
	_, _ = w.Write([]byte("<script>homeserver</script>"))
}

func (n *network) Handle(context.Context) (gateway.HandleReply, error) {
	return gateway.HandleReply{Handle: "@you:local"}, nil
}

func (n *network) Claim(context.Context, gateway.ClaimBody) (gateway.HandleReply, error) {
	return gateway.HandleReply{}, nil
}
func (n *network) Look(context.Context, string) ([]gateway.HandleCheck, error) { return nil, nil }

func (n *network) Password(context.Context, gateway.PasswordBody) (gateway.PasswordReply, error) {
	return gateway.PasswordReply{}, nil
}

// The homeserver takes requests of any page and program, and no cookie of the desktop's;
// nothing of the desktop is reached by its paths, and what it answers runs nowhere.
func TestTheHomeserverIsAnotherDoor(t *testing.T) {
	n := &network{}
	w := newWorld(t, func(o *gateway.Options) { o.Matrix = n })
	for _, path := range []string{"/_matrix/client/versions", "/.well-known/matrix/client"} {
		a := w.do("POST", path, "{}", "Host: evil.example", "Origin: https://app.example", "Sec-Fetch-Site: cross-site", "Cookie: matrixos_session=secret", "Authorization: Bearer homeserver-token")
		if a.StatusCode != http.StatusOK || !strings.Contains(a.Header.Get("Content-Security-Policy"), "sandbox") || a.Header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: %d %v", path, a.StatusCode, a.Header)
		}
		if n.seen.Get("Cookie") != "" || n.seen.Get("Authorization") != "Bearer homeserver-token" {
			t.Errorf("%s came as %v", path, n.seen)
		}
	}
	for _, path := range []string{"/api/handle", "/_matrix/../api/handle", "/_matrixx", "/.well-known/other", "/%5fmatrix/../api/session"} {
		n.seen = nil
		if a := w.do("GET", path, "", "Origin: https://app.example", "Authorization: Bearer homeserver-token"); a.StatusCode == http.StatusOK && !strings.Contains(a.body, "homeserver") {
			t.Errorf("%s: %d %s", path, a.StatusCode, a.body)
		}
	}
	if a := w.do("GET", "/api/handle", "", "Authorization: Bearer "+token); a.StatusCode != http.StatusOK {
		t.Errorf("the owner gets %d %s", a.StatusCode, a.body)
	}
}
