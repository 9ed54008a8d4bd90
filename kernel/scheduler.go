package kernel

import (
	"context"
	"slices"
	"sync"
	"time"

	"matrixos/sys"
)

// scheduler hands out the places at the model providers: how many requests each
// takes at once. A process asks for a place before every model request and gives
// it back after, so that it can be overtaken between any two steps. Who is next
// depends on nothing but what was asked for and the clock:
//
//   - the more urgent class first, where every ageStep of waiting counts as one
//     class, so that nobody waits for ever;
//   - a process whose deadline is near counts as the most urgent;
//   - then who has had less: the app first, then the program;
//   - then who came first.
//
// It starts no goroutine and sets no timer.
type scheduler struct {
	now func() time.Time
	// limit is how many requests a provider takes at once; 0 means defaultPlaces.
	limit func(provider string) int

	mu      sync.Mutex
	count   int64
	lines   map[string]*line // by provider
	had     map[string]time.Duration
	holders map[string]int // places taken or wanted, by share
}

const (
	defaultPlaces = 8
	ageStep       = 30 * time.Second
	deadlineNear  = time.Minute
)

// line is who is at one provider and who waits for it.
type line struct {
	taken   int
	waiting []*turn
}

// turn is a wish for a place.
type turn struct {
	wish
	n     int64
	since time.Time
	ready chan struct{}
}

// wish says who wants a place.
type wish struct {
	provider string
	class    sys.Class
	app      sys.Slug
	program  sys.Program
	deadline time.Time // zero: none
}

// shares are the keys under which use is counted.
func (w wish) shares() [2]string {
	return [2]string{"app " + string(w.app), "program " + string(w.program)}
}

func newScheduler(now func() time.Time, limit func(string) int) *scheduler {
	return &scheduler{now: now, limit: limit, lines: map[string]*line{}, had: map[string]time.Duration{}, holders: map[string]int{}}
}

// acquire waits for a place. Call release exactly once.
func (s *scheduler) acquire(ctx context.Context, w wish) (release func(), err error) {
	s.mu.Lock()
	l := s.lines[w.provider]
	if l == nil {
		l = &line{}
		s.lines[w.provider] = l
	}
	s.count++
	t := &turn{wish: w, n: s.count, since: s.now(), ready: make(chan struct{})}
	s.enterLocked(w)
	l.waiting = append(l.waiting, t)
	s.grantLocked(w.provider)
	s.mu.Unlock()
	select {
	case <-t.ready:
	case <-ctx.Done():
		s.mu.Lock()
		if i := slices.Index(l.waiting, t); i >= 0 {
			l.waiting = slices.Delete(l.waiting, i, i+1)
			s.leaveLocked(w)
			s.mu.Unlock()
			return nil, context.Cause(ctx)
		}
		s.mu.Unlock() // it was granted this instant
	}
	began := s.now()
	return sync.OnceFunc(func() { s.release(w, s.now().Sub(began)) }), nil
}

// enterLocked lets a share that comes new begin where the others are: what it
// left unused in the past is no credit.
func (s *scheduler) enterLocked(w wish) {
	for _, key := range w.shares() {
		if s.holders[key] == 0 {
			if floor, ok := s.floorLocked(key[:3]); ok {
				s.had[key] = max(s.had[key], floor)
			}
		}
		s.holders[key]++
	}
}

// floorLocked is the least that any active share of a kind has had.
func (s *scheduler) floorLocked(kind string) (least time.Duration, ok bool) {
	for key, n := range s.holders {
		if n > 0 && key[:3] == kind && (!ok || s.had[key] < least) {
			least, ok = s.had[key], true
		}
	}
	return least, ok
}

func (s *scheduler) leaveLocked(w wish) {
	for _, key := range w.shares() {
		if s.holders[key]--; s.holders[key] <= 0 {
			delete(s.holders, key)
		}
	}
	if len(s.holders) == 0 {
		clear(s.had)
	}
}

func (s *scheduler) release(w wish, used time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, key := range w.shares() {
		s.had[key] += used
	}
	s.leaveLocked(w)
	s.lines[w.provider].taken--
	s.grantLocked(w.provider)
}

func (s *scheduler) grantLocked(provider string) {
	l := s.lines[provider]
	most := s.limit(provider)
	if most <= 0 {
		most = defaultPlaces
	}
	for l.taken < most && len(l.waiting) > 0 {
		now, best := s.now(), 0
		for i := range l.waiting {
			if s.beforeLocked(l.waiting[i], l.waiting[best], now) {
				best = i
			}
		}
		t := l.waiting[best]
		l.waiting = slices.Delete(l.waiting, best, best+1)
		l.taken++
		// What is about to be used counts at once, or one share would take all
		// places that come free together.
		for _, key := range t.shares() {
			s.had[key] += time.Millisecond
		}
		close(t.ready)
	}
}

func (s *scheduler) beforeLocked(a, b *turn, now time.Time) bool {
	if x, y := a.level(now), b.level(now); x != y {
		return x < y
	}
	as, bs := a.shares(), b.shares()
	for i := range as {
		if x, y := s.had[as[i]], s.had[bs[i]]; x != y {
			return x < y
		}
	}
	return a.n < b.n
}

// level is how urgent a wish has become; lower goes first.
func (t *turn) level(now time.Time) int {
	aged := int(now.Sub(t.since) / ageStep)
	if !t.deadline.IsZero() && t.deadline.Sub(now) < deadlineNear {
		return min(int(sys.Interactive), int(t.class)-aged)
	}
	return int(t.class) - aged
}

// waiting is how many wishes wait, over all providers.
func (s *scheduler) waiting() (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, l := range s.lines {
		n += len(l.waiting)
	}
	return n
}
