package gateway_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"testing"

	"matrixos/gateway"
)

// guests answers with what a token's holder may do.
type guests struct{ left []string }

func (g *guests) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	fmt.Fprintf(w, "%s may call %v and write %v", gateway.TokenOf(r.Context()).Name, gateway.TokenOf(r.Context()).Guest().Calls, gateway.TokenOf(r.Context()).Guest().Writes)
}

func (g *guests) Leave(token string) { g.left = append(g.left, token) }

// A token opens /mcp for what it names, nothing else, and is good until it is revoked.
func TestTokens(t *testing.T) {
	g := &guests{}
	w := newWorld(t, func(o *gateway.Options) { o.MCP = g })
	owner := "Authorization: Bearer " + token
	add := func(body string) (made gateway.NewToken, status int) {
		t.Helper()
		a := w.do("POST", "/api/tokens", body, owner)
		if a.StatusCode == http.StatusOK {
			if err := json.Unmarshal([]byte(a.body), &made); err != nil {
				t.Fatal(err)
			}
		}
		return made, a.StatusCode
	}
	made, _ := add(`{"name": "claude-code", "may": ["files"], "folders": ["projects/garden"]}`)
	if made.Value == "" || made.URL != w.server.URL+"/mcp" {
		t.Fatalf("%+v", made)
	}
	guest := "Authorization: Bearer " + made.Value
	if a := w.do("POST", "/mcp", "{}", guest); a.body != "claude-code may call [Read Glob Grep Write Edit] and write [projects/garden/]" {
		t.Errorf("%d %s", a.StatusCode, a.body)
	}
	for _, c := range []struct{ method, path, auth string }{
		{"POST", "/mcp", owner},
		{"POST", "/mcp", "Authorization: Bearer mx_made-up"},
		{"GET", "/mcp", w.signIn()},
		{"GET", "/api/files", guest},
		{"POST", "/api/tokens", guest},
		{"GET", "/metrics", guest},
	} {
		if a := w.do(c.method, c.path, "", c.auth); a.StatusCode != http.StatusUnauthorized {
			t.Errorf("%s %s with %s: %d", c.method, c.path, c.auth, a.StatusCode)
		}
	}
	if a := w.do("POST", "/mcp", "{}", guest, "Origin: https://evil.example"); a.StatusCode != http.StatusForbidden {
		t.Errorf("from another site: %d", a.StatusCode)
	}
	for _, bad := range []string{`{"name": "Not A Slug"}`, `{"name": "x", "may": ["everything"]}`, `{"name": "x", "folders": ["projects"]}`, `{"name": "x", "may": ["files"], "folders": ["../up"]}`, `{"name": "x", "days": 10000}`} {
		if _, status := add(bad); status < 400 || status >= 500 {
			t.Errorf("%s: %d", bad, status)
		}
	}
	if a := w.do("DELETE", "/api/tokens/"+made.ID, "", owner); a.StatusCode >= 300 || len(g.left) != 1 || g.left[0] != made.ID {
		t.Errorf("revoked: %d %v", a.StatusCode, g.left)
	}
	if a := w.do("POST", "/mcp", "{}", guest); a.StatusCode != http.StatusUnauthorized {
		t.Errorf("revoked, and lets in: %d", a.StatusCode)
	}
}
