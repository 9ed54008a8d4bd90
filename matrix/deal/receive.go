package deal

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"matrixos/journal"
	"matrixos/sys"
)

// Receive takes a chain that arrived. sender is the owner for whom the Matrix
// account that sent it speaks, as the server vouches for. also is written with what
// it changes, such as that the event was handled. An error of kind Invalid, Refused
// or Conflict says that nothing was taken from it, and then also was not written.
func (d *Desk) Receive(ctx context.Context, sender sys.Handle, raw []byte, also func(*journal.Tx) error) error {
	theirs, err := Parse(raw)
	if err != nil {
		return err
	}
	s, err := theirs.Check()
	if err != nil {
		return err
	}
	me := d.o.Owner()
	if s.First != me && s.Second != me || s.Peer(me) != sender {
		return &sys.Error{Op: "read deal", Path: string(sender), Kind: sys.Refused, Err: errors.New("it is between others")}
	}
	if mine := s.Keys[me]; mine != "" && mine != PublicKey(d.o.Key) {
		return &sys.Error{Op: "read deal", Path: string(sender), Kind: sys.Refused, Err: errors.New("it has moves in your name that you did not sign")}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.known(ctx, sender, s.Keys[sender]); err != nil {
		return err
	}
	return d.take(ctx, sender, theirs, also)
}

// take merges a chain into what is kept, and answers it.
func (d *Desk) take(ctx context.Context, sender sys.Handle, theirs Chain, also func(*journal.Tx) error) error {
	id := theirs[0].Deal
	r, err := d.begun(ctx, id, theirs[0].From)
	if err != nil {
		return err
	}
	merged := theirs
	if len(r.chain) > 0 {
		if merged, err = merge(r.chain, theirs); err != nil {
			return err
		}
	}
	if err := d.onlyTheirs(id, merged[min(len(r.chain), len(merged)):]); err != nil {
		return err
	}
	s, err := merged.Check()
	if err != nil {
		return err
	}
	behind := len(theirs) < len(merged) || theirs[len(theirs)-1].Hash() != s.last
	news := len(r.chain) == 0 || r.chain[len(r.chain)-1].Hash() != s.last
	if news && !s.Status.Closed() {
		cancelled := false
		if merged, s, cancelled, err = d.hold(ctx, merged, s); err != nil {
			return err
		}
		behind = behind || cancelled
	}
	r.chain = merged
	err = d.o.Journal.Update(ctx, func(tx *journal.Tx) error {
		if err := also(tx); err != nil {
			return err
		}
		if err := d.pin(ctx, tx, sender, s.Keys[sender]); err != nil {
			return err
		}
		if news {
			if err := d.save(ctx, tx, r, s); err != nil {
				return err
			}
		}
		if behind { // they have missed something; say it again
			return d.o.Post(ctx, tx, sender, fmt.Sprintf("%s-%d-%s-after-%s", id, len(merged), s.last[:8], theirs[len(theirs)-1].Hash()[:8]), merged)
		}
		return nil
	})
	if err != nil {
		return errors.Join(err, d.reoccupy(ctx, id))
	}
	if !news {
		return nil
	}
	d.letGo(ctx, id, s)
	return d.respond(ctx, r, s)
}

// begun is what is kept of a deal, nothing if it is new. One that the owner began is kept.
func (d *Desk) begun(ctx context.Context, id ID, by sys.Handle) (record, error) {
	r, err := d.load(ctx, id)
	if !errors.Is(err, sys.NotFound) {
		return r, err
	}
	if by == d.o.Owner() {
		return record{}, &sys.Error{Op: "read deal", Path: string(id), Kind: sys.Refused, Err: errors.New("you have not begun it here")}
	}
	return record{}, nil
}

// onlyTheirs refuses moves that are new here and yet the owner's: a longer chain can
// only be longer by the other's.
func (d *Desk) onlyTheirs(id ID, news Chain) error {
	for _, m := range news {
		if m.From == d.o.Owner() {
			return &sys.Error{Op: "read deal", Path: string(id), Kind: sys.Refused, Err: errors.New("it has a move of yours that is not kept here"), Hint: "was this home restored from an older backup? Begin anew"}
		}
	}
	return nil
}

// hold takes the slots of a deal. One that was confirmed so late that its slot was let
// go and taken is cancelled with the same stroke.
func (d *Desk) hold(ctx context.Context, c Chain, s State) (_ Chain, _ State, cancelled bool, err error) {
	err = d.occupy(ctx, c[0].Deal, s)
	if s.Status == Agreed && sys.KindOf(err) == sys.Conflict {
		c, s, err = d.cancelled(c, s)
		return c, s, true, err
	}
	return c, s, false, err
}

// cancelled is an agreed chain with the owner's cancellation.
func (d *Desk) cancelled(c Chain, s State) (Chain, State, error) {
	m, err := d.next(record{chain: c}, Answer{Cancel, Terms{Text: "The time is no longer free here."}})
	if err != nil {
		return c, s, err
	}
	c = append(slices.Clone(c), m.sign(d.o.Key))
	s, err = c.Check()
	return c, s, err
}

// respond makes the move that follows without a word of the owner's, or asks them.
func (d *Desk) respond(ctx context.Context, r record, s State) error {
	me := d.o.Owner()
	if s.Status == Accepted && s.Proposer == me {
		_, err := d.follow(ctx, r, Answer{Act: Confirm})
		return err
	}
	if s.Status != Standing || s.Proposer == me {
		d.o.Tell(ctx, d.shown(r, s), false)
		return nil
	}
	if s.RunOut(d.o.Now()) {
		return nil // who offered it says so
	}
	v, err := d.o.Judge(ctx, d.shown(r, s))
	if err != nil {
		return err
	}
	if v.Act != "" {
		_, err = d.follow(ctx, r, Answer{v.Act, v.Terms})
		if err == nil || sys.KindOf(err) != sys.Conflict {
			return err
		}
	}
	return d.ask(ctx, r, s, v.Quiet)
}

func (d *Desk) follow(ctx context.Context, r record, a Answer) (Deal, error) {
	m, err := d.next(r, a)
	if err != nil {
		return Deal{}, err
	}
	return d.move(ctx, r, m)
}

// ask has the owner asked, once for each move.
func (d *Desk) ask(ctx context.Context, r record, s State, quiet bool) error {
	if r.asked == s.moves {
		return nil
	}
	r.asked = s.moves
	if err := d.o.Journal.Update(ctx, func(tx *journal.Tx) error { return d.save(ctx, tx, r, s) }); err != nil {
		return err
	}
	if !quiet {
		d.o.Tell(ctx, d.shown(r, s), true)
	}
	return nil
}

// again is how often a move that waits for an answer is sent once more.
const again = 6 * time.Hour

// Tend ends what has run out, lets go what nothing holds, and sends again what may
// have been lost. Call it at the start and every few minutes.
func (d *Desk) Tend(ctx context.Context) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	list, err := d.list(ctx, `status IN ('open', 'accepted')`)
	if err != nil {
		return err
	}
	var errs []error
	for _, r := range list {
		errs = append(errs, d.tend(ctx, r))
	}
	return errors.Join(append(errs, d.reconcile(ctx))...)
}

