package mcp

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// A client that asks for it hears that a long call is still at work; one that does
// not ask is answered in one piece.
func TestALongCallGivesSignsOfLife(t *testing.T) {
	heard := make(chan string, 64)
	release := make(chan struct{})
	server := mcp.NewServer(&mcp.Implementation{Name: "played", Version: "1"}, nil)
	server.AddTool(&mcp.Tool{Name: "long", InputSchema: object("")}, func(ctx context.Context, r *mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		return patiently(ctx, r, time.Millisecond, func() (*mcp.CallToolResult, error) {
			if r.Params.GetProgressToken() != nil {
				<-release
			}
			return &mcp.CallToolResult{Content: []mcp.Content{&mcp.TextContent{Text: "done"}}}, nil
		})
	})
	s := &Server{}
	for whole, to := range map[bool]*http.Handler{true: &s.whole, false: &s.stream} {
		*to = mcp.NewStreamableHTTPHandler(func(*http.Request) *mcp.Server { return server }, &mcp.StreamableHTTPOptions{Stateless: true, JSONResponse: whole})
	}
	ts := httptest.NewServer(s)
	defer ts.Close()
	c, err := mcp.NewClient(&mcp.Implementation{Name: "client", Version: "1"}, &mcp.ClientOptions{
		ProgressNotificationHandler: func(_ context.Context, r *mcp.ProgressNotificationClientRequest) { heard <- r.Params.Message },
	}).Connect(t.Context(), &mcp.StreamableClientTransport{Endpoint: ts.URL, DisableStandaloneSSE: true}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	go func() {
		for range 3 {
			if text := <-heard; !strings.HasPrefix(text, "long: at work for ") {
				t.Errorf("heard %q", text)
			}
		}
		close(release)
		for range heard {
		}
	}()
	for _, token := range []any{"a-token", nil} {
		p := &mcp.CallToolParams{Name: "long"}
		if token != nil {
			p.SetProgressToken(token)
		}
		res, err := c.CallTool(t.Context(), p)
		if err != nil || res.Content[0].(*mcp.TextContent).Text != "done" {
			t.Errorf("%v: %+v, %v", token, res, err)
		}
	}
}
