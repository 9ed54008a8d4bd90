package journal

import (
	"context"
	"fmt"
	"math/rand"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"matrixos/sys"
)

// Writers, slow and quick readers, readers that start over, all at once: each
// reader sees each durable event once and in order.
func TestSubscribersMissNothing(t *testing.T) {
	const writers, each, readers = 4, 300, 6
	ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
	defer cancel()
	j := temp(t)
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for i := 0; i < each; {
				n := min(1+(i*7+w)%90, each-i) // more than a batch at times
				events := make([]sys.Event, n)
				for k := range events {
					events[k] = notice(fmt.Sprintf("%d.%d", w, i+k))
				}
				if _, err := j.Append(ctx, events...); err != nil {
					t.Error(err)
					return
				}
				j.Publish(sys.NewEvent(sys.EventDelta, sys.DeltaData{Text: "passing"}))
				i += n
			}
		})
	}
	for r := range readers {
		wg.Go(func() {
			random := rand.New(rand.NewSource(int64(r)))
			var at sys.Seq
			sub := j.Subscribe(0)
			defer func() { sub.Close() }()
			next := map[string]int{}
			for at < writers*each {
				events, err := sub.Next(ctx)
				if err != nil {
					t.Errorf("reader %d at %d: %v", r, at, err)
					return
				}
				if len(events) == 0 || len(events) > batch {
					t.Errorf("a batch of %d", len(events))
				}
				for _, e := range events {
					if e.Seq == 0 {
						continue
					}
					if e.Seq != at+1 {
						t.Errorf("reader %d: %d comes after %d", r, e.Seq, at)
						return
					}
					at = e.Seq
					var n sys.NoticeData
					decode(t, e, &n)
					w, i, _ := strings.Cut(n.Title, ".")
					if i != strconv.Itoa(next[w]) {
						t.Errorf("reader %d: writer %s's event %s, want %d", r, w, i, next[w])
					}
					next[w]++
				}
				if r%2 == 1 {
					time.Sleep(time.Duration(random.Intn(3)) * time.Millisecond)
				}
				if r%3 == 2 && random.Intn(4) == 0 {
					sub.Close()
					sub = j.Subscribe(at)
				}
			}
		})
	}
	wg.Wait()
}

func TestSlowReaderRereadsTheTable(t *testing.T) {
	ctx := context.Background()
	j := temp(t)
	sub := j.Subscribe(0)
	defer sub.Close()
	big := strings.Repeat("x", 10_000)
	for range 30 {
		if _, err := j.Append(ctx, notice(big), notice(big), notice(big), notice(big), notice(big), notice(big), notice(big), notice(big)); err != nil {
			t.Fatal(err)
		}
	}
	if j.recent.bytes > recentBytes || len(j.recent.events) == 0 {
		t.Fatalf("memory holds %d bytes", j.recent.bytes)
	}
	for at := sys.Seq(0); at < 240; {
		events, err := sub.Next(ctx)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range events {
			if at++; e.Seq != at {
				t.Fatalf("%d where %d belongs", e.Seq, at)
			}
		}
	}
}

func TestEphemeralEventsKeepTheirPlace(t *testing.T) {
	ctx := context.Background()
	j := temp(t)
	sub := j.Subscribe(0)
	defer sub.Close()
	j.Publish(notice("a"))
	if _, err := j.Append(ctx, notice("b")); err != nil {
		t.Fatal(err)
	}
	j.Publish(notice("c"))
	j.Publish(notice("d"))
	if _, err := j.Append(ctx, notice("e")); err != nil {
		t.Fatal(err)
	}
	var got string
	for len(got) < 5 {
		events, err := sub.Next(ctx)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range events {
			var n sys.NoticeData
			decode(t, e, &n)
			got += n.Title
		}
	}
	if got != "abcde" {
		t.Errorf("order is %s", got)
	}
	for i := range ephemeralRoom + 10 {
		j.Publish(notice(strconv.Itoa(i)))
	}
	events, err := sub.Next(ctx)
	if err != nil {
		t.Fatal(err)
	}
	var n sys.NoticeData
	decode(t, events[0], &n)
	if n.Title != "10" {
		t.Errorf("the oldest kept is %s", n.Title)
	}
}

func TestNextEnds(t *testing.T) {
	j := temp(t)
	sub := j.Subscribe(0)
	ctx, cancel := context.WithCancel(context.Background())
	go cancel()
	if _, err := sub.Next(ctx); sys.KindOf(err) != sys.Canceled {
		t.Errorf("cancelled: %v", err)
	}
	go sub.Close()
	if _, err := sub.Next(context.Background()); sys.KindOf(err) != sys.Canceled {
		t.Errorf("closed: %v", err)
	}
	other := j.Subscribe(0)
	go func() {
		if err := j.Close(); err != nil {
			t.Error(err)
		}
	}()
	if _, err := other.Next(context.Background()); sys.KindOf(err) != sys.Canceled {
		t.Errorf("journal closed: %v", err)
	}
	if _, err := j.Subscribe(0).Next(context.Background()); sys.KindOf(err) != sys.Canceled {
		t.Errorf("subscribed after close: %v", err)
	}
}
