package disk

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"math/rand"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"matrixos/disk/git"
	"matrixos/sys"
)

// record is what the children of a loop have said.
type record struct {
	begun, landed map[int]bool
	acknowledged  map[sys.LandingID]string
	owner         int
	killed        map[string]int // how often at each point that there is
}

func newRecord() *record {
	return &record{begun: map[int]bool{}, landed: map[int]bool{}, acknowledged: map[sys.LandingID]string{}, killed: map[string]int{}}
}

// hear takes one line of a child; it is false if that is none of the protocol's.
func (r *record) hear(line string) bool {
	word, rest, _ := strings.Cut(line, " ")
	n, _ := strconv.Atoi(rest)
	switch word {
	case "R", "D":
	case "B":
		r.begun[n] = true
	case "L":
		r.landed[n] = true
	case "A":
		id, title, _ := strings.Cut(rest, " ")
		n, _ := strconv.Atoi(id)
		r.acknowledged[sys.LandingID(n)] = title
	case "O":
		r.owner = n
	case "P":
		r.killed[rest] += 0
	case "K":
		r.killed[rest]++
	default:
		return false
	}
	return true
}

// rarest is the point at which the fewest children have died.
func (r *record) rarest() string {
	points := []string{}
	for p := range r.killed {
		points = append(points, p)
	}
	slices.SortFunc(points, func(a, b string) int {
		if d := r.killed[a] - r.killed[b]; d != 0 {
			return d
		}
		return strings.Compare(a, b)
	})
	if len(points) == 0 {
		return ""
	}
	return points[0]
}

// death is how a child ends.
type death struct {
	point string
	count int
	after time.Duration // where no point is named: so long after it is ready
	steps int
	env   []string
}

// runChild runs one child to its death; heard is called with each of its lines.
func runChild(t *testing.T, root string, seed int64, d death, heard func(line string) bool) {
	t.Helper()
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), childHome+"="+root, childPoint+"="+d.point, fmt.Sprintf("%s=%d", childCount, d.count),
		fmt.Sprintf("%s=%d", childSteps, d.steps), fmt.Sprintf("%s=%d", childSeed, seed))
	child.Env = append(child.Env, d.env...)
	var stderr bytes.Buffer
	child.Stderr = &stderr
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	limit := time.AfterFunc(2*time.Minute, func() {
		t.Error("a child hangs")
		_ = child.Process.Kill()
	})
	defer limit.Stop()
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if lines.Text() == "R" && d.after > 0 {
			time.AfterFunc(d.after, func() { _ = child.Process.Kill() })
		}
		if !heard(lines.Text()) {
			t.Errorf("child: %s", lines.Text())
		}
	}
	if err := child.Wait(); err == nil || stderr.Len() > 0 {
		t.Fatalf("the child was not killed: %v %s", err, stderr.String())
	}
}

// prepared fills a folder with what the children work on.
func prepared(t *testing.T, root string) {
	t.Helper()
	for g := range groups {
		for k := range perGroup {
			put(t, filepath.Join(root, groupFile(g, k)), groupText(0, g, k))
		}
	}
	put(t, root+"/owner.txt", "0")
	put(t, filepath.Join(root, rowsFile), "0")
	run(t, filepath.Join(root, rowsBase), `CREATE TABLE visit(n INTEGER PRIMARY KEY)`, `INSERT INTO visit VALUES(0)`)
	put(t, filepath.Join(root, sharedFile), "base\n")
	put(t, root+"/.matrixignore", "*.tmp\n")
}

// deathsOfAHome is after how many deaths a new home begins: the whole history is
// looked at after each, so that a long one would take up most of the time.
const deathsOfAHome = 125

