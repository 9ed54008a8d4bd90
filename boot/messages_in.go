package boot

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"matrixos/journal"
	"matrixos/kernel"
	"matrixos/matrix"
	"matrixos/matrix/deal"
	"matrixos/matrix/door"
	"matrixos/matrix/talk"
	"matrixos/policy"
	"matrixos/sys"
)

// aiInbox is the AI's side of its client: everything goes to the inbox first.
type aiInbox struct{ m *messenger }

var _ talk.Handler = (*aiInbox)(nil)

// Receive implements talk.Handler.
func (i *aiInbox) Receive(ctx context.Context, tx *journal.Tx, msg talk.Message) error {
	if i.m.hides()(msg.Sender) || msg.Sender == matrix.AI(i.m.owner()) || msg.Type != "m.room.message" || msg.Edits != "" {
		return nil
	}
	if _, isDeal := dealOf(msg); !isDeal && msg.Kind != "m.text" {
		return nil // notices are of other machines, and pictures say nothing that could be asked
	}
	if len(msg.Body) > door.LongestOwner {
		msg.Body = strings.ToValidUTF8(msg.Body[:door.LongestOwner], "")
	}
	if src, _, err := i.m.shelf.SourceIn(ctx, tx, msg.Room); err != nil || src.Of != "" {
		return err // what is said in feeds asks nothing of the AI
	}
	raw, err := json.Marshal(msg)
	if err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, `INSERT INTO messenger_inbox(event, message, state, request, what) VALUES(?,?,'new','','') ON CONFLICT DO NOTHING`, msg.Event, string(raw)); err != nil {
		return err
	}
	tx.OnCommit(i.m.nudge)
	return nil
}

// Invited implements talk.Handler: the owner and contacts are followed everywhere, and
// strangers as far as the quotas go, if anything is published for them.
func (i *aiInbox) Invited(ctx context.Context, inv talk.Invitation) (bool, error) {
	pass, _, err := i.m.pass(matrix.Person(inv.By))
	if err != nil {
		return false, err
	}
	if inv.By == i.m.owner() {
		return true, nil
	}
	if !pass.May.Least(door.Call) {
		return false, nil
	}
	return i.m.quota.Invite(ctx, inv.By, pass.Who)
}

// Seen implements talk.Handler.
func (i *aiInbox) Seen(context.Context, talk.Sign) {}

func (m *messenger) nudge() {
	select {
	case m.wake <- struct{}{}:
	default:
	}
}

// dealOf is the chain that a message carries, if any.
func dealOf(msg talk.Message) (json.RawMessage, bool) {
	var content map[string]json.RawMessage
	if json.Unmarshal(msg.Content, &content) != nil {
		return nil, false
	}
	raw, ok := content[deal.Key]
	return raw, ok
}

// received is a row of the inbox.
type received struct {
	id      int64
	msg     talk.Message
	state   string
	request sys.RequestID
}

// work goes through the inbox, in order, until ctx ends.
func (m *messenger) work(ctx context.Context) {
	for ctx.Err() == nil {
		list, err := m.inbox(ctx)
		if err != nil && ctx.Err() == nil {
			m.log.WarnContext(ctx, "the inbox could not be read", "error", err)
		}
		for _, r := range list {
			if err := m.handle(ctx, r); err != nil && ctx.Err() == nil {
				m.log.WarnContext(ctx, "a message could not be handled and is tried again", "event", r.msg.Event, "error", err)
			}
		}
		select {
		case <-ctx.Done():
		case <-m.wake:
		case <-time.After(30 * time.Second): // what failed is tried again
		}
	}
}

func (m *messenger) inbox(ctx context.Context) (out []received, err error) {
	rows, err := m.disk.Journal().Query(ctx, `SELECT id, message, state, request FROM messenger_inbox WHERE state <> 'done' ORDER BY id LIMIT 200`)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var r received
		var raw []byte
		if err := rows.Scan(&r.id, &raw, &r.state, &r.request); err != nil {
			return nil, err
		}
		if err := json.Unmarshal(raw, &r.msg); err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	return out, rows.Err()
}

// handle does the next thing for one message.
func (m *messenger) handle(ctx context.Context, r received) error {
	if r.state == "asked" {
		m.awaitAnswer(ctx, r)
		return nil
	}
	if raw, ok := dealOf(r.msg); ok {
		return m.handleDeal(ctx, r, raw)
	}
	return m.handleText(ctx, r)
}

