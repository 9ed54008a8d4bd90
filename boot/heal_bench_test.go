package boot

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"matrixos/app/browser"
	"matrixos/app/strength"
	"matrixos/client"
	"matrixos/disk"
	"matrixos/sys"
	"matrixos/web/runtime"
)

// The bench of the healer: faults are planted in apps with contracts, later good changes
// put on top, and what the healer makes of it is compared, byte for byte, with the app
// that never had the fault. Without MATRIXOS_HEAL_BENCH it is one app and a few faults;
// with it ("8": so many wrong changes of each app; "0": no faults at all) all apps that
// have contracts, each first tried MATRIXOS_HEAL_SOUND times without a fault.
// MATRIXOS_HEAL_APPS names some of them. MATRIXOS_HEAL_SCORES names a file that keeps the
// score, to which a later run adds.
func TestHealBench(t *testing.T) {
	b := newBench(t)
	per := 3
	requests := map[string]string{"expenses": "track my expenses by category"}
	if s := os.Getenv("MATRIXOS_HEAL_BENCH"); s != "" {
		var err error
		if per, err = strconv.Atoi(s); err != nil {
			t.Fatal(err)
		}
		requests["books"], requests["workouts"] = "a reading list with author and rating", "a workout log with date and minutes"
	}
	for _, slug := range slices.Sorted(maps.Keys(requests)) {
		if b.named(slug) {
			b.ask(requests[slug])
		}
	}
	b.resume()
	for _, slug := range b.apps(per == 3) {
		b.app(slug, per)
		if per != 3 {
			b.print()
		}
	}
	b.print()
	b.judgeRun(per == 3)
}

// bench is a home under test, and the score.
type bench struct {
	t       *testing.T
	s       *System
	random  *rand.Rand
	scores  map[sys.Slug]*score
	order   []sys.Slug
	healthy healthy
	serial  int
	wrongs  int // that were planted
	started time.Time
}

