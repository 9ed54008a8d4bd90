package disk

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"matrixos/sys"
)

// registers are one-line files, so that two changes of one never merge.
var registers = []string{"r0", "r1", "r2", "r3"}

type registerState map[string]string

// txnCall is what a client did between Begin and the end of Land.
type txnCall struct {
	reads, writes registerState
}

// Operations of a recorded history, for the model of snapshot isolation.
type (
	beginOp struct{ base sys.LandingID }
	viewOp  struct {
		at   sys.LandingID
		seen registerState
	}
	landOp struct {
		base sys.LandingID
		txnCall
		id       sys.LandingID // 0 if it changed nothing
		conflict bool
	}
)

// recorder collects the histories of concurrent clients.
type recorder struct {
	mu       sync.Mutex
	start    time.Time
	snapshot []porcupine.Operation // begins, views and landings
	whole    []porcupine.Operation // whole transactions that were acknowledged
}

func (r *recorder) now() int64 { return int64(time.Since(r.start)) }

func (r *recorder) note(to *[]porcupine.Operation, client int, call int64, op any) {
	back := r.now()
	r.mu.Lock()
	defer r.mu.Unlock()
	*to = append(*to, porcupine.Operation{ClientId: client, Input: op, Call: call, Return: back})
}

// errStale refuses a transaction that has read what changed since.
var errStale = &sys.Error{Op: "land", Kind: sys.Conflict, Err: errors.New("it has read what changed since"), Hint: "read again"}

// onlyFresh is a check that makes landings serializable as far as reads are tracked.
func onlyFresh(_ context.Context, c Checked) error {
	if len(c.Stale) > 0 {
		return errStale
	}
	return nil
}

// client runs transactions that read some registers and write others.
func (r *recorder) client(d *Disk, id, n int, random *rand.Rand) error {
	ctx := context.Background()
	for i := range n {
		if random.Intn(4) == 0 {
			call := r.now()
			v, err := d.View(0)
			if err != nil {
				return err
			}
			seen := registerState{}
			for _, f := range registers {
				b, err := v.ReadFile(f)
				if err != nil {
					return err
				}
				seen[f] = string(b)
			}
			r.note(&r.snapshot, id, call, viewOp{v.Landing(), seen})
			continue
		}
		call := r.now()
		tx, err := d.Begin(ctx, "client")
		if err != nil {
			return err
		}
		r.note(&r.snapshot, id, call, beginOp{tx.Base()})
		order := random.Perm(len(registers))
		c := txnCall{registerState{}, registerState{}}
		for _, k := range order[:1+random.Intn(2)] {
			b, err := os.ReadFile(filepath.Join(tx.Dir(), registers[k]))
			if err != nil {
				return err
			}
			tx.NoteRead(sys.Path(registers[k]))
			c.reads[registers[k]] = string(b)
		}
		for _, k := range order[2 : 2+random.Intn(3)] {
			c.writes[registers[k]] = fmt.Sprintf("%d.%d\n", id, i)
			if err := os.WriteFile(filepath.Join(tx.Dir(), registers[k]), []byte(c.writes[registers[k]]), 0o644); err != nil {
				return err
			}
		}
		if err := r.land(ctx, id, call, tx, c); err != nil {
			return err
		}
	}
	return nil
}

// land ends a transaction and records how.
func (r *recorder) land(ctx context.Context, client int, began int64, tx *Txn, c txnCall) error {
	call := r.now()
	info, err := tx.Land(ctx, Landing{})
	switch {
	case errors.Is(err, errStale):
	case errors.Is(err, sys.Conflict):
		r.note(&r.snapshot, client, call, landOp{tx.Base(), c, 0, true})
	case err != nil:
		return err
	default:
		r.note(&r.snapshot, client, call, landOp{tx.Base(), c, info.ID, false})
		r.note(&r.whole, client, began, c)
	}
	return tx.Drop()
}

func equalStates(a, b any) bool { return maps.Equal(a.(registerState), b.(registerState)) }

// serial is the model of strict serializability: each transaction as one instant
// between its call and its return.
func serial(first registerState) porcupine.Model {
	return porcupine.Model{
		Init: func() any { return first },
		Step: func(state, input, _ any) (bool, any) {
			s, c := state.(registerState), input.(txnCall)
			for f, v := range c.reads {
				if s[f] != v {
					return false, s
				}
			}
			if len(c.writes) == 0 {
				return true, s
			}
			s = maps.Clone(s)
			maps.Copy(s, c.writes)
			return true, s
		},
		Equal: equalStates,
	}
}

// snapshots is the model of strong snapshot isolation: a transaction reads the
// newest version at one instant of its Begin, and lands at one instant of its Land
// if and only if nobody has changed since what it writes.
func snapshots(first registerState, base sys.LandingID) porcupine.Model {
	at := func(versions []registerState, id sys.LandingID) (registerState, bool) {
		k := int(id - base)
		return versions[max(0, min(k, len(versions)-1))], k >= 0 && k < len(versions)
	}
	return porcupine.Model{
		Init: func() any { return []registerState{first} },
		Step: func(state, input, _ any) (bool, any) {
			versions := state.([]registerState)
			now, newest := versions[len(versions)-1], base+sys.LandingID(len(versions)-1)
			switch op := input.(type) {
			case beginOp:
				return op.base == newest, versions
			case viewOp:
				return op.at == newest && maps.Equal(op.seen, now), versions
			case landOp:
				was, ok := at(versions, op.base)
				for f, v := range op.reads {
					ok = ok && was[f] == v
				}
				raced := false
				for f := range op.writes {
					raced = raced || was[f] != now[f]
				}
				if !ok || raced != op.conflict {
					return false, versions
				}
				if len(op.writes) == 0 || op.conflict {
					return op.id == 0, versions
				}
				next := maps.Clone(now)
				maps.Copy(next, op.writes)
				return op.id == newest+1, append(slices.Clip(versions), next)
			}
			return false, versions
		},
		Equal: func(a, b any) bool { return slices.EqualFunc(a.([]registerState), b.([]registerState), maps.Equal) },
	}
}

