package external_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"

	"matrixos/keyring"
	"matrixos/matrix"
	"matrixos/matrix/embedded"
	"matrixos/matrix/external"
	"matrixos/sys"
)

// An account on somebody else's server is signed in to with its password; a token that
// holds stays, and a wrong password is said to be one.
func TestAPasswordElsewhere(t *testing.T) {
	hs := embedded.New(embedded.Options{Domain: matrix.LocalDomain, Dir: t.TempDir(), Key: matrix.NewSigningKey()})
	t.Cleanup(func() {
		if err := hs.Close(); err != nil {
			t.Error(err)
		}
	})
	if _, err := hs.EnsureUser(t.Context(), matrix.User{Local: "anna", Device: "OTHER", Password: keyring.NewSecret("annas password")}); err != nil {
		t.Fatal(err)
	}
	net := httptest.NewServer(hs)
	t.Cleanup(net.Close)
	s, err := external.New(external.Options{Domain: matrix.LocalDomain, URL: net.URL})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.EnsureUser(t.Context(), matrix.User{Local: "anna"}); !errors.Is(err, sys.Unauthorized) || sys.HintOf(err) == "" {
		t.Errorf("without a password: %v", err)
	}
	if _, err := s.EnsureUser(t.Context(), matrix.User{Local: "anna", Password: keyring.NewSecret("wrong")}); !errors.Is(err, sys.Unauthorized) {
		t.Errorf("with a wrong password: %v", err)
	}
	a, err := s.EnsureUser(t.Context(), matrix.User{Local: "anna", Password: keyring.NewSecret("annas password")})
	if err != nil || a.ID != "@anna:local" || a.Device != matrix.Device {
		t.Fatalf("signed in as %+v: %v", a, err)
	}
	if again, err := s.EnsureUser(t.Context(), matrix.User{Local: "anna", Token: a.Token}); err != nil || again.Token.Reveal() != a.Token.Reveal() {
		t.Errorf("the token did not stay: %v", err)
	}
	net.Close()
	if err := s.Ready(t.Context()); !errors.Is(err, sys.Unavailable) || s.State().Phase != matrix.Failing {
		t.Errorf("a server that is down: %v, %+v", err, s.State())
	}
}

// An application service makes accounts and signs in to them with its token alone.
func TestAnApplicationService(t *testing.T) {
	made := map[string]bool{}
	mux := http.NewServeMux()
	mine := func(w http.ResponseWriter, r *http.Request) bool {
		if r.Header.Get("Authorization") != "Bearer as-token" {
			http.Error(w, `{"errcode":"M_UNKNOWN_TOKEN"}`, http.StatusUnauthorized)
			return false
		}
		return true
	}
	mux.HandleFunc("POST /_matrix/client/v3/register", func(w http.ResponseWriter, r *http.Request) {
		switch {
		case !mine(w, r):
		case made["anna_ai"]:
			http.Error(w, `{"errcode":"M_USER_IN_USE"}`, http.StatusBadRequest)
		default:
			made["anna_ai"] = true
			_, _ = w.Write([]byte(`{"user_id":"@anna_ai:example.org"}`))
		}
	})
	mux.HandleFunc("POST /_matrix/client/v3/login", func(w http.ResponseWriter, r *http.Request) {
		if mine(w, r) {
			_, _ = w.Write([]byte(`{"user_id":"@anna_ai:example.org","device_id":"MATRIXOS","access_token":"user-token"}`))
		}
	})
	net := httptest.NewServer(mux)
	t.Cleanup(net.Close)
	for token, want := range map[string]sys.Kind{"as-token": "", "wrong": sys.Unauthorized} {
		s, err := external.New(external.Options{Domain: "example.org", URL: net.URL, Service: keyring.NewSecret(token)})
		if err != nil {
			t.Fatal(err)
		}
		for range 2 { // the second time, it exists
			a, err := s.EnsureUser(t.Context(), matrix.User{Local: "anna_ai"})
			if sys.KindOf(err) != want || want == "" && a.Token.Reveal() != "user-token" {
				t.Errorf("with the token %s: %+v %v", token, a, err)
			}
		}
	}
	if !made["anna_ai"] {
		t.Error("no account was made")
	}
}
