package boot

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"matrixos/journal"
	"matrixos/matrix"
	"matrixos/matrix/deal"
	"matrixos/matrix/talk"
	"matrixos/sys"
	"matrixos/syscalls"
)

// social is the owner's place among other people, as system calls use it. The
// messenger comes later than the table of calls.
type social struct{ at atomic.Pointer[messenger] }

var _ syscalls.Social = (*social)(nil)

func (s *social) messenger(ctx context.Context) (*messenger, error) {
	m := s.at.Load()
	if m == nil {
		return nil, &sys.Error{Op: "reach others", Kind: sys.Unavailable, Err: errors.New("nobody can be reached from here"), Hint: "start Matrix OS with `matrixos up`; in safe mode nobody is"}
	}
	return m, m.ready(ctx)
}

// Say implements syscalls.Social.
func (s *social) Say(ctx context.Context, to sys.Handle, text, once string) error {
	m, err := s.messenger(ctx)
	if err != nil {
		return err
	}
	ai, err := m.aiClient(ctx)
	if err != nil {
		return err
	}
	return m.disk.Journal().Update(ctx, func(tx *journal.Tx) error {
		return ai.Post(ctx, tx, talk.Letter{Once: once, Person: to, Content: talk.Text(text, false)})
	})
}

// Heard implements syscalls.Social.
func (s *social) Heard(ctx context.Context, with sys.Handle, limit int) (out []syscalls.Said, err error) {
	m, err := s.messenger(ctx)
	if err != nil {
		return nil, err
	}
	ai, err := m.aiClient(ctx)
	if err != nil {
		return nil, err
	}
	room, err := ai.RoomWith(ctx, with)
	if err != nil {
		return nil, err
	}
	page, err := ai.Timeline(ctx, room, "", limit)
	if err != nil {
		return nil, err
	}
	for _, msg := range page.Messages {
		out = append(out, syscalls.Said{By: msg.Sender, At: msg.At, Text: msg.Body})
	}
	return out, nil
}

// usualWindow is in which time a meeting is looked for.
const usualWindow = 7 * 24 * time.Hour

// Propose implements syscalls.Social.
func (s *social) Propose(ctx context.Context, p syscalls.Proposal) (string, error) {
	m, err := s.messenger(ctx)
	if err != nil {
		return "", err
	}
	out := deal.Proposal{Kind: deal.Kind(p.Kind), To: matrix.Person(p.To), Terms: deal.Terms{Title: p.Title, Text: p.Text}}
	if out.Kind == deal.Task && !p.By.IsZero() {
		out.Terms.Due = p.By.UnixMilli()
	}
	if out.Kind == deal.Meeting {
		if out.Terms.Slots, out.Within, err = m.times(ctx, p); err != nil {
			return "", err
		}
	}
	d, err := m.desk.Propose(ctx, out)
	if err != nil {
		return "", err
	}
	return "Sent: " + line(d) + "\nThe system tells the owner when it is settled.", nil
}

// times are the slots that a proposal offers, and in which time any other would do.
func (m *messenger) times(ctx context.Context, p syscalls.Proposal) ([]deal.Slot, *deal.Window, error) {
	length := time.Duration(p.Minutes) * time.Minute
	if length == 0 {
		length = 30 * time.Minute
	}
	from, by := p.From, p.By
	if now := time.Now(); from.Before(now.Add(time.Hour)) {
		from = now.Add(time.Hour)
	}
	if by.IsZero() || !by.After(from) {
		by = from.Add(usualWindow)
	}
	if len(p.At) > 0 {
		var out []deal.Slot
		for _, at := range p.At {
			at = at.Truncate(time.Minute)
			out = append(out, deal.Slot{From: at.UnixMilli(), To: at.Add(length).UnixMilli()})
		}
		return out, nil, nil
	}
	_, privacy, err := m.files()
	if err != nil {
		return nil, nil, err
	}
	busy, err := m.diary.Busy(ctx, from.Add(-24*time.Hour), by.Add(24*time.Hour))
	if err != nil {
		return nil, nil, err
	}
	free := privacy.Meetings.Hours(time.Local).Free(busy, from, by, length, 3)
	if len(free) == 0 {
		return nil, nil, &sys.Error{Op: "find a time", Kind: sys.Conflict, Err: errors.New("nothing is free there in the hours in which the owner can be met"), Hint: "look further ahead, or ask the owner"}
	}
	return free, &deal.Window{From: from.UnixMilli(), To: by.UnixMilli()}, nil
}

// line says a deal for people and models.
func line(d deal.Deal) string {
	text := fmt.Sprintf("%s %s “%s” with %s: %s", d.ID[:8], d.Kind, d.Title, d.Peer, d.Status)
	if d.MyTurn {
		text += ", your answer is awaited"
	}
	slots := d.Slots
	if d.Chosen != nil {
		slots = []deal.Slot{*d.Chosen}
	}
	var when []string
	for _, s := range slots {
		when = append(when, s.When(time.Local))
	}
	if len(when) > 0 {
		text += ", " + strings.Join(when, " or ")
	}
	if d.Result != "" {
		text += ": " + d.Result
	}
	return text
}

// Deals implements syscalls.Social.
func (s *social) Deals(ctx context.Context) (string, error) {
	m := s.at.Load()
	if m == nil {
		return "", nil
	}
	list, err := m.desk.List(ctx)
	if err != nil {
		return "", err
	}
	text := ""
	for _, d := range list[:min(50, len(list))] {
		text += line(d) + "\n"
	}
	return text, nil
}

// With implements syscalls.Social.
func (s *social) With(ctx context.Context, id string) (sys.Handle, error) {
	m, err := s.messenger(ctx)
	if err != nil {
		return "", err
	}
	d, err := m.desk.Find(ctx, deal.ID(id))
	return d.Peer, err
}

// Move implements syscalls.Social.
func (s *social) Move(ctx context.Context, id, act, text string, at time.Time) (string, error) {
	m, err := s.messenger(ctx)
	if err != nil {
		return "", err
	}
	d, err := m.move1(ctx, id, act, text, at)
	return line(d), err
}

// move1 makes a move, with the slot of the offer that begins at a time, or a new one of
// the same length.
func (m *messenger) move1(ctx context.Context, id, act, text string, at time.Time) (deal.Deal, error) {
	d, err := m.desk.Find(ctx, deal.ID(id))
	if err != nil {
		return d, err
	}
	a := deal.Answer{Act: deal.Act(act), Terms: deal.Terms{Text: text}}
	if !at.IsZero() && len(d.Slots) > 0 {
		begin := at.Truncate(time.Minute).UnixMilli()
		s := deal.Slot{From: begin, To: begin + d.Slots[0].To - d.Slots[0].From}
		if i := slices.IndexFunc(d.Slots, func(o deal.Slot) bool { return o.From == begin }); i >= 0 {
			s = d.Slots[i]
		}
		a.Terms.Slots = []deal.Slot{s}
	}
	if a.Act == deal.Counter {
		a.Terms.Title = d.Title
	}
	out, err := m.desk.Act(ctx, d.ID, a)
	if err != nil {
		return d, err
	}
	return out, nil
}

// newOnce names a message that is made once.
func newOnce() string { return uuid.NewString() }
