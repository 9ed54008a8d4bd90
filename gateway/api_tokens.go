package gateway

import (
	"context"
	"errors"
	"net/http"
	"path"
	"slices"
	"strings"
	"time"

	"matrixos/sys"
)

// NewToken is a token that was just made, with its value, which is shown once.
type NewToken struct {
	Token
	Value string `json:"value"`
	URL   string `json:"url" doc:"Where it lets in, by streamable HTTP"`
}

// TokenBody says what a new token is to let in to.
type TokenBody struct {
	Name    string   `json:"name" minLength:"1" maxLength:"40" pattern:"^[a-z0-9]+(-[a-z0-9]+)*$"`
	May     []Scope  `json:"may,omitempty" maxItems:"10" enum:"read,data,files,tasks,ask" doc:"read if absent"`
	Folders []string `json:"folders,omitempty" maxItems:"50" doc:"For files: what it may change files in; apps/ and projects/ if absent"`
	Days    int      `json:"days,omitempty" minimum:"1" maximum:"366" default:"90"`
}

// tokenAPI registers the tokens of agents of others.
func (g *Gateway) tokenAPI() {
	register(g, http.MethodGet, "/api/tokens", "list-tokens", "Tokens that let agents of others in", func(context.Context, *struct{}) (*reply[[]Token], error) {
		return &reply[[]Token]{g.tokens.list()}, nil
	})
	register(g, http.MethodPost, "/api/tokens", "make-token", "Let an agent of somebody else in; the answer shows the token once", func(ctx context.Context, in *reply[TokenBody]) (*reply[NewToken], error) {
		t, err := in.Body.token(g.now())
		if err != nil {
			return nil, err
		}
		value, t, err := g.tokens.make(ctx, t)
		if err != nil {
			return nil, err
		}
		return &reply[NewToken]{NewToken{t, value, g.base() + "/mcp"}}, nil
	})
	register(g, http.MethodDelete, "/api/tokens/{id}", "revoke-token", "Revoke a token; what its holder had begun is dropped", func(ctx context.Context, in *struct {
		ID string `path:"id" maxLength:"64"`
	}) (*struct{}, error,
	) {
		err := g.tokens.end(ctx, in.ID)
		if err == nil && g.o.MCP != nil {
			g.o.MCP.Leave(in.ID)
		}
		return nil, err
	})
}

// base is the desktop's own address, as it is reached from elsewhere.
func (g *Gateway) base() string {
	if len(g.o.Origins) > 0 {
		return g.o.Origins[0]
	}
	return g.o.Base
}

// token is what the body asks for.
func (b TokenBody) token(now time.Time) (Token, error) {
	t := Token{Name: sys.Slug(b.Name), May: b.May, Expires: now.UTC().Add(time.Duration(b.Days) * 24 * time.Hour)}
	if len(t.May) == 0 {
		t.May = []Scope{MayRead}
	}
	if !slices.Contains(t.May, MayFiles) {
		if len(b.Folders) > 0 {
			return t, &sys.Error{Op: "make token", Path: b.Name, Kind: sys.Invalid, Err: errors.New("it names folders, but may not change files"), Hint: "add the scope files"}
		}
		return t, nil
	}
	for _, f := range b.Folders {
		p, err := sys.ParsePath(path.Clean(strings.TrimPrefix(f, "~/")))
		if err != nil {
			return t, err
		}
		t.Folders = append(t.Folders, string(p)+"/")
	}
	if t.Folders == nil {
		t.Folders = tokenFolders
	}
	return t, nil
}
