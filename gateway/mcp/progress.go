package mcp

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// tellEvery is the time between two signs of life of a call, for a client that asked
// for them: one that hears nothing may give up.
const tellEvery = 5 * time.Second

// peekMost is how much of a request is looked at to find out whether it wants to
// hear of progress, which stands beside its arguments.
const peekMost = 16 << 20

// wantsProgress reports whether a request asks to hear how it goes on.
func wantsProgress(r *http.Request) (bool, error) {
	body, err := io.ReadAll(io.LimitReader(r.Body, peekMost))
	if err != nil {
		return false, err
	}
	r.Body = struct {
		io.Reader
		io.Closer
	}{io.MultiReader(bytes.NewReader(body), r.Body), r.Body}
	return bytes.Contains(body, []byte(`"progressToken"`)), nil
}

// patiently does something, and lets a client that asked for it know now and then
// that it is still being done.
func patiently[T any](ctx context.Context, r *mcp.CallToolRequest, every time.Duration, do func() (T, error)) (T, error) {
	token := r.Params.GetProgressToken()
	if token == nil {
		return do()
	}
	ctx, stop := context.WithCancel(ctx)
	var telling sync.WaitGroup
	defer telling.Wait()
	defer stop()
	telling.Go(func() {
		tick := time.NewTicker(every)
		defer tick.Stop()
		begun := time.Now()
		for n := 1.0; ; n++ {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			message := fmt.Sprintf("%s: at work for %s", r.Params.Name, time.Since(begun).Round(time.Second))
			if r.Session.NotifyProgress(ctx, &mcp.ProgressNotificationParams{ProgressToken: token, Progress: n, Message: message}) != nil {
				return // nobody listens any more
			}
		}
	})
	return do()
}
