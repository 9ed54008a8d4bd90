package journal

import (
	"bufio"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"matrixos/sys"
)

// childFile makes the test binary a process that appends to that journal until
// it is killed; see TestAcknowledgedSurvivesKill.
const childFile = "MATRIXOS_JOURNAL_TEST_FILE"

func TestMain(m *testing.M) {
	if path := os.Getenv(childFile); path != "" {
		appendForever(path)
	}
	os.Exit(m.Run())
}

func open(t testing.TB, path string) *Journal {
	t.Helper()
	j, err := Open(context.Background(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := j.Close(); err != nil {
			t.Error(err)
		}
	})
	return j
}

func temp(t testing.TB) *Journal { return open(t, filepath.Join(t.TempDir(), "kernel.db")) }

func notice(text string) sys.Event {
	return sys.NewEvent(sys.EventNotice, sys.NoticeData{Title: text})
}

func TestAppendReadReopen(t *testing.T) {
	ctx := context.Background()
	path := filepath.Join(t.TempDir(), "a b?c#d", "kernel.db")
	if err := os.Mkdir(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	j := open(t, path)
	e := notice("one")
	e.PID, e.Conversation, e.Request = 4, "c", "r"
	given := []sys.Event{e, notice("two")}
	if seq, err := j.Append(ctx, given...); err != nil || seq != 2 {
		t.Fatal(seq, err)
	}
	if given[0].Seq != 1 || given[1].Seq != 2 || given[0].Time.IsZero() {
		t.Errorf("the caller's events are %+v", given)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := j.Append(ctx, e); sys.KindOf(err) != sys.Canceled {
		t.Errorf("append after close: %v", err)
	}
	j = open(t, path)
	got, err := j.Read(ctx, 0, 10)
	if err != nil || fmt.Sprint(got) != fmt.Sprint(given) {
		t.Errorf("read %v, %v\nwant %v", got, err, given)
	}
	if got, err = j.Read(ctx, 1, 10); err != nil || len(got) != 1 || got[0].Seq != 2 {
		t.Errorf("read after 1: %v, %v", got, err)
	}
	if j.Last() != 2 {
		t.Errorf("last is %d", j.Last())
	}
	if rows, err := j.Query(ctx, `DELETE FROM event`); err == nil {
		rows.Close()
		t.Error("the reading connection writes")
	}
}

func TestUpdateIsAllOrNothing(t *testing.T) {
	ctx := context.Background()
	j := temp(t)
	if err := j.Migrate(ctx, "test", `CREATE TABLE x(a)`); err != nil {
		t.Fatal(err)
	}
	sub := j.Subscribe(0)
	defer sub.Close()
	cause := errors.New("no")
	for _, fail := range []func() error{func() error { return cause }, func() error { panic("no") }} {
		err := j.Update(ctx, func(tx *Tx) error {
			if err := tx.Append(notice("never")); err != nil {
				return err
			}
			if _, err := tx.Exec(ctx, `INSERT INTO x VALUES(1)`); err != nil {
				return err
			}
			return fail()
		})
		if err == nil {
			t.Fatal("no error")
		}
	}
	err := j.Update(ctx, func(tx *Tx) error {
		if _, err := tx.Exec(ctx, `INSERT INTO x VALUES(2)`); err != nil {
			return err
		}
		return tx.Append(notice("really"))
	})
	if err != nil {
		t.Fatal(err)
	}
	got, err := sub.Next(ctx)
	if err != nil || len(got) != 1 || got[0].Seq != 1 || !strings.Contains(string(got[0].Data), "really") {
		t.Errorf("got %v, %v", got, err)
	}
	var n int
	if err := j.QueryRow(ctx, `SELECT sum(a) FROM x`).Scan(&n); err != nil || n != 2 {
		t.Errorf("sum is %d, %v", n, err)
	}
}

func TestMigrate(t *testing.T) {
	ctx := context.Background()
	j := temp(t)
	steps := []string{`CREATE TABLE x(a); INSERT INTO x VALUES(1)`, `ALTER TABLE x ADD COLUMN b`}
	for _, n := range []int{0, 1, 1, 2, 2} {
		if err := j.Migrate(ctx, "x", steps[:n]...); err != nil {
			t.Fatal(n, err)
		}
	}
	var n int
	if err := j.QueryRow(ctx, `SELECT count(*) FROM x WHERE b IS NULL`).Scan(&n); err != nil || n != 1 {
		t.Errorf("rows: %d, %v", n, err)
	}
	if err := j.Migrate(ctx, "x", steps[0]); sys.KindOf(err) != sys.TooNew || sys.HintOf(err) == "" {
		t.Errorf("fewer steps: %v", err)
	}
	if err := j.Migrate(ctx, "y", `CREATE TABLE y(a)`, `nonsense`); err == nil {
		t.Error("a broken step passes")
	}
	if err := j.Migrate(ctx, "y", `CREATE TABLE y(a)`); err != nil {
		t.Errorf("the broken migration left something: %v", err)
	}
}

func TestOpenRefuses(t *testing.T) {
	ctx := context.Background()
	dir := t.TempDir()
	newer := filepath.Join(dir, "newer.db")
	db, err := sql.Open("sqlite", newer)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec(`PRAGMA user_version=99`); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	garbage := filepath.Join(dir, "garbage.db")
	if err := os.WriteFile(garbage, []byte(strings.Repeat("garbage ", 1000)), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		path string
		kind sys.Kind
	}{{newer, sys.TooNew}, {garbage, sys.Internal}, {filepath.Join(dir, "no", "folder.db"), sys.Unavailable}} {
		_, err := Open(ctx, c.path)
		if sys.KindOf(err) != c.kind || sys.HintOf(err) == "" {
			t.Errorf("open %s: %v (%s)", filepath.Base(c.path), err, sys.KindOf(err))
		}
	}
}

// appendForever is the child: it prints each Seq once it is acknowledged.
func appendForever(path string) {
	ctx := context.Background()
	j, err := Open(ctx, path)
	if err != nil {
		fmt.Println("error", err)
		os.Exit(1)
	}
	for i := 0; ; i++ {
		seq, err := j.Append(ctx, notice(strings.Repeat("x", i%3000)), notice("pair"))
		if err != nil {
			fmt.Println("error", err)
			os.Exit(1)
		}
		fmt.Println(seq)
	}
}

func TestAcknowledgedSurvivesKill(t *testing.T) {
	path := filepath.Join(t.TempDir(), "kernel.db")
	random := rand.New(rand.NewSource(time.Now().UnixNano()))
	acknowledged := 0
	for round := range 8 {
		child := exec.Command(os.Args[0])
		child.Env = append(os.Environ(), childFile+"="+path)
		out, err := child.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		first := make(chan struct{})
		done := make(chan struct{})
		go func() {
			defer close(done)
			lines := bufio.NewScanner(out)
			for began := false; lines.Scan(); began = true {
				n, err := strconv.Atoi(lines.Text())
				if err != nil {
					t.Errorf("child: %s", lines.Text())
				}
				acknowledged = max(acknowledged, n)
				if !began {
					close(first)
				}
			}
		}()
		select {
		case <-first:
		case <-done:
			t.Fatal("the child said nothing")
		}
		time.Sleep(time.Duration(random.Intn(60)) * time.Millisecond)
		if err := child.Process.Kill(); err != nil {
			t.Error(err)
		}
		<-done
		if err := child.Wait(); err == nil {
			t.Error("the child was not killed")
		}
		j := open(t, path)
		if last := int(j.Last()); last < acknowledged || last > acknowledged+2 || last%2 != 0 {
			t.Fatalf("round %d: %d were acknowledged, %d are there", round, acknowledged, last)
		}
		var count, most int
		if err := j.QueryRow(context.Background(), `SELECT count(*), max(seq) FROM event`).Scan(&count, &most); err != nil || count != most {
			t.Fatalf("round %d: %d events up to %d: %v", round, count, most, err)
		}
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if acknowledged < 16 {
		t.Errorf("only %d appends were tried", acknowledged)
	}
}

func decode(t testing.TB, e sys.Event, to *sys.NoticeData) {
	t.Helper()
	if err := json.Unmarshal(e.Data, to); err != nil {
		t.Fatal(err)
	}
}

func BenchmarkAppend(b *testing.B) {
	j := temp(b)
	e := notice("benchmark")
	for b.Loop() {
		if _, err := j.Append(context.Background(), e); err != nil {
			b.Fatal(err)
		}
	}
}

// What OnCommit changes, whoever hears of the transaction's events finds changed;
// a transaction that is not made changes nothing.
func TestOnCommitComesBeforeTheEvents(t *testing.T) {
	ctx := context.Background()
	j := temp(t)
	sub := j.Subscribe(0)
	defer sub.Close()
	var at atomic.Int64
	refused := errors.New("refused")
	if err := j.Update(ctx, func(tx *Tx) error {
		tx.OnCommit(func() { at.Store(99) })
		return refused
	}); !errors.Is(err, refused) || at.Load() != 0 {
		t.Fatalf("a refused transaction: %v, %d", err, at.Load())
	}
	go func() {
		for i := range int64(50) {
			err := j.Update(ctx, func(tx *Tx) error {
				tx.OnCommit(func() {
					time.Sleep(time.Millisecond)
					at.Store(i + 1)
				})
				return tx.Append(notice("x"))
			})
			if err != nil {
				t.Error(err)
			}
		}
	}()
	for seen := 0; seen < 50; {
		events, err := sub.Next(ctx)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range events {
			if got := at.Load(); got < int64(e.Seq) {
				t.Fatalf("event %d came while memory was at %d", e.Seq, got)
			}
		}
		seen += len(events)
	}
}

// Two handles of one file, as two processes have them, number their events
// without gaps, and a subscriber of either sees all once it is woken.
func TestTwoHandles(t *testing.T) {
	ctx := context.Background()
	path := filepath.Join(t.TempDir(), "kernel.db")
	a, b := open(t, path), open(t, path)
	sub := a.Subscribe(0)
	defer sub.Close()
	for i := range 10 {
		j := a
		if i%3 == 0 {
			j = b
		}
		if seq, err := j.Append(ctx, notice(strconv.Itoa(i))); err != nil || seq != sys.Seq(i+1) {
			t.Fatal(i, seq, err)
		}
	}
	if _, err := a.Append(ctx, notice("last")); err != nil {
		t.Fatal(err)
	}
	for want := sys.Seq(1); want <= 11; {
		events, err := sub.Next(ctx)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range events {
			if e.Seq != want {
				t.Fatalf("event %d where %d was expected", e.Seq, want)
			}
			want++
		}
	}
}
