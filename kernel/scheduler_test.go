package kernel

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"matrixos/sys"
)

// order lets wishes come in one after the other while the only place is taken,
// and returns the names in which they got it; each keeps it for held.
func order(t *testing.T, held time.Duration, apart time.Duration, wishes ...wish) (names []string) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := newScheduler(time.Now, func(string) int { return 1 })
		first, err := s.acquire(t.Context(), wish{app: "first"})
		if err != nil {
			t.Fatal(err)
		}
		var mu sync.Mutex
		var wg sync.WaitGroup
		for _, w := range wishes {
			time.Sleep(apart)
			wg.Go(func() {
				release, err := s.acquire(t.Context(), w)
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				names = append(names, string(w.app)+string(w.program))
				mu.Unlock()
				time.Sleep(held)
				release()
			})
			synctest.Wait()
		}
		if got := s.waiting(); got != len(wishes) {
			t.Errorf("%d wait, want %d", got, len(wishes))
		}
		first()
		wg.Wait()
	})
	return names
}

func TestUrgentGoesFirst(t *testing.T) {
	got := order(t, time.Second, time.Millisecond,
		wish{app: "heart", class: sys.Heartbeat}, wish{app: "cron", class: sys.Scheduled}, wish{app: "back", class: sys.Background},
		wish{app: "owner", class: sys.Interactive}, wish{app: "owner2", class: sys.Interactive})
	if fmt.Sprint(got) != "[owner owner2 back cron heart]" {
		t.Errorf("order %v", got)
	}
}

func TestADeadlineThatIsNearGoesFirst(t *testing.T) {
	soon := time.Date(2000, 1, 1, 0, 0, 30, 0, time.UTC) // synctest begins at midnight
	got := order(t, time.Second, time.Millisecond, wish{app: "back", class: sys.Background}, wish{app: "late", class: sys.Heartbeat, deadline: soon})
	if fmt.Sprint(got) != "[late back]" {
		t.Errorf("order %v", got)
	}
}

// A share that has had much waits for one that has had little, also when the
// former asks much more often.
func TestSharesAreFair(t *testing.T) {
	var wishes []wish
	for range 6 {
		wishes = append(wishes, wish{app: "greedy"})
	}
	wishes = append(wishes, wish{app: "modest"}, wish{app: "modest"})
	got := order(t, time.Second, time.Millisecond, wishes...)
	if last := slices.Index(got, "modest"); last > 1 || got[3] != "modest" {
		t.Errorf("order %v: the modest one should take turns", got)
	}
}

// However many urgent wishes come in, one that waits long enough is served.
func TestNobodyStarves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScheduler(time.Now, func(string) int { return 1 })
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		for i := range 3 { // three who always want it
			wg.Go(func() {
				for ctx.Err() == nil {
					release, err := s.acquire(ctx, wish{app: sys.Slug(fmt.Sprint(i)), class: sys.Interactive})
					if err != nil {
						return
					}
					time.Sleep(time.Second)
					release()
				}
			})
		}
		time.Sleep(10 * time.Second)
		began := time.Now()
		release, err := s.acquire(ctx, wish{app: "heart", class: sys.Heartbeat})
		if err != nil {
			t.Fatal(err)
		}
		if waited := time.Since(began); waited > 5*ageStep {
			t.Errorf("it waited %s", waited)
		}
		release()
		cancel()
		wg.Wait()
	})
}

func TestPlacesAreLimitedAndGivenBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScheduler(time.Now, func(p string) int { return map[string]int{"a": 3}[p] })
		var mu sync.Mutex
		now, most := map[string]int{}, map[string]int{}
		var wg sync.WaitGroup
		for i := range 40 {
			p := []string{"a", "b"}[i%2]
			wg.Go(func() {
				ctx, cancel := context.WithTimeout(t.Context(), time.Duration(i%7+1)*time.Second)
				defer cancel()
				release, err := s.acquire(ctx, wish{provider: p})
				if err != nil {
					if !errors.Is(err, context.DeadlineExceeded) {
						t.Error(err)
					}
					return
				}
				mu.Lock()
				now[p]++
				most[p] = max(most[p], now[p])
				mu.Unlock()
				time.Sleep(2 * time.Second)
				mu.Lock()
				now[p]--
				mu.Unlock()
				release()
				release() // does no harm
			})
		}
		wg.Wait()
		if most["a"] != 3 || most["b"] != defaultPlaces {
			t.Errorf("at once: %v", most)
		}
		if s.waiting() != 0 || s.lines["a"].taken != 0 || s.lines["b"].taken != 0 || len(s.had) != 0 {
			t.Errorf("left: %+v %v", s.lines, s.had)
		}
	})
}

func TestTheOrderIsTheSameEachTime(t *testing.T) {
	var runs []string
	for range 3 {
		var wishes []wish
		for i := range 30 {
			wishes = append(wishes, wish{app: sys.Slug(fmt.Sprint("app", i%4)), program: sys.Program(fmt.Sprint("p", i%3)), class: sys.Class(i % 4)})
		}
		runs = append(runs, strings.Join(order(t, 700*time.Millisecond, time.Second, wishes...), " "))
	}
	if runs[0] != runs[1] || runs[1] != runs[2] {
		t.Errorf("orders differ:\n%s", strings.Join(runs, "\n"))
	}
}
