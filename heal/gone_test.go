package heal

import (
	"slices"
	"strings"
	"testing"

	"matrixos/disk"
	"matrixos/sys"
)

const promised = tasks + "/contract.json"

// TestMode39ADeletedContractIsMissed: an app that had a contract and lost it is not well. Its
// return is proposed, whoever deleted it; a yes brings back its bytes and nothing else, a no
// is remembered.
func TestMode39ADeletedContractIsMissed(t *testing.T) {
	for _, kind := range []sys.LandingKind{sys.ByOwner, sys.ByAgent} {
		t.Run(string(kind), func(t *testing.T) {
			w := newWorld(t)
			ctx := t.Context()
			good := w.live(promised)
			lines := map[int]string{7: "const kept = 1;"}
			gone := w.land(kind, map[sys.Path]string{promised: "", src: sheet(lines)})
			lines[20] = "const later = 1;"
			w.agent(map[sys.Path]string{src: sheet(lines)})
			one := w.heal(sys.HealProposed)[0]
			if one.Culprit != gone || one.Mode != modePromise || one.Detector != ByFiles || !slices.Equal(one.Files, []sys.Path{promised}) || !strings.Contains(one.Why, "The contract of Tasks was deleted with "+gone.String()) {
				t.Errorf("%+v", one)
			}
			done, err := w.Accept(ctx, one.ID)
			if err != nil || done.State != sys.HealDone {
				t.Fatalf("%+v, %v", done, err)
			}
			w.has(promised, good)
			w.has(src, sheet(lines))
			w.heal()
			again := w.land(kind, map[sys.Path]string{promised: ""})
			if one = w.heal(sys.HealProposed)[0]; one.Culprit != again {
				t.Errorf("%+v", one)
			}
			if _, err := w.Leave(ctx, one.ID); err != nil {
				t.Fatal(err)
			}
			w.heal(sys.HealLeft)
			w.agent(map[sys.Path]string{src: sheet(lines) + "SYNTAX"}) // something else
			w.heal(sys.HealDone, sys.HealLeft)
			w.has(src, sheet(lines))
			w.agent(map[sys.Path]string{promised: good})
			w.heal()
			w.land(kind, map[sys.Path]string{promised: ""})
			w.heal(sys.HealProposed) // the no was for the other time
		})
	}
}

// TestADeletedContractThatWouldNotHold: the app has changed since, and does not keep what it
// once promised. That is said, and nothing lands.
func TestADeletedContractThatWouldNotHold(t *testing.T) {
	w := newWorld(t)
	gone := w.land(sys.ByOwner, map[sys.Path]string{promised: ""})
	w.agent(map[sys.Path]string{src: sheet(map[int]string{7: "const BAD = 1;"})})
	head := w.disk.Head()
	one := w.heal(sys.HealRests)[0]
	if one.Culprit != gone || one.Mode != modePromise || !strings.Contains(one.Why, "does not keep it") || w.disk.Head() != head {
		t.Errorf("%+v", one)
	}
}

// TestNoContractThatIsNoLoss: an app that never had one, one whose owner undid the landing
// that brought it, and one that comes where another was removed.
func TestNoContractThatIsNoLoss(t *testing.T) {
	w := newWorld(t)
	manifest := func(slug string) string {
		return `{"name": "X", "slug": "` + slug + `", "version": "1.0.0", "runtime": "vite"}`
	}
	w.agent(map[sys.Path]string{"apps/bare/matrix.json": manifest("bare"), "apps/bare/src/App.tsx": sheet(nil)})
	brought := w.agent(map[sys.Path]string{"apps/bare/contract.json": "[]"})
	if _, _, err := w.disk.Undo(t.Context(), brought, disk.UndoOptions{}); err != nil {
		t.Fatal(err)
	}
	w.land(sys.ByOwner, map[sys.Path]string{tasks + "/matrix.json": "", promised: "", src: "", tasks + "/src/sort.ts": ""})
	w.agent(map[sys.Path]string{tasks + "/matrix.json": manifest("tasks"), src: sheet(nil)})
	w.heal()
}