// TestKillLoop kills processes that do all that a disk can do, at each named point
// in turn, those of recovery among them, and at random instants, while the owner,
// who is not killed, saves one of the files. After each death it looks whether
// every promise is kept.
func TestKillLoop(t *testing.T) {
	random := seeded(t)
	rounds := soak(t, 110, 1000)
	killed := map[string]int{}
	landings, saves := 0, 0
	for done := 0; done < rounds; done += deathsOfAHome {
		r, o := killInOneHome(t, random, min(deathsOfAHome, rounds-done), killed)
		landings += len(r.acknowledged)
		saves += len(o.saves)
		t.Logf("%d deaths, %d landings acknowledged, %d saves of the owner", min(done+deathsOfAHome, rounds), landings, saves)
	}
	t.Logf("killed at %v", killed)
	for point, n := range killed {
		if n == 0 && rounds > 4*len(killed) && point != "given-back" { // that one needs a race
			t.Errorf("nobody was killed at %s", point)
		}
	}
	if landings < rounds/2 { // in the first few deaths by chance less than one each
		t.Errorf("only %d landings were made", landings)
	}
}

// killInOneHome is the loop in one new home; killed counts on over all of them.
func killInOneHome(t *testing.T, random *rand.Rand, deaths int, killed map[string]int) (*record, *owner) {
	t.Helper()
	root := memory(t)
	prepared(t, root)
	r := newRecord()
	r.killed = killed
	o := &owner{t: t, path: filepath.Join(root, sharedFile), random: rand.New(rand.NewSource(random.Int63())), overwritten: map[string]bool{}}
	o.saveStyles("rename", "in place", "held open")
	for round := range deaths {
		d := death{steps: 14, count: 1 + random.Intn(2), point: r.rarest()}
		switch {
		case round == 0: // to learn the points
			d.point = ""
		case round%4 == 3:
			d.point, d.after = "", time.Duration(1+random.Intn(120))*time.Millisecond
		}
		resting := o.saveUntilStopped()
		runChild(t, root, random.Int63(), d, r.hear)
		resting()
		afterDeath(t, root, r, round%20 == 19)
		if t.Failed() {
			t.Fatalf("round %d; points so far %v", round, killed)
		}
	}
	h := open(t, root, func(o *Options) { o.Template = nil })
	defer h.close()
	h.capture()
	o.noneLost(h)
	return r, o
}

