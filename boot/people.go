package boot

import (
	"context"
	"errors"
	"slices"
	"time"

	"matrixos/gateway"
	"matrixos/journal"
	"matrixos/matrix"
	"matrixos/matrix/deal"
	"matrixos/matrix/talk"
	"matrixos/sys"
)

var (
	_ gateway.Rooms = (*social)(nil)
	_ gateway.Deals = (*deals)(nil)
)

// Rooms implements gateway.Rooms.
func (s *social) Rooms(ctx context.Context) (out []gateway.RoomInfo, err error) {
	m, err := s.messenger(ctx)
	if err != nil {
		return nil, err
	}
	list, err := m.own.Rooms(ctx)
	if err != nil {
		return nil, err
	}
	stand, err := m.standings(ctx)
	if err != nil {
		return nil, err
	}
	apps, err := m.rooms.byRoom(ctx)
	if err != nil {
		return nil, err
	}
	owner, hidden := m.owner(), m.hides()
	feeds, err := m.feedRooms(ctx)
	if err != nil {
		return nil, err
	}
	for _, r := range list {
		if r.State == "left" || r.State == "invited" && hidden(r.Inviter) || feeds[r.ID] {
			continue
		}
		at := stand[r.ID]
		info := gateway.RoomInfo{
			ID: r.ID, Name: r.Name, State: r.State, Inviter: r.Inviter, Members: append([]sys.Handle{}, r.Members...), Invited: r.Invited, Encrypted: r.Encrypted, HasAI: slices.Contains(r.Members, matrix.AI(owner)),
			Direct: r.Direct, Topic: r.Topic, Space: r.Space, Children: r.Children, App: apps[r.ID], Unread: at.unread, Meant: at.meant, Muted: at.muted,
		}
		if at.newest != nil && !hidden(at.newest.Sender) {
			info.Newest = at.newest
		}
		info.AI = info.HasAI && len(r.Members) == 2 && slices.Contains(r.Members, owner)
		out = append(out, info)
	}
	return out, nil
}

func roomMessage(m talk.Message) gateway.RoomMessage {
	return gateway.RoomMessage{
		ID: m.Event, Sender: m.Sender, Time: m.At, Type: m.Type, Kind: m.Kind, Body: m.Body, Encrypted: m.Encrypted, Verified: m.Verified,
		Edits: m.Edits, ReplyTo: m.ReplyTo, Thread: m.Thread, Once: m.Once, Content: m.Content,
	}
}

// Timeline implements gateway.Rooms.
func (s *social) Timeline(ctx context.Context, room, before string, limit int) (gateway.RoomPage, error) {
	out := gateway.RoomPage{Messages: []gateway.RoomMessage{}}
	m, err := s.messenger(ctx)
	if err != nil {
		return out, err
	}
	page, err := m.own.Timeline(ctx, room, before, limit)
	hidden := m.hides()
	for _, msg := range page.Messages {
		if hidden(msg.Sender) {
			continue
		}
		out.Messages = append(out.Messages, roomMessage(msg))
	}
	out.Before = page.Before
	if err != nil {
		return out, err
	}
	m.ownInbox.look()
	return out, m.complete(ctx, &out, room, before == "")
}

// Write implements gateway.Rooms.
func (s *social) Write(ctx context.Context, room string, w gateway.Writing) (string, error) {
	m, err := s.messenger(ctx)
	if err != nil {
		return "", err
	}
	l := talk.Letter{Once: newOnce(), Room: room}
	relates := map[string]any{}
	switch {
	case w.Redact != "":
		return "", m.own.Redact(ctx, room, w.Redact, "")
	case w.React != "":
		l.Type = "m.reaction"
		l.Content = map[string]any{"m.relates_to": map[string]any{"rel_type": "m.annotation", "event_id": w.ReplyTo, "key": w.React}}
	case w.Text == "":
		return "", &sys.Error{Op: "send", Path: room, Kind: sys.Invalid, Err: errors.New("there is nothing in it")}
	default:
		content := talk.Text(w.Text, false)
		if named := handlesIn(w.Text); len(named) > 0 {
			content["m.mentions"] = map[string]any{"user_ids": named}
		}
		switch {
		case w.Edits != "":
			content = talk.Text("* "+w.Text, false)
			content["m.new_content"] = talk.Text(w.Text, false)
			relates = map[string]any{"rel_type": "m.replace", "event_id": w.Edits}
		case w.Thread != "":
			relates = map[string]any{"rel_type": "m.thread", "event_id": w.Thread}
		}
		if w.ReplyTo != "" {
			relates["m.in_reply_to"] = map[string]any{"event_id": w.ReplyTo}
		}
		if len(relates) > 0 {
			content["m.relates_to"] = relates
		}
		l.Content = content
	}
	err = m.disk.Journal().Update(ctx, func(tx *journal.Tx) error { return m.own.Post(ctx, tx, l) })
	return talk.OnceOf(l), err
}

