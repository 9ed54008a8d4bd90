// Package search searches the web through Brave, Tavily, or a SearXNG of the
// owner's own. It returns what the provider found, in its order; every word of
// it is untrusted.
package search

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"matrixos/egress"
	"matrixos/egress/internal/api"
	"matrixos/keyring"
)

// The addresses of the providers that have one of their own.
const (
	BraveBase  = "https://api.search.brave.com"
	TavilyBase = "https://api.tavily.com"
)

const op = "search the web"

// Key lends a provider's key.
type Key func() (keyring.Secret, error)

// Brave searches through Brave's API; base is BraveBase if empty.
func Brave(client *http.Client, key Key, base string) egress.Searcher {
	return brave{api.Provider{Name: "Brave", Base: cmp.Or(base, BraveBase), Client: client, Key: key, Header: "X-Subscription-Token"}}
}

type brave struct{ api.Provider }

func (b brave) Search(ctx context.Context, query string, most int) ([]egress.Hit, error) {
	var out struct {
		Web struct {
			Results []struct{ Title, URL, Description string }
		}
	}
	q := url.Values{"q": {query}, "count": {strconv.Itoa(min(most, 20))}}
	if err := b.JSON(ctx, api.Call{Op: op, Method: http.MethodGet, Path: "/res/v1/web/search?" + q.Encode()}, &out); err != nil {
		return nil, err
	}
	hits := make([]egress.Hit, 0, len(out.Web.Results))
	for _, r := range out.Web.Results {
		hits = append(hits, egress.Hit{Title: plain(r.Title), URL: r.URL, Text: plain(r.Description)})
	}
	return first(hits, most), nil
}

// Tavily searches through Tavily's API; base is TavilyBase if empty.
func Tavily(client *http.Client, key Key, base string) egress.Searcher {
	return tavily{api.Provider{Name: "Tavily", Base: cmp.Or(base, TavilyBase), Client: client, Key: key, Header: "Authorization", Prefix: "Bearer "}}
}

type tavily struct{ api.Provider }

func (t tavily) Search(ctx context.Context, query string, most int) ([]egress.Hit, error) {
	return contents(ctx, t.Provider, api.Call{Op: op, Path: "/search", Body: map[string]any{"query": query, "max_results": min(most, 20)}}, most)
}

// SearXNG searches through an instance at base, which needs no key; its settings
// have to allow the format json.
func SearXNG(client *http.Client, base string) egress.Searcher {
	return searxng{api.Provider{Name: "SearXNG", Base: strings.TrimRight(base, "/"), Client: client}}
}

type searxng struct{ api.Provider }

func (s searxng) Search(ctx context.Context, query string, most int) ([]egress.Hit, error) {
	q := url.Values{"q": {query}, "format": {"json"}}
	return contents(ctx, s.Provider, api.Call{Op: op, Method: http.MethodGet, Path: "/search?" + q.Encode()}, most)
}

// contents reads the form of answer that Tavily and SearXNG share.
func contents(ctx context.Context, p api.Provider, c api.Call, most int) ([]egress.Hit, error) {
	var out struct {
		Results []struct{ Title, URL, Content string }
	}
	if err := p.JSON(ctx, c, &out); err != nil {
		return nil, err
	}
	hits := make([]egress.Hit, 0, len(out.Results))
	for _, r := range out.Results {
		hits = append(hits, egress.Hit{Title: plain(r.Title), URL: r.URL, Text: plain(r.Content)})
	}
	return first(hits, most), nil
}

// first keeps at most so many hits, and only those whose address can be read.
func first(hits []egress.Hit, most int) []egress.Hit {
	out := hits[:0]
	for _, h := range hits {
		if _, err := egress.ParseURL(h.URL); err == nil && len(out) < most {
			out = append(out, h)
		}
	}
	return out
}

var marks = strings.NewReplacer("<strong>", "", "</strong>", "", "<b>", "", "</b>", "", "&amp;", "&", "&lt;", "<", "&gt;", ">", "&quot;", `"`, "&#x27;", "'", "&#39;", "'")

// plain takes the marks of found words out, and bounds a hit.
func plain(s string) string {
	s = strings.Join(strings.Fields(marks.Replace(s)), " ")
	if r := []rune(s); len(r) > 500 {
		s = string(r[:500]) + "…"
	}
	return s
}
