package ipc

import (
	"context"
	"errors"
	"fmt"
	"math/rand"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"matrixos/journal"
	"matrixos/sys"
)

// childFile makes the test binary a worker on that journal; see TestKilledWorkers.
const childFile = "MATRIXOS_IPC_TEST_FILE"

const table = `CREATE TABLE IF NOT EXISTS made(task INTEGER, mail INTEGER)`

// work claims a task, completes it, and in the same transaction notes that it did;
// beside that it reads mail and notes that with confirming it. It reports
// whether there was anything to do.
func work(ctx context.Context, s *Store, j *journal.Journal, pid sys.PID) (bool, error) {
	var t sys.Task
	err := j.Update(ctx, func(tx *journal.Tx) (err error) {
		t, err = s.ClaimTask(ctx, tx, Claim{By: pid, Lease: 300 * time.Millisecond})
		return err
	})
	none := errors.Is(err, sys.NotFound)
	if err != nil && !none {
		return false, err
	}
	if !none {
		err = j.Update(ctx, func(tx *journal.Tx) error {
			if _, err := tx.Exec(ctx, `INSERT INTO made(task) VALUES(?)`, int64(t.ID)); err != nil {
				return err
			}
			return s.CompleteTask(ctx, tx, Held{t.ID, pid, t.Epoch}, nil)
		})
		if err != nil && !errors.Is(err, sys.Conflict) && !errors.Is(err, sys.Held) {
			return false, err
		}
	}
	var receipt Receipt
	var list []sys.Mail
	err = j.Update(ctx, func(tx *journal.Tx) (err error) {
		receipt, list, err = s.ReadMail(ctx, tx, Reader{pid, "worker"})
		return err
	})
	if err != nil || receipt == 0 {
		return !none, err
	}
	return true, j.Update(ctx, func(tx *journal.Tx) error {
		for _, m := range list {
			if _, err := tx.Exec(ctx, `INSERT INTO made(mail) VALUES(?)`, int64(m.ID)); err != nil {
				return err
			}
		}
		return s.ConfirmMail(ctx, tx, pid, receipt)
	})
}

// workUntilKilled is the child. It has a process number of its own each time.
func workUntilKilled(path string) int {
	ctx := context.Background()
	j, err := journal.Open(ctx, path)
	if err != nil {
		fmt.Println(err)
		return 1
	}
	s, err := Open(ctx, j, time.Now)
	if err != nil {
		fmt.Println(err)
		return 1
	}
	for {
		some, err := work(ctx, s, j, sys.PID(os.Getpid()))
		if err != nil && !errors.Is(err, sys.Held) { // by the others, for longer than a writer waits
			fmt.Println(err)
			return 1
		}
		if !some {
			time.Sleep(time.Millisecond)
		}
	}
}

// Workers are killed at any instant, again and again, while others go on: every
// task is done once, every message used once.
func TestKilledWorkers(t *testing.T) {
	const tasks, letters, kills = 60, 200, 12
	path := filepath.Join(t.TempDir(), "kernel.db")
	b := openBox(t, path)
	ctx := context.Background()
	b.must(func(ctx context.Context, tx *journal.Tx) error {
		if _, err := tx.Exec(ctx, table); err != nil {
			return err
		}
		for i := range tasks {
			n := NewTask{Type: "work"}
			if i > 0 {
				n.DependsOn = []sys.TaskID{sys.TaskID(i/2 + 1)}
				if i/2+1 > i {
					n.DependsOn = nil
				}
			}
			if _, err := b.CreateTask(ctx, tx, n); err != nil {
				return err
			}
		}
		for range letters {
			if _, err := b.SendMail(ctx, tx, NewMail{To: sys.Address{Program: "worker"}, Content: "x", Life: 365 * 24 * time.Hour * 100}); err != nil {
				return err
			}
		}
		return nil
	})
	random := rand.New(rand.NewSource(1))
	start := func() *exec.Cmd {
		child := exec.Command(os.Args[0])
		child.Env = append(os.Environ(), childFile+"="+path)
		child.Stderr = os.Stderr
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		return child
	}
	kill := func(c *exec.Cmd) {
		if err := c.Process.Kill(); err != nil {
			t.Error(err)
		}
		if c.Wait(); c.ProcessState.ExitCode() != -1 {
			t.Errorf("a worker ended by itself: %s", c.ProcessState)
		}
		release := func() error {
			return b.j.Update(ctx, func(tx *journal.Tx) error { return b.ReleaseMailOf(ctx, tx, sys.PID(c.Process.Pid)) })
		}
		err := release()
		for errors.Is(err, sys.Held) { // by the workers, for longer than a writer waits: SQLite is not fair
			err = release()
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	workers := []*exec.Cmd{start(), start()}
	for range kills {
		time.Sleep(time.Duration(20+random.Intn(60)) * time.Millisecond)
		i := random.Intn(len(workers))
		kill(workers[i])
		workers[i] = start()
	}
	for _, w := range workers {
		kill(w)
	}
	real, err := Open(ctx, b.j, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	deadline := time.Now().Add(time.Minute)
	for done := 0; done < tasks; { // what is left is done by one who lives
		if _, err := work(ctx, real, b.j, 1); err != nil {
			t.Fatal(err)
		}
		list, err := b.Tasks(ctx, b.j, TaskFilter{States: []sys.TaskState{sys.TaskDone}})
		if err != nil || time.Now().After(deadline) {
			t.Fatal("not all tasks get done", done, err)
		}
		done = len(list)
	}
	for more := true; more; {
		if more, err = work(ctx, real, b.j, 1); err != nil {
			t.Fatal(err)
		}
	}
	for what, want := range map[string]int{"task": tasks, "mail": letters} {
		var n, distinct int
		err := b.j.QueryRow(ctx, `SELECT count(`+what+`), count(DISTINCT `+what+`) FROM made`).Scan(&n, &distinct)
		if err != nil || n != want || distinct != want {
			t.Errorf("%d times %s, %d different ones, of %d: %v", n, what, distinct, want, err)
		}
	}
}

// 200 tasks, 16 claimers over two handles of the file: each is claimed once.
func TestEachTaskIsClaimedOnce(t *testing.T) {
	const tasks, claimers = 200, 16
	path := filepath.Join(t.TempDir(), "kernel.db")
	handles := []*box{openBox(t, path), openBox(t, path)}
	handles[0].must(func(ctx context.Context, tx *journal.Tx) error {
		for range tasks {
			if _, err := handles[0].CreateTask(ctx, tx, NewTask{Type: "work"}); err != nil {
				return err
			}
		}
		return nil
	})
	ctx := context.Background()
	var mu sync.Mutex
	claimed := map[sys.TaskID]sys.PID{}
	var wg sync.WaitGroup
	for i := range claimers {
		wg.Go(func() {
			b, pid := handles[i%2], sys.PID(i+1)
			for {
				var task sys.Task
				err := b.j.Update(ctx, func(tx *journal.Tx) (err error) {
					task, err = b.ClaimTask(ctx, tx, Claim{By: pid, Lease: time.Hour})
					return err
				})
				if errors.Is(err, sys.Held) { // by the other handle, for as long as anybody waits
					continue
				}
				if errors.Is(err, sys.NotFound) {
					return
				}
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				if other, twice := claimed[task.ID]; twice || task.Epoch != 1 {
					t.Errorf("%s is claimed by %d and %d, epoch %d", task.ID, other, pid, task.Epoch)
				}
				claimed[task.ID] = pid
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if len(claimed) != tasks {
		t.Errorf("%d of %d tasks were claimed", len(claimed), tasks)
	}
}