// done ends a row, with what else belongs to it.
func (m *messenger) done(ctx context.Context, r received, what string, letters ...talk.Letter) error {
	return m.disk.Journal().Update(ctx, func(tx *journal.Tx) error {
		for _, l := range letters {
			if err := m.ai.Post(ctx, tx, l); err != nil {
				return err
			}
		}
		return markDone(ctx, tx, r, what)
	})
}

func markDone(ctx context.Context, tx *journal.Tx, r received, what string) error {
	_, err := tx.Exec(ctx, `UPDATE messenger_inbox SET state = 'done', what = ?, message = '{}' WHERE id = ?`, what, r.id)
	return err
}

// handleDeal gives a chain to the desk. Only the AI of somebody, or they themselves,
// speak for them.
func (m *messenger) handleDeal(ctx context.Context, r received, raw json.RawMessage) error {
	person := matrix.Person(r.msg.Sender)
	pass, _, err := m.pass(person)
	if err != nil {
		return err
	}
	within, err := m.quota.Message(ctx, person, pass.Who)
	if err != nil {
		return err
	}
	if !pass.May.Least(door.Call) || !within {
		return m.done(ctx, r, "turned away: "+pass.Why)
	}
	err = m.desk.Receive(ctx, person, raw, func(tx *journal.Tx) error { return markDone(ctx, tx, r, "a deal") })
	switch sys.KindOf(err) {
	case sys.Invalid, sys.Refused, sys.Conflict:
		m.log.InfoContext(ctx, "a deal was not taken", "from", person, "error", err)
		return m.done(ctx, r, "not taken: "+err.Error())
	default:
		return err
	}
}

// handleText asks the kernel, or answers from what is published.
func (m *messenger) handleText(ctx context.Context, r received) error {
	owner := m.owner()
	contacts, privacy, err := m.files()
	if err != nil {
		return err
	}
	members, err := m.ai.Members(ctx, r.msg.Room)
	if sys.KindOf(err) == sys.Refused {
		return m.done(ctx, r, "the room is closed")
	}
	if err != nil {
		return err
	}
	visit := door.Visit{Sender: r.msg.Sender, Members: members, Encrypted: r.msg.Encrypted, Verified: r.msg.Verified}
	if visit.Changed, err = m.changed(ctx, r.msg.Sender); err != nil {
		return err
	}
	pass := door.Admit(owner, matrix.AI(owner), contacts, visit)
	text := r.msg.Body
	if len(members) > 2 {
		addressed := false
		if text, addressed = door.Address(matrix.AI(owner), "AI", text, r.msg.Mentioned); !addressed {
			return m.done(ctx, r, "not for the AI")
		}
	}
	within, err := m.quota.Message(ctx, r.msg.Sender, pass.Who)
	if err != nil {
		return err
	}
	if matrix.IsAI(r.msg.Sender) || !within || strings.TrimSpace(text) == "" {
		return m.done(ctx, r, "turned away: "+pass.Why)
	}
	if pass.Who != door.Owner && len(text) > door.LongestOthers {
		text = strings.ToValidUTF8(text[:door.LongestOthers], "")
	}
	if !pass.May.Least(door.Ask) {
		answer, _ := privacy.Answer(pass.May, text)
		return m.done(ctx, r, "answered from what is published", talk.Letter{Once: "call-" + r.msg.Event, Room: r.msg.Room, Content: talk.Text(answer, true)})
	}
	if r.msg.Sender == owner && visit.Encrypted && !visit.Verified && !visit.Changed {
		if err := m.tellUnsigned(ctx, r.msg.Room); err != nil {
			return err
		}
	}
	return m.askKernel(ctx, r, pass, text)
}

// tellUnsigned says, once in a room, why the owner is not answered as the owner: who has
// just signed in with a client of theirs does not know.
func (m *messenger) tellUnsigned(ctx context.Context, room string) error {
	text := "You write from a client that is not verified yet, so I take your words as somebody else's, and my answers wait for your yes on the desktop. " +
		"Have this client verified: it asks for it in its settings, and the emoji are compared in Settings on the desktop or with `matrixos handle verify`. Then ask again."
	return m.disk.Journal().Update(ctx, func(tx *journal.Tx) error {
		return m.ai.Post(ctx, tx, talk.Letter{Once: "unsigned-" + room, Room: room, Content: talk.Text(text, true)})
	})
}

