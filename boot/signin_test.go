package boot

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/auth"
	"github.com/modelcontextprotocol/go-sdk/mcp"

	"matrixos/sys"
)

// issuer is an authorization server: metadata (RFC 8414), dynamic registration (RFC
// 7591), codes with a proof key (RFC 7636), tokens for one resource (RFC 8707), and a
// new refresh token each time. It keeps a list of what was done wrong.
type issuer struct {
	*httptest.Server
	mu      sync.Mutex
	clients map[string]string // client to where its browsers come back
	codes   map[string]url.Values
	refresh map[string]string // refresh token to resource
	tokens  map[string]string // access token to resource
	renewed int
	wrong   []string
}

func newIssuer(t *testing.T) *issuer {
	s := &issuer{clients: map[string]string{}, codes: map[string]url.Values{}, refresh: map[string]string{}, tokens: map[string]string{}}
	mux := http.NewServeMux()
	s.Server = httptest.NewServer(mux)
	t.Cleanup(s.Close)
	mux.HandleFunc("GET /.well-known/oauth-authorization-server", func(w http.ResponseWriter, _ *http.Request) {
		answerJSON(w, http.StatusOK, map[string]any{
			"issuer": s.URL, "authorization_endpoint": s.URL + "/authorize", "token_endpoint": s.URL + "/token", "registration_endpoint": s.URL + "/register",
			"response_types_supported": []string{"code"}, "grant_types_supported": []string{"authorization_code", "refresh_token"},
			"code_challenge_methods_supported": []string{"S256"}, "token_endpoint_auth_methods_supported": []string{"none"},
			"authorization_response_iss_parameter_supported": true,
		})
	})
	mux.HandleFunc("POST /register", func(w http.ResponseWriter, r *http.Request) {
		var in struct {
			Name string   `json:"client_name"`
			Back []string `json:"redirect_uris"`
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		if err := json.NewDecoder(r.Body).Decode(&in); err != nil || in.Name != "Matrix OS" || len(in.Back) != 1 {
			s.wrong = append(s.wrong, "register "+in.Name)
			answerJSON(w, http.StatusBadRequest, map[string]string{"error": "invalid_client_metadata"})
			return
		}
		id := rand.Text()
		s.clients[id] = in.Back[0]
		answerJSON(w, http.StatusCreated, map[string]any{"client_id": id, "redirect_uris": in.Back, "token_endpoint_auth_method": "none"})
	})
	mux.HandleFunc("GET /authorize", func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		s.mu.Lock()
		defer s.mu.Unlock()
		if q.Get("response_type") != "code" || q.Get("code_challenge_method") != "S256" || q.Get("state") == "" || s.clients[q.Get("client_id")] != q.Get("redirect_uri") {
			s.wrong = append(s.wrong, "authorize "+r.URL.RawQuery)
		}
		code := rand.Text()
		s.codes[code] = q
		http.Redirect(w, r, q.Get("redirect_uri")+"?"+url.Values{"code": {code}, "state": q["state"], "iss": {s.URL}}.Encode(), http.StatusFound)
	})
	mux.HandleFunc("POST /token", s.token)
	return s
}

func (s *issuer) token(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	resource := r.FormValue("resource")
	switch r.FormValue("grant_type") {
	case "authorization_code":
		q := s.codes[r.FormValue("code")]
		delete(s.codes, r.FormValue("code"))
		sum := sha256.Sum256([]byte(r.FormValue("code_verifier")))
		if q == nil || base64.RawURLEncoding.EncodeToString(sum[:]) != q.Get("code_challenge") || q.Get("resource") != resource || r.FormValue("redirect_uri") != q.Get("redirect_uri") {
			answerJSON(w, http.StatusBadRequest, map[string]string{"error": "invalid_grant"})
			return
		}
	case "refresh_token":
		was, ok := s.refresh[r.FormValue("refresh_token")]
		delete(s.refresh, r.FormValue("refresh_token"))
		if !ok || was != resource {
			s.wrong = append(s.wrong, "renewed for "+resource+", which was for "+was)
			answerJSON(w, http.StatusBadRequest, map[string]string{"error": "invalid_grant"})
			return
		}
		s.renewed++
	default:
		answerJSON(w, http.StatusBadRequest, map[string]string{"error": "unsupported_grant_type"})
		return
	}
	access, again := "access-"+rand.Text(), "again-"+rand.Text()
	s.tokens[access], s.refresh[again] = resource, resource
	// It runs out at once, as clients see it, so that each use renews it.
	answerJSON(w, http.StatusOK, map[string]any{"access_token": access, "token_type": "Bearer", "expires_in": 1, "refresh_token": again})
}

func answerJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // the client went away
}

