package heal

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"matrixos/app"
	"matrixos/disk"
	"matrixos/sys"
)

// promise is a contract as the scripted judge reads it: words that a file of the app
// has, or has not.
type promise struct {
	Name, File, Has, Not string
}

// scripted judges apps by words in their files. A file that has "SYNTAX" in it does not
// compile.
type scripted struct {
	mu            sync.Mutex
	wholes, parts int
	meet          chan struct{}      // the first two parts wait here for one another; may be nil
	alone         bool               // one waited in vain
	mild          bool               // whatever it is, it holds
	built         func(fs.FS) string // names what the app is built to; nil says that all is alike
}

func (j *scripted) Whole(ctx context.Context, tree fs.FS, folder sys.Path) (*sys.ContractReport, error) {
	j.mu.Lock()
	j.wholes++
	j.mu.Unlock()
	return j.judge(tree, folder, func(string) bool { return true })
}

func (j *scripted) First(ctx context.Context, tree fs.FS, folder sys.Path) (*sys.ContractReport, error) {
	r, err := j.judge(tree, folder, func(string) bool { return true })
	if err != nil {
		return nil, err
	}
	for i, s := range r.Scenarios {
		if !s.Green {
			r.Scenarios = r.Scenarios[:i+1]
			break
		}
	}
	return r, nil
}

func (j *scripted) Part(_ context.Context, tree fs.FS, folder sys.Path, check string) (*sys.ContractReport, error) {
	j.mu.Lock()
	j.parts++
	first := j.parts <= 2
	j.mu.Unlock()
	if j.meet != nil && first {
		select {
		case j.meet <- struct{}{}:
		case <-j.meet:
		case <-time.After(20 * time.Second):
			j.alone = true
		}
	}
	return j.judge(tree, folder, func(name string) bool { return name == check })
}

func (j *scripted) Print(_ context.Context, tree fs.FS, _ sys.Path, check string) (string, bool, error) {
	switch {
	case check != "":
		return "", false, nil
	case j.built == nil:
		return "alike", false, nil
	}
	return j.built(tree), false, nil
}

func (j *scripted) judge(tree fs.FS, folder sys.Path, want func(string) bool) (*sys.ContractReport, error) {
	r := &sys.ContractReport{App: sys.Slug(folder.Base()), Level: sys.VerifiedBrowser}
	j.mu.Lock()
	mild := j.mild
	j.mu.Unlock()
	fault := func(file, text string) {
		r.Faults = append(r.Faults, sys.Diagnostic{Severity: "error", File: folder + "/" + sys.Path(file), Line: 1, Text: text})
	}
	defer r.Settle()
	text, err := fs.ReadFile(tree, string(folder)+"/"+app.ManifestName)
	if !json.Valid(text) {
		fault(app.ManifestName, fmt.Sprint("no manifest ", err))
		return r, nil
	}
	var all []promise
	if text, err = fs.ReadFile(tree, string(folder)+"/"+contractName); err == nil && json.Unmarshal(text, &all) != nil {
		fault(contractName, "no contract")
		return r, nil
	}
	err = fs.WalkDir(tree, string(folder)+"/src", func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := fs.ReadFile(tree, p)
		if strings.Contains(string(text), "SYNTAX") || strings.Contains(string(text), "\x00") || !strings.HasSuffix(string(text), "end\n") {
			fault(strings.TrimPrefix(p, string(folder)+"/"), "it does not compile")
		}
		return err
	})
	if err != nil || len(r.Faults) > 0 {
		return r, err
	}
	for _, p := range all {
		if !want(p.Name) {
			continue
		}
		text, err := fs.ReadFile(tree, path.Join(string(folder), p.File))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return r, err
		}
		green := mild || strings.Contains(string(text), p.Has) && (p.Not == "" || !strings.Contains(string(text), p.Not))
		r.Scenarios = append(r.Scenarios, sys.ScenarioResult{Name: p.Name, Millis: 1, Steps: []sys.StepResult{{Step: "look into " + p.File, Green: green}}})
	}
	return r, nil
}

const (
	tasks = "apps/tasks"
	src   = tasks + "/src/App.tsx"
)

