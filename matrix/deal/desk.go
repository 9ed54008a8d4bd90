package deal

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base32"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"matrixos/journal"
	"matrixos/sys"
)

// Calendar keeps slots free in the owner's calendar. Each call is one durable
// transaction there, and may be made again.
type Calendar interface {
	// Hold keeps exactly these slots for a deal, in place of those it held. If one that
	// it did not hold meets any other entry, nothing changes and the error is of kind
	// Conflict.
	Hold(ctx context.Context, deal ID, title string, slots []Slot) error
	// Book makes an entry of a slot, under the same rule. A slot that the deal holds is
	// not checked again, and an entry that was booked before stays as the owner has it.
	Book(ctx context.Context, deal ID, title, note string, slot Slot) error
	// Release lets go what a deal holds or has booked; nothing is fine.
	Release(ctx context.Context, deal ID) error
	// Held lists the deals that have something in the calendar.
	Held(ctx context.Context) ([]ID, error)
	// Busy lists what is taken between two moments.
	Busy(ctx context.Context, from, to time.Time) ([]Slot, error)
}

// Verdict is what the owner's files say to a move that waits for an answer.
type Verdict struct {
	Act   Act   // Accept, Counter, Reply or Decline; "" asks the owner
	Terms Terms // of that move
	Quiet bool  // do not even tell the owner
}

// Options are what a desk is made of. All are required.
type Options struct {
	Journal  *journal.Journal
	Owner    func() sys.Handle
	Key      ed25519.PrivateKey
	Calendar Calendar
	// Judge says, from the owner's files alone, how an offer that stands is answered.
	Judge func(ctx context.Context, d Deal) (Verdict, error)
	// Post sends a chain to the other owner's AI, durably with the transaction. once
	// names this message: posting it again sends nothing new.
	Post func(ctx context.Context, tx *journal.Tx, to sys.Handle, once string, c Chain) error
	// Tell is called after the transaction when a deal has changed; asks says that the
	// owner has to answer.
	Tell func(ctx context.Context, d Deal, asks bool)
	Now  func() time.Time
	Log  *slog.Logger
}

// Deal is one deal as its owner sees it.
type Deal struct {
	ID      ID         `json:"id"`
	Kind    Kind       `json:"kind"`
	Status  Status     `json:"status"`
	Peer    sys.Handle `json:"peer"`
	Mine    bool       `json:"mine"`    // the owner made the first offer
	MyTurn  bool       `json:"my_turn"` // the other side waits for an answer
	May     []Act      `json:"may"`     // the moves that the owner can make now
	Title   string     `json:"title"`
	Text    string     `json:"text,omitempty"`
	Slots   []Slot     `json:"slots,omitempty"`
	Chosen  *Slot      `json:"chosen,omitempty"`
	Result  string     `json:"result,omitempty"`
	Due     int64      `json:"due,omitempty"`
	Expires int64      `json:"expires,omitempty"`
	Updated time.Time  `json:"updated"`
	Within  *Window    `json:"within,omitempty"` // what the owner has asked for
	Chain   Chain      `json:"chain"`
}

// Window is in which time the owner wants to meet: a counter-offer inside it needs no
// further word.
type Window struct {
	From int64 `json:"from"`
	To   int64 `json:"to"`
}

var tables = []string{
	`CREATE TABLE deal (
		id TEXT PRIMARY KEY,
		peer TEXT NOT NULL,
		status TEXT NOT NULL,
		chain TEXT NOT NULL,
		within TEXT NOT NULL,
		asked INTEGER NOT NULL, -- the owner was asked about the move with this number, plus one
		updated INTEGER NOT NULL
	) STRICT`,
	`CREATE TABLE deal_peer (
		handle TEXT PRIMARY KEY,
		key TEXT NOT NULL,
		seen INTEGER NOT NULL
	) STRICT`,
}

// Desk keeps the deals of one owner. Its methods may be called from any goroutine;
// moves are made one at a time. Within a move the calendar comes first, then the
// journal: what a crash leaves held without a move is let go by Tend. Judge and Tell
// are called while a move is made, and must not use the desk.
type Desk struct {
	o  Options
	mu sync.Mutex // one move at a time
}

// Open makes a desk of what the journal has.
func Open(ctx context.Context, o Options) (*Desk, error) {
	if err := o.Journal.Migrate(ctx, "deal", tables...); err != nil {
		return nil, err
	}
	return &Desk{o: o}, nil
}

// Proposal is what the owner wants from somebody.
type Proposal struct {
	Kind   Kind
	To     sys.Handle
	Terms  Terms
	Within *Window
	Lasts  time.Duration // how long the offer stands; 0 means two days
}

const usualLast = 48 * time.Hour

// Propose makes the first offer of a deal. Where a slot is taken the error is of
// kind Conflict, and nothing was sent.
func (d *Desk) Propose(ctx context.Context, p Proposal) (Deal, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	now := d.o.Now()
	lasts := p.Lasts
	if lasts <= 0 {
		lasts = usualLast
	}
	expires := now.Add(lasts).UnixMilli()
	for _, s := range p.Terms.Slots {
		expires = min(expires, s.From)
	}
	id := ID(strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(random())))
	m := Move{V: Version, Deal: id, Kind: p.Kind, From: d.o.Owner(), To: p.To, Act: Offer, Terms: p.Terms, Expires: expires, At: now.UnixMilli()}
	return d.move(ctx, record{within: p.Within}, m)
}