// askKernel makes a request of a message, once.
func (m *messenger) askKernel(ctx context.Context, r received, pass door.Pass, text string) error {
	var ticket kernel.Ticket
	err := error(&sys.Error{Kind: sys.NotFound})
	if r.state == "asking" { // a crash may have cut it off
		ticket, err = m.kernel.Asked(ctx, r.msg.Event)
	}
	if err != nil {
		if sys.KindOf(err) != sys.NotFound {
			return err
		}
		if err := m.move(ctx, r, "asking", ""); err != nil {
			return err
		}
		if ticket, err = m.ask(ctx, r, pass, text); err != nil {
			if kind := sys.KindOf(err); kind == sys.Conflict || kind == sys.Unavailable {
				return err // in a moment
			}
			return m.done(ctx, r, err.Error(), talk.Letter{Once: "answer-" + r.msg.Event, Room: r.msg.Room, Content: talk.Text("I cannot answer now: "+err.Error(), true)})
		}
	}
	if err := m.move(ctx, r, "asked", ticket.Request); err != nil {
		return err
	}
	r.request = ticket.Request
	m.awaitAnswer(ctx, r)
	return nil
}

func (m *messenger) move(ctx context.Context, r received, state string, request sys.RequestID) error {
	return m.disk.Journal().Update(ctx, func(tx *journal.Tx) error {
		_, err := tx.Exec(ctx, `UPDATE messenger_inbox SET state = ?, request = ? WHERE id = ?`, state, string(request), r.id)
		return err
	})
}

// ask puts the words to the kernel with the label of the room. The label is part of
// the conversation's name: a room that others join is another conversation.
func (m *messenger) ask(ctx context.Context, r received, pass door.Pass, text string) (kernel.Ticket, error) {
	trusted := pass.Who == door.Owner && pass.Label == sys.Label{}
	level := "others"
	if trusted {
		level = "owner"
	}
	a := kernel.Ask{Text: text, Once: r.msg.Event, Conversation: roomTalk(r.msg.Room, level+string(pass.May)), From: kernel.FromMatrix}
	if trusted {
		return m.kernel.Ask(ctx, a)
	}
	o := kernel.Outsider{Name: string(r.msg.Sender), Label: pass.Label}
	if pass.May == door.Ask {
		o.Program = "receptionist"
	}
	return m.kernel.AskFor(ctx, a, o)
}

func roomTalk(room, level string) sys.Conversation {
	sum := sha256.Sum256([]byte(room + " " + level))
	return sys.Conversation("matrix-" + hex.EncodeToString(sum[:8]))
}

// awaitAnswer waits, beside everything else, for the answer to a message, and sends it.
func (m *messenger) awaitAnswer(ctx context.Context, r received) {
	if !m.begin("answer " + r.msg.Event) {
		return
	}
	m.group.Go(func() {
		defer m.end("answer " + r.msg.Event)
		if err := m.answer(ctx, r); err != nil && ctx.Err() == nil {
			m.log.WarnContext(ctx, "an answer could not be sent and is tried again", "event", r.msg.Event, "error", err)
		}
	})
}

// begin claims something to wait for; false means that somebody waits for it already.
func (m *messenger) begin(what string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.waiting[what] {
		return false
	}
	m.waiting[what] = true
	return true
}

func (m *messenger) end(what string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.waiting, what)
}

func (m *messenger) answer(ctx context.Context, r received) error {
	a, err := m.awaited(ctx, r)
	if err != nil {
		return err
	}
	text := a.Text
	if a.Hint != "" {
		text += "\n" + a.Hint
	}
	members, err := m.ai.Members(ctx, r.msg.Room)
	if err != nil {
		return err
	}
	// Who else may read it decides, as it is now and not as it was when it was asked.
	owner := m.owner()
	if slices.ContainsFunc(members, func(h sys.Handle) bool { return h != owner && h != matrix.AI(owner) }) || r.msg.Sender != owner {
		args, err := json.Marshal(map[string]any{"room": r.msg.Room, "to": members, "text": text})
		if err != nil {
			return err
		}
		err = m.kernel.Permit(ctx, kernel.Permission{
			Effect: policy.Effect{Kind: policy.Message, Target: string(r.msg.Sender), Text: "Answer " + string(r.msg.Sender) + " with “" + shorten(text, 300) + "”", Args: args},
			Label:  sys.Label{Integrity: sys.Untrusted, Confidentiality: sys.OwnerOnly}, Request: r.request, From: "guest " + string(r.msg.Sender),
		})
		if sys.KindOf(err) == sys.Refused || sys.KindOf(err) == sys.NeedsApproval {
			return m.done(ctx, r, "not sent: "+err.Error())
		}
		if err != nil {
			return err
		}
	}
	return m.done(ctx, r, "answered", talk.Letter{Once: "answer-" + string(r.request), Room: r.msg.Room, Content: talk.Text(text, false)})
}