// sheet is a file of thirty lines, some of them changed.
func sheet(change map[int]string) string {
	var b strings.Builder
	for i := range 30 {
		line := fmt.Sprintf("const line%d = %d;", i, i)
		if s, ok := change[i]; ok {
			line = s
		}
		b.WriteString(line + "\n")
	}
	return b.String() + "// end\n"
}

// world is a home with one app whose contract forbids the word BAD.
type world struct {
	*Healer
	t     testing.TB
	disk  *disk.Disk
	root  string
	judge *scripted
}

func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{t: t, root: t.TempDir(), judge: &scripted{}}
	var err error
	w.disk, err = disk.Open(t.Context(), w.root, disk.Options{NoWatch: true, Owner: "Ada <ada@example.org>", Template: fstest.MapFS{
		tasks + "/matrix.json":   {Data: []byte(`{"name": "Tasks", "slug": "tasks", "version": "1.0.0", "runtime": "vite"}` + "\n")},
		tasks + "/contract.json": {Data: []byte(`[{"Name": "nothing is bad", "File": "src/App.tsx", "Not": "BAD"}, {"Name": "nothing is worse", "File": "src/App.tsx", "Not": "WORSE"}, {"Name": "it sorts", "File": "src/sort.ts", "Has": "sort"}]` + "\n")},
		src:                      {Data: []byte(sheet(nil))},
		tasks + "/src/sort.ts":   {Data: []byte("sort\n// end\n")},
		"system/config.json":     {Data: []byte("{\n  \"model\": \"offline\",\n  \"zone\": \"UTC\"\n}\n")},
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.disk.Close(); err != nil {
			t.Error(err)
		}
	})
	if w.Healer, err = New(t.Context(), Options{Disk: w.disk, Judge: w.judge}); err != nil {
		t.Fatal(err)
	}
	return w
}

// agent lands files as a process does.
func (w *world) agent(files map[sys.Path]string) sys.LandingID { return w.land(sys.ByAgent, files) }

func (w *world) land(kind sys.LandingKind, files map[sys.Path]string) sys.LandingID {
	w.t.Helper()
	out := disk.Write{Kind: kind, Title: "a change", Files: map[sys.Path][]byte{}}
	for p, text := range files {
		if out.Files[p] = []byte(text); text == "" {
			out.Files[p] = nil
		}
	}
	info, err := w.disk.Write(w.t.Context(), out)
	if err != nil {
		w.t.Fatal(err)
	}
	return info.ID
}

// heal runs the healer and wants one case in each of the states.
func (w *world) heal(want ...sys.HealState) []sys.HealCase {
	w.t.Helper()
	r, err := w.Heal(w.t.Context(), sys.HealOptions{})
	if err != nil {
		w.t.Fatal(err)
	}
	var states []sys.HealState
	for _, one := range r.Cases {
		states = append(states, one.State)
	}
	if !slices.Equal(states, want) {
		w.t.Fatalf("cases %v, want %v\n%+v", states, want, r.Cases)
	}
	return r.Cases
}

func (w *world) live(path string) string {
	w.t.Helper()
	text, err := os.ReadFile(filepath.Join(w.root, path))
	if err != nil {
		w.t.Fatal(err)
	}
	return string(text)
}

func (w *world) has(path, want string) {
	w.t.Helper()
	if got := w.live(path); got != want {
		w.t.Errorf("%s is\n%s\nwant\n%s", path, got, want)
	}
}

// TestMode27TheGuiltyPartGoesAndNothingElse: of a change five landings back that did
// two things, the wrong one is found and taken back; the right one and all that came
// later stay. The owner takes the repair back, and it is not made again.
func TestMode27TheGuiltyPartGoesAndNothingElse(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	w.agent(map[sys.Path]string{src: sheet(map[int]string{3: "const good = 1;"})})
	lines := map[int]string{3: "const good = 1;", 10: "const kept = 2;", 14: "const BAD = 3;"}
	guilty := w.agent(map[sys.Path]string{src: sheet(lines)})
	for i := range 5 {
		lines[18+2*i] = fmt.Sprintf("const later%d = 1;", i)
		w.agent(map[sys.Path]string{src: sheet(lines)})
	}
	broken := w.live(src)
	one := w.heal(sys.HealDone)[0]
	delete(lines, 14)
	w.has(src, sheet(lines))
	if one.Culprit != guilty || one.Rung != sys.RungHunk || one.Mode != modeSemantic || one.Detector != ByContract || one.Landing == 0 || len(one.Collateral) > 0 {
		t.Errorf("%+v", one)
	}
	info, _, err := w.disk.Show(ctx, one.Landing)
	if err != nil || info.Kind != sys.ByHealer || info.Provenance.Undoes != guilty {
		t.Errorf("%+v, %v", info, err)
	}
	w.heal()
	if _, _, err := w.disk.Undo(ctx, one.Landing, disk.UndoOptions{}); err != nil {
		t.Fatal(err)
	}
	w.has(src, broken)
	w.heal(sys.HealBack)
	w.heal(sys.HealBack) // the same case
	w.has(src, broken)
	r, err := w.Reliability(ctx)
	if err != nil || r.Total.Healed != 1 || r.Total.TakenBack != 1 || r.Total.Collateral != 0 || r.Green == 0 {
		t.Errorf("%+v, %v", r, err)
	}
}

