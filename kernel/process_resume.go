package kernel

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"matrixos/engine"
	"matrixos/model"
	"matrixos/sys"
)

// pickUp finds out where the process stands, and brings it to where it can go
// on. It returns what is to be said to the model; said means that the model has
// had its last word already, and only landing remains.
func (p *process) pickUp(ctx context.Context) (input []model.Block, said bool, err error) {
	mine, err := p.mine()
	if err != nil {
		return nil, false, err
	}
	if len(mine) == 0 {
		input, err = opening(p.k.state(p), p.task())
		return append(input, (*host)(p).Steering()...), false, err
	}
	if err := p.restoreLandings(ctx); err != nil {
		return nil, false, err
	}
	lost, kept := []string(nil), p.transaction() != nil
	if !kept {
		if lost, err = p.rebuild(ctx, mine); err != nil {
			return nil, false, err
		}
	}
	note := lostNote(lost)
	last := mine[len(mine)-1].Message
	open := callsOf(last)
	switch {
	case last.Role == model.Assistant && len(open) > 0:
		for _, b := range open {
			r, err := p.settleCall(ctx, b, kept)
			if err != nil {
				return nil, false, err
			}
			input = append(input, r)
		}
	case last.Role == model.Assistant && note == "" && !p.hasWords():
		p.lastWords(mine)
		return nil, true, nil
	}
	if note != "" {
		input = append(input, model.Block{Kind: model.Text, Text: note})
	}
	return append(input, (*host)(p).Steering()...), false, nil
}

func (p *process) task() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.memo.Task
}

func (p *process) hasWords() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.steer) > 0
}

// mine are the process's own entries of its conversation.
func (p *process) mine() ([]Entry, error) {
	row := p.snapshot()
	entries, err := p.k.talks.entries(row.Conversation)
	if err != nil {
		return nil, err
	}
	c := chain(entries)
	p.mu.Lock()
	if n := len(c); n > 0 && p.leaf == "" {
		p.leaf = c[n-1].ID
	}
	p.mu.Unlock()
	return slices.DeleteFunc(c, func(e Entry) bool { return e.PID != row.PID || len(e.Compacted) > 0 }), nil
}

// history is the conversation so far as an engine gets it.
func (p *process) history(ctx context.Context) ([]model.Message, error) {
	if err := p.commit(ctx, nil); err != nil { // what is pending belongs to it
		return nil, err
	}
	entries, err := p.k.talks.entries(p.snapshot().Conversation)
	if err != nil {
		return nil, err
	}
	c := chain(entries)
	if n := len(c); n > 0 {
		p.mu.Lock()
		p.leaf = c[n-1].ID
		p.mu.Unlock()
	}
	return engine.Repair(messages(c)), nil
}

// lastWords restores what the model said in the end.
func (p *process) lastWords(mine []Entry) {
	for _, e := range slices.Backward(mine) {
		if e.Message.Role != model.Assistant {
			continue
		}
		var b strings.Builder
		for _, block := range e.Message.Blocks {
			if block.Kind == model.Text {
				b.WriteString(block.Text)
			}
		}
		p.mu.Lock()
		p.report.Text = strings.TrimSpace(b.String())
		p.mu.Unlock()
		return
	}
}

// restoreLandings finds what the process has landed.
func (p *process) restoreLandings(ctx context.Context) error {
	list, err := p.k.landingsOf(ctx, p.pid())
	if err != nil {
		return err
	}
	for _, l := range list {
		p.noteLanding(l)
	}
	return nil
}

// landedAt is when the process last landed its transaction: what it did before
// is part of the home.
func (p *process) landedAt(ctx context.Context) (time.Time, error) {
	var at int64
	err := p.k.journal.QueryRow(ctx, `SELECT ifnull(max(time), 0) FROM event WHERE kind='landing' AND pid=?
		AND json_extract(CAST(data AS TEXT), '$.kind') = 'agent'`, int64(p.pid())).Scan(&at)
	return time.Unix(0, at), err
}

// landingsOf reads the landings of a process from the journal, oldest first.
func (k *Kernel) landingsOf(ctx context.Context, pid sys.PID) ([]sys.LandingInfo, error) {
	return k.landingsWhere(ctx, `json_extract(CAST(data AS TEXT), '$.provenance.process') = ?`, int64(pid))
}

func (k *Kernel) landingsWhere(ctx context.Context, where string, args ...any) (out []sys.LandingInfo, err error) {
	rows, err := k.journal.Query(ctx, `SELECT CAST(data AS TEXT) FROM event WHERE kind='landing' AND `+where+` ORDER BY seq`, args...)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var raw string
		if err := rows.Scan(&raw); err != nil {
			return nil, err
		}
		var l sys.LandingInfo
		if err := json.Unmarshal([]byte(raw), &l); err != nil {
			return nil, err
		}
		out = append(out, l)
	}
	return out, rows.Err()
}

