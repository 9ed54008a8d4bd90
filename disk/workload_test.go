package disk

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"matrixos/disk/workspace"
	"matrixos/journal"
	"matrixos/sys"
)

// The environment of a child of the kill loop and of the power rig.
const (
	childHome  = "MATRIXOS_DISK_TEST_HOME"
	childPoint = "MATRIXOS_DISK_TEST_POINT" // where it kills itself; "" is nowhere
	childCount = "MATRIXOS_DISK_TEST_COUNT" // at the how manieth passing
	childSeed  = "MATRIXOS_DISK_TEST_SEED"
	childSteps = "MATRIXOS_DISK_TEST_STEPS" // how many steps it makes at most
	childBoot  = "MATRIXOS_DISK_TEST_BOOT"  // the boot id it believes in
	childUnsyn = "MATRIXOS_DISK_TEST_UNSYNCED"
)

func TestMain(m *testing.M) {
	if os.Args[0] == workspace.HolderName {
		syscall.Exit(workspace.Hold(os.Args)) // not os.Exit: under the race detector that sleeps for a second
	}
	if root := os.Getenv(childHome); root != "" {
		if err := workUntilKilled(root); err != nil {
			say("E", err)
		}
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// soak is how much to do: n as a rule, less in short and least under the race
// detector, long under `make soak`, which may ask for more by SOAK=2 and so on.
func soak(t testing.TB, n, long int) int {
	t.Helper()
	v := os.Getenv("SOAK")
	if v == "" {
		if raced {
			return max(n/20, 1)
		}
		if testing.Short() {
			return max(n/5, 1)
		}
		return n
	}
	times, err := strconv.Atoi(v)
	if err != nil {
		t.Fatalf("SOAK is %q, not a number", v)
	}
	return long * max(times, 1)
}

// notRaced leaves a test that moves much data to the run without the race
// detector, in which it would take minutes.
func notRaced(t testing.TB) {
	t.Helper()
	if raced {
		t.Skip("runs without the race detector: see tools/test")
	}
}

// seeded is a source of chance that SEED=… in the environment repeats.
func seeded(t testing.TB) *rand.Rand {
	t.Helper()
	seed := time.Now().UnixNano()
	if v := os.Getenv("SEED"); v != "" {
		var err error
		if seed, err = strconv.ParseInt(v, 10, 64); err != nil {
			t.Fatalf("SEED is %q, not a number", v)
		}
	}
	t.Logf("to repeat this: SEED=%d go test ./disk -run '^%s$'", seed, t.Name())
	return rand.New(rand.NewSource(seed))
}

var saying sync.Mutex

// say tells the parent something: one line, one write.
func say(word string, v ...any) {
	saying.Lock()
	defer saying.Unlock()
	line := strings.TrimSuffix(fmt.Sprintln(append([]any{word}, v...)...), "\n")
	fmt.Println(strings.ReplaceAll(line, "\n", " "))
}

// work is a child: it does steps of every kind until it is killed. It says B and
// L around a landing with its number, A with the id and title of any landing
// acknowledged, O after the owner's file was saved, P for each point of the
// protocol that it passes, and K for the one where it kills itself.
type work struct {
	*Disk
	root   string
	random *rand.Rand
	i      int // numbers what is written, over all children
}

// steps are what a child does, each as often as its weight says. A new operation
// of the disk is one more line here.
var steps = []struct {
	name   string
	weight int
	do     func(w *work, ctx context.Context) error
}{
	{"land", 6, (*work).landGroups},
	{"shared", 3, (*work).landShared},
	{"owner", 2, (*work).saveByHand},
	{"capture", 1, func(w *work, ctx context.Context) error { _, err := w.Capture(ctx); return err }},
	{"write", 1, (*work).write},
	{"large", 1, (*work).landLarge},
	{"undo", 2, (*work).undoOne},
	{"rows", 3, (*work).landRows},
	{"restore", 1, (*work).restoreGroup},
	{"name", 1, func(w *work, ctx context.Context) error {
		_, err := w.Snapshot(ctx, fmt.Sprintf("s%d", w.i), 0)
		return err
	}},
	{"gc", 1, func(w *work, ctx context.Context) error { _, err := w.GC(ctx, true); return err }},
	{"checkpoint", 1, func(w *work, ctx context.Context) error { return w.checkpoint(ctx) }},
}

func number(variable string) int {
	n, err := strconv.Atoi(os.Getenv(variable))
	if err != nil {
		panic(variable + ": " + err.Error())
	}
	return n
}

func workUntilKilled(root string) error {
	ctx := context.Background()
	var mu sync.Mutex
	passed := map[string]int{}
	o := Options{NoWatch: true, Holder: "/proc/self/exe", boot: os.Getenv(childBoot), unsynced: os.Getenv(childUnsyn), Hook: func(point string) {
		mu.Lock()
		defer mu.Unlock()
		passed[point]++
		if passed[point] == 1 {
			say("P", point)
		}
		if point == os.Getenv(childPoint) && passed[point] == number(childCount) {
			say("K", point)
			dieNow()
		}
	}}
	d, err := Open(ctx, root, o)
	if err != nil {
		return err
	}
	if err := d.Journal().Migrate(ctx, "test", `CREATE TABLE mail(landing INTEGER PRIMARY KEY)`); err != nil {
		return err
	}
	w := &work{Disk: d, root: root, random: rand.New(rand.NewSource(int64(number(childSeed)))), i: int(time.Now().UnixNano() / 1000 % 1e12)}
	say("R")
	var deck []int
	for k, s := range steps {
		for range s.weight {
			deck = append(deck, k)
		}
	}
	for n := range number(childSteps) {
		w.i++
		s := steps[deck[w.random.Intn(len(deck))]]
		if n < len(steps) { // each once, then as it comes
			s = steps[(n+w.random.Intn(2))%len(steps)]
		}
		if err := s.do(w, ctx); err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
	}
	say("D")
	dieNow()
	return nil
}

func dieNow() {
	if err := syscall.Kill(os.Getpid(), syscall.SIGKILL); err != nil {
		panic(err)
	}
	select {}
}

const (
	groups   = 3
	perGroup = 4
)

func groupFile(g, k int) string { return fmt.Sprintf("apps/g%d/f%d.txt", g, k) }

// groupText is the content of a file of a group in version i.
func groupText(i, g, k int) string {
	return fmt.Sprintf("%d\n", i) + strings.Repeat(fmt.Sprintf("%d of %d in %d\n", k, g, i), 1+(i*7+k)%60)
}

// inTxn lands what edit does in a transaction; a conflict is an answer, too.
func (w *work) inTxn(ctx context.Context, l Landing, edit func(dir string) error) (landed bool, err error) {
	tx, err := w.Begin(ctx, "child")
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, tx.Drop()) }()
	if err := edit(tx.Dir()); err != nil {
		return false, err
	}
	info, err := tx.Land(ctx, l)
	if errors.Is(err, sys.Conflict) {
		return false, nil
	}
	if err == nil && info.ID != 0 {
		say("A", int(info.ID), info.Title)
	}
	return err == nil, err
}

