package deal

import (
	"context"
	"crypto/ed25519"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"maps"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"matrixos/journal"
	"matrixos/sys"
)

// diary is a Calendar in memory.
type diary struct {
	mu     sync.Mutex
	own    []Slot
	held   map[ID][]Slot
	booked map[ID]Slot
	once   bool // two entries met: the rule was broken
}

func newDiary(own ...Slot) *diary {
	return &diary{own: own, held: map[ID][]Slot{}, booked: map[ID]Slot{}}
}

func (d *diary) free(deal ID, slots []Slot) error {
	for _, s := range slots {
		taken := slices.Clone(d.own)
		for id, list := range d.held {
			if id != deal {
				taken = append(taken, list...)
			}
		}
		for id, b := range d.booked {
			if id != deal {
				taken = append(taken, b)
			}
		}
		if !slices.Contains(d.held[deal], s) && slices.ContainsFunc(taken, s.Meets) {
			return &sys.Error{Op: "hold", Kind: sys.Conflict}
		}
	}
	return nil
}

func (d *diary) Hold(_ context.Context, deal ID, _ string, slots []Slot) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.free(deal, slots); err != nil {
		return err
	}
	if d.held[deal] = slices.Clone(slots); len(slots) == 0 {
		delete(d.held, deal)
	}
	return nil
}

func (d *diary) Book(_ context.Context, deal ID, _, _ string, slot Slot) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, done := d.booked[deal]; done {
		return nil
	}
	if err := d.free(deal, []Slot{slot}); err != nil {
		return err
	}
	delete(d.held, deal)
	d.booked[deal] = slot
	return nil
}

func (d *diary) Release(_ context.Context, deal ID) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.held, deal)
	delete(d.booked, deal)
	return nil
}

func (d *diary) Held(context.Context) ([]ID, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return append(slices.Collect(maps.Keys(d.held)), slices.Collect(maps.Keys(d.booked))...), nil
}

func (d *diary) Busy(context.Context, time.Time, time.Time) ([]Slot, error) { return d.own, nil }

// overlap reports two things in the diary at one time.
func (d *diary) overlap() bool {
	all := slices.Clone(d.own)
	for _, list := range d.held {
		all = append(all, list...)
	}
	for _, b := range d.booked {
		all = append(all, b)
	}
	for i, s := range all {
		if slices.ContainsFunc(all[:i], s.Meets) {
			return true
		}
	}
	return false
}

// party is one owner with a desk.
type party struct {
	me    sys.Handle
	desk  *Desk
	diary *diary
	sent  []letter
	asked []ID
	judge func(Deal) Verdict
	key   ed25519.PrivateKey
}

type letter struct {
	from, to sys.Handle
	raw      []byte
}

// clock is the time of a test.
type clock struct{ at time.Time }

