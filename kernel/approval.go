package kernel

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"github.com/google/uuid"

	"matrixos/disk"
	"matrixos/journal"
	"matrixos/policy"
	"matrixos/sys"
)

// approvalTables hold what the owner was asked to allow. A row survives a
// restart; its process asks again by the same hash and finds it.
var approvalTables = []string{
	`CREATE TABLE kernel_approval (
		id TEXT PRIMARY KEY,
		hash TEXT NOT NULL,
		pid INTEGER NOT NULL,
		request TEXT NOT NULL,
		channel TEXT NOT NULL,
		effect TEXT NOT NULL,
		why TEXT NOT NULL,
		state TEXT NOT NULL, -- waiting, granted, used, refused
		asked INTEGER NOT NULL,
		expires INTEGER NOT NULL
	) STRICT`,
	`CREATE INDEX kernel_approval_hash ON kernel_approval(request, hash)`,
}

// approvalLasts is how long the owner has to answer, and how long a yes that was
// not used yet holds.
const approvalLasts = 24 * time.Hour

// Approval is a question that only the owner may answer, about one exact effect.
type Approval struct {
	ID      string          `json:"id"`
	PID     sys.PID         `json:"pid"`
	Request sys.RequestID   `json:"request"`
	Text    string          `json:"text"` // what will happen
	Why     string          `json:"why"`  // why it is asked
	Kind    string          `json:"kind"`
	Target  string          `json:"target"`
	Args    json.RawMessage `json:"args"` // exactly what will be done
	Asked   time.Time       `json:"asked"`
	Expires time.Time       `json:"expires"`
}

// effect asks policy, and the owner if policy says so, before something leaves
// the home. It returns nil if it may. The decision is in the journal first.
func (p *process) effect(ctx context.Context, e policy.Effect) error {
	if p.proof != nil {
		return &sys.Error{Op: string(e.Kind), Path: e.Target, Kind: sys.Refused, Err: errors.New("this is a trial: nothing leaves the home"), Hint: "do without it"}
	}
	rules, err := p.k.rules()
	if err != nil {
		return err
	}
	d := policy.Decide(p.judged(), e, rules)
	if _, err := p.k.journal.Append(ctx, p.audit(e, string(d.Verdict), d.Why)); err != nil {
		return err
	}
	switch d.Verdict {
	case policy.Allowed:
		return nil
	case policy.Asks:
		return p.approve(ctx, e, d.Why)
	case policy.Refused:
	}
	return &sys.Error{Op: string(e.Kind), Path: e.Target, Kind: sys.Refused, Err: errors.New(d.Why), Hint: "do without it, and say so"}
}

// judged is the process as policy sees it now.
func (p *process) judged() policy.Subject {
	s := p.subject
	s.Label = p.snapshot().Label
	return s
}

func (p *process) audit(e policy.Effect, verdict, why string) sys.Event {
	return p.event(sys.EventAudit, sys.AuditData{
		What: string(e.Kind), Target: e.Target, Verdict: verdict, Why: why, Hash: e.Hash(), By: string(p.program.Name), Label: p.snapshot().Label.String(),
	})
}

// rules reads the owner's rules. A file that cannot be read stops effects: it
// may have said no.
func (k *Kernel) rules() (policy.Rules, error) {
	view, err := k.disk.View(0)
	if err != nil {
		return policy.Rules{}, err
	}
	return rulesOf(view)
}

func rulesOf(home fs.FS) (policy.Rules, error) {
	text, err := fs.ReadFile(home, string(policy.RulesFile))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return policy.Rules{}, err
	}
	return policy.ParseRules(text)
}

// approve waits for the owner's word on exactly e.
func (p *process) approve(ctx context.Context, e policy.Effect, why string) error {
	id, granted, err := p.requestApproval(ctx, e, why)
	if err != nil {
		return err
	}
	if !granted {
		if err := p.waiting(ctx, sys.ForApproval, "your approval"); err != nil {
			return err
		}
		if granted, err = p.k.verdict(ctx, id); err != nil {
			return err
		}
		if err := p.running(ctx); err != nil {
			return err
		}
	}
	if granted {
		return p.spend(ctx, id, e)
	}
	return &sys.Error{Op: string(e.Kind), Path: e.Target, Kind: sys.Refused, Err: errors.New("the owner did not allow it"), Hint: "do without it, and say so"}
}