// landGroups changes whole groups of files, with a companion.
func (w *work) landGroups(ctx context.Context) error {
	l := Landing{Title: fmt.Sprintf("landing %d", w.i), Update: companion(w.i)}
	say("B", w.i)
	landed, err := w.inTxn(ctx, l, func(dir string) error {
		for _, g := range w.random.Perm(groups)[:1+w.random.Intn(2)] {
			for k := range perGroup {
				if err := write(filepath.Join(dir, groupFile(g, k)), groupText(w.i, g, k)); err != nil {
					return err
				}
			}
			sub := filepath.Join(dir, fmt.Sprintf("apps/g%d/sub", g))
			if w.random.Intn(2) == 0 {
				if err := os.RemoveAll(sub); err != nil {
					return err
				}
			} else if err := write(sub+"/more.txt", strconv.Itoa(w.i)); err != nil {
				return err
			}
		}
		return nil
	})
	if landed {
		say("L", w.i)
	}
	return err
}

// companion is written with landing i, and only with it.
func companion(i int) func(tx *journal.Tx) error {
	return func(tx *journal.Tx) error {
		_, err := tx.Exec(context.Background(), `INSERT INTO mail(landing) VALUES(?)`, i)
		return err
	}
}

// sharedFile is edited by children and, at the same time, by the owner.
const sharedFile = "x.txt"

