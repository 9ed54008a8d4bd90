package deal

import (
	"fmt"
	"slices"
	"time"

	"matrixos/sys"
)

// Status is how far a deal has come.
type Status string

// The statuses.
const (
	Standing  Status = "open"      // an offer stands
	Accepted  Status = "accepted"  // and was accepted, and is not confirmed
	Agreed    Status = "agreed"    // both have said yes
	Done      Status = "done"      // answered, or delivered
	Declined  Status = "declined"  // somebody said no
	Withdrawn Status = "withdrawn" // taken back before it was agreed
	Expired   Status = "expired"   // nobody answered in time
	Cancelled Status = "cancelled" // taken back after it was agreed
)

// Closed reports whether no move can follow.
func (s Status) Closed() bool { return s != Standing && s != Accepted && s != Agreed }

// State is what a chain says.
type State struct {
	Status   Status
	Kind     Kind
	First    sys.Handle // who made the first offer
	Second   sys.Handle // to whom
	Proposer sys.Handle // whose offer stands
	Terms    Terms      // of the offer that stands
	Chosen   Slot       // of an accepted or agreed meeting
	Result   string     // the answer, or what was delivered
	Expires  int64      // of the offer that stands
	Keys     map[sys.Handle]string
	moves    int
	last     string // the hash of the newest move
}

// Peer is the other party.
func (s State) Peer(me sys.Handle) sys.Handle {
	if s.First == me {
		return s.Second
	}
	return s.First
}

// Slots are what a party has to keep free: what is offered, then what was chosen.
func (s State) Slots() []Slot {
	switch {
	case s.Kind != Meeting || s.Status.Closed():
		return nil
	case s.Status == Standing:
		return s.Terms.Slots
	}
	return []Slot{s.Chosen}
}

// RunOut reports whether the offer that stands can no longer be answered.
func (s State) RunOut(now time.Time) bool {
	return (s.Status == Standing || s.Status == Accepted) && now.UnixMilli() > s.Expires
}

// Check verifies a chain whole: each move's form, signature and place, and that it
// was its author's to make. The error says which move is wrong and why.
func (c Chain) Check() (State, error) {
	var s State
	if len(c) == 0 || len(c) > mostMoves {
		return s, bad("verify deal", "", "it has no moves, or too many")
	}
	for i, m := range c {
		if err := m.valid(i); err != nil {
			return s, err
		}
		next, err := s.apply(m)
		if err != nil {
			return s, err
		}
		s = next
	}
	return s, nil
}

// apply is the state after a move, if the move may follow.
func (s State) apply(m Move) (State, error) {
	no := func(why string) (State, error) {
		return s, bad("verify deal", string(m.Deal), fmt.Sprintf("move %d, %s by %s: %s", m.Seq, m.Act, m.From, why))
	}
	if s.moves == 0 {
		s = State{Kind: m.Kind, First: m.From, Second: m.To, Keys: map[sys.Handle]string{}}
	} else {
		keys := map[sys.Handle]string{}
		for who, key := range s.Keys {
			keys[who] = key
		}
		s.Keys = keys
	}
	switch {
	case m.Seq != s.moves || m.Prev != s.last:
		return no("it does not follow the one before")
	case m.Kind != s.Kind || m.From != s.First && m.From != s.Second || m.To != s.Peer(m.From):
		return no("it is of another deal")
	case !m.genuine():
		return no("its signature is not right")
	case s.Keys[m.From] != "" && s.Keys[m.From] != m.By:
		return no("it is signed with another key than before")
	}
	if why := s.forbids(m); why != "" {
		return no(why)
	}
	s.Keys[m.From] = m.By
	s.moves++
	s.last = m.Hash()
	s.take(m)
	return s, nil
}

