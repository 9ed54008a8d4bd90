package kernel

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"

	"matrixos/journal"
	"matrixos/policy"
	"matrixos/sys"
)

// Outsider is somebody else whose words reach the owner's AI, or a place where others
// write, too.
type Outsider struct {
	Name    string      // such as a handle; for the owner to read
	Label   sys.Label   // at least that of text from outside
	Program sys.Program // what answers; empty is the main agent
}

// AskFor is Ask for words that are not, or not only, the owner's. What comes of them
// has their label from the beginning, and they name nothing. The conversation must be
// one in which nobody speaks with a better label.
func (k *Kernel) AskFor(ctx context.Context, a Ask, o Outsider) (Ticket, error) {
	a.From = guestFrom + o.Name
	return k.askWith(ctx, a, origin{
		program: o.Program, label: o.Label.Join(sys.Label{Integrity: sys.Untrusted}),
		also: func(context.Context, *journal.Tx, sys.PID) error { return nil },
	})
}

// Asked finds the request that an Ask with this Once has made; NotFound if there is
// none. It looks through the whole journal.
func (k *Kernel) Asked(ctx context.Context, once string) (Ticket, error) {
	var t Ticket
	err := k.journal.QueryRow(ctx, `SELECT conversation, request, pid FROM event WHERE kind = ? AND instr(data, ?) > 0 AND json_extract(data, '$.once') = ? LIMIT 1`,
		string(sys.EventRequest), once, once).Scan(&t.Conversation, &t.Request, &t.PID)
	if errors.Is(err, sql.ErrNoRows) || err == nil && once == "" {
		return Ticket{}, &sys.Error{Op: "find request", Path: once, Kind: sys.NotFound}
	}
	return t, err
}

// Answered is the answer to a request; NotFound if there is none yet.
func (k *Kernel) Answered(ctx context.Context, r sys.RequestID) (a sys.AnswerData, err error) {
	var raw []byte
	err = k.journal.QueryRow(ctx, `SELECT data FROM event WHERE kind = ? AND request = ? ORDER BY seq DESC LIMIT 1`, string(sys.EventAnswer), string(r)).Scan(&raw)
	if errors.Is(err, sql.ErrNoRows) {
		return a, &sys.Error{Op: "find answer", Path: string(r), Kind: sys.NotFound}
	}
	if err == nil {
		err = json.Unmarshal(raw, &a)
	}
	return a, err
}

// Permission is asked for an effect that no process has, such as that an answer goes
// to who asked.
type Permission struct {
	Effect  policy.Effect
	Label   sys.Label     // of what is in it
	Request sys.RequestID // it came of, or a name of its own for it
	From    string        // the channel that brought it about
}

// Permit asks policy for p and, if policy says so, the owner, and waits for their
// answer; nil means that it may happen, once. Asked again after a restart, it finds
// what the owner has said meanwhile.
func (k *Kernel) Permit(ctx context.Context, p Permission) error {
	rules, err := k.rules()
	if err != nil {
		return err
	}
	d := policy.Decide(policy.Subject{Program: sys.ProgramKernel, Label: p.Label}, p.Effect, rules)
	if _, err := k.journal.Append(ctx, p.event(sys.EventAudit, p.audit(string(d.Verdict), d.Why))); err != nil {
		return err
	}
	if d.Verdict == policy.Asks {
		return k.permitted(ctx, p, d.Why)
	}
	if d.Verdict == policy.Allowed {
		return nil
	}
	return &sys.Error{Op: string(p.Effect.Kind), Path: p.Effect.Target, Kind: sys.Refused, Err: errors.New(d.Why)}
}

func (p Permission) event(kind sys.EventKind, data any) sys.Event {
	e := sys.NewEvent(kind, data)
	e.Request = p.Request
	return e
}

func (p Permission) audit(verdict, why string) sys.AuditData {
	return sys.AuditData{What: string(p.Effect.Kind), Target: p.Effect.Target, Verdict: verdict, Why: why, Hash: p.Effect.Hash(), By: p.From, Label: p.Label.String()}
}

// permitted puts the question, unless it was put before, and waits.
func (k *Kernel) permitted(ctx context.Context, p Permission, why string) error {
	id := string(p.Request) + "-" + p.Effect.Hash()[:16]
	if err := k.putPermission(ctx, id, p, why); err != nil {
		return err
	}
	granted, err := k.verdict(ctx, id)
	if err != nil {
		return err
	}
	if !granted {
		return &sys.Error{Op: string(p.Effect.Kind), Path: p.Effect.Target, Kind: sys.Refused, Err: errors.New("you did not allow it")}
	}
	return k.journal.Update(ctx, func(tx *journal.Tx) error {
		res, err := tx.Exec(ctx, `UPDATE kernel_approval SET state = 'used' WHERE id = ? AND state = 'granted'`, id)
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); err != nil || n != 1 {
			return errors.Join(err, &sys.Error{Op: string(p.Effect.Kind), Path: p.Effect.Target, Kind: sys.NeedsApproval, Err: errors.New("the approval was used before")})
		}
		return tx.Append(p.event(sys.EventAudit, p.audit("allow", "the owner approved it")))
	})
}

// putPermission puts the question to the owner, unless it was put before.
func (k *Kernel) putPermission(ctx context.Context, id string, p Permission, why string) error {
	raw, err := json.Marshal(p.Effect)
	if err != nil {
		return err
	}
	now := k.now()
	expires := now.Add(approvalLasts)
	return k.journal.Update(ctx, func(tx *journal.Tx) error {
		res, err := tx.Exec(ctx, `INSERT INTO kernel_approval(id, hash, pid, request, channel, effect, why, state, asked, expires) VALUES(?,?,0,?,?,?,?,'waiting',?,?) ON CONFLICT(id) DO NOTHING`,
			id, p.Effect.Hash(), string(p.Request), p.From, string(raw), why, now.UnixNano(), expires.UnixNano())
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); err != nil || n == 0 {
			return err
		}
		e := p.Effect
		return tx.Append(p.event(sys.EventApproval, sys.ApprovalData{ID: id, Text: e.Text, Why: why, Kind: string(e.Kind), Target: e.Target, Args: e.Args, Expires: expires}))
	})
}