func (w *work) landShared(ctx context.Context) error {
	_, err := w.inTxn(ctx, Landing{Title: fmt.Sprintf("shared %d", w.i)}, func(dir string) error {
		b, err := os.ReadFile(filepath.Join(dir, sharedFile))
		if err != nil && !os.IsNotExist(err) {
			return err
		}
		return write(filepath.Join(dir, sharedFile), string(b[max(0, len(b)-2000):])+fmt.Sprintf("agent %d\n", w.i))
	})
	return err
}

// saveByHand saves the owner's file as vim does.
func (w *work) saveByHand(context.Context) error {
	own := filepath.Join(w.root, "owner.txt")
	if err := write(own+".tmp", strconv.Itoa(w.i)); err != nil {
		return err
	}
	if err := os.Rename(own+".tmp", own); err != nil {
		return err
	}
	say("O", w.i)
	return nil
}

func (w *work) write(ctx context.Context) error {
	info, err := w.Disk.Write(ctx, Write{Title: fmt.Sprintf("write %d", w.i), Files: map[sys.Path][]byte{"data/w.txt": []byte(strconv.Itoa(w.i)), "data/gone.txt": nil}})
	if err == nil {
		say("A", int(info.ID), info.Title)
	}
	return err
}

// landLarge lands a file whose object is too large for the redo record.
func (w *work) landLarge(ctx context.Context) error {
	_, err := w.inTxn(ctx, Landing{Title: fmt.Sprintf("large %d", w.i)}, func(dir string) error {
		b := make([]byte, inlineMax+inlineMax/4)
		if _, err := rand.New(rand.NewSource(int64(w.i))).Read(b); err != nil {
			return err
		}
		return write(filepath.Join(dir, "large.bin"), string(b))
	})
	return err
}

// rowsFile and rowsBase are changed together: the file names the newest row.
const (
	rowsFile = "apps/rows/newest.txt"
	rowsBase = "data/rows/rows.sqlite"
)

// landRows lands a row of an app's database with a file, both or neither.
func (w *work) landRows(ctx context.Context) error {
	tx, err := w.Begin(ctx, "child")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, tx.Drop()) }()
	private, err := tx.Data(ctx, rowsBase)
	if err != nil {
		return err
	}
	db, err := sql.Open("sqlite", "file:"+private+"?_pragma=busy_timeout(10000)")
	if err != nil {
		return err
	}
	_, err = db.ExecContext(ctx, `INSERT INTO visit(n) VALUES(?)`, w.i)
	if err = errors.Join(err, db.Close()); err != nil {
		return err
	}
	if err := write(filepath.Join(tx.Dir(), rowsFile), strconv.Itoa(w.i)); err != nil {
		return err
	}
	info, err := tx.Land(ctx, Landing{Title: fmt.Sprintf("rows %d", w.i)})
	if errors.Is(err, sys.Conflict) {
		return nil
	}
	if err == nil {
		say("A", int(info.ID), info.Title)
	}
	return err
}

// restoreGroup brings a group of files back as it was at some landing.
func (w *work) restoreGroup(ctx context.Context) error {
	group := sys.Path(fmt.Sprintf("apps/g%d", w.random.Intn(groups)))
	to := sys.LandingID(2 + w.random.Intn(int(w.Head())-1))
	_, err := w.Restore(ctx, group, to, RestoreOptions{})
	if errors.Is(err, sys.NotFound) || errors.Is(err, sys.Invalid) || errors.Is(err, sys.Exists) {
		return nil // the landing is from before the group, or says the same
	}
	return err
}

// undoOne takes one of the last landings back, where it can be.
func (w *work) undoOne(ctx context.Context) error {
	log, err := w.Log(ctx, Query{Limit: 6})
	if err != nil {
		return err
	}
	of := log[w.random.Intn(len(log))]
	if of.Kind == sys.ByOwner || strings.HasPrefix(of.Title, "rows ") { // what the owner has saved is not the children's to take back
		return nil
	}
	info, _, err := w.Undo(ctx, of.ID, UndoOptions{})
	switch {
	case err == nil:
		say("A", int(info.ID), info.Title)
	case errors.Is(err, sys.Conflict), errors.Is(err, sys.Exists), errors.Is(err, sys.Invalid):
		return nil
	}
	return err
}

func write(path, text string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, []byte(text), 0o644)
}
