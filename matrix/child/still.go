package child

import (
	"context"
	"errors"
	"time"

	"matrixos/matrix"
)

var _ matrix.Still = (*Server)(nil)

// pause is a time in which no child runs.
type pause struct{ begun, over chan struct{} }

// hold is what the supervisor does about it.
func (p pause) hold() {
	close(p.begun)
	<-p.over
}

// errPaused is why a child ended that is started again at once.
var errPaused = errors.New("it was paused")

// Still implements matrix.Still. Requests wait meanwhile, as they do while it starts.
func (s *Server) Still(ctx context.Context, do func() error) error {
	s.starting.Lock() // what does not run does not start
	defer s.starting.Unlock()
	s.mu.Lock()
	ended := s.ended
	s.mu.Unlock()
	if ended == nil {
		return do()
	}
	p := pause{make(chan struct{}), make(chan struct{})}
	select {
	case s.pauses <- p:
	case <-ended:
		return do()
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(startWithin + stopWithin):
		return errors.New("the homeserver does not stop")
	}
	<-p.begun
	defer close(p.over)
	return do()
}
