package kernel

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"matrixos/engine"
	"matrixos/journal"
	"matrixos/model"
	"matrixos/sys"
)

// memo is what a process needs to be taken up again, beside its row and its
// conversation.
type memo struct {
	Task     string       `json:"task"`
	Job      string       `json:"job,omitempty"` // of the schedule, that it runs for
	JobName  string       `json:"job_name,omitempty"`
	Budget   sys.Budget   `json:"budget,omitzero"`    // of its own, instead of its program's
	Call     string       `json:"call,omitempty"`     // of the parent, that it answers
	Words    string       `json:"words,omitempty"`    // what the owner said
	Contract string       `json:"contract,omitempty"` // what its app has to do, as its parent settled it
	Asked    []settled    `json:"asked,omitempty"`    // what it asked the owner
	Given    given        `json:"given,omitempty"`    // files that a call has put into its transaction
	From     string       `json:"from,omitempty"`     // "desktop", "cli", or a channel
	Begun    time.Time    `json:"begun,omitzero"`     // the request
	Deadline time.Time    `json:"deadline,omitzero"`  // to be done by
	Extra    sys.Budget   `json:"extra,omitzero"`     // that the owner granted on top
	Open     *outstanding `json:"open,omitempty"`     // the model request under way
	Rest     *rest        `json:"rest,omitempty"`     // until when it waits
	Deaths   int          `json:"deaths,omitempty"`   // of Matrix OS with it, in a row
	Patience int64        `json:"patience,omitempty"` // milliseconds that it waited for people and clocks
	Reopened bool         `json:"reopened,omitempty"` // it claimed to be done, and was not
	Denied   bool         `json:"denied,omitempty"`   // the owner does not let it delete much
	Shown    []sys.Slug   `json:"shown,omitempty"`    // apps that the owner wants to see
	Last     string       `json:"last,omitempty"`     // its last words
	Trial    bool         `json:"trial,omitempty"`    // it is not taken up, but tried anew
	Guest    bool         `json:"guest,omitempty"`    // it is not taken up: who called is gone
	Failure  *failure     `json:"failure,omitempty"`  // how it ended, or why it is parked
	Broken   *failure     `json:"broken,omitempty"`   // how its newest child failed
}

// failure is an error that survives a restart.
type failure struct {
	Kind sys.Kind `json:"kind"`
	Text string   `json:"text"`
	Hint string   `json:"hint,omitempty"`
}

func failureOf(err error) *failure {
	if err == nil {
		return nil
	}
	return &failure{sys.KindOf(err), plain(err), sys.HintOf(err)}
}

func (f *failure) err() error {
	if f == nil {
		return nil
	}
	return &sys.Error{Op: "run", Kind: f.Kind, Err: errors.New(f.Text), Hint: f.Hint}
}

// pending is what goes into a process's next commit.
type pending struct {
	events []sys.Event
	lines  []talkLine
	writes []func(context.Context, *journal.Tx) error
	timer  *time.Timer // commits it if nothing else does
}

// talkLine is one line of a conversation on its way.
type talkLine struct {
	id   string
	text []byte
}

// showWithin is how long the desktop may not see what a process has done.
const showWithin = 25 * time.Millisecond

// note adds events to what the next commit carries; one comes soon.
func (p *process) note(events ...sys.Event) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.beat = p.k.now()
	p.pending.events = append(p.pending.events, events...)
	if p.pending.timer == nil {
		p.pending.timer = time.AfterFunc(showWithin, func() {
			if err := p.commit(context.Background(), nil); err != nil {
				p.k.log.Error("what a process did could not be recorded yet", "pid", p.pid(), "error", err)
			}
		})
	}
}

// queue adds events to what the next commit carries, which is near.
func (p *process) queue(events ...sys.Event) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.pending.events = append(p.pending.events, events...)
}

// later has the next commit write more.
func (p *process) later(write func(context.Context, *journal.Tx) error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.pending.writes = append(p.pending.writes, write)
}

// commit changes the row and makes it durable, in one transaction with all that
// is pending and with what also writes. On error nothing of it is durable, and
// what was pending still is.
func (p *process) commit(ctx context.Context, change func() error, also ...func(context.Context, *journal.Tx) error) error {
	ctx = context.WithoutCancel(ctx)
	p.writing.Lock()
	defer p.writing.Unlock()
	p.mu.Lock()
	before := p.row
	if change != nil {
		if err := change(); err != nil {
			p.mu.Unlock()
			return err
		}
	}
	row, took := p.row, p.pending
	rawMemo, err := json.Marshal(p.memo)
	p.pending = pending{}
	p.beat = p.k.now()
	p.mu.Unlock()
	if took.timer != nil {
		took.timer.Stop()
	}
	rawRow, err2 := json.Marshal(row)
	if err := errors.Join(err, err2); err != nil {
		return err
	}
	events := took.events
	if row != before {
		events = append(slices.Clip(events), p.event(sys.EventProcess, row))
	}
	if change == nil && len(events)+len(took.lines)+len(took.writes)+len(also) == 0 {
		return nil
	}
	err = p.k.commits.do(ctx, func(tx *journal.Tx) error {
		if _, err := tx.Exec(ctx, `UPDATE kernel_process SET state=?, row=?, memo=? WHERE pid=?`, string(row.State), string(rawRow), string(rawMemo), int64(row.PID)); err != nil {
			return err
		}
		return took.write(ctx, tx, row.Conversation, events, also)
	})
	if err != nil {
		p.mu.Lock()
		p.pending = took.before(p.pending)
		p.mu.Unlock()
		return err
	}
	if len(took.lines) > 0 {
		if err := p.k.talks.write(row.Conversation, took.lines); err != nil {
			p.k.log.Error("a conversation's file could not be written; it is made whole at the next start", "conversation", row.Conversation, "error", err)
		}
	}
	return nil
}

