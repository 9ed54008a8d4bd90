package boot

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"matrixos/sys"
)

// Crashes in a row that lead to safe mode, and within which time.
const (
	crashesMost   = 3
	crashesWithin = time.Minute
)

// startLog remembers the last starts of the daemon, how they ended, and the
// newest landing with which it has run for a while. It is a file beside the
// daemon's, because it has to be readable when nothing else is.
type startLog struct {
	path string
	now  func() time.Time

	mu    sync.Mutex
	known startFile
	timer *time.Timer
}

type startFile struct {
	Starts []startEntry  `json:"starts"` // the newest last
	Good   sys.LandingID `json:"good,omitempty"`
}

type startEntry struct {
	Time  time.Time `json:"time"`
	Clean bool      `json:"clean,omitempty"` // it ended in order
}

// readStarts opens the log of a home. One that cannot be read counts as empty:
// it may not be what keeps the home from starting.
func readStarts(home string, now func() time.Time) *startLog {
	s := &startLog{path: filepath.Join(home, sys.Store, "run", "starts.json"), now: now}
	if raw, err := os.ReadFile(s.path); err == nil && json.Unmarshal(raw, &s.known) != nil {
		s.known = startFile{}
	}
	return s
}

// crashing tells whether the last starts have all crashed, shortly after one
// another and just now.
func (s *startLog) crashing() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := s.known.Starts
	if len(list) < crashesMost {
		return false
	}
	for _, e := range list[len(list)-crashesMost:] {
		if e.Clean || s.now().Sub(e.Time) > crashesWithin {
			return false
		}
	}
	return true
}

// begin notes a start. Once it has lasted for a while, head is the landing to go
// back to.
func (s *startLog) begin(head func() sys.LandingID, failed func(error)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.known.Starts = append(s.known.Starts, startEntry{Time: s.now()})
	if n := len(s.known.Starts); n > 2*crashesMost {
		s.known.Starts = s.known.Starts[n-2*crashesMost:]
	}
	if head != nil {
		s.timer = time.AfterFunc(crashesWithin, func() {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.known.Good = head()
			if err := s.writeLocked(); err != nil {
				failed(err)
			}
		})
	}
	return s.writeLocked()
}

// end notes that the run ended in order.
func (s *startLog) end(head sys.LandingID) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.timer != nil {
		s.timer.Stop()
		s.known.Good = head
	}
	if n := len(s.known.Starts); n > 0 {
		s.known.Starts[n-1].Clean = true
	}
	return s.writeLocked()
}

// good is the newest landing that the daemon has run well with; 0 if none is
// known.
func (s *startLog) good() sys.LandingID {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.known.Good
}

func (s *startLog) writeLocked() error {
	raw, err := json.Marshal(s.known)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(s.path), 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	next := s.path + ".new"
	return errors.Join(os.WriteFile(next, raw, 0o600), os.Rename(next, s.path))
}