// TestTheOwnersChangeIsNotUndoneUnasked: a repair is proposed, once, and carried out
// with a yes; with a no it is left and not asked for again.
func TestTheOwnersChangeIsNotUndoneUnasked(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	lines := map[int]string{4: "const BAD = 1;"}
	edit := w.land(sys.ByOwner, map[sys.Path]string{src: sheet(lines)})
	lines[20] = "const later = 1;"
	w.agent(map[sys.Path]string{src: sheet(lines)})
	broken := w.live(src)
	one := w.heal(sys.HealProposed)[0]
	w.has(src, broken)
	if one.Culprit != edit || one.By != sys.ByOwner || !strings.Contains(one.Patch, "BAD") || len(one.Ways) != 2 {
		t.Errorf("%+v", one)
	}
	if again := w.heal(sys.HealProposed)[0]; again.ID != one.ID {
		t.Errorf("proposed twice: %d and %d", one.ID, again.ID)
	}
	if _, err := w.Leave(ctx, one.ID); err != nil {
		t.Fatal(err)
	}
	w.heal(sys.HealLeft)
	lines[25] = "const more = 1;" // the app is another now, but what is wrong is the same
	w.agent(map[sys.Path]string{src: sheet(lines)})
	w.heal(sys.HealLeft)
	r, err := w.Heal(ctx, sys.HealOptions{App: "tasks", Again: true})
	if err != nil || len(r.Cases) != 1 || r.Cases[0].State != sys.HealProposed {
		t.Fatalf("%+v, %v", r, err)
	}
	if _, err := w.Leave(ctx, r.Cases[0].ID); err != nil {
		t.Fatal(err)
	}
	lines[27] = "const WORSE = 1;" // something else, and not the owner's
	w.agent(map[sys.Path]string{src: sheet(lines)})
	w.heal(sys.HealDone, sys.HealLeft)
	delete(lines, 27)
	w.has(src, sheet(lines))
}

// TestAcceptedRepairLands: the proposal and its landing are one case.
func TestAcceptedRepairLands(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	w.land(sys.ByOwner, map[sys.Path]string{src: sheet(map[int]string{4: "const BAD = 1;"})})
	w.agent(map[sys.Path]string{src: sheet(map[int]string{4: "const BAD = 1;", 20: "const later = 1;"})})
	one := w.heal(sys.HealProposed)[0]
	done, err := w.Accept(ctx, one.ID)
	if err != nil || done.State != sys.HealDone || done.ID != one.ID {
		t.Fatalf("%+v, %v", done, err)
	}
	w.has(src, sheet(map[int]string{20: "const later = 1;"}))
	if _, err := w.Accept(ctx, one.ID); sys.KindOf(err) != sys.Exists {
		t.Errorf("%v", err)
	}
	if r, err := w.Reliability(ctx); err != nil || r.Cases != 1 || r.Total.Healed != 1 {
		t.Errorf("%+v, %v", r, err)
	}
}

