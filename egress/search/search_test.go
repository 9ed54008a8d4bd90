package search_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"matrixos/egress"
	"matrixos/egress/search"
	"matrixos/keyring"
	"matrixos/sys"
)

const canary = "key-canary-5521"

func key() (keyring.Secret, error) { return keyring.NewSecret(canary), nil }

// The providers' wire formats, as their documentation gives them.
func TestProviders(t *testing.T) {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /res/v1/web/search", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Subscription-Token") != canary || r.URL.Query().Get("q") != "rye bread" || r.URL.Query().Get("count") != "2" {
			t.Errorf("Brave was asked %v %v", r.URL, r.Header)
		}
		_, _ = w.Write([]byte(`{"type":"search","web":{"results":[
			{"title":"Rye <strong>bread</strong> &amp; butter","url":"https://a.example/rye","description":"How to  bake"},
			{"title":"bad","url":"javascript:alert(1)","description":""},
			{"title":"Two","url":"https://b.example/","description":"x"},{"title":"Three","url":"https://c.example/","description":"y"}]}}`))
	})
	mux.HandleFunc("POST /search", func(w http.ResponseWriter, r *http.Request) {
		var body struct {
			Query string `json:"query"`
			Most  int    `json:"max_results"`
		}
		if err := json.NewDecoder(r.Body).Decode(&body); err != nil || body.Query != "rye bread" || body.Most != 2 || r.Header.Get("Authorization") != "Bearer "+canary {
			t.Errorf("Tavily was asked %+v %v %v", body, r.Header, err)
		}
		_, _ = w.Write([]byte(`{"query":"rye bread","results":[{"title":"Rye bread & butter","url":"https://a.example/rye","content":"How to bake","score":0.9},{"title":"Two","url":"https://b.example/","content":"x"}]}`))
	})
	mux.HandleFunc("GET /search", func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("format") != "json" || len(r.Header.Values("Authorization")) != 0 {
			t.Errorf("SearXNG was asked %v %v", r.URL, r.Header)
		}
		_, _ = w.Write([]byte(`{"results":[{"title":"Rye bread & butter","url":"https://a.example/rye","content":"How to bake"},{"title":"Two","url":"https://b.example/","content":"x"}]}`))
	})
	srv := httptest.NewServer(mux)
	defer srv.Close()
	want := []egress.Hit{{Title: "Rye bread & butter", URL: "https://a.example/rye", Text: "How to bake"}, {Title: "Two", URL: "https://b.example/", Text: "x"}}
	for name, s := range map[string]egress.Searcher{
		"Brave": search.Brave(srv.Client(), key, srv.URL), "Tavily": search.Tavily(srv.Client(), key, srv.URL), "SearXNG": search.SearXNG(srv.Client(), srv.URL+"/"),
	} {
		got, err := s.Search(t.Context(), "rye bread", 2)
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: %+v %v", name, got, err)
		}
	}
}

func TestRefusals(t *testing.T) {
	code, body := 0, ""
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(code)
		_, _ = w.Write([]byte(body))
	}))
	defer srv.Close()
	s := search.Brave(srv.Client(), key, srv.URL)
	for _, c := range []struct {
		code int
		body string
		kind sys.Kind
		says string
	}{
		{401, `{"error":{"detail":"The token is off"}}`, sys.Unauthorized, "The token is off"},
		{402, `{}`, sys.OverBudget, "credit"},
		{429, `{"message":"slow down"}`, sys.Unavailable, "slow down"},
		{422, `{"detail":"query too long"}`, sys.Invalid, "query too long"},
		{500, `<html>`, sys.Unavailable, "500"},
		{200, `<html>`, sys.Unavailable, "cannot be read"},
	} {
		code, body = c.code, c.body
		_, err := s.Search(t.Context(), "x", 3)
		if !errors.Is(err, c.kind) || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), canary) {
			t.Errorf("%d: %v, want %s with %q", c.code, err, c.kind, c.says)
		}
	}
	none := search.Brave(srv.Client(), func() (keyring.Secret, error) { return keyring.Secret{}, sys.NotFound }, srv.URL)
	if _, err := none.Search(t.Context(), "x", 3); !errors.Is(err, sys.Unauthorized) || !strings.Contains(err.Error(), "keys set brave") {
		t.Errorf("without a key: %v", err)
	}
	srv.Close()
	if _, err := s.Search(t.Context(), "x", 3); !errors.Is(err, sys.Unavailable) {
		t.Errorf("gone: %v", err)
	}
}
