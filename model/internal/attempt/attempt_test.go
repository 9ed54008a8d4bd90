package attempt

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"matrixos/model"
	"matrixos/sys"
)

func fails(again bool, after time.Duration) *Failure {
	return &Failure{Err: &sys.Error{Op: "ask", Kind: sys.Unavailable, Err: errors.New("no")}, Again: again, After: after}
}

func TestRunWaitsLongerEachTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var retries []model.Retry
		start, n := time.Now(), 0
		_, err := Policy{Retries: 9}.Run(t.Context(), func(d model.Delta) { retries = append(retries, *d.Retry) },
			func(context.Context, func(model.Delta), *Dog) (*model.Reply, *Failure) {
				n++
				return nil, fails(true, 0)
			})
		if sys.KindOf(err) != sys.Unavailable || n != 10 || len(retries) != 9 {
			t.Fatalf("%d attempts, %d retries, %v", n, len(retries), err)
		}
		var sum time.Duration
		for i, r := range retries {
			most := min(500*time.Millisecond<<i, 30*time.Second)
			if r.After < most/2 || r.After > most || r.Attempt != i+1 {
				t.Errorf("retry %d waits %v, want %v to %v", i+1, r.After, most/2, most)
			}
			sum += r.After
		}
		if took := time.Since(start); took != sum {
			t.Errorf("took %v, want the %v that were announced", took, sum)
		}
	})
}

func TestRunHeedsTheProvider(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start, n := time.Now(), 0
		rep, err := Policy{}.Run(t.Context(), func(model.Delta) {},
			func(context.Context, func(model.Delta), *Dog) (*model.Reply, *Failure) {
				if n++; n == 1 {
					f := fails(true, 59*time.Second)
					f.Cost = sys.Cost{Input: 10, USD: 1}
					return nil, f
				}
				return &model.Reply{Cost: sys.Cost{Input: 5, USD: 2}}, nil
			})
		if err != nil || time.Since(start) != 59*time.Second {
			t.Errorf("took %v, %v", time.Since(start), err)
		}
		if want := (sys.Cost{Input: 15, USD: 3, Estimated: true}); rep.Cost != want {
			t.Errorf("cost = %+v, want %+v", rep.Cost, want)
		}
	})
}

func TestFailureCarriesItsCost(t *testing.T) {
	for _, again := range []bool{true, false} {
		rep, err := Policy{Retries: 1, Backoff: time.Nanosecond}.Run(t.Context(), func(model.Delta) {},
			func(context.Context, func(model.Delta), *Dog) (*model.Reply, *Failure) {
				f := fails(again, 0)
				f.Cost = sys.Cost{Output: 7}
				return nil, f
			})
		want := int64(7)
		if again {
			want = 14
		}
		if err == nil || rep == nil || rep.Cost.Output != want || len(rep.Message.Blocks) > 0 {
			t.Errorf("again %v: %+v, %v; want %d output tokens", again, rep, err, want)
		}
	}
}

func TestRunDoesNotWaitForever(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		_, err := Policy{}.Run(t.Context(), func(model.Delta) { t.Error("announced a retry that never comes") },
			func(context.Context, func(model.Delta), *Dog) (*model.Reply, *Failure) {
				return nil, fails(true, time.Hour)
			})
		if time.Since(start) != 0 || !strings.Contains(sys.HintOf(err), "1h0m0s") {
			t.Errorf("took %v, %v", time.Since(start), err)
		}
	})
}

// slowBody yields its pieces with a pause before each.
type slowBody struct {
	over   <-chan struct{}
	pauses []time.Duration
	closed bool
}

func (b *slowBody) Read(p []byte) (int, error) {
	if len(b.pauses) == 0 {
		return 0, io.EOF
	}
	select {
	case <-time.After(b.pauses[0]):
		b.pauses = b.pauses[1:]
		p[0] = 'x'
		return 1, nil
	case <-b.over:
		return 0, context.Canceled
	}
}

func (b *slowBody) Close() error { b.closed = true; return nil }

func read(pauses []time.Duration, work time.Duration) Once {
	return func(ctx context.Context, _ func(model.Delta), dog *Dog) (*model.Reply, *Failure) {
		resp := &http.Response{Body: &slowBody{over: ctx.Done(), pauses: pauses}}
		dog.Listen(resp)
		defer resp.Body.Close()
		for {
			if _, err := resp.Body.Read(make([]byte, 8)); err == io.EOF {
				return &model.Reply{}, nil
			} else if err != nil {
				return nil, Transport("ask", "http://x", "m", err)
			}
			time.Sleep(work)
		}
	}
}

func TestDogCountsSilenceOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const s = time.Second
		p := Policy{Retries: -1}
		if _, err := p.Run(t.Context(), func(model.Delta) {}, read([]time.Duration{80 * s, 80 * s, 80 * s}, 0)); err != nil {
			t.Errorf("a slow but living stream was broken off: %v", err)
		}
		if _, err := p.Run(t.Context(), func(model.Delta) {}, read([]time.Duration{s, s}, 200*s)); err != nil {
			t.Errorf("our own work counted as silence: %v", err)
		}
		start := time.Now()
		_, err := p.Run(t.Context(), func(model.Delta) {}, read([]time.Duration{s, 1000 * s}, 0))
		if !errors.Is(err, errIdle) || sys.KindOf(err) != sys.Unavailable || time.Since(start) != 91*s {
			t.Errorf("a dead stream was left after %v: %v", time.Since(start), err)
		}
	})
}

func TestCloseDrainsBriefly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, pauses := range [][]time.Duration{{time.Millisecond, time.Millisecond}, {time.Millisecond, time.Hour}} {
			ctx, cancel := context.WithCancel(t.Context())
			body := &slowBody{over: ctx.Done(), pauses: pauses}
			resp := &http.Response{Body: body}
			(&Dog{time.AfterFunc(time.Hour, cancel), time.Hour}).Listen(resp)
			start := time.Now()
			if err := resp.Body.Close(); err != nil || !body.closed {
				t.Errorf("close: %v", err)
			}
			if took := time.Since(start); took > drainTime+2*time.Millisecond {
				t.Errorf("closing took %v", took)
			}
			if len(body.pauses) > 1 {
				t.Error("nothing was drained")
			}
			cancel()
		}
	})
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		name, value string
		want        time.Duration
	}{
		{"Retry-After", "", 0},
		{"Retry-After", "3", 3 * time.Second},
		{"Retry-After", "0.25", 250 * time.Millisecond},
		{"Retry-After", "-3", 0},
		{"Retry-After", "NaN", 0},
		{"Retry-After", "Inf", 365 * 24 * time.Hour},
		{"Retry-After", "1e300", 365 * 24 * time.Hour},
		{"Retry-After", "tomorrow", 0},
		{"Retry-After", "Mon, 23 Nov 2026 12:00:30 GMT", 30 * time.Second},
		{"Retry-After", "Mon, 23 Nov 2026 11:00:00 GMT", 0},
		{"Retry-After-Ms", "40", 40 * time.Millisecond},
	} {
		h := http.Header{}
		h.Set(c.name, c.value)
		if got := RetryAfter(h, now); got != c.want {
			t.Errorf("%s: %s = %v, want %v", c.name, c.value, got, c.want)
		}
	}
}

func FuzzRetryAfter(f *testing.F) {
	for _, s := range []string{"1", "1e999", "-0", "0x1p-2", "Mon, 23 Nov 2026 12:00:30 GMT", "Inf"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, v string) {
		h := http.Header{"Retry-After": {v}}
		if d := RetryAfter(h, time.Now()); d < 0 || d > 366*24*time.Hour {
			t.Errorf("%q = %v", v, d)
		}
	})
}

func TestOverflow(t *testing.T) {
	for _, c := range []struct {
		status int
		text   string
		want   bool
	}{
		{400, "prompt is too long: 1000213 tokens > 1000000 maximum", true},
		{400, "input length and `max_tokens` exceed context limit: 190000 + 64000 > 200000", true},
		{400, "This model's maximum context length is 128000 tokens.", true},
		{400, `{"error":{"code":"context_length_exceeded"}}`, true},
		{400, "the request exceeds the available context size, try increasing it", true},
		{500, "Context size has been exceeded.", true},
		{413, "", true},
		{400, "tools.0.name: too long", false},
		{401, "maximum context length", false},
		{429, "prompt is too long", false},
	} {
		if got := Overflow(c.status, c.text); got != c.want {
			t.Errorf("Overflow(%d, %q) = %v", c.status, c.text, got)
		}
	}
}

func TestTransportHidesTheAddressInside(t *testing.T) {
	_, err := http.Get("http://127.0.0.1:1/v1?token=sesame")
	f := Transport("ask", "http://127.0.0.1:1", "m", err)
	if strings.Contains(f.Err.Error(), "sesame") || !f.Again || f.Err.Kind != sys.Unavailable {
		t.Errorf("%+v: %v", f, f.Err)
	}
}