func shorten(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n]) + "…"
	}
	return s
}

// awaited is the answer to a request, when it comes; the room sees that the AI writes.
func (m *messenger) awaited(ctx context.Context, r received) (a sys.AnswerData, err error) {
	sub := m.disk.Journal().Subscribe(m.disk.Journal().Last())
	defer sub.Close()
	if a, err = m.kernel.Answered(ctx, r.request); !errors.Is(err, sys.NotFound) {
		return a, err
	}
	_ = m.ai.Typing(ctx, r.msg.Room, true)                                            // only a courtesy
	defer func() { _ = m.ai.Typing(context.WithoutCancel(ctx), r.msg.Room, false) }() // as above
	for {
		events, err := sub.Next(ctx)
		if err != nil {
			return a, err
		}
		for _, e := range events {
			if e.Kind == sys.EventAnswer && e.Request == r.request {
				return a, json.Unmarshal(e.Data, &a)
			}
		}
	}
}

// askAbout asks the owner what to say to an offer, and says it.
func (m *messenger) askAbout(ctx context.Context, d deal.Deal) {
	what := "deal " + string(d.ID)
	if !m.begin(what) {
		return
	}
	defer m.end(what)
	args, err := json.Marshal(map[string]any{"deal": d.ID, "act": deal.Accept, "slots": d.Slots})
	if err != nil {
		return
	}
	text := "Accept from " + string(d.Peer) + ": “" + d.Title + "”"
	for i, s := range d.Slots {
		text += map[bool]string{true: ", ", false: " or "}[i == 0] + s.When(time.Local)
	}
	if d.Kind == deal.Query {
		return // an answer needs words; the notice says where
	}
	err = m.kernel.Permit(ctx, kernel.Permission{
		Effect: policy.Effect{Kind: policy.Message, Target: string(d.Peer), Text: text, Args: args},
		Label:  sys.Label{Integrity: sys.Untrusted, Confidentiality: sys.OwnerOnly}, Request: dealRequest(d.ID), From: "guest " + string(d.Peer),
	})
	if ctx.Err() != nil {
		return
	}
	now, failed := m.desk.Find(ctx, d.ID)
	if failed != nil || len(now.Chain) != len(d.Chain) { // the owner has moved by hand, or it is no longer what they were asked about
		m.log.InfoContext(ctx, "an answer to a deal came to nothing", "deal", d.ID, "error", failed)
		return
	}
	a := deal.Answer{Act: deal.Accept}
	if err != nil {
		a = deal.Answer{Act: deal.Decline}
	}
	for i := range max(1, len(d.Slots)) {
		if a.Act == deal.Accept && len(d.Slots) > 0 {
			a.Terms.Slots = d.Slots[i : i+1]
		}
		if _, err = m.desk.Act(ctx, d.ID, a); sys.KindOf(err) != sys.Conflict {
			break
		}
	}
	if err != nil {
		m.log.InfoContext(ctx, "an answer to a deal could not be given", "deal", d.ID, "error", err)
	}
}

// dealRequest names what is asked of the owner about a deal.
func dealRequest(id deal.ID) sys.RequestID { return sys.RequestID("deal-" + string(id)) }

// settle answers what still asks the owner about a deal in which they have moved by hand.
func (m *messenger) settle(ctx context.Context, id deal.ID, yes bool) error {
	list, err := m.kernel.Approvals(ctx)
	for _, a := range list {
		if a.Request != dealRequest(id) {
			continue
		}
		answered := m.kernel.Approve(ctx, a.ID, kernel.Verdict{Allow: yes, From: "messages"})
		if sys.KindOf(answered) != sys.Exists { // or it was answered just now, elsewhere
			err = errors.Join(err, answered)
		}
	}
	return err
}
