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
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"matrixos/journal"
	"matrixos/sys"
)

// The environment of a child of TestKillLoop: its home, and after how many
// points of the protocol it kills itself (0: it waits to be killed).
const (
	childHome  = "MATRIXOS_DISK_TEST_HOME"
	childSteps = "MATRIXOS_DISK_TEST_STEPS"
	childSeed  = "MATRIXOS_DISK_TEST_SEED"
)

func TestMain(m *testing.M) {
	if root := os.Getenv(childHome); root != "" {
		if err := landUntilKilled(root, number(childSteps), int64(number(childSeed))); err != nil {
			fmt.Println("E", err)
		}
		os.Exit(1)
	}
	os.Exit(m.Run())
}

func number(variable string) int {
	n, err := strconv.Atoi(os.Getenv(variable))
	if err != nil {
		panic(err)
	}
	return n
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

// landUntilKilled is the child. It says B before a landing and L after it, K and
// the point where it kills itself, and O after it has saved the owner's file.
func landUntilKilled(root string, steps int, seed int64) error {
	ctx := context.Background()
	random := rand.New(rand.NewSource(seed))
	var passed atomic.Int64
	o := Options{NoWatch: true, Hook: func(point string) {
		if passed.Add(1) == int64(steps) {
			fmt.Println("K", point)
			if err := syscall.Kill(os.Getpid(), syscall.SIGKILL); err != nil {
				panic(err)
			}
			select {}
		}
	}}
	d, err := Open(ctx, root, o)
	if err != nil {
		return err
	}
	if err := d.Journal().Migrate(ctx, "test", `CREATE TABLE mail(landing INTEGER PRIMARY KEY)`); err != nil {
		return err
	}
	d.redoRows = mostRedoRows - 3 // a checkpoint soon
	fmt.Println("R")
	for i := int(time.Now().UnixNano() / 1000 % 1e12); ; i++ {
		tx, err := d.Begin(ctx, "child")
		if err != nil {
			return err
		}
		for _, g := range random.Perm(groups)[:1+random.Intn(2)] {
			for k := range perGroup {
				if err := write(filepath.Join(tx.Dir(), groupFile(g, k)), groupText(i, g, k)); err != nil {
					return err
				}
			}
			sub := filepath.Join(tx.Dir(), fmt.Sprintf("apps/g%d/sub", g))
			if random.Intn(2) == 0 {
				err = os.RemoveAll(sub)
			} else {
				err = write(sub+"/more.txt", strconv.Itoa(i))
			}
			if err != nil {
				return err
			}
		}
		if random.Intn(3) == 0 { // the owner saves as vim does
			own := filepath.Join(root, "owner.txt")
			if err := write(own+".tmp", strconv.Itoa(i)); err != nil {
				return err
			}
			if err := os.Rename(own+".tmp", own); err != nil {
				return err
			}
			fmt.Println("O", i)
		}
		if random.Intn(5) == 0 {
			if _, err := d.Capture(ctx); err != nil {
				return err
			}
		}
		fmt.Println("B", i)
		_, err = tx.Land(ctx, Landing{Title: fmt.Sprintf("landing %d", i), Update: func(tx *journal.Tx) error {
			_, err := tx.Exec(ctx, `INSERT INTO mail(landing) VALUES(?)`, i)
			return err
		}})
		if err != nil {
			return err
		}
		fmt.Println("L", i)
		if err := tx.Drop(); err != nil {
			return err
		}
	}
}

func write(path, text string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, []byte(text), 0o644)
}

// record is what the children of a loop have said.
type record struct {
	begun, landed map[int]bool
	owner         int
	points        map[string]int
}

// runChild runs one child to its death.
func runChild(t *testing.T, root string, steps int, after time.Duration, r *record) {
	t.Helper()
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), childHome+"="+root, fmt.Sprintf("%s=%d", childSteps, steps), fmt.Sprintf("%s=%d", childSeed, rand.Int63()))
	var stderr bytes.Buffer
	child.Stderr = &stderr
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	limit := time.AfterFunc(20*time.Second, func() {
		t.Error("a child hangs")
		_ = child.Process.Kill()
	})
	defer limit.Stop()
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		word, rest, _ := strings.Cut(lines.Text(), " ")
		n, _ := strconv.Atoi(rest)
		switch word {
		case "R":
			if steps == 0 {
				time.AfterFunc(after, func() { _ = child.Process.Kill() })
			}
		case "B":
			r.begun[n] = true
		case "L":
			r.landed[n] = true
		case "O":
			r.owner = n
		case "K":
			r.points[rest]++
		default:
			t.Errorf("child: %s", lines.Text())
		}
	}
	if err := child.Wait(); err == nil || stderr.Len() > 0 {
		t.Fatalf("the child was not killed: %v %s", err, stderr.String())
	}
}

