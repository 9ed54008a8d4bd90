package sys

import "testing"

func TestWeakStrength(t *testing.T) {
	for s, want := range map[*Strength]bool{
		{Tried: 10, Found: 8}:             false,
		{Tried: 10, Found: 7}:             true,
		{Tried: 4}:                        false, // so few say nothing
		{Beyond: 9}:                       true,
		{Tried: 5, Found: 5, Beyond: 5}:   false,
		{Tried: 5, Found: 5, Beyond: 6}:   true,
		{Tried: 60, Found: 48, Beyond: 1}: false,
	} {
		if got := s.Weak(); got != want {
			t.Errorf("%+v: weak is %v", s, got)
		}
	}
}
