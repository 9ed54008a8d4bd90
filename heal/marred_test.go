package heal

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"testing"

	"matrixos/disk"
	"matrixos/sys"
)

// TestDamageThatNoCheckSees: a style is looked at by no check. What no hand writes is undone
// at once, what a hand may have done is proposed, and what people and agents do is theirs.
func TestDamageThatNoCheckSees(t *testing.T) {
	const style = tasks + "/style.css"
	good := strings.Repeat(".row { color: red; }\n", 20)
	for name, tt := range map[string]struct {
		kind sys.LandingKind
		bad  string
		want sys.HealState
	}{
		"zeros":                 {sys.ByOwner, good[:100] + strings.Repeat("\x00", 64) + good[164:], sys.HealDone},
		"no text":               {sys.ByOwner, good[:100] + "\xff\xfe" + good[102:], sys.HealDone},
		"cut short":             {sys.ByOwner, good[:95], sys.HealProposed},
		"empty":                 {sys.ByOwner, "", sys.HealProposed},
		"lines go":              {sys.ByOwner, good[:105], ""},
		"the last line's end":   {sys.ByOwner, good[:len(good)-1], ""},
		"another colour":        {sys.ByOwner, strings.Replace(good, "red", "blue", 1), ""},
		"an agent cuts it down": {sys.ByAgent, good[:95], ""},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.agent(map[sys.Path]string{style: good})
			culprit, err := w.disk.Write(t.Context(), disk.Write{Kind: tt.kind, Title: "a change", Files: map[sys.Path][]byte{style: []byte(tt.bad)}})
			if err != nil {
				t.Fatal(err)
			}
			for range 5 {
				w.agent(map[sys.Path]string{tasks + "/src/sort.ts": w.live(tasks+"/src/sort.ts") + "// end\n"})
			}
			later := w.live(tasks + "/src/sort.ts")
			if tt.want == "" {
				w.heal()
				w.has(style, tt.bad)
				return
			}
			one := w.heal(tt.want)[0]
			if one.Mode != modeTorn || one.Culprit != culprit.ID || !strings.Contains(one.Why, "style.css of Tasks ") || !strings.Contains(one.Why, ": it ") {
				t.Errorf("%+v", one)
			}
			if tt.want == sys.HealProposed {
				w.has(style, tt.bad)
				w.heal(sys.HealProposed) // the same one
				next, err := w.Accept(t.Context(), one.ID)
				if err != nil || next.State != sys.HealDone {
					t.Fatalf("%+v, %v", next, err)
				}
			}
			w.has(style, good)
			w.has(tasks+"/src/sort.ts", later)
			w.heal()
		})
	}
}

// TestDamageThatIsLeftIsLeft: the owner has cut the file, and says so.
func TestDamageThatIsLeftIsLeft(t *testing.T) {
	const style = tasks + "/style.css"
	w := newWorld(t)
	w.agent(map[sys.Path]string{style: ".a { color: red; }\n.b { color: red; }\n"})
	w.land(sys.ByOwner, map[sys.Path]string{style: ".a { color: red"})
	one := w.heal(sys.HealProposed)[0]
	if _, err := w.Leave(t.Context(), one.ID); err != nil {
		t.Fatal(err)
	}
	w.heal(sys.HealLeft)
	w.has(style, ".a { color: red")
}

// TestADeletedFileThatNoCheckMisses: by hand, and without which the app is built to something
// else. Its return is proposed, a no is remembered, and what makes no difference, what is
// part of other work and what agents do is nobody's damage.
func TestADeletedFileThatNoCheckMisses(t *testing.T) {
	const style, other = tasks + "/style.css", tasks + "/src/sort.ts"
	good := strings.Repeat(".row { color: red; }\n", 20)
	has := func(tree fs.FS) string {
		text, err := fs.ReadFile(tree, style)
		return fmt.Sprint(len(text), errors.Is(err, fs.ErrNotExist))
	}
	for name, tt := range map[string]struct {
		kind  sys.LandingKind
		with  map[sys.Path]string
		built func(fs.FS) string
		asked bool
	}{
		"by hand":                {kind: sys.ByOwner, built: has, asked: true},
		"nothing is known":       {kind: sys.ByOwner, built: func(fs.FS) string { return "" }, asked: true},
		"it makes no difference": {kind: sys.ByOwner, built: func(fs.FS) string { return "same" }},
		"with other work":        {kind: sys.ByOwner, built: has, with: map[sys.Path]string{other: "// another sort\n// end\n"}},
		"by an agent":            {kind: sys.ByAgent, built: has},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.judge.built = tt.built
			w.agent(map[sys.Path]string{style: good})
			files := map[sys.Path]string{style: ""}
			maps.Copy(files, tt.with)
			culprit := w.land(tt.kind, files)
			for range 5 {
				w.agent(map[sys.Path]string{other: w.live(other) + "// end\n"})
			}
			later := w.live(other)
			if !tt.asked {
				w.heal()
				return
			}
			one := w.heal(sys.HealProposed)[0]
			if one.Mode != modeTorn || one.Culprit != culprit || !strings.Contains(one.Why, "style.css of Tasks looks damaged since "+culprit.String()+": it was deleted, and") || !slices.Equal(one.Files, []sys.Path{style}) {
				t.Errorf("%+v", one)
			}
			w.heal(sys.HealProposed) // the same one
			done, err := w.Accept(t.Context(), one.ID)
			if err != nil || done.State != sys.HealDone {
				t.Fatalf("%+v, %v", done, err)
			}
			w.has(style, good)
			w.has(other, later)
			w.heal()
			w.land(tt.kind, files)
			if _, err := w.Leave(t.Context(), w.heal(sys.HealProposed)[0].ID); err != nil {
				t.Fatal(err)
			}
			w.heal(sys.HealLeft)
		})
	}
}

// TestARemovedAppTookNothingFromTheNext: one that comes in its place has other files.
func TestARemovedAppTookNothingFromTheNext(t *testing.T) {
	w := newWorld(t)
	w.judge.built = func(fs.FS) string { return "" }
	manifest, contract, code := w.live(tasks+"/matrix.json"), w.live(promised), w.live(tasks+"/src/sort.ts")
	w.agent(map[sys.Path]string{tasks + "/style.css": ".a { color: red; }\n"})
	w.land(sys.ByOwner, map[sys.Path]string{tasks + "/matrix.json": "", promised: "", src: "", tasks + "/src/sort.ts": "", tasks + "/style.css": ""})
	w.agent(map[sys.Path]string{tasks + "/matrix.json": manifest, promised: contract, src: sheet(nil), tasks + "/src/sort.ts": code})
	w.heal()
}