// TestKillLoop kills a process that lands at named points and at random ones,
// and looks after each death whether every promise is kept.
func TestKillLoop(t *testing.T) {
	rounds := 60
	if testing.Short() {
		rounds = 12
	}
	root := memory(t)
	for g := range groups {
		for k := range perGroup {
			put(t, filepath.Join(root, groupFile(g, k)), groupText(0, g, k))
		}
	}
	put(t, root+"/owner.txt", "0")
	r := &record{begun: map[int]bool{}, landed: map[int]bool{}, points: map[string]int{}}
	for round := range rounds {
		switch {
		case round%6 == 5: // while it recovers
			runChild(t, root, 1+rand.Intn(6), 0, r)
		case round%3 == 2:
			runChild(t, root, 0, time.Duration(rand.Intn(60))*time.Millisecond, r)
		default:
			runChild(t, root, 1+rand.Intn(90), 0, r)
		}
		afterDeath(t, root, r, round%10 == 9)
		if t.Failed() {
			t.Fatalf("round %d; points so far %v", round, r.points)
		}
	}
	t.Logf("%d landings acknowledged; killed at %v", len(r.landed), r.points)
	if len(r.landed) < rounds/4 {
		t.Errorf("only %d landings were tried", len(r.landed))
	}
}

func afterDeath(t *testing.T, root string, r *record, fsck bool) {
	t.Helper()
	ctx := context.Background()
	h := open(t, root, func(o *Options) { o.Template = nil })
	defer h.close()
	for g := range groups {
		first, _, _ := strings.Cut(h.live(groupFile(g, 0)), "\n")
		i, err := strconv.Atoi(first)
		if err != nil {
			t.Errorf("group %d begins with %q", g, first)
		}
		for k := range perGroup {
			h.want(groupFile(g, k), groupText(i, g, k))
		}
	}
	if info := h.capture(); info.ID != 0 {
		t.Errorf("live files differ from the history: %+v", info)
	}
	log, err := h.Log(ctx, Query{Limit: 1e6})
	if err != nil {
		t.Fatal(err)
	}
	times := map[int]int{}
	for i, l := range log {
		if l.ID != sys.LandingID(len(log)-i) {
			t.Errorf("%s where L%d belongs", l.ID, len(log)-i)
		}
		if n, ok := strings.CutPrefix(l.Title, "landing "); ok {
			k, _ := strconv.Atoi(n)
			times[k]++
			if !r.begun[k] {
				t.Errorf("landing %d was never asked for", k)
			}
		}
	}
	for k := range r.landed {
		if times[k] != 1 {
			t.Errorf("acknowledged landing %d is there %d times", k, times[k])
		}
	}
	var mail, events int
	if err := h.j.QueryRow(ctx, `SELECT count(*) FROM event WHERE kind = 'landing'`).Scan(&events); err != nil || events != len(log) {
		t.Errorf("%d events for %d landings, %v", events, len(log), err)
	}
	if len(times) > 0 {
		if err := h.j.QueryRow(ctx, `SELECT count(*) FROM mail`).Scan(&mail); err != nil || mail != len(times) {
			t.Errorf("%d companions of %d landings, %v", mail, len(times), err)
		}
	}
	if got, err := strconv.Atoi(h.live("owner.txt")); err != nil || got < r.owner {
		t.Errorf("the owner's file is %d, last saved %d, %v", got, r.owner, err)
	}
	if got := strings.TrimSpace(h.git("rev-parse", "main")); got != h.at().commit.String() {
		t.Errorf("main is %s, want %s", got, h.at().commit)
	}
	for _, sub := range []string{"stage", "quarantine", "ws", "displaced"} {
		left, err := os.ReadDir(h.store(sub))
		if err != nil || len(left) > 0 {
			t.Errorf("left in %s: %v, %v", sub, left, err)
		}
	}
	if fsck {
		h.git("fsck", "--strict", "--no-dangling")
	}
}
