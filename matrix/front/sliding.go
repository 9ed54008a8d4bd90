package front

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"time"
)

// Sliding sync (MSC4186) over the homeserver's own sync. It sends every room once, in
// whichever window it is asked for, and then what changes: a home has tens of rooms,
// not thousands. Extensions are to_device, e2ee, account_data, typing and receipts.
//
// A connection's position stands for a token of the homeserver's sync, the last two of
// them are kept, so that an answer that got lost is given again. Connections are in
// memory only: after a restart, clients are told M_UNKNOWN_POS and begin anew, as the
// proposal wants. Messages to devices are different: the homeserver forgets them
// once any connection has gone on, so they are kept for the device (inbox.go).
type sliding struct {
	f   *Front
	dir string

	mu      sync.Mutex
	conns   map[string]*connection
	inboxes map[string]*inbox
}

// Limits of what is kept, and of what a client may ask for.
const (
	connsMost    = 256
	slidingMost  = 256 << 10
	waitMost     = 60 * time.Second
	timelineMost = 100
	timelineLow  = 20
)

// connection is one client's stream: mu lets one request of it at a time through.
type connection struct {
	used time.Time // by sliding.mu

	mu     sync.Mutex
	pos    int
	since  map[int]string  // what a position stands for
	known  map[string]bool // rooms that have been sent
	direct map[string]bool // rooms that the user's m.direct names
}

func newSliding(f *Front, dir string) *sliding {
	return &sliding{f: f, dir: dir, conns: map[string]*connection{}, inboxes: map[string]*inbox{}}
}

// slidingRequest is what of a request is looked at.
type slidingRequest struct {
	Conn  string `json:"conn_id"`
	Txn   string `json:"txn_id"`
	Lists map[string]struct {
		Timeline int `json:"timeline_limit"`
	} `json:"lists"`
	Rooms map[string]struct {
		Timeline int `json:"timeline_limit"`
	} `json:"room_subscriptions"`
	Extensions map[string]extension `json:"extensions"`
}

type extension struct {
	Enabled *bool  `json:"enabled"`
	Since   string `json:"since"`
	Limit   int    `json:"limit"`
}

// timeline is how many events of a room the client wants at most.
func (q *slidingRequest) timeline() int {
	n := timelineLow
	for _, l := range q.Lists {
		n = max(n, l.Timeline)
	}
	for _, l := range q.Rooms {
		n = max(n, l.Timeline)
	}
	return min(n, timelineMost)
}

// connection finds a stream, or makes one if the request begins one.
func (s *sliding) connection(key string, fresh bool) *connection {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.conns[key]
	if fresh {
		if c == nil && len(s.conns) >= connsMost {
			s.dropLocked()
		}
		c = &connection{since: map[int]string{}, known: map[string]bool{}, direct: map[string]bool{}}
		s.conns[key] = c
	}
	if c != nil {
		c.used = s.f.logins.now()
	}
	return c
}

// dropLocked forgets the stream that was used longest ago.
func (s *sliding) dropLocked() {
	oldest := ""
	for k, c := range s.conns {
		if oldest == "" || c.used.Before(s.conns[oldest].used) {
			oldest = k
		}
	}
	delete(s.conns, oldest)
}

func (s *sliding) serve(w http.ResponseWriter, r *http.Request) {
	var q slidingRequest
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, slidingMost))
	if err != nil || json.Unmarshal(body, &q) != nil {
		refuse(w, http.StatusBadRequest, "M_BAD_JSON", "the body is no request of sliding sync")
		return
	}
	who, status, said, err := s.f.caller(r)
	if err != nil || status != http.StatusOK {
		s.f.pass(w, r, status, said, err)
		return
	}
	pos := r.URL.Query().Get("pos")
	c := s.connection(who.User+"\x00"+who.Device+"\x00"+q.Conn, pos == "")
	since, ok := "", c != nil
	if ok {
		c.mu.Lock()
		defer c.mu.Unlock()
		if pos != "" {
			n, err := strconv.Atoi(pos)
			since, ok = c.since[n]
			ok = ok && err == nil
		}
	}
	if !ok {
		refuse(w, http.StatusBadRequest, "M_UNKNOWN_POS", "this connection is not known any more; begin anew")
		return
	}
	box, err := s.inbox(who)
	if err != nil {
		s.f.pass(w, r, 0, nil, err)
		return
	}
	device := q.Extensions["to_device"]
	box.acknowledge(device.Since)
	wait := timeout(r)
	if box.waiting(device) { // it need not wait for more
		wait = 0
	}
	got, status, said, err := s.sync(r.Context(), r, since, wait, q.timeline())
	if err != nil || status != http.StatusOK {
		s.f.pass(w, r, status, said, err)
		return
	}
	if err := box.add(got.ToDevice.Events); err != nil { // before the client goes on, after which the homeserver forgets them
		s.f.pass(w, r, 0, nil, err)
		return
	}
	write(w, c.answer(&q, got, box))
}

// timeout is how long the client wants to wait for news.
func timeout(r *http.Request) time.Duration {
	n, err := strconv.Atoi(r.URL.Query().Get("timeout"))
	if err != nil || n < 0 {
		return 0
	}
	return min(time.Duration(n)*time.Millisecond, waitMost)
}

// sync asks the homeserver for what is new.
func (s *sliding) sync(ctx context.Context, r *http.Request, since string, wait time.Duration, timeline int) (*syncAnswer, int, []byte, error) {
	filter := `{"room":{"timeline":{"limit":` + strconv.Itoa(timeline) + `},"state":{"lazy_load_members":true}}}`
	q := url.Values{"filter": {filter}, "timeout": {"0"}}
	if since != "" {
		q.Set("since", since)
		q.Set("timeout", strconv.FormatInt(wait.Milliseconds(), 10))
	}
	got := &syncAnswer{}
	status, body, err := s.f.ask(ctx, r, "/_matrix/client/v3/sync", q, got)
	return got, status, body, err
}
