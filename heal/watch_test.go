package heal

import (
	"context"
	"slices"
	"testing"
	"time"

	"matrixos/sys"
)

// TestWhatWaitsIsLookedAtAgain: what the owner is to decide goes by itself when the app
// holds again: because a newer version of the system does with it, because something that
// was checked has landed, or because a check was made.
func TestWhatWaitsIsLookedAtAgain(t *testing.T) {
	for name, c := range map[string]struct {
		before bool // it holds before the start
		then   func(*world)
	}{
		"another version": {before: true, then: func(*world) {}},
		"a landing":       {then: func(w *world) { w.agent(map[sys.Path]string{src: sheet(nil)}) }},
		"a check": {then: func(w *world) {
			w.judge.milden()
			w.Again(w.t.Context(), "notes") // of another app
			w.Again(w.t.Context(), "tasks")
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.land(sys.ByOwner, map[sys.Path]string{src: sheet(map[int]string{3: "BAD"})})
			w.heal(sys.HealProposed)
			ctx, cancel := context.WithCancel(t.Context())
			ended := make(chan struct{})
			defer func() { cancel(); <-ended }()
			if c.before {
				w.judge.milden()
			}
			go func() { w.Watch(ctx); close(ended) }()
			if !c.before {
				time.Sleep(quiet + time.Second) // the look at the start finds it as it was
				if list, err := w.Open(ctx); err != nil || len(list) != 1 {
					t.Fatalf("%+v, %v", list, err)
				}
			}
			c.then(w)
			for end := time.Now().Add(30 * time.Second); ; time.Sleep(50 * time.Millisecond) {
				list, err := w.Cases(ctx, "tasks", 0)
				if err == nil && len(list) == 1 && list[0].State == sys.HealGone {
					return
				}
				if time.Now().After(end) {
					t.Fatalf("%+v, %v", list, err)
				}
			}
		})
	}
}

// TestCheckedLandingsReopen: what an agent lands, checked, is looked at only where something
// waits for the owner.
func TestCheckedLandingsReopen(t *testing.T) {
	l := sys.LandingInfo{Kind: sys.ByAgent, Changes: []sys.Change{{Path: src}, {Path: "apps/tasks2/x"}}, Provenance: sys.Provenance{Verified: sys.VerifiedBrowser}}
	waits := []sys.HealCase{{App: "tasks", Path: tasks}}
	if a, b, c := due(l), reopened(l, waits), reopened(l, nil); len(a) != 0 || len(b) != 1 || b[0] != src || len(c) != 0 {
		t.Errorf("%q, %q, %q", a, b, c)
	}
}

// TestAnAppInAFolderOfFoldersIsLookedAtWhenItsRowsLand: the rows lie by the slug, the app
// wherever the owner has put it, and only that one is looked at.
func TestAnAppInAFolderOfFoldersIsLookedAtWhenItsRowsLand(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const folder = "apps/games/x"
	w.agent(map[sys.Path]string{
		folder + "/matrix.json":   `{"name": "Riddles", "slug": "riddles", "version": "1.0.0", "runtime": "vite"}`,
		folder + "/contract.json": `[{"Name": "nothing is bad", "File": "src/App.tsx", "Not": "BAD"}]`,
		folder + "/src/App.tsx":   "// end\n",
		"apps/games/y/index.html": "an app without a manifest\n",
	})
	looked := make(chan sys.Slug, 20)
	w.o.Judged = func(_ context.Context, app sys.Slug) { looked <- app }
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	defer func() { cancel(); <-ended }()
	go func() { w.Watch(ctx); close(ended) }()
	var got []sys.Slug
	for end := time.Now().Add(30 * time.Second); len(got) < 2 && time.Now().Before(end); {
		time.Sleep(200 * time.Millisecond) // Watch begins to listen
		w.disk.Journal().Publish(sys.NewEvent(sys.EventLanding, sys.LandingInfo{Kind: sys.ByOwner, Data: []sys.DataChange{{Path: "data/riddles/riddles.sqlite", Added: 1}, {Path: "data/y/y.sqlite"}}}))
		for wait := time.After(2 * quiet); len(got) < 2 && wait != nil; {
			select {
			case slug := <-looked:
				got = append(got, slug)
			case <-wait:
				wait = nil
			}
		}
	}
	if want := []sys.Slug{"riddles", "y"}; !slices.Equal(got, want) || len(looked) > 0 {
		t.Errorf("looked at %v and %d more, want %v", got, len(looked), want)
	}
}

func (j *scripted) milden() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.mild = true
}

// TestWorkOfAQuietMomentGivesWay: one piece of it goes on at a time, it is told to end when
// somebody wants something, and a new one begins in the next quiet moment.
func TestWorkOfAQuietMomentGivesWay(t *testing.T) {
	begun, ended := make(chan struct{}, 9), make(chan struct{}, 9)
	a := &aside{work: func(ctx context.Context) {
		begun <- struct{}{}
		<-ctx.Done()
		ended <- struct{}{}
	}}
	a.stop() // nothing is under way
	for range 2 {
		a.start(t.Context())
		<-begun
		a.start(t.Context())
		a.stop()
		<-ended
		<-a.done
	}
	if len(begun) > 0 {
		t.Error("two pieces went on at once")
	}
	(&aside{}).start(t.Context()) // there is no such work
}