// TestTwoFaultsOfTwoLandings: each is found by itself.
func TestTwoFaultsOfTwoLandings(t *testing.T) {
	w := newWorld(t)
	a := w.agent(map[sys.Path]string{src: sheet(map[int]string{4: "const BAD = 1;"})})
	w.agent(map[sys.Path]string{src: sheet(map[int]string{4: "const BAD = 1;", 12: "const fine = 1;"})})
	b := w.agent(map[sys.Path]string{tasks + "/src/sort.ts": "shuffle\n// end\n"})
	cases := w.heal(sys.HealDone, sys.HealDone)
	if got := []sys.LandingID{cases[0].Culprit, cases[1].Culprit}; !slices.Equal(got, []sys.LandingID{a, b}) && !slices.Equal(got, []sys.LandingID{b, a}) {
		t.Errorf("culprits %v, want %s and %s", got, a, b)
	}
	w.has(src, sheet(map[int]string{12: "const fine = 1;"}))
	w.has(tasks+"/src/sort.ts", "sort\n// end\n")
}

// TestMode41NothingIsLostUnasked: where later work stands on what is wrong, the repair
// that would lose it is only proposed.
func TestMode41NothingIsLostUnasked(t *testing.T) {
	w := newWorld(t)
	w.agent(map[sys.Path]string{src: sheet(map[int]string{4: "const BAD = 1;"})})
	onTop := w.agent(map[sys.Path]string{src: sheet(map[int]string{4: "const BADDER = 1;"})})
	w.agent(map[sys.Path]string{src: sheet(map[int]string{4: "const BADDER = 1;", 20: "const later = 1;"})})
	before := w.live(src)
	one := w.heal(sys.HealProposed)[0]
	if one.Rung != sys.RungReplay || !slices.Equal(one.Collateral, []sys.LandingID{onTop}) {
		t.Errorf("%+v", one)
	}
	w.has(src, before)
	if done, err := w.Accept(t.Context(), one.ID); err != nil || done.State != sys.HealDone {
		t.Fatalf("%+v, %v", done, err)
	}
	w.has(src, sheet(map[int]string{20: "const later = 1;"}))
}

// TestMode39ContractStays: what brings a torn contract back is its own bytes; and a
// contract that never held is not touched, nor is the app.
func TestMode39ContractStays(t *testing.T) {
	w := newWorld(t)
	name := sys.Path(tasks + "/contract.json")
	good := w.live(string(name))
	w.land(sys.ByOwner, map[sys.Path]string{name: good[:40]})
	if one := w.heal(sys.HealDone)[0]; one.Mode != modeTorn || one.Rung != sys.RungBytes {
		t.Errorf("%+v", one)
	}
	w.has(string(name), good)
	asks := `[{"Name": "it has what it never had", "File": "src/App.tsx", "Has": "unicorn"}]`
	w.agent(map[sys.Path]string{name: asks})
	if one := w.heal(sys.HealRests)[0]; len(one.Ways) == 0 || one.Landing != 0 {
		t.Errorf("%+v", one)
	}
	w.has(string(name), asks)
}

// TestAnAgentsRepairIsInTheLedger: what no remedy held for is mended by an agent, and counts as
// that; what the owner mends is somebody else's doing.
func TestAnAgentsRepairIsInTheLedger(t *testing.T) {
	for kind, want := range map[sys.LandingKind]sys.HealState{sys.ByAgent: sys.HealDone, sys.ByOwner: sys.HealGone} {
		t.Run(string(kind), func(t *testing.T) {
			w := newWorld(t)
			w.agent(map[sys.Path]string{tasks + "/contract.json": `[{"Name": "it flies", "File": "src/App.tsx", "Has": "wings"}]`})
			one := w.heal(sys.HealRests)[0]
			landing := w.land(kind, map[sys.Path]string{src: sheet(map[int]string{3: "const wings = 2;"})})
			w.heal()
			now, err := w.byID(t.Context(), "show", one.ID)
			if err != nil || now.State != want || now.Closed.IsZero() {
				t.Fatalf("%+v, %v", now, err)
			}
			if want == sys.HealDone && (now.Rung != sys.RungModel || now.Landing != landing || len(now.Ways) > 0) {
				t.Errorf("%+v", now)
			}
		})
	}
}

