package kernel

import (
	"context"
	"encoding/json"
	"errors"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"

	"matrixos/sys"
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

// mostTyped is how long a text may be of which it counts what it names: a longer
// one is likely to be somebody else's, which the owner has pasted. The addresses in
// it are known all the same, as they stand.
const mostTyped = 1000

// namesHost reports whether a text of the owner's names a host.
func namesHost(text, host string) bool {
	if len(text) > mostTyped {
		return false
	}
	same := func(h string) bool {
		return strings.EqualFold(strings.TrimPrefix(h, "www."), strings.TrimPrefix(host, "www."))
	}
	for _, a := range addressForm.FindAllString(text, -1) {
		if u, err := url.Parse(a); err == nil && same(u.Hostname()) {
			return true
		}
	}
	return slices.ContainsFunc(hostForm.FindAllString(text, -1), func(h string) bool {
		h, _, _ = strings.Cut(h, "/")
		return same(h)
	})
}

// learn notes the addresses of a request: those in the owner's words, and of words
// that the system has written down for later those that the owner has said, too.
func (k *Kernel) learn(ctx context.Context, r *request) error {
	if isGuest(r.from) {
		return nil // it names nothing
	}
	if from := r.from; from != fromSchedule && from != fromHeartbeat {
		r.known.words(r.text)
		return nil
	}
	for _, a := range addressForm.FindAllString(r.text, -1) {
		a = strings.TrimRight(a, ".,;:!?)]}")
		u, err := url.Parse(a)
		if err != nil {
			continue
		}
		said, err := k.ownerSaid(ctx, "", u.Hostname(), func(text string) bool { return strings.Contains(text, a) })
		if err != nil {
			return err
		}
		if said {
			r.known.add(a)
		}
	}
	return nil
}

// named reports whether the owner has named a host: in the conversation that the
// process works for, or, if it runs for a schedule, in any.
func (p *process) named(ctx context.Context, host string) (bool, error) {
	r := p.req()
	talk := r.conversation
	if r.from == fromSchedule || r.from == fromHeartbeat {
		talk = ""
	}
	return p.k.ownerSaid(ctx, talk, host, func(text string) bool { return namesHost(text, host) })
}

// FromMatrix is the channel of what the owner writes to the AI where nobody else
// reads or writes.
const FromMatrix = "matrix"

// namesPerson reports whether the owner has named a handle, as it stands, in the
// conversation that the process works for.
func (p *process) namesPerson(ctx context.Context, h sys.Handle) (bool, error) {
	form := regexp.MustCompile(`(?i)(?:^|[^a-z0-9._=/+@-])` + regexp.QuoteMeta(string(h)) + `(?:$|[^a-z0-9-])`)
	r := p.req()
	if r.from == FromMatrix && len(r.text) <= mostTyped && form.MatchString(r.text) {
		return true, nil
	}
	return p.k.ownerSaid(ctx, r.conversation, string(h), func(text string) bool { return len(text) <= mostTyped && form.MatchString(text) })
}

// ownerSaid looks for something in the owner's requests of a conversation, or of
// all.
func (k *Kernel) ownerSaid(ctx context.Context, talk sys.Conversation, part string, is func(text string) bool) (found bool, err error) {
	where := "request <> ''"
	args := []any{string(sys.EventRequest), part}
	if talk != "" {
		where = "conversation = ?"
		args = append([]any{string(talk)}, args...)
	}
	rows, err := k.journal.Query(ctx, `SELECT data FROM event WHERE `+where+` AND kind = ? AND instr(lower(data), lower(?)) > 0`, args...)
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var raw []byte
		var d sys.RequestData
		if err := errors.Join(rows.Scan(&raw), json.Unmarshal(raw, &d)); err != nil {
			return false, err
		}
		if ownChannel(d.From) && is(d.Text) {
			return true, nil
		}
	}
	return false, rows.Err()
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
