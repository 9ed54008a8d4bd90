package ipc

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"matrixos/journal"
	"matrixos/sys"
)

// post is a Deliverer that answers as it is told.
type post struct {
	mu     sync.Mutex
	answer map[string]error // by target
	got    []string         // "target/key"
}

func (p *post) Deliver(_ context.Context, e sys.Effect) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.got = append(p.got, e.Target+"/"+e.Key)
	if e.Target == "panics" {
		panic("on purpose")
	}
	return p.answer[e.Target]
}

func (p *post) say(target string, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.answer == nil {
		p.answer = map[string]error{}
	}
	p.answer[target] = err
}

func (p *post) taken() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := strings.Join(p.got, " ")
	p.got = nil
	return s
}

func (b *box) queue(target, key string) (id sys.EffectID) {
	b.t.Helper()
	b.must(func(ctx context.Context, tx *journal.Tx) (err error) {
		id, err = b.QueueEffect(ctx, tx, NewEffect{Kind: "post", Target: target, Key: key, Payload: []byte(key), Approval: "A1", Process: 3})
		return err
	})
	return id
}

// deliverAll delivers what is due now.
func (b *box) deliverAll(c *Courier) {
	b.t.Helper()
	if _, err := c.step(context.Background()); err != nil {
		b.t.Fatal(err)
	}
}

func (b *box) effect(id sys.EffectID) sys.Effect {
	b.t.Helper()
	e, err := b.Effect(context.Background(), b.j, id)
	if err != nil {
		b.t.Fatal(err)
	}
	return e
}

func TestOutboxKeepsOrderAndTriesAgain(t *testing.T) {
	b, p := temp(t), &post{}
	c := NewCourier(b.Store, b.j, "post", p, slog.New(slog.DiscardHandler))
	one := b.queue("ann", "1")
	b.queue("bob", "2")
	b.queue("ann", "3")
	if again := b.queue("ann", "1"); again != one {
		t.Errorf("the same key is effect %d", again)
	}
	b.refused(sys.Conflict, func(ctx context.Context, tx *journal.Tx) error {
		_, err := b.QueueEffect(ctx, tx, NewEffect{Kind: "post", Target: "ann", Key: "1", Payload: []byte("else")})
		return err
	})
	p.say("ann", errors.New("no answer"))
	b.deliverAll(c)
	if got := p.taken(); got != "ann/1 bob/2" { // 3 waits behind 1
		t.Errorf("delivered %q", got)
	}
	if e := b.effect(one); e.State != sys.EffectPending || e.Attempts != 1 || e.Error != "no answer" || e.Approval != "A1" || e.Process != 3 {
		t.Errorf("after a failure it is %+v", e)
	}
	b.deliverAll(c)
	if got := p.taken(); got != "" {
		t.Errorf("without a pause it delivers %q", got)
	}
	b.pass(firstPause)
	p.say("ann", nil)
	b.deliverAll(c)
	if got := p.taken(); got != "ann/1 ann/3" {
		t.Errorf("then it delivers %q", got)
	}
	if left, err := b.whenDue(context.Background(), b.j, "post"); err != nil || !left.IsZero() {
		t.Errorf("something is left, due %s, %v", left, err)
	}
}

