package heal

import (
	"testing"

	"matrixos/sys"
)

// TestARepairThatMakesAnotherCheckFailDoesNotLand, nor is it proposed: neither what the
// culprit did is taken back, nor is the app made anew without it.
func TestARepairThatMakesAnotherCheckFailDoesNotLand(t *testing.T) {
	for _, kind := range []sys.LandingKind{sys.ByAgent, sys.ByOwner} {
		t.Run(string(kind), func(t *testing.T) {
			w := newWorld(t)
			bad := sheet(map[int]string{10: "const BAD = needed;"})
			guilty := w.land(kind, map[sys.Path]string{src: bad})
			w.agent(map[sys.Path]string{tasks + "/contract.json": `[{"Name": "nothing is bad", "File": "src/App.tsx", "Not": "BAD"}, {"Name": "it has what is needed", "File": "src/App.tsx", "Has": "needed"}]`})
			head := w.disk.Head()
			one := w.heal(sys.HealRests)[0]
			if one.Culprit != guilty || one.Check != "nothing is bad" || one.Landing != 0 || len(one.Ways) == 0 || w.disk.Head() != head {
				t.Errorf("%+v", one)
			}
			w.has(src, bad)
		})
	}
}

// TestARepairThatBreaksAnotherAppIsRefused: what apps share is taken back only where all
// of them do with it.
func TestARepairThatBreaksAnotherAppIsRefused(t *testing.T) {
	const shared, broken = "apps/_shared/tool.ts", "BAD but fresh\n"
	for name, c := range map[string]struct {
		asks, left string // of the other app, and what is shared in the end
		want       sys.HealState
	}{
		"the other app does without it": {`[{"Name": "it sees it", "File": "../_shared/tool.ts", "Has": "\n"}]`, "old\n", sys.HealDone},
		"the other app needs it":        {`[{"Name": "it is fresh", "File": "../_shared/tool.ts", "Has": "fresh"}]`, broken, sys.HealRests},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.agent(map[sys.Path]string{
				shared:                     "old\n",
				tasks + "/contract.json":   `[{"Name": "nothing shared is bad", "File": "../_shared/tool.ts", "Not": "BAD"}]`,
				"apps/other/matrix.json":   `{"name": "Other", "slug": "other", "version": "1.0.0", "runtime": "vite"}`,
				"apps/other/src/App.tsx":   "// end\n",
				"apps/other/contract.json": `[]`,
			})
			guilty := w.agent(map[sys.Path]string{shared: broken})
			w.agent(map[sys.Path]string{"apps/other/contract.json": c.asks})
			if one := w.heal(c.want)[0]; one.App != "tasks" || one.Culprit != guilty || (one.Landing != 0) != (c.want == sys.HealDone) {
				t.Errorf("%+v", one)
			}
			w.has(shared, c.left)
		})
	}
}

// TestModes24And41ByWhoBrokeIt: what a merge or the healer itself has broken is told apart;
// of a merge, which holds the owner's work, nothing is taken back unasked.
func TestModes24And41ByWhoBrokeIt(t *testing.T) {
	for kind, c := range map[sys.LandingKind]struct {
		mode int
		want sys.HealState
	}{
		sys.ByMerge: {24, sys.HealProposed}, sys.ByHealer: {41, sys.HealDone}, sys.ByAgent: {modeSemantic, sys.HealDone},
	} {
		t.Run(string(kind), func(t *testing.T) {
			w := newWorld(t)
			guilty := w.land(kind, map[sys.Path]string{src: sheet(map[int]string{4: "const BAD = 1;"})})
			w.agent(map[sys.Path]string{src: sheet(map[int]string{4: "const BAD = 1;", 20: "const later = 1;"})})
			if one := w.heal(c.want)[0]; one.Mode != c.mode || one.By != kind || one.Culprit != guilty {
				t.Errorf("%+v", one)
			}
		})
	}
}

// TestTheModeIsOfTheCulpritThatIsNamed: the healer broke it once and that was mended; that
// an agent broke it again is no fault of the healer's.
func TestTheModeIsOfTheCulpritThatIsNamed(t *testing.T) {
	w := newWorld(t)
	_, guilty := w.brokenTwice(sys.ByHealer)
	if one := w.heal(sys.HealDone)[0]; one.Culprit != guilty || one.By != sys.ByAgent || one.Mode != modeSemantic {
		t.Errorf("%+v", one)
	}
}

// brokenTwice has an app broken by a landing of a kind, mended, and broken again elsewhere by
// an agent, with three later changes. It returns what the app is now, and who is guilty of that.
func (w *world) brokenTwice(first sys.LandingKind) (lines map[int]string, guilty sys.LandingID) {
	w.t.Helper()
	w.land(first, map[sys.Path]string{src: sheet(map[int]string{4: "const BAD = 1;"})})
	w.agent(map[sys.Path]string{src: sheet(map[int]string{4: "const BAD = 1;", 20: "const a = 1;"})})
	w.agent(map[sys.Path]string{src: sheet(map[int]string{20: "const a = 1;"})})
	lines = map[int]string{20: "const a = 1;", 12: "const BAD = 2;"}
	guilty = w.agent(map[sys.Path]string{src: sheet(lines)})
	for _, i := range []int{22, 24, 26} {
		lines[i] = "const later = 1;"
		w.agent(map[sys.Path]string{src: sheet(lines)})
	}
	return lines, guilty
}

// TestWhatBrokeTwice: it broke before, was mended, and broke again elsewhere. The search
// in doubling steps passes over the time between; the first culprit has nothing left to
// take back, and the second is found.
func TestWhatBrokeTwice(t *testing.T) {
	w := newWorld(t)
	lines, guilty := w.brokenTwice(sys.ByAgent)
	if one := w.heal(sys.HealDone)[0]; one.Culprit != guilty || one.Rung != sys.RungHunk {
		t.Errorf("%+v", one)
	}
	delete(lines, 12)
	w.has(src, sheet(lines))
}
