package gateway

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"net/http"
	"sync"
	"time"

	"matrixos/sys"
)

const (
	codeLife     = 10 * time.Minute
	codesAtOnce  = 16
	triesAtOnce  = 10              // before the limit bites
	tryRefill    = 6 * time.Second // one more try each
	secretLength = 32              // bytes: 256 bits
)

// secret returns a fresh random secret in a form that fits into addresses and
// headers. It cannot fail: without randomness the process ends.
func secret() string {
	b := make([]byte, secretLength)
	_, _ = rand.Read(b) // never returns an error since Go 1.24
	return base64.RawURLEncoding.EncodeToString(b)
}

// codes are the sign-in codes that are still good: short-lived, single-use,
// kept as hashes, gone when the process ends.
type codes struct {
	now func() time.Time

	mu    sync.Mutex
	live  []code
	tries float64 // wrong codes that are still allowed
	since time.Time
}

type code struct {
	hash    [sha256.Size]byte
	expires time.Time
}

func newCodes(now func() time.Time) *codes {
	return &codes{now: now, tries: triesAtOnce, since: now()}
}

// issue makes a new code. Beyond a handful the oldest stops working.
func (c *codes) issue() (string, time.Time) {
	s := secret()
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.now().Add(codeLife)
	c.live = append(c.live, code{sha256.Sum256([]byte(s)), e})
	if len(c.live) > codesAtOnce {
		c.live = c.live[1:]
	}
	return s, e
}

// redeem uses a code up. Every code is compared in constant time, and too many
// wrong ones in a row are answered without looking.
func (c *codes) redeem(s string) *Problem {
	hash := sha256.Sum256([]byte(s))
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.now()
	c.tries = min(triesAtOnce, c.tries+now.Sub(c.since).Seconds()/tryRefill.Seconds())
	c.since = now
	if c.tries < 1 {
		return newProblem(http.StatusTooManyRequests, sys.Refused, "too many wrong sign-in codes", "wait a minute, then run `matrixos signin` for a new link")
	}
	found := -1
	live := c.live[:0]
	for _, k := range c.live {
		if !now.Before(k.expires) {
			continue
		}
		live = append(live, k)
		if subtle.ConstantTimeCompare(hash[:], k.hash[:]) == 1 {
			found = len(live) - 1
		}
	}
	c.live = live
	if found < 0 {
		c.tries--
		return newProblem(http.StatusUnauthorized, sys.Unauthorized, "the sign-in link was used before, or is older than ten minutes", "run `matrixos signin` for a new one")
	}
	c.live = append(c.live[:found], c.live[found+1:]...)
	return nil
}
