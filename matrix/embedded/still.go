package embedded

import (
	"context"

	"matrixos/matrix"
)

var _ matrix.Still = (*Server)(nil)

// Still implements matrix.Still. It is started again by the next that needs it.
func (s *Server) Still(_ context.Context, do func() error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.server == nil {
		return do()
	}
	if err := s.stopLocked(); err != nil {
		return err
	}
	s.state.Phase = matrix.Idle
	return do()
}