// TestDamageIsUndoneAtOnce: what no hand writes is not taken for the owner's edit, and
// later edits of the file stay.
func TestDamageIsUndoneAtOnce(t *testing.T) {
	good := sheet(nil)
	for name, bad := range map[string]string{
		"torn": good[:len(good)/2], "empty": "\n", "zeros": good[:200] + strings.Repeat("\x00", 64) + good[264:],
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.land(sys.ByOwner, map[sys.Path]string{src: bad})
			w.agent(map[sys.Path]string{tasks + "/src/sort.ts": "sort well\n// end\n"})
			if name == "empty" { // a newline may be a hand's
				w.heal(sys.HealProposed)
				return
			}
			one := w.heal(sys.HealDone)[0]
			if one.Mode != modeTorn {
				t.Errorf("%+v", one)
			}
			w.has(src, good)
			w.has(tasks+"/src/sort.ts", "sort well\n// end\n")
		})
	}
}

// TestDeletedManifest: an app whose manifest is gone, or damaged, is still one, and has the
// name that it had.
func TestDeletedManifest(t *testing.T) {
	w := newWorld(t)
	good := strings.Replace(w.live(tasks+"/matrix.json"), "Tasks", "Left to do", 1)
	w.land(sys.ByOwner, map[sys.Path]string{tasks + "/matrix.json": good})
	w.land(sys.ByOwner, map[sys.Path]string{tasks + "/matrix.json": good[:len(good)-9]})
	if one := w.heal(sys.HealDone)[0]; !strings.Contains(one.Why, "Left to do") {
		t.Errorf("damaged: %q", one.Why)
	}
	w.land(sys.ByOwner, map[sys.Path]string{tasks + "/matrix.json": ""})
	one := w.heal(sys.HealProposed)[0]
	if !strings.HasPrefix(one.Why, "Left to do is broken") {
		t.Errorf("deleted: %q", one.Why)
	}
	if done, err := w.Accept(t.Context(), one.ID); err != nil || done.State != sys.HealDone {
		t.Fatalf("%+v, %v", done, err)
	}
	w.has(tasks+"/matrix.json", good)
}

// TestMode30SettingsAreMended: damaged ones at once, the owner's slip with a yes, and
// what was never good by making it readable.
func TestMode30SettingsAreMended(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	const file = "system/config.json"
	good := w.live(file)
	w.land(sys.ByOwner, map[sys.Path]string{file: good[:17]})
	if one := w.heal(sys.HealDone)[0]; one.Mode != modeTorn || one.Path != file {
		t.Errorf("%+v", one)
	}
	w.has(file, good)
	w.land(sys.ByOwner, map[sys.Path]string{file: strings.Replace(good, ",", ",,", 1)})
	one := w.heal(sys.HealProposed)[0]
	if one.Mode != modeCorrupt || one.Detector != BySettings {
		t.Errorf("%+v", one)
	}
	if _, err := w.Accept(ctx, one.ID); err != nil {
		t.Fatal(err)
	}
	w.has(file, good)
	w.agent(map[sys.Path]string{"system/theme.json": "{\"design\": \"paper\", // mine\n}"})
	if one := w.heal(sys.HealDone)[0]; one.Rung != sys.RungSyntax {
		t.Errorf("%+v", one)
	}
	w.has("system/theme.json", "{\n  \"design\": \"paper\"\n}\n")
}

// TestAReportThatNoCheckBringsAbout is kept once, and changes nothing.
func TestAReportThatNoCheckBringsAbout(t *testing.T) {
	w := newWorld(t)
	head := w.disk.Head()
	for by, mode := range map[string]int{ByBeacon: modeBlank, ByPulse: modeSlow, ByWeight: modeSlow} {
		for range 2 {
			w.look(t.Context(), func(f sys.Path) bool { return w.isApp(f, "tasks") }, by, "told by "+by)
		}
		list, err := w.Cases(t.Context(), "tasks", 0)
		newest := slices.IndexFunc(list, func(c sys.HealCase) bool { return c.Detector == by })
		if err != nil || newest != 0 || list[0].State != sys.HealUnproven || list[0].Mode != mode || w.disk.Head() != head {
			t.Errorf("%s: %+v, %v", by, list, err)
		}
	}
	if list, err := w.Cases(t.Context(), "tasks", 0); err != nil || len(list) != len(byWindow) {
		t.Errorf("%+v, %v", list, err)
	}
	if one, err := w.Missed(t.Context(), "tasks", "the colours are wrong"); err != nil || one.State != sys.HealEscaped {
		t.Errorf("%+v, %v", one, err)
	}
	if r, err := w.Reliability(t.Context()); err != nil || r.Total.Escaped != 1 {
		t.Errorf("%+v, %v", r, err)
	}
}
