package kernel

import (
	"net/url"
	"regexp"
	"strings"
	"sync"
)

// mostKnown is how many known addresses one request may fetch: which of them are
// fetched, and in which order, could itself say something.
const mostKnown = 100

// known are the addresses of one request that nothing private can be in: the
// owner wrote them, or they were found outside as they are.
type known struct {
	mu   sync.Mutex
	set  map[string]bool
	used int
}

var (
	addressForm = regexp.MustCompile(`https?://[^\s<>"'` + "`" + `]+`)
	hostForm    = regexp.MustCompile(`(?i)\b(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+[a-z]{2,}\b(?:/[^\s<>"'` + "`" + `]*)?`)
)

// words notes the addresses in what the owner said; "example.org" stands for
// that host's first page.
func (k *known) words(text string) {
	for _, a := range addressForm.FindAllString(text, -1) {
		k.add(strings.TrimRight(a, ".,;:!?)]}"))
	}
	for _, h := range hostForm.FindAllString(text, -1) {
		h = strings.TrimRight(h, ".,;:!?)]}")
		k.add("https://"+h, "http://"+h)
	}
}

func (k *known) add(addresses ...string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.set == nil {
		k.set = map[string]bool{}
	}
	for _, a := range addresses {
		if n, ok := normal(a); ok {
			k.set[n] = true
		}
	}
}

// has reports whether an address is known, and counts it as used.
func (k *known) has(address string) bool {
	n, ok := normal(address)
	k.mu.Lock()
	defer k.mu.Unlock()
	if !ok || !k.set[n] || k.used >= mostKnown {
		return false
	}
	k.used++
	return true
}

// normal is an address without what does not reach the server.
func normal(address string) (string, bool) {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return "", false
	}
	u.Fragment, u.RawFragment = "", ""
	u.Scheme, u.Host = strings.ToLower(u.Scheme), strings.ToLower(u.Host)
	if u.Path == "" {
		u.Path = "/"
	}
	return u.String(), true
}
