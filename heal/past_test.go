package heal

import (
	"context"
	"errors"
	"testing"

	"matrixos/disk"
	"matrixos/sys"
)

// TestThePastIsTriedByTheContractOfToday: the search finds what the healer would blame,
// and each landing is tried until it is sure, no more.
func TestThePastIsTriedByTheContractOfToday(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	w.agent(map[sys.Path]string{src: sheet(map[int]string{3: "const good = 1;"})})
	w.agent(map[sys.Path]string{src: sheet(nil) + "SYNTAX"})
	lines := map[int]string{10: "const WORSE = 2;"}
	guilty := w.agent(map[sys.Path]string{src: sheet(lines)})
	for _, i := range []int{14, 18, 22} {
		lines[i] = "const later = 1;"
		w.agent(map[sys.Path]string{src: sheet(lines)})
	}
	head, wholes, parts := w.disk.Head(), w.judge.wholes, w.judge.parts
	test, err := w.Past(t.Context(), tasks)
	if err != nil {
		t.Fatal(err)
	}
	found, err := w.disk.Bisect(ctx, disk.BisectOptions{Good: 1, Bad: head, Path: tasks, Test: func(ctx context.Context, v *disk.View) error { return test(ctx, v) }})
	if err != nil || found.First != guilty || len(found.Suspects) > 1 || w.disk.Head() != head {
		t.Errorf("%+v, %v", found, err)
	}
	if n := w.judge.parts - parts; w.judge.wholes != wholes+1 || n > 2*len(found.Steps) {
		t.Errorf("%d wholes and %d parts for %d steps", w.judge.wholes-wholes, n, len(found.Steps))
	}
	view, err := w.disk.View(guilty - 1)
	if err != nil {
		t.Fatal(err)
	}
	if err := test(ctx, view); !errors.Is(err, sys.Unavailable) {
		t.Errorf("an app that does not run: %v", err)
	}
}