func (d *Desk) tend(ctx context.Context, r record) error {
	s, err := r.chain.Check()
	if err != nil {
		return err
	}
	now := d.o.Now()
	id := r.chain[0].Deal
	if s.RunOut(now) && s.Proposer == d.o.Owner() {
		_, err := d.follow(ctx, r, Answer{Act: Expire})
		return err
	}
	if s.Status == Accepted && s.Proposer == d.o.Owner() || s.Status == Standing && s.Proposer != d.o.Owner() && r.asked != s.moves {
		return d.respond(ctx, r, s) // something was in the way when it came
	}
	turns := now.Sub(r.updated) / again
	if s.Proposer != d.o.Owner() && s.Status == Standing || turns == 0 {
		return nil
	}
	once := fmt.Sprintf("%s-%d-again-%d", id, len(r.chain), turns)
	return d.o.Journal.Update(ctx, func(tx *journal.Tx) error {
		return d.o.Post(ctx, tx, s.Peer(d.o.Owner()), once, r.chain)
	})
}

// patience is how long after the end of an offer a slot that was accepted is held for
// a confirmation that may still be under way.
const patience = time.Hour

// reconcile lets go holds that no deal stands behind.
func (d *Desk) reconcile(ctx context.Context) error {
	held, err := d.o.Calendar.Held(ctx)
	if err != nil {
		return err
	}
	var errs []error
	for _, id := range held {
		r, err := d.load(ctx, id)
		if err != nil && !errors.Is(err, sys.NotFound) {
			return err
		}
		s := State{Status: Expired}
		if err == nil {
			if s, err = r.chain.Check(); err != nil {
				return err
			}
		}
		if s.Status.Closed() || s.RunOut(d.o.Now().Add(-patience)) {
			errs = append(errs, d.o.Calendar.Release(ctx, id))
		} else {
			errs = append(errs, d.occupy(ctx, id, s))
		}
	}
	return errors.Join(errs...)
}
