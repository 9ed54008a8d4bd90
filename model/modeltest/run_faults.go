package modeltest

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"matrixos/model"
	"matrixos/sys"
)

func overflows(j *judge, t *testing.T) {
	s, m := j.serve(t, Script(Turn{Fault: &Fault{Kind: TooLong, Times: -1}}))
	got := must(t, m, request("hi"))
	if got.Stop != model.StopOverflow || len(s.Requests()) != 1 {
		t.Errorf("stop = %q after %d requests, want %q after one", got.Stop, len(s.Requests()), model.StopOverflow)
	}
}

func triesAgain(j *judge, t *testing.T) {
	const words = "This answer is long enough to break in the middle of it, more than once if need be."
	for name, f := range map[string]Fault{
		"rate limit":             {Kind: HTTPError, Status: 429},
		"rate limit, twice":      {Kind: HTTPError, Status: 429, Times: 2},
		"retry-after":            {Kind: HTTPError, Status: 429, RetryAfter: "0.03"},
		"retry-after negative":   {Kind: HTTPError, Status: 429, RetryAfter: "-5"},
		"retry-after not finite": {Kind: HTTPError, Status: 429, RetryAfter: "NaN"},
		"retry-after in words":   {Kind: HTTPError, Status: 503, RetryAfter: "soon"},
		"retry-after past":       {Kind: HTTPError, Status: 503, RetryAfter: "Fri, 01 Jan 1999 00:00:00 GMT"},
		"overloaded":             {Kind: HTTPError, Status: 529},
		"internal":               {Kind: HTTPError, Status: 500},
		"bad gateway":            {Kind: HTTPError, Status: 502},
		"timeout":                {Kind: HTTPError, Status: 408},
		"error in the stream":    {Kind: ErrorMid},
		"truncated":              {Kind: Truncate},
		"dropped at once":        {Kind: Drop, After: 1},
		"dropped early":          {Kind: Drop, After: 500},
		"dropped late":           {Kind: Drop, After: 1500},
		"dropped thrice":         {Kind: Drop, Times: 3},
		"silent from the start":  {Kind: Hang},
		"silent in the middle":   {Kind: Hang, After: 600},
		"garbage":                {Kind: Garbage},
		"no stream":              {Kind: NotStream},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, m := j.serve(t, Script(Turn{Text: words, Piece: 5, Fault: &f}))
			got := must(t, m, request("hi"))
			if got.text(ofText) != words {
				t.Errorf("text = %q, want %q", got.text(ofText), words)
			}
			times := max(f.Times, 1)
			if n := len(s.Requests()); n != times+1 {
				t.Errorf("%d requests, want %d", n, times+1)
			}
			retries := got.retries()
			if len(retries) != times {
				t.Fatalf("%d retries were announced, want %d", len(retries), times)
			}
			for i, r := range retries {
				if r.Attempt != i+1 || r.Reason == "" || strings.Contains(r.Reason, key) {
					t.Errorf("retry %d = %+v", i, r)
				}
			}
			if f.RetryAfter == "0.03" && retries[0].After != 30*time.Millisecond {
				t.Errorf("pause = %v, want the 30ms that the server asked for", retries[0].After)
			}
		})
	}
}