// MakeRoom implements gateway.Rooms.
func (s *social) MakeRoom(ctx context.Context, r gateway.NewRoom) (string, error) {
	m, err := s.messenger(ctx)
	if err != nil {
		return "", err
	}
	for _, p := range r.People {
		if _, err := matrix.ParseUser(string(p)); err != nil {
			return "", err
		}
	}
	if r.Space {
		return m.own.MakeSpace(ctx, r.Name)
	}
	if len(r.People) == 1 && r.Name == "" {
		return m.own.RoomWith(ctx, r.People[0])
	}
	return m.own.Create(ctx, r.Name, r.People)
}

// Attend implements gateway.Rooms.
func (s *social) Attend(ctx context.Context, room string, a gateway.Attendance) error {
	m, err := s.messenger(ctx)
	if err != nil {
		return err
	}
	switch a.Act {
	case "join":
		defer m.rooms.nudge()
		return m.own.Join(ctx, room)
	case "leave":
		return m.own.Leave(ctx, room)
	case "invite":
		if _, err := matrix.ParseUser(string(a.Person)); err != nil {
			return err
		}
		return m.own.Invite(ctx, room, a.Person)
	case "read":
		if err := m.readBy(ctx, room, a.Event); err != nil {
			return err
		}
		return m.own.MarkRead(ctx, room, a.Event)
	case "mute", "unmute":
		return m.mute(ctx, room, a.Act == "mute")
	case "group", "ungroup":
		return m.own.PutInto(ctx, a.Space, room, a.Act == "group")
	default:
		return m.own.Typing(ctx, room, a.Act == "typing")
	}
}

// deals are the owner's, as the gateway shows them.
type deals struct{ s *social }

func (d *deals) desk() (*messenger, error) {
	if m := d.s.at.Load(); m != nil {
		return m, nil
	}
	return nil, &sys.Error{Op: "read deals", Kind: sys.Unavailable, Err: errors.New("this is safe mode")}
}

// Deals implements gateway.Deals.
func (d *deals) Deals(ctx context.Context) (out []gateway.DealInfo, err error) {
	m, err := d.desk()
	if err != nil {
		return nil, err
	}
	list, err := m.desk.List(ctx)
	for _, one := range list {
		out = append(out, dealInfo(one))
	}
	return out, err
}

// Deal implements gateway.Deals.
func (d *deals) Deal(ctx context.Context, id string) (gateway.DealInfo, error) {
	m, err := d.desk()
	if err != nil {
		return gateway.DealInfo{}, err
	}
	one, err := m.desk.Find(ctx, deal.ID(id))
	return dealInfo(one), err
}

// VerifyDeal implements gateway.Deals.
func (d *deals) VerifyDeal(ctx context.Context, id string) (gateway.DealProof, error) {
	m, err := d.desk()
	if err != nil {
		return gateway.DealProof{}, err
	}
	v, err := m.desk.Verify(ctx, deal.ID(id))
	return gateway.DealProof{ID: string(v.ID), Moves: v.Moves, Status: string(v.Status), Keys: v.Keys, Head: v.Head}, err
}

// MoveDeal implements gateway.Deals.
func (d *deals) MoveDeal(ctx context.Context, id string, mv gateway.DealMove) (gateway.DealInfo, error) {
	m, err := d.s.messenger(ctx)
	if err != nil {
		return gateway.DealInfo{}, err
	}
	one, err := m.move1(ctx, id, mv.Act, mv.Text, mv.At)
	if err == nil {
		err = m.settle(ctx, one.ID, one.Status == deal.Accepted)
	}
	return dealInfo(one), err
}

// TrustPeer implements gateway.Deals.
func (d *deals) TrustPeer(ctx context.Context, who sys.Handle) error {
	m, err := d.desk()
	if err != nil {
		return err
	}
	return m.desk.Trust(ctx, who)
}

func dealInfo(d deal.Deal) gateway.DealInfo {
	out := gateway.DealInfo{
		ID: string(d.ID), Kind: string(d.Kind), Status: string(d.Status), Peer: d.Peer, Mine: d.Mine, MyTurn: d.MyTurn, May: []string{}, Title: d.Title, Text: d.Text,
		Slots: dealSlots(d.Slots), Result: d.Result, Updated: d.Updated.UTC().Truncate(time.Millisecond), Steps: []gateway.DealStep{}, Words: []string{}, Transcript: d.Chain.Raw(),
	}
	for _, act := range d.May {
		out.May = append(out.May, string(act))
	}
	if d.Chosen != nil {
		out.Chosen = &dealSlots([]deal.Slot{*d.Chosen})[0]
	}
	if d.Status == deal.Standing {
		out.Until = time.UnixMilli(d.Expires).UTC()
	}
	for i, m := range d.Chain {
		step := gateway.DealStep{By: m.From, Act: string(m.Act), At: time.UnixMilli(m.At).UTC(), Text: m.Terms.Text, Slots: dealSlots(m.Terms.Slots)}
		if m.Terms.Due != 0 {
			step.Due = time.UnixMilli(m.Terms.Due).UTC()
		}
		out.Steps = append(out.Steps, step)
		out.Words = append(out.Words, d.Chain[:i+1].Words())
	}
	return out
}

func dealSlots(list []deal.Slot) []gateway.DealSlot {
	out := []gateway.DealSlot{}
	for _, s := range list {
		out = append(out, gateway.DealSlot{From: s.Start().UTC(), To: s.End().UTC()})
	}
	return out
}
