package front

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"path/filepath"
	"strconv"
	"sync"
)

// inbox keeps messages to a device until the device says that it has them. A client
// with several connections, such as Element X, asks for them on one, while the
// homeserver forgets them when any other has gone on. They are on disk before a
// position that would make it forget them is given out.
type inbox struct {
	path string

	mu   sync.Mutex
	kept inboxFile
}

type inboxFile struct {
	Last   int            `json:"last"` // the number of the newest message ever
	List   []inboxMessage `json:"list"` // ascending
	Recent []string       `json:"recent"`
}

type inboxMessage struct {
	N     int             `json:"n"`
	Event json.RawMessage `json:"event"`
}

// Limits of an inbox: messages that are kept, sent in one answer, and remembered to
// know a message that came over two connections.
const (
	inboxMost   = 10000
	inboxPage   = 100
	inboxRecent = 1000
)

// inbox opens the one of a device.
func (s *sliding) inbox(who caller) (*inbox, error) {
	sum := sha256.Sum256([]byte(who.User + "\x00" + who.Device))
	name := hex.EncodeToString(sum[:12])
	s.mu.Lock()
	defer s.mu.Unlock()
	if b := s.inboxes[name]; b != nil {
		return b, nil
	}
	b := &inbox{path: filepath.Join(s.dir, "inbox", name+".json")}
	if err := readFile(b.path, &b.kept); err != nil {
		return nil, err
	}
	s.inboxes[name] = b
	return b, nil
}

// add keeps messages, durably on return; those that came before are left out. If a
// device fetches none for long, the oldest go.
func (b *inbox) add(events []json.RawMessage) error {
	if len(events) == 0 {
		return nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	known := make(map[string]bool, len(b.kept.Recent))
	for _, r := range b.kept.Recent {
		known[r] = true
	}
	next := b.kept
	for _, e := range events {
		sum := sha256.Sum256(e)
		digest := hex.EncodeToString(sum[:8])
		if known[digest] {
			continue
		}
		known[digest] = true
		next.Last++
		next.List = append(next.List[:len(next.List):len(next.List)], inboxMessage{next.Last, e})
		next.Recent = append(next.Recent[:len(next.Recent):len(next.Recent)], digest)
	}
	next.List = next.List[max(0, len(next.List)-inboxMost):]
	next.Recent = next.Recent[max(0, len(next.Recent)-inboxRecent):]
	if err := writeFile(b.path, next); err != nil {
		return err
	}
	b.kept = next
	return nil
}

// acknowledge drops what the device has. That is not written at once: what is kept
// too long is sent again at worst, and clients know it by its content.
func (b *inbox) acknowledge(since string) {
	n, err := strconv.Atoi(since)
	if err != nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for len(b.kept.List) > 0 && b.kept.List[0].N <= n {
		b.kept.List = b.kept.List[1:]
	}
}

// waiting reports whether there is something that a device has asked for.
func (b *inbox) waiting(x extension) bool {
	if x.Enabled == nil || !*x.Enabled {
		return false
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.kept.List) > 0
}

// page is what a device has not acknowledged, and the position behind it.
func (b *inbox) page(limit int) (list []json.RawMessage, next string) {
	if limit <= 0 || limit > inboxPage {
		limit = inboxPage
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	list, last := []json.RawMessage{}, b.kept.Last
	for _, m := range b.kept.List[:min(limit, len(b.kept.List))] {
		list = append(list, m.Event)
		last = m.N
	}
	return list, strconv.Itoa(last)
}
