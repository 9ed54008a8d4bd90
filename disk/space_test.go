package disk

import (
	"context"
	"strings"
	"testing"
	"time"

	"matrixos/sys"
)

func TestSpaceAddsUp(t *testing.T) {
	h := busyHome(t, 10)
	h.git("fsck")
	put(t, h.root+"/data/notes/app.sqlite", strings.Repeat("x", 300_000))
	size := func() int64 {
		n, err := folderSize(h.root)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	var r sys.SpaceReport
	var err error
	whole := int64(-1)
	for whole != size() { // the watcher takes the change, meanwhile
		whole = size()
		if r, err = h.Space(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	if len(r.Apps) != 1 || r.Apps[0].App != "notes" || r.Apps[0].Data < 300_000 || r.Apps[0].Files < 10_000 || r.Apps[0].History < 20_000 {
		t.Errorf("apps are %+v", r.Apps)
	}
	if r.Largest[0].Name != "data/notes/app.sqlite" || r.Largest[0].Bytes < 300_000 || len(r.Largest) != mostLargest {
		t.Errorf("largest are %+v", r.Largest)
	}
	var sum int64
	for _, p := range r.Parts {
		sum += p.Bytes
	}
	if sum != r.Store || r.Home+r.Store != whole || r.Free <= 0 || r.Total < r.Free {
		t.Errorf("parts are %d of %d; home and store are %d of %d", sum, r.Store, r.Home+r.Store, whole)
	}
	done := h.collect(true)
	freed := done.Before - done.After
	if r.Garbage < freed/2 || r.Garbage > freed*2 {
		t.Errorf("%d bytes were promised, %d freed", r.Garbage, freed)
	}
	after, err := h.Space(context.Background())
	if err != nil || after.Apps[0].History <= 0 || after.Apps[0].History >= r.Apps[0].History {
		t.Errorf("packed, the app's history is %d, was %d, %v", after.Apps[0].History, r.Apps[0].History, err)
	}
}

func TestCareDoesWhatIsDue(t *testing.T) {
	h := busyHome(t, 2)
	ctx := context.Background()
	look := func(now time.Time) sys.UpkeepState {
		t.Helper()
		if err := h.careOnce(ctx, now); err != nil {
			t.Fatal(err)
		}
		s, err := h.Upkeep(ctx)
		if err != nil || s.Scrub == nil || s.GC == nil {
			t.Fatal(s, err)
		}
		return s
	}
	first := look(time.Now())
	if again := look(time.Now()); again.Scrub.Started != first.Scrub.Started || again.GC.Time != first.GC.Time {
		t.Error("what is not due is done")
	}
	h.SetCare(func() Care { return Care{ScrubEvery: 30 * 24 * time.Hour} })
	week := look(time.Now().Add(8 * 24 * time.Hour))
	if week.Scrub.Started != first.Scrub.Started || week.GC.Time == first.GC.Time {
		t.Errorf("after a week: %+v", week)
	}
	if month := look(time.Now().Add(31 * 24 * time.Hour)); month.Scrub.Started == first.Scrub.Started {
		t.Error("after a month no scrub")
	}
}