// rebuild makes a transaction that was lost with a crash anew, by running the
// calls that made it again, and names those that cannot be.
func (p *process) rebuild(ctx context.Context, mine []Entry) (lost []string, err error) {
	results := map[string]bool{} // by id: it succeeded
	for _, e := range mine {
		for _, b := range e.Message.Blocks {
			if b.Kind == model.ToolResult && e.Message.Role == model.User {
				results[b.ID] = !b.IsError
			}
		}
	}
	landed, err := p.landedAt(ctx)
	if err != nil {
		return nil, err
	}
	for _, e := range mine {
		if !e.Time.After(landed) {
			continue
		}
		for _, b := range callsOf(e.Message) {
			c := p.k.calls[b.Name]
			if isOwn(b) {
				lost = append(lost, ownTitle(strings.TrimPrefix(b.Name, engine.Own), b.Input))
			}
			if c == nil || !results[b.ID] {
				continue
			}
			if c.Replay {
				if _, err := run(ctx, c, &Call{ID: b.ID, Input: b.Input, p: p}); err != nil {
					if ctx.Err() != nil {
						return nil, context.Cause(ctx)
					}
					lost = append(lost, title(c, b.Input))
				}
			} else if c.Workspace {
				lost = append(lost, title(c, b.Input))
			}
		}
	}
	return lost, nil
}

// lostNote tells the model what of its work is gone.
func lostNote(lost []string) string {
	if len(lost) == 0 {
		return ""
	}
	return "Matrix OS was restarted while you were at work. What you wrote was restored, but the changes to files that these steps made had not landed and are gone:\n- " +
		strings.Join(lost, "\n- ") + "\nCheck, and do again what is needed."
}

// settleCall gives a call that has no result in the conversation one: the one
// that is in the journal, or that of making the call again, if that can do no
// harm, or else the truth, that nobody knows.
func (p *process) settleCall(ctx context.Context, b model.Block, keptWork bool) (model.Block, error) {
	out := model.Block{Kind: model.ToolResult, ID: b.ID, Name: b.Name}
	var ended, failed int
	err := p.k.journal.QueryRow(ctx, `SELECT ended, failed, result FROM kernel_call WHERE pid=? AND id=?`, int64(p.pid()), b.ID).Scan(&ended, &failed, &out.Text)
	begun := err == nil
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return out, err
	}
	c := p.k.calls[b.Name]
	switch {
	case ended == 1 && (c == nil || !c.Replay || keptWork):
		out.IsError = failed == 1
	case c == nil, begun && !c.Again && !(c.Replay && !keptWork):
		out.Text, out.IsError = engine.Interrupted, true
	default:
		p.retake(b.ID)
		defer p.retake("")
		r := (*host)(p).Call(ctx, b.ID, b.Name, b.Input)
		if cause := context.Cause(ctx); cause != nil {
			return out, cause
		}
		out.Text, out.IsError = r.Text, r.Failed
	}
	return out, nil
}

func callsOf(m model.Message) (out []model.Block) {
	for _, b := range m.Blocks {
		if b.Kind == model.ToolUse && m.Role == model.Assistant {
			out = append(out, b)
		}
	}
	return out
}

// child finds the process that an earlier run spawned for the same call: its
// report if it has ended, itself if it has not, neither if there is none.
func (p *process) child(ctx context.Context, call string) (*process, *Report, error) {
	if !p.retakes(call) {
		return nil, nil, nil
	}
	var pid int64
	err := p.k.journal.QueryRow(ctx, `SELECT pid FROM kernel_process WHERE json_extract(row, '$.parent')=? AND json_extract(memo, '$.call')=? ORDER BY pid DESC LIMIT 1`,
		int64(p.pid()), call).Scan(&pid)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, err
	}
	row, m, err := p.k.stored(ctx, sys.PID(pid))
	if err != nil {
		return nil, nil, err
	}
	if row.State.Ended() {
		if err := p.shown(ctx, row.Label); err != nil {
			return nil, nil, err
		}
		landings, err := p.k.landingsOf(ctx, row.PID)
		if err != nil {
			return nil, nil, err
		}
		r := &Report{Text: m.Last, Landings: landings}
		for _, l := range landings {
			if l.Provenance.Verified != "" {
				r.Verified = l.Provenance.Verified
			}
		}
		p.req().child(m.Failure.err())
		return nil, r, m.Failure.err()
	}
	if c := p.k.process(row.PID); c != nil {
		c.mu.Lock()
		c.request = p.req()
		c.mu.Unlock()
		return c, nil, p.k.revive(ctx, c, "", false)
	}
	c, err := p.k.restore(ctx, row, m, p.req())
	if err != nil {
		return nil, nil, err
	}
	return c, nil, p.k.revive(ctx, c, "", false)
}

// retake says which call of an earlier run is being made again.
func (p *process) retake(call string) {
	p.mu.Lock()
	p.retaken = call
	p.mu.Unlock()
}

func (p *process) retakes(call string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return call != "" && p.retaken == call
}

// noteLanding adds a landing to the process's report and its request.
func (p *process) noteLanding(l sys.LandingInfo) {
	p.req().note(l)
	p.mu.Lock()
	defer p.mu.Unlock()
	if slices.ContainsFunc(p.report.Landings, func(have sys.LandingInfo) bool { return have.ID == l.ID }) {
		return
	}
	p.report.Landings = append(p.report.Landings, l)
	if l.Provenance.Verified != "" {
		p.report.Verified = l.Provenance.Verified
	}
}