// protected is a service that wants a token that is for it.
func (s *issuer) protected(t *testing.T) *httptest.Server {
	server := mcp.NewServer(&mcp.Implementation{Name: "tickets", Version: "1"}, nil)
	server.AddTool(&mcp.Tool{Name: "list", Description: "Lists tickets.", InputSchema: json.RawMessage(`{"type":"object"}`)},
		func(context.Context, *mcp.CallToolRequest) (*mcp.CallToolResult, error) {
			return &mcp.CallToolResult{Content: []mcp.Content{&mcp.TextContent{Text: "T-1: plums"}}}, nil
		})
	mux := http.NewServeMux()
	ts := httptest.NewServer(mux)
	t.Cleanup(ts.Close)
	mux.HandleFunc("GET /.well-known/oauth-protected-resource/mcp", func(w http.ResponseWriter, _ *http.Request) {
		answerJSON(w, http.StatusOK, map[string]any{"resource": ts.URL + "/mcp", "authorization_servers": []string{s.URL}})
	})
	check := func(_ context.Context, token string, _ *http.Request) (*auth.TokenInfo, error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.tokens[token] != ts.URL+"/mcp" {
			return nil, auth.ErrInvalidToken
		}
		return &auth.TokenInfo{UserID: "owner", Expiration: time.Now().Add(time.Hour)}, nil
	}
	mux.Handle("/mcp", auth.RequireBearerToken(check, &auth.RequireBearerTokenOptions{ResourceMetadataURL: ts.URL + "/.well-known/oauth-protected-resource/mcp"})(
		mcp.NewStreamableHTTPHandler(func(*http.Request) *mcp.Server { return server }, nil)))
	return ts
}

// A service that asks for a sign-in says so, is attached once the owner's browser has
// been there and back, and stays so over a restart and over tokens that run out. The
// token is in the keyring, for this service alone.
func TestSignInAtAService(t *testing.T) {
	as := newIssuer(t)
	tickets := as.protected(t)
	home := filepath.Join(t.TempDir(), "home")
	start := func() *System {
		t.Helper()
		s, err := Start(t.Context(), Options{Home: home, Model: "offline", Listen: "127.0.0.1:0"})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	s := start()
	if err := os.WriteFile(filepath.Join(home, "system", "config.json"), []byte(`{"network": {"allow": ["127.0.0.1"]}}`), 0o644); err != nil {
		t.Fatal(err)
	}
	wait(t, func() bool {
		c, err := readConfig(s.disk, 0)
		return err == nil && len(c.Network.Allow) == 1
	})
	c := s.Client()
	if _, err := c.AddDriver(t.Context(), "tickets", map[string]any{"url": tickets.URL + "/mcp"}); err != nil {
		t.Fatal(err)
	}
	wait(t, func() bool { i, err := c.Driver(t.Context(), "tickets"); return err == nil && i.SignIn })
	if err := c.RestartDriver(t.Context(), "tickets"); !errors.Is(err, sys.Unauthorized) {
		t.Errorf("without a sign-in: %v", err)
	}

	address, err := c.SignInDriver(t.Context(), "tickets")
	if err != nil || !strings.HasPrefix(address, as.URL+"/authorize?") {
		t.Fatalf("%s %v", address, err)
	}
	status, text := browse(t, address)
	if status != http.StatusOK || !strings.Contains(text, "You are signed in at tickets") {
		t.Fatalf("%d %s", status, text)
	}
	if status, _ := browse(t, "http://"+s.Addr()+"/signedin?code=x&state=made-up"); status == http.StatusOK {
		t.Error("a made-up sign-in counts")
	}
	running := func() {
		t.Helper()
		wait(t, func() bool {
			i, err := c.Driver(t.Context(), "tickets")
			return err == nil && i.State == sys.DriverRunning && len(i.Tools) == 1
		})
	}
	running()
	call := func() {
		t.Helper()
		o, err := s.drivers.Find(t.Context(), "mcp__tickets__list")
		if err != nil {
			t.Fatal(err)
		}
		if r, err := s.drivers.Call(t.Context(), o, []byte(`{}`), nil); err != nil || !strings.Contains(r.Text, "plums") {
			t.Errorf("%+v %v", r, err)
		}
	}
	call()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = start()
	defer func() { s.Close() }()
	c = s.Client()
	if err := c.RestartDriver(t.Context(), "tickets"); err != nil {
		t.Fatal(err)
	}
	call()
	as.mu.Lock()
	if as.renewed == 0 || len(as.wrong) > 0 || len(as.clients) != 1 {
		t.Errorf("renewed %d times, %d clients, wrong: %q", as.renewed, len(as.clients), as.wrong)
	}
	secrets := slices.Concat(slices.Collect(maps.Keys(as.tokens)), slices.Collect(maps.Keys(as.refresh)))
	as.mu.Unlock()
	inNoFile(t, home, secrets)

	// Another service under the same name gets none of it.
	other := as.protected(t)
	if _, err := s.drivers.Add(t.Context(), "tickets", []byte(`{"url": "`+other.URL+`/mcp"}`), true); err != nil {
		t.Fatal(err)
	}
	wait(t, func() bool { i, err := c.Driver(t.Context(), "tickets"); return err == nil && i.SignIn })
}

// browse opens an address as a browser does, with redirects.
func browse(t *testing.T, address string) (int, string) {
	t.Helper()
	res, err := http.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(text)
}

// inNoFile checks that no secret is in a file of the home.
func inNoFile(t *testing.T, home string, secrets []string) {
	t.Helper()
	err := filepath.WalkDir(home, func(path string, d os.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		text, err := os.ReadFile(path)
		for _, s := range secrets {
			if strings.Contains(string(text), s) {
				t.Errorf("a token is in %s", path)
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