func newParty(t *testing.T, me sys.Handle, c *clock, own ...Slot) *party {
	t.Helper()
	j, err := journal.Open(t.Context(), filepath.Join(t.TempDir(), "kernel.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = j.Close() })
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	p := &party{me: me, diary: newDiary(own...), key: key, judge: func(Deal) Verdict { return Verdict{} }}
	p.desk, err = Open(t.Context(), Options{
		Journal: j, Owner: func() sys.Handle { return me }, Key: key, Calendar: p.diary,
		Judge: func(_ context.Context, d Deal) (Verdict, error) { return p.judge(d), nil },
		Post: func(_ context.Context, tx *journal.Tx, to sys.Handle, _ string, c Chain) error {
			tx.OnCommit(func() { p.sent = append(p.sent, letter{me, to, c.Raw()}) })
			return nil
		},
		Tell: func(_ context.Context, d Deal, asks bool) {
			if asks {
				p.asked = append(p.asked, d.ID)
			}
		},
		Now: func() time.Time { return c.at }, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func (p *party) get(ctx context.Context, l letter) error {
	return p.desk.Receive(ctx, l.from, l.raw, func(*journal.Tx) error { return nil })
}

// deliver hands over all that was sent, in order, until nobody says anything more.
func deliver(t *testing.T, a, b *party) {
	t.Helper()
	for len(a.sent)+len(b.sent) > 0 {
		letters := append(a.sent, b.sent...)
		a.sent, b.sent = nil, nil
		for _, l := range letters {
			to := a
			if l.to == b.me {
				to = b
			}
			if err := to.get(t.Context(), l); err != nil {
				t.Fatalf("%s: %v", to.me, err)
			}
		}
	}
}

var monday = time.Date(2026, 11, 30, 9, 0, 0, 0, time.UTC)

func at(hour int) Slot {
	from := monday.Add(time.Duration(hour) * time.Hour)
	return Slot{from.UnixMilli(), from.Add(30 * time.Minute).UnixMilli()}
}

func pair(t *testing.T) (*party, *party, *clock) {
	c := &clock{monday.Add(-24 * time.Hour)}
	return newParty(t, "@anna:a.example", c), newParty(t, "@bob:b.example", c, at(0)), c
}

func lunch(to sys.Handle, slots ...Slot) Proposal {
	return Proposal{Kind: Meeting, To: to, Terms: Terms{Title: "Lunch", Slots: slots}}
}

func only(t *testing.T, p *party) Deal {
	t.Helper()
	list, err := p.desk.List(t.Context())
	if err != nil || len(list) != 1 {
		t.Fatalf("%d deals, %v", len(list), err)
	}
	return list[0]
}

// accepting takes the first slot that the diary has free.
func (p *party) accepting(d Deal) Verdict {
	for _, s := range d.Slots {
		if p.diary.free(d.ID, []Slot{s}) == nil {
			return Verdict{Act: Accept, Terms: Terms{Slots: []Slot{s}}}
		}
	}
	return Verdict{Act: Decline}
}

func TestTwoDesksAgree(t *testing.T) {
	a, b, _ := pair(t)
	b.judge = b.accepting
	if _, err := a.desk.Propose(t.Context(), lunch(b.me, at(0), at(2))); err != nil {
		t.Fatal(err)
	}
	deliver(t, a, b)
	da, db := only(t, a), only(t, b)
	if da.Status != Agreed || db.Status != Agreed || *da.Chosen != at(2) || *db.Chosen != at(2) {
		t.Fatalf("%+v\n%+v", da, db)
	}
	if a.diary.booked[da.ID] != at(2) || b.diary.booked[da.ID] != at(2) || len(a.diary.held) > 0 {
		t.Errorf("diaries: %+v %+v", a.diary, b.diary)
	}
	va, err := a.desk.Verify(t.Context(), da.ID[:8])
	if err != nil {
		t.Fatal(err)
	}
	vb, err := b.desk.Verify(t.Context(), da.ID)
	if err != nil || va.Head != vb.Head || va.Moves != 3 || !va.Pinned || !vb.Pinned {
		t.Errorf("%+v %+v %v", va, vb, err)
	}
	if _, err := b.desk.Act(t.Context(), da.ID, Answer{Act: Cancel}); err != nil {
		t.Fatal(err)
	}
	deliver(t, a, b)
	if only(t, a).Status != Cancelled || len(a.diary.booked)+len(b.diary.booked) > 0 {
		t.Errorf("after the cancellation: %+v %+v", a.diary, b.diary)
	}
}

func TestOwnerIsAskedAndCounters(t *testing.T) {
	a, b, _ := pair(t)
	a.judge = a.accepting
	if _, err := a.desk.Propose(t.Context(), lunch(b.me, at(0))); err != nil {
		t.Fatal(err)
	}
	deliver(t, a, b)
	id := only(t, b).ID
	if !slices.Equal(b.asked, []ID{id}) {
		t.Fatalf("asked: %v", b.asked)
	}
	if _, err := b.desk.Act(t.Context(), id, Answer{Act: Accept}); sys.KindOf(err) != sys.Conflict {
		t.Errorf("a slot that is taken was accepted: %v", err)
	}
	if _, err := b.desk.Act(t.Context(), id, Answer{Act: Confirm}); sys.KindOf(err) != sys.Invalid {
		t.Errorf("an illegal move was made: %v", err)
	}
	if _, err := b.desk.Act(t.Context(), id, Answer{Counter, Terms{Title: "Lunch", Slots: []Slot{at(3)}}}); err != nil {
		t.Fatal(err)
	}
	deliver(t, a, b)
	if d := only(t, a); d.Status != Agreed || *d.Chosen != at(3) || b.diary.overlap() {
		t.Errorf("%+v", d)
	}
}

func TestQueryAndTask(t *testing.T) {
	a, b, _ := pair(t)
	b.judge = func(d Deal) Verdict {
		if d.Kind == Query {
			return Verdict{Act: Reply, Terms: Terms{Text: "Nine to five."}}
		}
		return Verdict{Act: Accept}
	}
	for kind, want := range map[Kind]Status{Query: Done, Task: Agreed} {
		d, err := a.desk.Propose(t.Context(), Proposal{Kind: kind, To: b.me, Terms: Terms{Title: "Opening hours"}})
		if err != nil {
			t.Fatal(err)
		}
		deliver(t, a, b)
		if d, err = a.desk.Find(t.Context(), d.ID); err != nil || d.Status != want {
			t.Fatalf("%s: %+v %v", kind, d, err)
		}
		if kind == Query {
			if d.Result != "Nine to five." {
				t.Errorf("answer %q", d.Result)
			}
			continue
		}
		if _, err := a.desk.Act(t.Context(), d.ID, Answer{Deliver, Terms{Text: "mine"}}); err == nil {
			t.Error("who gave the task delivered it")
		}
		if _, err := b.desk.Act(t.Context(), d.ID, Answer{Deliver, Terms{Text: "Done."}}); err != nil {
			t.Fatal(err)
		}
		deliver(t, a, b)
		if d, err = a.desk.Find(t.Context(), d.ID); err != nil || d.Status != Done || d.Result != "Done." {
			t.Errorf("%+v %v", d, err)
		}
	}
}

// A withdrawal that crosses an acceptance counts, on both sides.
func TestWithdrawalCrossesAcceptance(t *testing.T) {
	a, b, _ := pair(t)
	b.judge = b.accepting
	d, err := a.desk.Propose(t.Context(), lunch(b.me, at(2)))
	if err != nil {
		t.Fatal(err)
	}
	offer := a.sent[0]
	if _, err := a.desk.Act(t.Context(), d.ID, Answer{Act: Withdraw}); err != nil {
		t.Fatal(err)
	}
	if err := b.get(t.Context(), offer); err != nil {
		t.Fatal(err)
	}
	deliver(t, a, b)
	if only(t, a).Status != Withdrawn || only(t, b).Status != Withdrawn || len(a.diary.held)+len(b.diary.held) > 0 {
		t.Errorf("%s %s", only(t, a).Status, only(t, b).Status)
	}
}

func TestExpiry(t *testing.T) {
	a, b, c := pair(t)
	if _, err := a.desk.Propose(t.Context(), lunch(b.me, at(2))); err != nil {
		t.Fatal(err)
	}
	deliver(t, a, b)
	if _, err := a.desk.Act(t.Context(), only(t, a).ID, Answer{Act: Expire}); err == nil {
		t.Error("an offer expired before its time")
	}
	c.at = monday.Add(3 * time.Hour)
	if _, err := b.desk.Act(t.Context(), only(t, b).ID, Answer{Act: Accept}); err == nil {
		t.Error("an offer that has run out was accepted")
	}
	if err := a.desk.Tend(t.Context()); err != nil {
		t.Fatal(err)
	}
	deliver(t, a, b)
	if only(t, a).Status != Expired || only(t, b).Status != Expired || len(a.diary.held) > 0 {
		t.Errorf("%+v", only(t, b))
	}
}

// A confirmation that comes when the slot was let go and taken cancels at once.
func TestConfirmedTooLate(t *testing.T) {
	a, b, c := pair(t)
	b.judge = b.accepting
	if _, err := a.desk.Propose(t.Context(), lunch(b.me, at(2))); err != nil {
		t.Fatal(err)
	}
	if err := b.get(t.Context(), a.sent[0]); err != nil {
		t.Fatal(err)
	}
	if err := a.get(t.Context(), b.sent[0]); err != nil {
		t.Fatal(err)
	}
	confirm := a.sent[len(a.sent)-1]
	c.at = monday.Add(4 * time.Hour)
	if err := b.desk.Tend(t.Context()); err != nil {
		t.Fatal(err)
	}
	if len(b.diary.held) != 0 {
		t.Fatal("the slot is held for ever")
	}
	b.diary.own = append(b.diary.own, at(2))
	b.sent, a.sent = nil, []letter{confirm}
	deliver(t, a, b)
	if only(t, a).Status != Cancelled || only(t, b).Status != Cancelled || len(a.diary.booked) > 0 || b.diary.overlap() {
		t.Errorf("%s %s %+v", only(t, a).Status, only(t, b).Status, a.diary)
	}
}

func TestForgeries(t *testing.T) {
	a, b, c := pair(t)
	mallory := newParty(t, "@mallory:m.example", c)
	if _, err := a.desk.Propose(t.Context(), lunch(b.me, at(2))); err != nil {
		t.Fatal(err)
	}
	offer, err := Parse(a.sent[0].raw)
	if err != nil {
		t.Fatal(err)
	}
	changed := slices.Clone(offer)
	changed[0].Terms.Title = "Dinner"
	others := slices.Clone(offer)
	others[0] = Move{V: 1, Deal: offer[0].Deal, Kind: Meeting, From: a.me, To: b.me, Act: Offer, Terms: offer[0].Terms, Expires: offer[0].Expires, At: offer[0].At}.sign(mallory.key)
	for name, l := range map[string]letter{
		"a title is changed":           {a.me, b.me, changed.Raw()},
		"somebody else sends it":       {mallory.me, b.me, offer.Raw()},
		"it is for somebody else":      {a.me, mallory.me, offer.Raw()},
		"a move is there twice":        {a.me, b.me, append(slices.Clone(offer), offer[0]).Raw()},
		"an own offer, never made":     {b.me, a.me, mine(b, a).Raw()},
		"confirmed without acceptance": {a.me, b.me, append(slices.Clone(offer), follow(offer, a, Confirm)).Raw()},
	} {
		to := map[sys.Handle]*party{a.me: a, b.me: b, mallory.me: mallory}[l.to]
		if err := to.get(t.Context(), l); err == nil {
			t.Errorf("%s: taken", name)
		}
		if list, err := b.desk.List(t.Context()); err != nil || len(list) > 0 {
			t.Errorf("%s: kept, %v", name, err)
		}
	}
	if err := b.get(t.Context(), letter{a.me, b.me, offer.Raw()}); err != nil {
		t.Fatal(err)
	}
	if err := b.get(t.Context(), letter{a.me, b.me, others.Raw()}); sys.KindOf(err) != sys.Refused {
		t.Errorf("another key: %v", err)
	}
	if err := b.desk.Trust(t.Context(), a.me); err != nil {
		t.Error(err)
	}
	// two different moves for one place
	if _, err := b.desk.Act(t.Context(), offer[0].Deal, Answer{Act: Accept}); err != nil {
		t.Fatal(err)
	}
	deliver(t, a, b)
	agreed := only(t, b).Chain
	double := append(slices.Clone(agreed[:2]), follow(agreed[:2], a, Withdraw))
	if err := b.get(t.Context(), letter{a.me, b.me, double.Raw()}); sys.KindOf(err) != sys.Conflict || only(t, b).Status != Agreed {
		t.Errorf("equivocation: %v, %s", err, only(t, b).Status)
	}
}

// mine is a chain that b's key would sign for a deal that a is said to have begun.
func mine(b, a *party) Chain {
	m := Move{V: 1, Deal: "aaaaaaaaaaaaaaaaaaaaaaaaaa", Kind: Meeting, From: a.me, To: b.me, Act: Offer, Terms: Terms{Title: "x", Slots: []Slot{at(2)}}, Expires: at(2).From, At: monday.UnixMilli()}
	return Chain{m.sign(b.key)}
}

func follow(c Chain, p *party, act Act) Move {
	last := c[len(c)-1]
	m := Move{V: 1, Deal: last.Deal, Kind: last.Kind, Seq: last.Seq + 1, Prev: last.Hash(), From: p.me, Act: act, At: last.At}
	if m.To = last.From; last.From == p.me {
		m.To = last.To
	}
	return m.sign(p.key)
}

// Whatever the channel loses, doubles, holds back and replays, and whatever a model
// proposes in between: no diary ever has two things at one time, and once what was
// last said has arrived, both sides have the same chain.
func TestLossyChannel(t *testing.T) {
	fewer(t)
	clocks := &clock{monday.Add(-24 * time.Hour)}
	a, b := newParty(t, "@anna:a.example", clocks), newParty(t, "@bob:b.example", clocks)
	parties := []*party{a, b}
	var old []letter
	rapid.Check(t, func(rt *rapid.T) {
		ctx := context.Background()
		policy := func(p *party) func(Deal) Verdict {
			return func(d Deal) Verdict {
				switch rapid.IntRange(0, 3).Draw(rt, "judge") {
				case 0:
					return Verdict{}
				case 1:
					return Verdict{Act: Decline}
				}
				return p.accepting(d)
			}
		}
		a.judge, b.judge = policy(a), policy(b)
		var air []letter
		drain := func() {
			for _, p := range parties {
				air = append(air, p.sent...)
				p.sent = nil
			}
		}
		arrive := func(l letter) {
			to := a
			if l.to == b.me {
				to = b
			}
			if err := to.get(ctx, l); err != nil {
				rt.Fatalf("%s: %v", to.me, err)
			}
		}
		for range rapid.IntRange(3, 14).Draw(rt, "steps") {
			drain()
			p := rapid.SampledFrom(parties).Draw(rt, "who")
			switch do := rapid.IntRange(0, 9).Draw(rt, "do"); {
			case do == 0:
				other := a
				if p == a {
					other = b
				}
				slot := at(rapid.IntRange(1, 5).Draw(rt, "hour"))
				_, err := p.desk.Propose(ctx, lunch(other.me, slot))
				if err != nil && sys.KindOf(err) != sys.Conflict {
					rt.Fatal(err)
				}
			case do <= 2: // a model says something, sensible or not
				list := recent(rt, p)
				if len(list) == 0 {
					continue
				}
				d := list[rapid.IntRange(0, min(2, len(list)-1)).Draw(rt, "deal")]
				act := rapid.SampledFrom([]Act{Accept, Decline, Withdraw, Counter, Cancel, Confirm, Expire}).Draw(rt, "act")
				ans := Answer{Act: act}
				if act == Counter {
					ans.Terms = Terms{Title: "Lunch", Slots: []Slot{at(rapid.IntRange(1, 5).Draw(rt, "hour"))}}
				}
				if _, err := p.desk.Act(ctx, d.ID, ans); err != nil && !errors.Is(err, sys.Conflict) && !errors.Is(err, sys.Invalid) {
					rt.Fatal(err)
				}
			case do == 3 && len(air) > 0: // lost
				i := rapid.IntRange(0, len(air)-1).Draw(rt, "lost")
				old = append(old, air[i])
				air = slices.Delete(air, i, i+1)
			case do == 4 && len(old) > 0: // replayed
				arrive(old[rapid.IntRange(0, len(old)-1).Draw(rt, "replay")])
			case len(air) > 0:
				i := rapid.IntRange(0, len(air)-1).Draw(rt, "next")
				l := air[i]
				old = append(old, l)
				if do < 8 { // else it comes again
					air = slices.Delete(air, i, i+1)
				}
				arrive(l)
			}
			for _, p := range parties {
				if p.diary.overlap() {
					rt.Fatalf("%s is at two places at once: %+v", p.me, p.diary)
				}
			}
		}
		for round := 0; ; round++ { // the network is whole again
			if round > 30 {
				rt.Fatal("they never stop talking")
			}
			drain()
			if len(air) == 0 && round > 2 {
				break
			}
			letters := air
			air = nil
			for _, l := range letters {
				arrive(l)
			}
			if round < 2 { // each says once more what it said last
				for _, p := range parties {
					for _, d := range recent(rt, p) {
						air = append(air, letter{p.me, d.Peer, d.Chain.Raw()})
					}
				}
			}
		}
		same(rt, a, b)
		for _, p := range parties { // the next round begins with empty diaries
			for _, d := range recent(rt, p) {
				for _, act := range []Act{Cancel, Withdraw, Decline} {
					if d.Status.Closed() {
						break
					}
					_, _ = p.desk.Act(ctx, d.ID, Answer{Act: act}) // one of them may be made
				}
			}
		}
		for range 10 {
			drain()
			for _, l := range air {
				arrive(l)
			}
			air = nil
		}
		old = old[max(0, len(old)-40):]
	})
}

// fewer makes rapid do with less than it would, unless the command line says how much:
// every step of this world waits for a disk.
func fewer(t *testing.T) {
	f := flag.Lookup("rapid.checks")
	usual := f.Value.String()
	if usual != f.DefValue {
		return
	}
	if err := flag.Set("rapid.checks", "20"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = flag.Set("rapid.checks", usual) })
}

// recent are the newest deals of a party.
func recent(rt *rapid.T, p *party) (out []Deal) {
	list, err := p.desk.list(context.Background(), `rowid IN (SELECT rowid FROM deal ORDER BY rowid DESC LIMIT 8)`)
	if err != nil {
		rt.Fatal(err)
	}
	for _, r := range list {
		s, err := r.chain.Check()
		if err != nil {
			rt.Fatal(err)
		}
		out = append(out, p.desk.shown(r, s))
	}
	return out
}

// same fails unless both have the same chains, and entries as these say.
func same(rt *rapid.T, a, b *party) {
	chains := map[ID]string{}
	for i, p := range []*party{a, b} {
		for _, d := range recent(rt, p) {
			_, booked := p.diary.booked[d.ID]
			if booked != (d.Status == Agreed) {
				rt.Fatalf("%s: deal %s is %s, booked %v", p.me, d.ID, d.Status, booked)
			}
			if text := fmt.Sprintf("%s %s", d.Status, d.Chain.Raw()); i == 0 {
				chains[d.ID] = text
			} else if other, ok := chains[d.ID]; ok && other != text {
				rt.Fatalf("they differ:\n%s\n%s", other, text)
			}
		}
	}
}

// Words of every move can be read, and say who and what.
func TestWords(t *testing.T) {
	a, b, _ := pair(t)
	b.judge = b.accepting
	if _, err := a.desk.Propose(t.Context(), lunch(b.me, at(2))); err != nil {
		t.Fatal(err)
	}
	deliver(t, a, b)
	c := only(t, a).Chain
	want := []string{
		"@anna:a.example would like to meet @bob:b.example: “Lunch”. Mon 30 Nov 2026 11:00–11:30 UTC. You can answer with an AI, or in words.",
		"@bob:b.example accepts “Lunch” on Mon 30 Nov 2026 11:00–11:30 UTC; @anna:a.example confirms it.",
		"Agreed: “Lunch” on Mon 30 Nov 2026 11:00–11:30 UTC.",
	}
	for i := range c {
		s, err := c[:i+1].Check()
		if err != nil {
			t.Fatal(err)
		}
		if got := c[i].words(s); got != want[i] {
			t.Errorf("move %d: %s", i, got)
		}
	}
}

func TestFree(t *testing.T) {
	h := Hours{Days: []time.Weekday{time.Monday, time.Tuesday}, From: 9 * 60, To: 11 * 60, Zone: time.UTC}
	busy := []Slot{{monday.UnixMilli(), monday.Add(45 * time.Minute).UnixMilli()}}
	got := h.Free(busy, monday.Add(-time.Hour), monday.Add(72*time.Hour), 30*time.Minute, 3)
	want := []time.Time{monday.Add(time.Hour), monday.Add(90 * time.Minute), monday.Add(24 * time.Hour)}
	if len(got) != 3 {
		t.Fatalf("%v", got)
	}
	for i, s := range got {
		if !s.Start().Equal(want[i]) {
			t.Errorf("%d: %s, want %s", i, s.Start().UTC(), want[i])
		}
	}
}

func FuzzParse(f *testing.F) {
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		f.Fatal(err)
	}
	m := Move{V: 1, Deal: "aaaaaaaaaaaaaaaaaaaaaaaaaa", Kind: Meeting, From: "@a:x", To: "@b:y", Act: Offer, Terms: Terms{Title: "Tee & Kuchen <3", Slots: []Slot{at(2)}}, Expires: at(2).From, At: monday.UnixMilli()}
	f.Add([]byte(Chain{m.sign(key)}.Raw()))
	for _, s := range []string{``, `[]`, `[{}]`, `null`, `{"v":1}`, `[{"v":1,"deal":"aaaaaaaaaaaaaaaaaaaaaaaaaa","x":1}]`, `[1e400]`, "[{\"terms\":{\"title\":\"a\u202eb\"}}]"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		c, err := Parse(raw)
		if err != nil {
			return
		}
		again, err := Parse(c.Raw())
		if err != nil {
			t.Fatalf("what was read cannot be read again: %v", err)
		}
		for i := range c {
			if c[i].Hash() != again[i].Hash() {
				t.Fatal("reading again changes the hash")
			}
		}
		_ = c.Words()
		if _, err := c.Check(); err != nil {
			return
		}
		if got, err := Merge(c, again); err != nil || len(got) != len(c) {
			t.Fatalf("merging with itself: %v", err)
		}
	})
}
