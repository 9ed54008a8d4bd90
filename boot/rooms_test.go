package boot

import "testing"

// In a home that has never met anybody an app that shares finds no rooms, and no error.
func TestANewHomeSharesNoRooms(t *testing.T) {
	s := startStatic(t)
	out, err := s.shared.List(t.Context(), "four-in-a-row")
	if err != nil || len(out.Rooms) > 0 || !out.Allowed || out.Me == "" {
		t.Errorf("%+v, %v", out, err)
	}
}