func TestDeadLettersAreSeen(t *testing.T) {
	b, p := temp(t), &post{}
	c := NewCourier(b.Store, b.j, "post", p, slog.New(slog.DiscardHandler))
	p.say("ann", errors.New("no answer"))
	p.say("refuses", sys.Refused)
	lost, refused, panics := b.queue("ann", "1"), b.queue("refuses", "2"), b.queue("panics", "3")
	next := b.queue("ann", "4")
	var waited time.Duration
	for range mostAttempts {
		b.deliverAll(c)
		b.pass(pause(mostAttempts))
		waited += pause(mostAttempts)
	}
	if e := b.effect(lost); e.State != sys.EffectDead || e.Attempts != mostAttempts {
		t.Errorf("in the end it is %+v", e)
	}
	if e := b.effect(refused); e.State != sys.EffectDead || e.Attempts != 1 {
		t.Errorf("refused is %+v", e)
	}
	if e := b.effect(panics); e.State != sys.EffectDead || !strings.Contains(e.Error, "panic") {
		t.Errorf("what panics is %+v", e)
	}
	if n := len(b.events(sys.EventNotice)); n != 3 {
		t.Errorf("%d notices for 3 dead letters", n)
	}
	p.taken()
	p.say("ann", nil)
	b.deliverAll(c)
	if got := p.taken(); got != "ann/4" || b.effect(next).State != sys.EffectDone { // a dead letter blocks nobody
		t.Errorf("delivered %q", got)
	}
	b.must(func(ctx context.Context, tx *journal.Tx) error { return b.ReviveEffect(ctx, tx, lost) })
	b.deliverAll(c)
	if got := p.taken(); got != "ann/1" || b.effect(lost).State != sys.EffectDone {
		t.Errorf("revived, it delivers %q", got)
	}
	b.must(func(ctx context.Context, tx *journal.Tx) error { return b.DiscardEffect(ctx, tx, refused) })
	b.refused(sys.Conflict, func(ctx context.Context, tx *journal.Tx) error { return b.ReviveEffect(ctx, tx, refused) })
	if list, err := b.Effects(context.Background(), b.j, sys.EffectDead, 10); err != nil || len(list) != 1 || list[0].ID != panics {
		t.Errorf("dead letters are %v, %v", list, err)
	}
	for i, want := range []time.Duration{2, 4, 8, 16} {
		if got := pause(i + 1); got != want*time.Second {
			t.Errorf("pause %d is %s", i+1, got)
		}
	}
	if got := pause(100); got != longestPause {
		t.Errorf("the longest pause is %s", got)
	}
}

// A courier that dies between the act and noting it has its effect tried again,
// with the same key; one that comes back late does not overrule the newer.
func TestInterruptedDelivery(t *testing.T) {
	b, p := temp(t), &post{}
	c := NewCourier(b.Store, b.j, "post", p, slog.New(slog.DiscardHandler))
	id := b.queue("ann", "1")
	var stale sys.Effect
	b.must(func(ctx context.Context, tx *journal.Tx) (err error) {
		stale, _, err = b.nextEffect(ctx, tx, "post", deliveryHold)
		return err
	})
	b.deliverAll(c)
	if got := p.taken(); got != "" {
		t.Errorf("held by another, it delivers %q", got)
	}
	b.pass(deliveryHold)
	b.deliverAll(c)
	if got := p.taken(); got != "ann/1" {
		t.Errorf("then it delivers %q", got)
	}
	b.must(func(ctx context.Context, tx *journal.Tx) error {
		return b.settleEffect(ctx, tx, stale, errors.New("late"))
	})
	if e := b.effect(id); e.State != sys.EffectDone || e.Attempts != 2 {
		t.Errorf("it is %+v", e)
	}
	two := b.queue("ann", "2")
	for range mostAttempts {
		b.must(func(ctx context.Context, tx *journal.Tx) error {
			_, _, err := b.nextEffect(ctx, tx, "post", deliveryHold)
			return err
		})
		b.pass(deliveryHold)
	}
	b.deliverAll(c)
	if e := b.effect(two); e.State != sys.EffectDead || p.taken() != "" {
		t.Errorf("what kills its courier is %+v", e)
	}
}

func TestCourierRuns(t *testing.T) {
	b, p := temp(t), &post{}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		NewCourier(b.Store, b.j, "post", p, slog.New(slog.DiscardHandler)).Run(ctx)
	}()
	var last sys.EffectID
	for i := range 5 {
		last = b.queue("ann", fmt.Sprint(i))
	}
	sub := b.j.Subscribe(0)
	defer sub.Close()
	for b.effect(last).State != sys.EffectDone {
		if _, err := sub.Next(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	stop()
	<-ended
	if got := p.taken(); got != "ann/0 ann/1 ann/2 ann/3 ann/4" {
		t.Errorf("delivered %q", got)
	}
}