func givesUp(j *judge, t *testing.T) {
	for name, c := range map[string]struct {
		fault    Fault
		kind     sys.Kind
		requests int
		hint     string
	}{
		"wrong key":          {Fault{Kind: HTTPError, Status: 401}, sys.Unauthorized, 1, "key"},
		"forbidden":          {Fault{Kind: HTTPError, Status: 403}, sys.Unauthorized, 1, "key"},
		"no such model":      {Fault{Kind: HTTPError, Status: 404}, sys.Invalid, 1, ID},
		"rejected":           {Fault{Kind: HTTPError, Status: 400, Message: "tools.0: bad schema"}, sys.Invalid, 1, ""},
		"no credit":          {Fault{Kind: HTTPError, Status: 400, Message: "Your credit balance is too low"}, sys.Unavailable, 1, "credit"},
		"no quota":           {Fault{Kind: HTTPError, Status: 429, Message: "insufficient_quota"}, sys.Unavailable, 1, "credit"},
		"an hour's wait":     {Fault{Kind: HTTPError, Status: 429, RetryAfter: "3600"}, sys.Unavailable, 1, "1h0m0s"},
		"an age's wait":      {Fault{Kind: HTTPError, Status: 429, RetryAfter: "1e300"}, sys.Unavailable, 1, "wait"},
		"a far date":         {Fault{Kind: HTTPError, Status: 503, RetryAfter: "Fri, 01 Jan 2100 00:00:00 GMT"}, sys.Unavailable, 1, "wait"},
		"always overloaded":  {Fault{Kind: HTTPError, Status: 529}, sys.Unavailable, Retries + 1, "another model"},
		"always broken off":  {Fault{Kind: Truncate}, sys.Unavailable, Retries + 1, "another model"},
		"always dropped":     {Fault{Kind: Drop}, sys.Unavailable, Retries + 1, "another model"},
		"always silent":      {Fault{Kind: Hang}, sys.Unavailable, Retries + 1, "another model"},
		"always an error":    {Fault{Kind: ErrorMid}, sys.Unavailable, Retries + 1, "another model"},
		"never streams":      {Fault{Kind: NotStream}, sys.Unavailable, Retries + 1, "another model"},
		"an unknown failure": {Fault{Kind: HTTPError, Status: 418}, sys.Invalid, 1, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c.fault.Times = -1
			s, m := j.serve(t, Script(Turn{Text: "never whole", Piece: 3, Fault: &c.fault}))
			got := ask(t.Context(), m, request("hi"))
			refused(t, got.err, c.kind, c.hint)
			if n := len(s.Requests()); n != c.requests {
				t.Errorf("%d requests, want %d", n, c.requests)
			}
			if c.fault.Message != "" && !strings.Contains(got.err.Error(), c.fault.Message) {
				t.Errorf("the provider's message is lost: %v", got.err)
			}
			if got.Reply != nil && len(got.Message.Blocks) > 0 {
				t.Errorf("a failed request has a message: %+v", got.Message)
			}
		})
	}
	t.Run("wrong key, checked", func(t *testing.T) {
		s := New(Script(Turn{Text: "secret"}))
		s.Key = "another"
		ts := httptest.NewServer(s)
		defer ts.Close()
		got := ask(t.Context(), j.newModel(t, ts.URL, key), request("hi"))
		refused(t, got.err, sys.Unauthorized, "key", ts.URL)
	})
	t.Run("nobody there", func(t *testing.T) {
		ts := httptest.NewServer(http.NotFoundHandler())
		ts.Close()
		got := ask(t.Context(), j.newModel(t, ts.URL, key), request("hi"))
		refused(t, got.err, sys.Unavailable, ts.URL)
	})
}

// followsNoRedirect checks that a key does not leave for another server.
func followsNoRedirect(j *judge, t *testing.T) {
	var reached atomic.Bool
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached.Store(true) }))
	defer other.Close()
	ts := httptest.NewServer(http.RedirectHandler(other.URL, http.StatusTemporaryRedirect))
	defer ts.Close()
	got := ask(t.Context(), j.newModel(t, ts.URL, key), request("hi"))
	refused(t, got.err, sys.Invalid, "redirect")
	if reached.Load() {
		t.Error("the request went to the other server")
	}
}

// keepsConnection checks that requests in a row share one connection: a new one
// costs a handshake each time.
func keepsConnection(j *judge, t *testing.T) {
	s := New(Script(Turn{Text: strings.Repeat("some words ", 100)}))
	s.Key = key
	ts := httptest.NewUnstartedServer(s)
	var opened atomic.Int32
	ts.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			opened.Add(1)
		}
	}
	ts.Start()
	defer ts.Close()
	m := j.newModel(t, ts.URL, key)
	for range 8 {
		must(t, m, request("hi"))
	}
	if n := opened.Load(); n > 2 {
		t.Errorf("8 requests opened %d connections", n)
	}
}

func cancels(j *judge, t *testing.T) {
	slow := strings.Repeat("word ", 1000)
	for name, turn := range map[string]Turn{
		"before the answer": {Text: slow, Delay: Duration(time.Minute)},
		"in the stream":     {Text: slow, Pace: Duration(5 * time.Millisecond)},
		"in a pause":        {Text: slow, Fault: &Fault{Kind: HTTPError, Status: 429, RetryAfter: "1.9", Times: -1}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, m := j.serve(t, Script(turn))
			ctx, cancel := context.WithCancel(t.Context())
			time.AfterFunc(100*time.Millisecond, cancel)
			got := ask(ctx, m, request("hi"))
			refused(t, got.err, sys.Canceled)
			if !errors.Is(got.err, context.Canceled) {
				t.Errorf("err = %v, which does not wrap context.Canceled", got.err)
			}
		})
	}
	t.Run("already", func(t *testing.T) {
		s, m := j.serve(t, Script(Turn{Text: "x"}))
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		refused(t, ask(ctx, m, request("hi")).err, sys.Canceled)
		if n := len(s.Requests()); n != 0 {
			t.Errorf("%d requests arrived", n)
		}
	})
}