func random() []byte {
	b := make([]byte, 16)
	rand.Read(b) //nolint:errcheck // it never fails
	return b
}

// Answer is a move of the owner's, or of who acts for them.
type Answer struct {
	Act   Act
	Terms Terms
}

// Act makes a move in a deal. Whether it may be made is decided here; the error
// says why not, and then nothing has changed.
func (d *Desk) Act(ctx context.Context, id ID, a Answer) (Deal, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	r, err := d.load(ctx, id)
	if err != nil {
		return Deal{}, err
	}
	m, err := d.next(r, a)
	if err != nil {
		return Deal{}, err
	}
	return d.move(ctx, r, m)
}

// next is the move that an answer makes.
func (d *Desk) next(r record, a Answer) (Move, error) {
	s, err := r.chain.Check()
	if err != nil {
		return Move{}, err
	}
	now := d.o.Now()
	m := Move{
		V: Version, Deal: r.chain[0].Deal, Kind: s.Kind, Seq: s.moves, Prev: s.last, From: d.o.Owner(), To: s.Peer(d.o.Owner()),
		Act: a.Act, Terms: a.Terms, At: now.UnixMilli(),
	}
	if a.Act == Accept && s.Kind == Meeting && len(a.Terms.Slots) == 0 && len(s.Terms.Slots) > 0 {
		m.Terms.Slots = s.Terms.Slots[:1]
	}
	if a.Act == Counter {
		m.Expires = now.Add(usualLast).UnixMilli()
		for _, slot := range a.Terms.Slots {
			m.Expires = min(m.Expires, slot.From)
		}
	}
	if a.Act == Accept || a.Act == Confirm || a.Act == Reply || a.Act == Deliver {
		m.Terms.Title, m.Terms.Due = "", 0
	}
	return m, nil
}

// move signs m, holds what it needs, keeps it, and posts it.
func (d *Desk) move(ctx context.Context, r record, m Move) (Deal, error) {
	m = m.sign(d.o.Key)
	chain := append(slices.Clone(r.chain), m)
	s, err := chain.Check()
	if err != nil {
		return Deal{}, err
	}
	if len(chain.Raw()) > mostBytes {
		return Deal{}, bad("make a move in", string(m.Deal), "the deal has become too long")
	}
	if !s.Status.Closed() {
		if err := d.occupy(ctx, m.Deal, s); err != nil {
			return Deal{}, err
		}
	}
	r.chain = chain
	err = d.o.Journal.Update(ctx, func(tx *journal.Tx) error {
		if err := d.save(ctx, tx, r, s); err != nil {
			return err
		}
		return d.o.Post(ctx, tx, s.Peer(d.o.Owner()), string(m.Deal)+"-"+fmt.Sprint(m.Seq), chain)
	})
	if err != nil {
		if !errors.Is(err, journal.ErrUnknown) {
			err = errors.Join(err, d.reoccupy(ctx, m.Deal))
		}
		return Deal{}, err
	}
	d.letGo(ctx, m.Deal, s)
	out := d.shown(r, s)
	d.o.Tell(ctx, out, false)
	return out, nil
}

// letGo releases what a deal that is closed has held. It comes after what is kept, so
// that a crash leaves too much in the calendar, which Tend lets go, and never too
// little.
func (d *Desk) letGo(ctx context.Context, id ID, s State) {
	if !s.Status.Closed() || s.Kind != Meeting {
		return
	}
	if err := d.o.Calendar.Release(ctx, id); err != nil {
		d.o.Log.WarnContext(ctx, "a slot is still held and is let go later", "deal", id, "error", err)
	}
}

// occupy brings the calendar to what a state needs.
func (d *Desk) occupy(ctx context.Context, id ID, s State) error {
	switch {
	case s.Kind != Meeting:
		return nil
	case s.Status == Agreed:
		return d.o.Calendar.Book(ctx, id, d.entry(s), "Agreed with "+string(s.Peer(d.o.Owner()))+" (deal "+string(id)+")", s.Chosen)
	case s.Status.Closed():
		return d.o.Calendar.Release(ctx, id)
	case s.Status == Standing && s.Proposer != d.o.Owner():
		return d.o.Calendar.Hold(ctx, id, d.entry(s), nil) // nothing is promised yet
	}
	return d.o.Calendar.Hold(ctx, id, d.entry(s), s.Slots())
}

// entry is the title in the calendar.
func (d *Desk) entry(s State) string {
	local, _ := s.Peer(d.o.Owner()).Parts()
	return s.Terms.Title + " (@" + local + ")"
}

// reoccupy brings the calendar back to what is kept, after a move that was not.
func (d *Desk) reoccupy(ctx context.Context, id ID) error {
	r, err := d.load(ctx, id)
	if errors.Is(err, sys.NotFound) {
		return d.o.Calendar.Release(ctx, id)
	}
	if err != nil {
		return err
	}
	s, err := r.chain.Check()
	if err != nil {
		return err
	}
	return d.occupy(ctx, id, s)
}