// judge runs a checker, which must come to an end.
func judge(t *testing.T, m porcupine.Model, history []porcupine.Operation) porcupine.CheckResult {
	t.Helper()
	result, _ := porcupine.CheckOperationsVerbose(m, history, time.Minute)
	if result == porcupine.Unknown {
		t.Errorf("a history of %d operations could not be judged in a minute", len(history))
	}
	return result
}

// Concurrent clients see snapshots, and with tracked reads and a check on them,
// one order of whole transactions that agrees with real time.
func TestConcurrentHistories(t *testing.T) {
	random := seeded(t)
	for _, clients := range []int{2, 4, 8} {
		for _, strict := range []bool{false, true} {
			t.Run(fmt.Sprintf("clients=%d strict=%v", clients, strict), func(t *testing.T) {
				for range soak(t, 2, 20) {
					recordAndJudge(t, random.Int63(), clients, 48/clients, strict)
				}
			})
		}
	}
}

func recordAndJudge(t *testing.T, seed int64, clients, each int, strict bool) {
	t.Helper()
	h, first := registerHome(t)
	if strict {
		h.SetChecks(onlyFresh)
	}
	r := &recorder{start: time.Now()}
	errs := make(chan error, clients)
	for c := range clients {
		go func() { errs <- r.client(h.Disk, c, each, rand.New(rand.NewSource(seed+int64(c)))) }()
	}
	for range clients {
		if err := <-errs; err != nil {
			t.Fatal(err)
		}
	}
	if got := judge(t, snapshots(first, 2), r.snapshot); got != porcupine.Ok {
		t.Errorf("seed %d: %d operations are not of snapshot isolation", seed, len(r.snapshot))
	}
	if !strict {
		return
	}
	if got := judge(t, serial(first), r.whole); got != porcupine.Ok {
		t.Errorf("seed %d: %d transactions are not strictly serializable", seed, len(r.whole))
	}
}

// registerHome is a home with the registers, at landing 2.
func registerHome(t *testing.T) (*home, registerState) {
	t.Helper()
	h := open(t, memory(t))
	first := registerState{}
	for _, f := range registers {
		first[f] = "0\n"
		h.put(f, first[f])
	}
	h.capture()
	return h, first
}

// Two transactions that each read both registers and write one of them: under
// snapshot isolation both land. The model of it accepts that, the one of strict
// serializability must not; with the check on reads, the second is refused.
func TestWriteSkew(t *testing.T) {
	for _, strict := range []bool{false, true} {
		h, first := registerHome(t)
		if strict {
			h.SetChecks(onlyFresh)
		}
		r := &recorder{start: time.Now()}
		var txns []*Txn
		var calls []txnCall
		began := r.now()
		for k := range 2 {
			call := r.now()
			tx := h.begin()
			r.note(&r.snapshot, k, call, beginOp{tx.Base()})
			c := txnCall{registerState{}, registerState{}}
			for _, f := range registers[:2] {
				tx.NoteRead(sys.Path(f))
				c.reads[f] = "0\n"
			}
			c.writes[registers[k]] = fmt.Sprintf("skew %d\n", k)
			put(t, filepath.Join(tx.Dir(), registers[k]), c.writes[registers[k]])
			txns, calls = append(txns, tx), append(calls, c)
		}
		for k, tx := range txns {
			if err := r.land(context.Background(), k, began, tx, calls[k]); err != nil {
				t.Fatal(err)
			}
		}
		if got := judge(t, snapshots(first, 2), r.snapshot); got != porcupine.Ok {
			t.Error("not snapshot isolation")
		}
		want, landed := porcupine.Illegal, 2
		if strict {
			want, landed = porcupine.Ok, 1
		}
		if got := judge(t, serial(first), r.whole); got != want || len(r.whole) != landed {
			t.Errorf("strict is %v: %d landed, as serial %v, want %d and %v", strict, len(r.whole), got, landed, want)
		}
	}
}

// The model of snapshot isolation, too, refuses what it must.
func TestSnapshotModelBites(t *testing.T) {
	first := registerState{"r0": "0\n"}
	lost := []porcupine.Operation{ // both wrote on the same base: one update is lost
		{Input: beginOp{2}, Call: 0, Return: 1},
		{ClientId: 1, Input: beginOp{2}, Call: 0, Return: 1},
		{Input: landOp{base: 2, txnCall: txnCall{writes: registerState{"r0": "a"}}, id: 3}, Call: 2, Return: 3},
		{ClientId: 1, Input: landOp{base: 2, txnCall: txnCall{writes: registerState{"r0": "b"}}, id: 4}, Call: 4, Return: 5},
	}
	old := []porcupine.Operation{ // a view that is older than a landing acknowledged before it
		{Input: landOp{base: 2, txnCall: txnCall{writes: registerState{"r0": "a"}}, id: 3}, Call: 2, Return: 3},
		{ClientId: 1, Input: viewOp{2, first}, Call: 4, Return: 5},
	}
	for name, h := range map[string][]porcupine.Operation{"a lost update": lost, "an old view": old} {
		if got := judge(t, snapshots(first, 2), h); got != porcupine.Illegal {
			t.Errorf("%s is %v", name, got)
		}
	}
}
