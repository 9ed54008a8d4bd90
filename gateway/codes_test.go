package gateway

import (
	"net/http"
	"testing"
	"time"
)

func TestCodeLife(t *testing.T) {
	now := time.Unix(1_000_000, 0)
	c := newCodes(func() time.Time { return now })
	old, expires := c.issue()
	if got := expires.Sub(now); got != codeLife {
		t.Fatalf("a code lives %v", got)
	}
	now = now.Add(codeLife)
	fresh, _ := c.issue()
	if p := c.redeem(old); p == nil || p.Status != http.StatusUnauthorized {
		t.Errorf("expired: %v", p)
	}
	if p := c.redeem(fresh); p != nil {
		t.Errorf("fresh: %v", p)
	}
	if p := c.redeem(fresh); p == nil {
		t.Error("a code works twice")
	}
	if p := c.redeem(""); p == nil {
		t.Error("no code works")
	}
}

// Codes that nobody uses do not pile up, and the newest ones stay good.
func TestCodesAreFew(t *testing.T) {
	c := newCodes(time.Now)
	first, _ := c.issue()
	var last string
	for range codesAtOnce {
		last, _ = c.issue()
	}
	if c.redeem(first) == nil {
		t.Error("the oldest is still good")
	}
	if p := c.redeem(last); p != nil {
		t.Errorf("the newest: %v", p)
	}
}

// The limit on wrong codes is lifted by time alone.
func TestCodeLimit(t *testing.T) {
	now := time.Unix(1_000_000, 0)
	c := newCodes(func() time.Time { return now })
	good, _ := c.issue()
	for range triesAtOnce {
		if p := c.redeem("wrong"); p == nil || p.Status != http.StatusUnauthorized {
			t.Fatalf("%v", p)
		}
	}
	if p := c.redeem(good); p == nil || p.Status != http.StatusTooManyRequests {
		t.Fatalf("beyond the limit: %v", p)
	}
	now = now.Add(tryRefill)
	if p := c.redeem(good); p != nil {
		t.Errorf("the good code was used up: %v", p)
	}
}

func TestSecretsDiffer(t *testing.T) {
	seen := map[string]bool{}
	for range 100 {
		s := secret()
		if len(s) < 43 || seen[s] { // 256 bits in base64
			t.Fatalf("secret %q", s)
		}
		seen[s] = true
	}
}