// forbids is the table of what may follow what; "" if m may.
func (s State) forbids(m Move) string {
	mine := m.From == s.Proposer
	late := m.At > s.Expires
	ok := false
	switch m.Act {
	case Offer:
		ok = s.moves == 0
	case Counter:
		ok = s.Status == Standing && !mine && !late && s.Kind != Query
	case Accept:
		ok = s.Status == Standing && !mine && !late && s.Kind != Query
		if ok && s.Kind == Meeting && !slices.Contains(s.Terms.Slots, m.Terms.Slots[0]) {
			return "the slot was not offered"
		}
	case Confirm:
		ok = s.Status == Accepted && mine && !late
	case Reply:
		ok = s.Status == Standing && s.Kind == Query && !mine && !late
	case Deliver:
		ok = s.Status == Agreed && s.Kind == Task && m.From == s.Second
	case Decline:
		ok = s.Status == Standing && !mine
	case Withdraw:
		ok = (s.Status == Standing || s.Status == Accepted) && mine
	case Expire:
		ok = (s.Status == Standing || s.Status == Accepted) && mine && late
	case Cancel:
		ok = s.Status == Agreed
	}
	switch {
	case !ok && s.moves == 0:
		return "a deal begins with an offer"
	case !ok && late && s.Status == Standing:
		return "the offer had run out"
	case !ok:
		return fmt.Sprintf("it may not follow where the deal is %s and the offer is of %s", s.Status, s.Proposer)
	case (m.Act == Offer || m.Act == Counter) && m.Expires <= m.At:
		return "the offer has run out before it was made"
	}
	return ""
}

// byHand are the acts that an owner chooses; the others follow by themselves.
var byHand = []Act{Accept, Counter, Reply, Deliver, Decline, Withdraw, Cancel}

// May lists the moves that who can choose to make now.
func (s State) May(who sys.Handle, now time.Time) (out []Act) {
	for _, act := range byHand {
		at := now.UnixMilli()
		if s.forbids(Move{From: who, Act: act, Terms: Terms{Slots: s.Terms.Slots}, At: at, Expires: at + 1}) == "" {
			out = append(out, act)
		}
	}
	return out
}

// take is what a legal move changes.
func (s *State) take(m Move) {
	switch m.Act {
	case Offer, Counter:
		s.Status, s.Proposer, s.Terms, s.Expires = Standing, m.From, m.Terms, m.Expires
	case Accept:
		s.Status = Accepted
		if s.Kind == Meeting {
			s.Chosen = m.Terms.Slots[0]
		}
	case Confirm:
		s.Status = Agreed
	case Reply, Deliver:
		s.Status, s.Result = Done, m.Terms.Text
	case Decline:
		s.Status = Declined
	case Withdraw:
		s.Status = Withdrawn
	case Expire:
		s.Status = Expired
	case Cancel:
		s.Status = Cancelled
	}
}

// priority is whose move counts where both have moved at once.
func (s State) priority() sys.Handle {
	if s.Status == Agreed {
		return s.First
	}
	return s.Proposer
}

// Merge is the chain that counts of two verified ones of the same deal. Where one
// goes on from the other it is the longer one. Where both parties have moved at
// once, who may take back what stands has priority. Who has already built on one
// branch cannot make another of it, and who signs two moves for one place is not
// followed: then it is mine, with an error of kind Conflict that names the author.
func Merge(mine, theirs Chain) (Chain, error) {
	if _, err := mine.Check(); err != nil {
		return mine, err
	}
	if _, err := theirs.Check(); err != nil {
		return mine, err
	}
	return merge(mine, theirs)
}

// merge is Merge for chains that were verified before.
func merge(mine, theirs Chain) (Chain, error) {
	n := 0
	for n < len(mine) && n < len(theirs) && mine[n].Hash() == theirs[n].Hash() {
		n++
	}
	switch {
	case n == len(theirs):
		return mine, nil
	case n == len(mine):
		return theirs, nil
	case n == 0:
		return mine, bad("read deal", string(theirs[0].Deal), "it has the name of another deal")
	}
	author := theirs[n].From
	if slices.ContainsFunc(mine[n:], func(m Move) bool { return m.From == author }) {
		return mine, &sys.Error{Op: "read deal", Path: string(mine[0].Deal), Kind: sys.Conflict, Err: fmt.Errorf("%s has signed two different moves for one place", author), Hint: "yours counts, and has both signatures to show"}
	}
	before, err := mine[:n].Check()
	if err != nil {
		return mine, err
	}
	if author == before.priority() {
		return theirs, nil
	}
	return mine, nil
}