// afterDeath opens a home as the next process would, and holds it against what
// was acknowledged.
func afterDeath(t *testing.T, root string, r *record, fsck bool) {
	t.Helper()
	h := open(t, root, func(o *Options) { o.Template = nil })
	defer h.close()
	checkGroups(h)
	checkRows(h, r)
	if info := h.capture(); info.ID != 0 {
		t.Errorf("live files differ from the history: %+v", info)
	}
	checkHistory(h, r)
	if got, err := strconv.Atoi(h.live("owner.txt")); err != nil || got < r.owner {
		t.Errorf("the owner's file is %d, last saved %d, %v", got, r.owner, err)
	}
	if got := strings.TrimSpace(h.git("rev-parse", "main")); got != h.at().commit.String() {
		t.Errorf("main is %s, want %s", got, h.at().commit)
	}
	for _, sub := range []string{"stage", "quarantine"} {
		left, err := os.ReadDir(h.store(sub))
		if err != nil || len(left) > 0 {
			t.Errorf("left in %s: %v, %v", sub, left, err)
		}
	}
	aside, err := filepath.Glob(h.store("displaced", "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range aside {
		if !strings.HasSuffix(a, "-"+sharedFile) {
			t.Errorf("%s was set aside: nobody has saved that", a)
		}
	}
	if fsck {
		h.git("fsck", "--strict", "--no-dangling")
	}
}

// checkGroups looks that files that land together are of one landing.
func checkGroups(h *home) {
	h.t.Helper()
	for g := range groups {
		first, _, _ := strings.Cut(h.live(groupFile(g, 0)), "\n")
		i, err := strconv.Atoi(first)
		if err != nil {
			h.t.Errorf("group %d begins with %q", g, first)
		}
		for k := range perGroup {
			h.want(groupFile(g, k), groupText(i, g, k))
		}
	}
}

// checkRows looks that a file and the rows that landed with it say the same, each
// row once, and that no acknowledged one is missing.
func checkRows(h *home, r *record) {
	h.t.Helper()
	base := filepath.Join(h.root, rowsBase)
	if newest := ask(h.t, base, `SELECT max(n) FROM visit`); newest != h.live(rowsFile) {
		h.t.Errorf("the newest row is %s, the file says %s", newest, h.live(rowsFile))
	}
	there := map[string]bool{}
	for n := range strings.FieldsSeq(ask(h.t, base, `SELECT n FROM visit`)) {
		there[n] = true
	}
	landed := 0
	log, err := h.Log(context.Background(), Query{Limit: 1e6})
	if err != nil {
		h.t.Fatal(err)
	}
	for _, l := range log {
		if n, ok := strings.CutPrefix(l.Title, "rows "); ok {
			landed++
			if !there[n] {
				h.t.Errorf("%s landed row %s, which is not there", l.ID, n)
			}
		}
	}
	if len(there) != landed+1 {
		h.t.Errorf("%d rows of %d landings", len(there)-1, landed)
	}
}

// checkHistory holds the landings, their events and companions against what was
// asked for and acknowledged.
func checkHistory(h *home, r *record) {
	h.t.Helper()
	ctx := context.Background()
	log, err := h.Log(ctx, Query{Limit: 1e6})
	if err != nil {
		h.t.Fatal(err)
	}
	times := map[int]int{}
	for i, l := range log {
		if l.ID != sys.LandingID(len(log)-i) {
			h.t.Errorf("%s where L%d belongs", l.ID, len(log)-i)
		}
		if want, ok := r.acknowledged[l.ID]; ok && l.Title != want {
			h.t.Errorf("%s is %q, acknowledged was %q", l.ID, l.Title, want)
		}
		if n, ok := strings.CutPrefix(l.Title, "landing "); ok {
			k, _ := strconv.Atoi(n)
			times[k]++
			if !r.begun[k] {
				h.t.Errorf("landing %d was never asked for", k)
			}
		}
	}
	for k := range r.landed {
		if times[k] != 1 {
			h.t.Errorf("acknowledged landing %d is there %d times", k, times[k])
		}
	}
	for id, title := range r.acknowledged {
		if int(id) > len(log) {
			h.t.Errorf("acknowledged %s, %s, is not there", id, title)
		}
	}
	var mail, events int
	if err := h.j.QueryRow(ctx, `SELECT count(*) FROM event WHERE kind = 'landing'`).Scan(&events); err != nil || events != len(log) {
		h.t.Errorf("%d events for %d landings, %v", events, len(log), err)
	}
	if len(times) > 0 {
		if err := h.j.QueryRow(ctx, `SELECT count(*) FROM mail`).Scan(&mail); err != nil || mail != len(times) {
			h.t.Errorf("%d companions of %d landings, %v", mail, len(times), err)
		}
	}
}

// saveStyles says how the owner saves, in turn.
func (o *owner) saveStyles(styles ...string) { o.styles = styles }

// saveUntilStopped saves in the background; the returned function waits for the
// last save.
func (o *owner) saveUntilStopped() (stop func()) {
	quit, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case <-quit:
				return
			case <-time.After(time.Duration(o.random.Intn(30)) * time.Millisecond):
			}
			o.save(o.styles[len(o.saves)%len(o.styles)])
		}
	}()
	return func() { close(quit); <-done }
}

// noneLost looks for every save that the owner has not overwritten.
func (o *owner) noneLost(h *home) {
	o.t.Helper()
	kept := h.everything()
	lost := 0
	for i, s := range o.saves {
		if !o.overwritten[s] && !kept[git.Sum(git.Blob, []byte(s))] {
			if lost++; lost <= 5 {
				o.t.Errorf("save %d, %s, is lost: %.60q", i, o.styles[i%len(o.styles)], s)
			}
		}
	}
	if lost > 0 {
		o.t.Errorf("%d of %d saves are lost", lost, len(o.saves))
	}
}