func newBench(t *testing.T) *bench {
	t.Helper()
	bin, err := browser.Find(os.Getenv("MATRIXOS_CHROMIUM"))
	if _, e := fs.Stat(runtime.Files(), "trial-page.js"); err == nil {
		err = e
	}
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skip("NOT RUN: ", err)
	}
	t.Setenv("MATRIXOS_CHROMIUM", bin)
	t.Setenv("MATRIXOS_KEYRING_PASSPHRASE", "bench")
	s, err := Start(t.Context(), Options{Home: filepath.Join(t.TempDir(), "home"), Model: "offline"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return &bench{t: t, s: s, random: rand.New(rand.NewPCG(5, 26)), scores: map[sys.Slug]*score{}, started: time.Now()}
}

// ask has the built-in model make an app.
func (b *bench) ask(text string) {
	b.t.Helper()
	answer, err := b.s.client.Follow(b.t.Context(), client.Ask{Text: text, From: "cli"}, func(client.Ticket) {}, func(sys.Event) error { return nil })
	if err != nil || !answer.OK {
		b.t.Fatalf("%s: %+v, %v", text, answer, err)
	}
}

// named reports whether an app is to be tried.
func (b *bench) named(slug string) bool {
	names := os.Getenv("MATRIXOS_HEAL_APPS")
	return names == "" || slices.Contains(strings.Split(names, ","), slug)
}

// apps are those that have a contract.
func (b *bench) apps(one bool) (out []sys.Slug) {
	b.t.Helper()
	view, err := b.s.disk.View(0)
	if err != nil {
		b.t.Fatal(err)
	}
	for _, a := range b.s.apps.List() {
		if !b.named(string(a.Slug)) {
			continue
		}
		if _, err := fs.Stat(view, string(a.Folder)+"/contract.json"); err == nil && (!one || a.Author != sys.ShippedBy) {
			out = append(out, a.Slug)
		}
	}
	if len(out) == 0 {
		b.t.Fatal("no app has a contract")
	}
	return out
}

// subject is one app without a fault.
type subject struct {
	slug   sys.Slug
	folder sys.Path
	files  map[sys.Path][]byte
	score  *score
}

func (b *bench) app(slug sys.Slug, per int) {
	b.t.Helper()
	view, folder, err := b.s.apps.newest(b.t.Context(), slug)
	if err != nil {
		b.t.Fatal(err)
	}
	r, err := b.s.apps.promise.check(b.t.Context(), view, folder)
	if err != nil {
		b.t.Fatal(err)
	}
	if !r.Green {
		b.t.Errorf("%s does not keep its contract as it is:\n%s", slug, r.Text())
		return
	}
	a := &subject{slug: slug, folder: folder, score: &score{}, files: b.read(folder)}
	b.sound(a, view)
	if per == 0 {
		return
	}
	b.scores[slug] = a.score
	if !slices.Contains(b.order, slug) {
		b.order = append(b.order, slug)
	}
	for _, f := range b.structural(a) {
		b.try(a, f, &a.score.Structural)
	}
	b.silent(a)
	all, err := strength.Bench{Runtime: b.s.apps.runtime, Browser: b.s.apps.promise.browser, Most: per}.Reached(b.t.Context(), view, folder)
	if err != nil {
		b.t.Fatal(err)
	}
	for _, m := range all {
		b.try(a, b.mutant(a, m, []int{5, 0, 1, 2, 3, 8}[b.wrongs%6]), &a.score.Semantic)
		b.wrongs++
	}
}

// read is what a folder holds.
func (b *bench) read(folder sys.Path) map[sys.Path][]byte {
	b.t.Helper()
	view, err := b.s.disk.View(0)
	if err != nil {
		b.t.Fatal(err)
	}
	out := map[sys.Path][]byte{}
	err = fs.WalkDir(view, string(folder), func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		out[sys.Path(p)], err = fs.ReadFile(view, p)
		return err
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		b.t.Fatal(err)
	}
	return out
}

// fault is what is planted: the culprit, then later changes. want is the app with all
// but the fault.
type fault struct {
	name    string
	by      sys.LandingKind
	culprit map[sys.Path][]byte // nil deletes
	later   []map[sys.Path][]byte
	marks   map[sys.Path][]string // what the later changes wrote, by file
	want    map[sys.Path][]byte
}

// try plants a fault, heals and counts.
func (b *bench) try(a *subject, f fault, n *tally) {
	b.t.Helper()
	ctx := b.t.Context()
	if f.culprit == nil {
		n.Invalid++
		return
	}
	culprit := b.plant(f)
	n.Planted++
	r, err := b.s.healer.Heal(ctx, sys.HealOptions{App: b.slugNow(a), Again: true})
	if err != nil {
		b.t.Errorf("%s: %s: %v", a.slug, f.name, err)
		b.reset(a)
		return
	}
	b.count(a, f, culprit, r.Cases, n)
	b.reset(a)
}

// plant lands a fault and what came after it.
func (b *bench) plant(f fault) sys.LandingID {
	b.t.Helper()
	b.s.disk.SetChecks() // no gate stands before what is planted
	culprit := b.land(f.by, f.name, f.culprit)
	for i, later := range f.later {
		b.land(sys.ByAgent, fmt.Sprintf("a later change %d", i), later)
	}
	b.s.disk.SetChecks(b.s.apps.check)
	return culprit
}

// slugNow is how the healer calls the app while its manifest may be unreadable.
func (b *bench) slugNow(a *subject) sys.Slug {
	files := b.read(a.folder)
	if bytes.Contains(files[a.folder+"/matrix.json"], []byte(`"slug"`)) {
		view, err := b.s.disk.View(0)
		if err != nil {
			b.t.Fatal(err)
		}
		for _, i := range b.s.apps.Known() {
			if _, e := fs.Stat(view, string(a.folder)); e == nil && i.Folder == a.folder && i.Slug.Valid() {
				return i.Slug
			}
		}
	}
	return sys.Slug(a.folder.Base())
}

func (b *bench) count(a *subject, f fault, culprit sys.LandingID, cases []sys.HealCase, n *tally) {
	b.t.Helper()
	if len(cases) == 0 {
		b.t.Logf("%s: not found: %s", a.slug, f.name)
		return
	}
	one := cases[0]
	n.Detected++
	if one.Culprit == culprit {
		n.Localised++
	}
	if one.State == sys.HealProposed {
		n.Asked++
		next, err := b.s.healer.Accept(b.t.Context(), one.ID)
		if err != nil {
			b.t.Errorf("%s: %s: %v", a.slug, f.name, err)
			return
		}
		next.Look, next.Millis = one.Look, one.Millis+next.Look+next.Millis
		one = next
	}
	got := b.read(a.folder)
	exact := same(got, f.want)
	landed := one.State == sys.HealDone
	lost := 0
	for p, marks := range f.marks {
		for _, m := range marks {
			if landed && !bytes.Contains(got[p], []byte(m)) {
				lost++
			}
		}
	}
	n.Lost += lost
	switch {
	case landed && exact:
		n.Repaired++
		n.Millis, n.Looks = append(n.Millis, one.Millis), append(n.Looks, one.Look)
	case landed:
		n.Wrong++
		b.t.Logf("%s: WRONG, %d lost: %s, by %s (%s)\n%s", a.slug, lost, f.name, one.Rung, one.Why, difference(f.want, got))
	default:
		b.t.Logf("%s: not mended (%s): %s: %s %s", a.slug, one.State, f.name, one.Why, strings.Join(one.Seen, " / "))
	}
	if one.Culprit != culprit {
		b.t.Logf("%s: blamed %s, not %s: %s", a.slug, one.Culprit, culprit, f.name)
	}
}

func same(a, b map[sys.Path][]byte) bool {
	if len(a) != len(b) {
		return false
	}
	for p, text := range a {
		if other, ok := b[p]; !ok || !bytes.Equal(text, other) {
			return false
		}
	}
	return true
}

func difference(want, got map[sys.Path][]byte) string {
	var out []string
	for p, text := range want {
		w, g := strings.Split(string(text), "\n"), strings.Split(string(got[p]), "\n")
		for i := range max(len(w), len(g)) {
			var x, y string
			if i < len(w) {
				x = w[i]
			}
			if i < len(g) {
				y = g[i]
			}
			if x != y && len(out) < 6 {
				out = append(out, fmt.Sprintf("%s:%d: want %q, have %q", p, i+1, x, y))
			}
		}
	}
	for p := range got {
		if _, ok := want[p]; !ok {
			out = append(out, fmt.Sprintf("%s should not be there", p))
		}
	}
	return strings.Join(out, "\n")
}

// land puts files in as a process or, for damage, as what is found in the live folder.
func (b *bench) land(kind sys.LandingKind, title string, files map[sys.Path][]byte) sys.LandingID {
	b.t.Helper()
	info, err := b.s.disk.Write(b.t.Context(), disk.Write{Kind: kind, Title: title, Files: files})
	if err != nil {
		b.t.Fatal(err)
	}
	return info.ID
}

// reset brings the app back to what it was without any fault.
func (b *bench) reset(a *subject) {
	b.t.Helper()
	files := map[sys.Path][]byte{}
	now := b.read(a.folder)
	for p := range now {
		if _, ok := a.files[p]; !ok {
			files[p] = nil
		}
	}
	for p, text := range a.files {
		if !bytes.Equal(now[p], text) || now[p] == nil {
			files[p] = text
		}
	}
	b.s.disk.SetChecks()
	if len(files) > 0 {
		b.land(sys.ByAgent, "as it was", files)
	}
	b.s.disk.SetChecks(b.s.apps.check)
	if err := b.s.apps.follow(context.WithoutCancel(b.t.Context())); err != nil {
		b.t.Fatal(err)
	}
}

// judgeRun holds the short run to what has to be so at any time.
func (b *bench) judgeRun(short bool) {
	var structural, semantic tally
	for _, s := range b.scores {
		structural.add(s.Structural)
		semantic.add(s.Semantic)
	}
	if structural.Wrong+semantic.Wrong+structural.Lost+semantic.Lost > 0 {
		b.t.Errorf("wrong repairs: %d; later changes lost: %d", structural.Wrong+semantic.Wrong, structural.Lost+semantic.Lost)
	}
	if structural.Detected < structural.Planted || structural.Repaired < structural.Detected {
		b.t.Errorf("of %d damages %d were found, %d mended", structural.Planted, structural.Detected, structural.Repaired)
	}
	if short && (semantic.Detected == 0 || semantic.Repaired == 0) {
		b.t.Errorf("of %d wrong changes %d were found, %d mended", semantic.Planted, semantic.Detected, semantic.Repaired)
	}
}

// source tells files with code.
func source(p sys.Path) bool {
	return slices.Contains([]string{".tsx", ".ts"}, path.Ext(string(p))) && !strings.HasSuffix(string(p), ".d.ts")
}
