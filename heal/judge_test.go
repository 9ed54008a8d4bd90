package heal

import (
	"testing"

	"matrixos/sys"
)

// TestADoubtedCheckIsTriedInThePastBeside: while a check that failed is tried once more, the
// newest state of the app that differs from today's is tried, too, and by nobody again.
func TestADoubtedCheckIsTriedInThePastBeside(t *testing.T) {
	w := newWorld(t)
	w.judge.meet = make(chan struct{})
	culprit := w.agent(map[sys.Path]string{src: sheet(map[int]string{3: "const BAD = 1;"})})
	if one := w.heal(sys.HealDone)[0]; one.Culprit != culprit {
		t.Errorf("%+v", one)
	}
	if w.judge.alone || w.judge.parts > 3 { // now, before, and what is left when it is taken back
		t.Errorf("alone: %v; %d tries", w.judge.alone, w.judge.parts)
	}
}
