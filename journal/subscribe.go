package journal

import (
	"context"

	"matrixos/sys"
)

const (
	batch         = 64      // most events that one Next returns
	recentEvents  = 512     // how many events are kept in memory for readers that keep up
	recentBytes   = 1 << 20 // and how many bytes of them
	ephemeralRoom = 1024    // ephemeral events that wait for one reader
)

// recent is the newest durable events, without gaps, oldest first.
type recent struct {
	events []sys.Event
	bytes  int
}

func (r *recent) add(e sys.Event) {
	r.events = append(r.events, e)
	r.bytes += len(e.Data)
	for len(r.events) > recentEvents || r.bytes > recentBytes && len(r.events) > 0 {
		r.bytes -= len(r.events[0].Data)
		r.events[0] = sys.Event{}
		r.events = r.events[1:]
	}
}

// after returns a copy of up to limit events that follow seq, and whether
// memory reaches back that far.
func (r *recent) after(seq sys.Seq, limit int) ([]sys.Event, bool) {
	if len(r.events) == 0 || r.events[0].Seq > seq+1 {
		return nil, false
	}
	from := int(seq + 1 - r.events[0].Seq)
	return append([]sys.Event(nil), r.events[from:min(from+limit, len(r.events))]...), true
}

// deliver makes committed events known. The caller holds j.writing, so that
// they arrive in the order of their Seq.
func (j *Journal) deliver(events []sys.Event) {
	if len(events) == 0 {
		return
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if events[0].Seq != j.last+1 { // another handle of the file has written: readers go by the table
		j.recent = recent{}
	}
	for _, e := range events {
		j.recent.add(e)
	}
	j.last = events[len(events)-1].Seq
	j.wakeLocked()
}

func (j *Journal) wakeLocked() {
	for s := range j.subs {
		s.wakeLocked()
	}
}

// Publish hands an ephemeral event to whoever is subscribed now. It never
// blocks; a reader that has fallen behind loses the oldest ones.
func (j *Journal) Publish(e sys.Event) {
	e.Seq = 0
	j.mu.Lock()
	defer j.mu.Unlock()
	for s := range j.subs {
		if len(s.ephemeral) == ephemeralRoom {
			s.ephemeral = append(s.ephemeral[:0], s.ephemeral[1:]...)
		}
		s.ephemeral = append(s.ephemeral, passing{j.last, e})
		s.wakeLocked()
	}
}

// passing is an ephemeral event and the durable one that came before it.
type passing struct {
	after sys.Seq
	event sys.Event
}

// Subscription is one reader of the journal; see Subscribe. Next and Close may
// be called by different goroutines, Next by one at a time.
type Subscription struct {
	j    *Journal
	wake chan struct{} // holds at most one token: something may be there
	done chan struct{}

	// guarded by j.mu
	cursor    sys.Seq
	ephemeral []passing
	ended     bool
}

// Subscribe starts a reader that sees all durable events after the given Seq,
// old ones first, and the ephemeral ones published from now on. Close it.
func (j *Journal) Subscribe(after sys.Seq) *Subscription {
	s := &Subscription{j: j, wake: make(chan struct{}, 1), done: make(chan struct{}), cursor: max(after, 0)}
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.closed {
		s.endLocked()
		return s
	}
	j.subs[s] = struct{}{}
	s.wakeLocked()
	return s
}

func (s *Subscription) wakeLocked() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

func (s *Subscription) endLocked() {
	if !s.ended {
		s.ended = true
		close(s.done)
	}
	delete(s.j.subs, s)
}

// Close ends the subscription; a waiting Next returns.
func (s *Subscription) Close() {
	s.j.mu.Lock()
	defer s.j.mu.Unlock()
	s.endLocked()
}

// Next waits for events and returns at most 64 of them, at least one. After
// Close, of the subscription or of the journal, it fails with kind Canceled; the
// Seq of the last durable event it returned is where a new Subscribe goes on.
func (s *Subscription) Next(ctx context.Context) ([]sys.Event, error) {
	for {
		events, stored, err := s.take()
		if err != nil {
			return nil, err
		}
		if stored {
			if events, err = s.reread(ctx); err != nil {
				return nil, err
			}
		}
		if len(events) > 0 {
			return events, nil
		}
		select {
		case <-s.wake:
		case <-s.done:
			return nil, closedError("follow journal", s.j.path)
		case <-ctx.Done():
			return nil, s.j.fail("follow journal", ctx.Err())
		}
	}
}

// take returns what memory holds for s; stored says that the table must be read.
func (s *Subscription) take() (events []sys.Event, stored bool, err error) {
	s.j.mu.Lock()
	defer s.j.mu.Unlock()
	if s.ended {
		return nil, false, closedError("follow journal", s.j.path)
	}
	var durable []sys.Event
	if s.cursor < s.j.last {
		var ok bool
		if durable, ok = s.j.recent.after(s.cursor, batch); !ok {
			return nil, true, nil
		}
	}
	return s.mixLocked(durable), false, nil
}

// reread fetches from the table what memory no longer holds.
func (s *Subscription) reread(ctx context.Context) ([]sys.Event, error) {
	s.j.mu.Lock()
	cursor := s.cursor
	s.j.mu.Unlock()
	durable, err := s.j.Read(ctx, cursor, batch)
	if err != nil {
		if s.j.isClosed() {
			return nil, closedError("follow journal", s.j.path)
		}
		return nil, err
	}
	s.j.mu.Lock()
	defer s.j.mu.Unlock()
	return s.mixLocked(durable), nil
}

// mixLocked puts the ephemeral events where they belong between the durable
// ones, cuts the batch, and moves the cursor.
func (s *Subscription) mixLocked(durable []sys.Event) []sys.Event {
	var out []sys.Event
	for len(out) < batch {
		switch {
		case len(s.ephemeral) > 0 && s.ephemeral[0].after <= s.cursor:
			out = append(out, s.ephemeral[0].event)
			s.ephemeral = s.ephemeral[1:]
		case len(durable) > 0:
			out = append(out, durable[0])
			s.cursor = durable[0].Seq
			durable = durable[1:]
		default:
			if len(s.ephemeral) == 0 {
				s.ephemeral = nil
			}
			return out
		}
	}
	s.wakeLocked() // there may be more than fits in a batch
	return out
}