// requestApproval finds an answer that was given already, or asks.
func (p *process) requestApproval(ctx context.Context, e policy.Effect, why string) (id string, granted bool, err error) {
	now := p.k.now()
	raw, err := json.Marshal(e)
	if err != nil {
		return "", false, err
	}
	err = p.k.journal.Update(ctx, func(tx *journal.Tx) error {
		var state string
		err := tx.QueryRow(ctx, `SELECT id, state FROM kernel_approval WHERE request = ? AND hash = ? AND state IN ('waiting','granted') AND expires > ?`,
			string(p.req().id), e.Hash(), now.UnixNano()).Scan(&id, &state)
		if err == nil {
			granted = state == "granted"
			return nil
		}
		if !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		a := Approval{
			ID: uuid.NewString(), PID: p.pid(), Request: p.req().id, Text: e.Text, Why: why, Kind: string(e.Kind), Target: e.Target, Args: e.Args,
			Asked: now, Expires: now.Add(approvalLasts),
		}
		id = a.ID
		if _, err := tx.Exec(ctx, `INSERT INTO kernel_approval(id, hash, pid, request, channel, effect, why, state, asked, expires) VALUES(?,?,?,?,?,?,?,'waiting',?,?)`,
			a.ID, e.Hash(), int64(a.PID), string(a.Request), p.req().from, string(raw), why, now.UnixNano(), a.Expires.UnixNano()); err != nil {
			return err
		}
		return tx.Append(p.event(sys.EventApproval, sys.ApprovalData{ID: a.ID, Text: a.Text, Why: a.Why, Kind: a.Kind, Target: a.Target, Args: a.Args, Expires: a.Expires}))
	})
	return id, granted, err
}

// spend uses an approval up: each allows one act.
func (p *process) spend(ctx context.Context, id string, e policy.Effect) error {
	return p.k.journal.Update(ctx, func(tx *journal.Tx) error {
		res, err := tx.Exec(ctx, `UPDATE kernel_approval SET state = 'used' WHERE id = ? AND hash = ? AND state = 'granted' AND expires > ?`, id, e.Hash(), p.k.now().UnixNano())
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); err != nil || n != 1 {
			return errors.Join(err, &sys.Error{Op: string(e.Kind), Path: e.Target, Kind: sys.NeedsApproval, Err: errors.New("the approval was used or has expired")})
		}
		return tx.Append(p.audit(e, "allow", "the owner approved it"))
	})
}

// Approvals lists what waits for the owner's word, oldest first.
func (k *Kernel) Approvals(ctx context.Context) (out []Approval, err error) {
	rows, err := k.journal.Query(ctx, `SELECT id, pid, request, effect, why, asked, expires FROM kernel_approval WHERE state = 'waiting' AND expires > ? ORDER BY asked`, k.now().UnixNano())
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var a Approval
		var effect string
		var asked, expires int64
		if err := rows.Scan(&a.ID, &a.PID, &a.Request, &effect, &a.Why, &asked, &expires); err != nil {
			return nil, err
		}
		var e policy.Effect
		if err := json.Unmarshal([]byte(effect), &e); err != nil {
			return nil, err
		}
		a.Text, a.Kind, a.Target, a.Args = e.Text, string(e.Kind), e.Target, e.Args
		a.Asked, a.Expires = time.Unix(0, asked).UTC(), time.Unix(0, expires).UTC()
		out = append(out, a)
	}
	return out, rows.Err()
}

// Refusal is an effect that did not happen, because the owner said no or nothing.
type Refusal struct {
	Program sys.Program `json:"program"`
	Kind    string      `json:"kind"`
	Target  string      `json:"target"`
	How     string      `json:"how"` // "refused" or "not answered"
	Asked   time.Time   `json:"asked"`
}

// Refusals lists what was asked since then and not allowed, oldest first.
func (k *Kernel) Refusals(ctx context.Context, since time.Time) (out []Refusal, err error) {
	rows, err := k.journal.Query(ctx, `SELECT a.effect, a.state, a.asked, ifnull(json_extract(p.row, '$.program'), '') FROM kernel_approval a
		LEFT JOIN kernel_process p ON p.pid = a.pid
		WHERE a.asked >= ? AND (a.state = 'refused' OR a.state = 'waiting' AND a.expires <= ?) ORDER BY a.asked`, since.UnixNano(), k.now().UnixNano())
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var effect, state string
		var asked int64
		var r Refusal
		if err := rows.Scan(&effect, &state, &asked, &r.Program); err != nil {
			return nil, err
		}
		var e policy.Effect
		if err := json.Unmarshal([]byte(effect), &e); err != nil {
			return nil, err
		}
		r.Kind, r.Target, r.How, r.Asked = string(e.Kind), e.Target, state, time.Unix(0, asked).UTC()
		if state == "waiting" {
			r.How = "not answered"
		}
		out = append(out, r)
	}
	return out, rows.Err()
}

// Verdict is the owner's answer to an Approval.
type Verdict struct {
	Allow bool
	// Always adds a rule to the owner's file, for this kind and target.
	Always bool
	// From is the channel that the answer came by.
	From string
}