// write puts lines and events into a transaction, and whatever else is to be
// written with them.
func (d pending) write(ctx context.Context, tx *journal.Tx, c sys.Conversation, events []sys.Event, also []func(context.Context, *journal.Tx) error) error {
	for _, l := range d.lines {
		if _, err := tx.Exec(ctx, `INSERT INTO kernel_line(conversation, id, line) VALUES(?,?,?)`, string(c), l.id, string(l.text)); err != nil {
			return err
		}
	}
	if err := tx.Append(events...); err != nil {
		return err
	}
	for _, w := range slices.Concat(d.writes, also) {
		if err := w(ctx, tx); err != nil {
			return err
		}
	}
	return nil
}

// before is what is pending once d could not be written: d, then what came since.
func (d pending) before(since pending) pending {
	return pending{append(d.events, since.events...), append(d.lines, since.lines...), append(d.writes, since.writes...), since.timer}
}

// move takes the process to a state, durably.
func (p *process) move(ctx context.Context, to sys.State, w wait) error {
	return p.commit(ctx, func() error { return p.moveLocked(to, w) })
}

func (p *process) waiting(ctx context.Context, why sys.WaitFor, on string) error {
	return p.move(ctx, sys.Waiting, wait{why, on})
}

func (p *process) running(ctx context.Context) error { return p.move(ctx, sys.Running, wait{}) }

// Keep makes a message durable: an assistant's at once, with what it cost; the
// user's with the next commit, which stands before the next request or call.
func (h *host) Keep(ctx context.Context, m model.Message, cost sys.Cost) error {
	p := (*process)(h)
	if m.Role == model.User {
		return p.keepUser(m)
	}
	p.leavePlace()
	if err := p.line(Entry{Message: m, Cost: cost}); err != nil {
		return err
	}
	var text strings.Builder
	for _, b := range m.Blocks {
		if b.Kind == model.Text {
			text.WriteString(b.Text)
		}
	}
	if text.Len() > 0 {
		p.queue(p.event(sys.EventMessage, sys.MessageData{Role: "assistant", Text: text.String(), Cost: cost}))
	}
	return p.settle(ctx, cost, true)
}

// keepUser keeps results and words for the next commit. The results of a process
// that is on its way out of memory are not kept: it makes these calls again, or
// takes their results from the journal, when it is taken up.
func (p *process) keepUser(m model.Message) error {
	results := slices.ContainsFunc(m.Blocks, func(b model.Block) bool { return b.Kind == model.ToolResult })
	if cause := p.leaving(); results && cause != nil {
		return cause
	}
	if err := p.line(Entry{Message: m}); err != nil {
		return err
	}
	pid := int64(p.pid())
	if results {
		p.later(func(ctx context.Context, tx *journal.Tx) error {
			_, err := tx.Exec(ctx, `DELETE FROM kernel_call WHERE pid=?`, pid)
			return err
		})
	}
	p.mu.Lock()
	taken := p.taken
	p.taken = 0
	p.mu.Unlock()
	if taken > 0 {
		p.later(func(ctx context.Context, tx *journal.Tx) error {
			_, err := tx.Exec(ctx, `DELETE FROM kernel_steer WHERE pid=? AND id<=?`, pid, taken)
			return err
		})
	}
	return nil
}

// line adds an entry to the process's conversation.
func (p *process) line(e Entry) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	e.ID, e.Parent, e.Time = newEntryID(), p.leaf, p.k.now()
	e.Request, e.PID = p.row.Request, p.row.PID
	raw, err := json.Marshal(e)
	if err != nil {
		return err
	}
	p.leaf = e.ID
	p.pending.lines = append(p.pending.lines, talkLine{e.ID, append(raw, '\n')})
	return nil
}

// Compact makes durable that the conversation goes on in a shorter form. The
// longer one stays in its file.
func (h *host) Compact(ctx context.Context, c engine.Compaction) error {
	p := (*process)(h)
	if err := p.line(Entry{Compacted: c.Messages, By: c.By, Message: c.Messages[0]}); err != nil {
		return err
	}
	return p.commit(ctx, nil)
}

// Steering hands over what the owner said meanwhile. It is forgotten once it is
// part of the conversation.
func (h *host) Steering() []model.Block {
	p := (*process)(h)
	p.mu.Lock()
	defer p.mu.Unlock()
	var out []model.Block
	for _, s := range p.steer {
		out = append(out, s.block())
		p.taken = max(p.taken, s.id)
	}
	p.steer = nil
	return out
}