// Approve gives the owner's answer. An answer that comes by the very channel on
// which the request came is refused unless that is the desktop or the command
// line: whoever wrote the text there could write the yes as well.
func (k *Kernel) Approve(ctx context.Context, id string, v Verdict) error {
	var effect, channel string
	err := k.journal.Update(ctx, func(tx *journal.Tx) error {
		var state string
		var expires int64
		var pid sys.PID
		err := tx.QueryRow(ctx, `SELECT effect, channel, state, expires, pid FROM kernel_approval WHERE id = ?`, id).Scan(&effect, &channel, &state, &expires, &pid)
		switch {
		case errors.Is(err, sql.ErrNoRows):
			return &sys.Error{Op: "approve", Path: id, Kind: sys.NotFound, Hint: "`matrixos approvals` lists what waits for you"}
		case err != nil:
			return err
		case state != "waiting":
			return &sys.Error{Op: "approve", Path: id, Kind: sys.Exists, Err: fmt.Errorf("it was answered before (%s)", state)}
		case expires <= k.now().UnixNano():
			return &sys.Error{Op: "approve", Path: id, Kind: sys.NotFound, Err: errors.New("it has expired"), Hint: "ask again for what you want"}
		case !ownChannel(channel) && v.From == channel:
			return &sys.Error{Op: "approve", Path: id, Kind: sys.Refused, Err: errors.New("this has to be answered elsewhere than where it was asked for"), Hint: "answer on the desktop, or with `matrixos approve`"}
		}
		to, verdict := "refused", "refuse"
		if v.Allow {
			to, verdict = "granted", "allow"
		}
		if _, err := tx.Exec(ctx, `UPDATE kernel_approval SET state = ? WHERE id = ?`, to, id); err != nil {
			return err
		}
		e := sys.NewEvent(sys.EventAudit, sys.AuditData{What: "approval", Target: id, Verdict: verdict, Why: "the owner's answer", By: "owner:" + v.From})
		e.PID = pid
		return tx.Append(e)
	})
	if err != nil {
		return err
	}
	if v.Always {
		if err := k.remember(ctx, effect, v.Allow); err != nil {
			return err
		}
	}
	k.mu.Lock()
	close(k.answered)
	k.answered = make(chan struct{})
	k.mu.Unlock()
	return nil
}

// verdict waits until the owner has answered the approval id, or it expires, and
// reports whether they allowed it. Several may wait for the same. The answer stands
// in the journal alone: whoever waits begins to listen before looking there, so that
// one which comes in between is not missed.
func (k *Kernel) verdict(ctx context.Context, id string) (granted bool, err error) {
	for {
		k.mu.Lock()
		answered := k.answered
		k.mu.Unlock()
		var state string
		var expires int64
		err := k.journal.QueryRow(ctx, `SELECT state, expires FROM kernel_approval WHERE id = ?`, id).Scan(&state, &expires)
		if ctx.Err() != nil {
			return false, context.Cause(ctx)
		}
		if err != nil {
			return false, err
		}
		left := time.Unix(0, expires).Sub(k.now())
		if state != "waiting" || left <= 0 {
			return state == "granted", nil
		}
		select {
		case <-answered:
		case <-ctx.Done():
			return false, context.Cause(ctx)
		case <-time.After(left):
		}
	}
}

// ownChannel reports whether only the owner can write there.
func ownChannel(c string) bool { return c == "" || c == "desktop" || c == "cli" || c == "test" }

// remember makes an answer a rule that the owner can read.
func (k *Kernel) remember(ctx context.Context, effect string, allow bool) error {
	var e policy.Effect
	if err := json.Unmarshal([]byte(effect), &e); err != nil {
		return err
	}
	r := policy.Rule{Effect: e.Kind, Target: escape(e.Target), Then: policy.Refused, Note: "answered on " + k.now().Format("2 January 2006")}
	if allow {
		r.Then, r.Untrusted = policy.Allowed, true
	}
	_, err := k.disk.Edit(ctx, []sys.Path{policy.RulesFile}, func(home *disk.View) (disk.Write, error) {
		rules, err := rulesOf(home)
		if err != nil {
			return disk.Write{}, err
		}
		rules.Rules = append([]policy.Rule{r}, rules.Rules...)
		text, err := json.MarshalIndent(rules, "", "  ")
		return disk.Write{Files: map[sys.Path][]byte{policy.RulesFile: append(text, '\n')}, Kind: sys.ByOwner, Title: "Rule: " + r.String()}, err
	})
	return err
}

// escape makes a target a pattern that matches nothing else.
func escape(s string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(s)
}
