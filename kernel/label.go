package kernel

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"matrixos/journal"
	"matrixos/sys"
)

// Labels live in the kernel, never in a text: a process carries the join of all
// that it was shown, its landings carry the process's, and so does each file that
// a landing wrote. They survive compaction, spawning, memory, schedules and
// restarts, because each of these reads files and conversations.

// labelTables remember what is not at its usual label.
var labelTables = []string{
	`CREATE TABLE kernel_label (
		path TEXT PRIMARY KEY,
		integrity INTEGER NOT NULL,
		confidentiality INTEGER NOT NULL,
		landing INTEGER NOT NULL
	) STRICT, WITHOUT ROWID`,
	`CREATE TABLE kernel_talk_label (
		conversation TEXT PRIMARY KEY,
		integrity INTEGER NOT NULL,
		confidentiality INTEGER NOT NULL
	) STRICT, WITHOUT ROWID`,
}

// usual is the label of a file that nothing is noted about. Apps and programs
// are not private; rows are an app's word; the rest is the owner's.
func usual(p sys.Path) sys.Label {
	first, rest, _ := strings.Cut(string(p), "/")
	switch {
	case first == "apps", first == "agents" && !strings.HasPrefix(rest, "memory/"):
		return sys.Label{}
	case first == "data":
		return sys.Label{Integrity: sys.FromApp, Confidentiality: sys.OwnerOnly}
	}
	return sys.Label{Confidentiality: sys.OwnerOnly}
}

// LabelOf is the join of the labels of files.
func (k *Kernel) LabelOf(ctx context.Context, paths ...sys.Path) (sys.Label, error) {
	var out sys.Label
	for _, p := range paths {
		out = out.Join(usual(p))
		noted, err := k.noted(ctx, `path = ?`, string(p))
		if err != nil {
			return out, err
		}
		out = out.Join(noted)
	}
	return out, nil
}

// labelBelow is the join of everything below the given folders; "" is the home.
func (k *Kernel) labelBelow(ctx context.Context, folders ...sys.Path) (sys.Label, error) {
	var out sys.Label
	for _, f := range folders {
		list, err := k.labelled(ctx, `? = '' OR path = ? OR substr(path, 1, length(?)+1) = ? || '/'`, string(f), string(f), string(f), string(f))
		if err != nil {
			return out, err
		}
		for _, l := range list {
			out = out.Join(l.Label)
		}
		if f == "" {
			out = out.Join(usual("data/x"))
		} else {
			out = out.Join(usual(f + "/x"))
		}
	}
	return out, nil
}

func (k *Kernel) noted(ctx context.Context, where string, args ...any) (sys.Label, error) {
	var l sys.Label
	err := k.journal.QueryRow(ctx, `SELECT ifnull(max(integrity), 0), ifnull(max(confidentiality), 0) FROM kernel_label WHERE `+where, args...).Scan(&l.Integrity, &l.Confidentiality)
	return l, err
}

// shown joins a label into the process's, durably, before it goes on; the
// conversation keeps it for processes to come.
func (p *process) shown(ctx context.Context, l sys.Label) error {
	p.mu.Lock()
	now := p.row.Label.Join(l)
	same := now == p.row.Label
	p.mu.Unlock()
	if same {
		return nil
	}
	raise := func() error {
		p.row.Label = p.row.Label.Join(l)
		return nil
	}
	talk := p.snapshot().Conversation
	return p.commit(ctx, raise, func(ctx context.Context, tx *journal.Tx) error {
		return labelTalk(ctx, tx, talk, now)
	})
}

// labelTalk joins a label into what a conversation is known to have been in touch
// with.
func labelTalk(ctx context.Context, tx *journal.Tx, talk sys.Conversation, l sys.Label) error {
	_, err := tx.Exec(ctx, `INSERT INTO kernel_talk_label(conversation, integrity, confidentiality) VALUES(?,?,?)
		ON CONFLICT(conversation) DO UPDATE SET integrity = max(integrity, excluded.integrity), confidentiality = max(confidentiality, excluded.confidentiality)`,
		string(talk), l.Integrity, l.Confidentiality)
	return err
}

// talkLabel is what a conversation has been in touch with.
func (k *Kernel) talkLabel(ctx context.Context, talk sys.Conversation) (sys.Label, error) {
	var l sys.Label
	err := k.journal.QueryRow(ctx, `SELECT ifnull(max(integrity), 0), ifnull(max(confidentiality), 0) FROM kernel_talk_label WHERE conversation = ?`, string(talk)).Scan(&l.Integrity, &l.Confidentiality)
	return l, err
}

// labelling notes the process's label on the files of a landing, in its commit.
// A file that existed keeps what it had: an addition does not cleanse the rest.
// What the owner has approved as instructions counts as the owner's.
func (p *process) labelling(changes []sys.Change, endorsed bool) func(*journal.Tx) error {
	l := p.snapshot().Label
	return func(tx *journal.Tx) error {
		ctx := context.Background() // the transaction has its own
		for _, c := range changes {
			var err error
			switch {
			case c.Op == sys.Deleted:
				continue // an undo may bring it back, as it was
			case c.Op == sys.Added:
				if _, err := tx.Exec(ctx, `DELETE FROM kernel_label WHERE path = ?`, string(c.Path)); err != nil {
					return err
				}
			}
			switch {
			case endorsed || l.Join(usual(c.Path)) == usual(c.Path):
				continue
			default:
				err = mark(ctx, tx, c.Path, l)
			}
			if err != nil {
				return err
			}
		}
		return nil
	}
}

// Labelled is a file that is not at its usual label.
type Labelled struct {
	Path  sys.Path  `json:"path"`
	Label sys.Label `json:"label"`
}

// Untrusted lists the files that hold text from outside, by path.
func (k *Kernel) Untrusted(ctx context.Context) (out []Labelled, err error) {
	return k.labelled(ctx, `integrity >= ?`, sys.Untrusted)
}

// labelled lists files that are there and not at their usual label, by path.
func (k *Kernel) labelled(ctx context.Context, where string, args ...any) (out []Labelled, err error) {
	view, err := k.disk.View(0)
	if err != nil {
		return nil, err
	}
	rows, err := k.journal.Query(ctx, `SELECT path, integrity, confidentiality FROM kernel_label WHERE `+where+` ORDER BY path`, args...)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var l Labelled
		if err := rows.Scan(&l.Path, &l.Label.Integrity, &l.Label.Confidentiality); err != nil {
			return nil, err
		}
		if _, err := fs.Stat(view, string(l.Path)); errors.Is(err, fs.ErrNotExist) {
			continue
		} else if err != nil {
			return nil, err
		}
		out = append(out, l)
	}
	return out, rows.Err()
}

// Trust is the owner's word that a file, or all below a folder, may be believed.
func (k *Kernel) Trust(ctx context.Context, p sys.Path) error {
	var n int64
	err := k.journal.Update(ctx, func(tx *journal.Tx) error {
		res, err := tx.Exec(ctx, `DELETE FROM kernel_label WHERE path = ? OR substr(path, 1, length(?)+1) = ? || '/'`, string(p), string(p), string(p))
		if err != nil {
			return err
		}
		if n, err = res.RowsAffected(); err != nil {
			return err
		}
		return tx.Append(sys.NewEvent(sys.EventAudit, sys.AuditData{What: "trust", Target: string(p), Verdict: "allow", Why: "the owner said so", By: "owner"}))
	})
	if err == nil && n == 0 {
		return &sys.Error{Op: "trust", Path: string(p), Kind: sys.NotFound, Err: fmt.Errorf("nothing there is marked as text from outside"), Hint: "`matrixos untrusted` lists what is"}
	}
	return err
}

// startLabel is what a process has been in touch with before its first step: its
// parent's label, its prompt's files, and the conversation it goes on with.
func (k *Kernel) startLabel(ctx context.Context, s spec, tree fs.FS, program Program) (sys.Label, error) {
	skills, err := skillFiles(tree, program)
	if err != nil {
		return sys.Label{}, err
	}
	l, err := k.LabelOf(ctx, append(skills, promptFiles(program)...)...)
	if len(k.attachedTools(program)) > 0 { // their descriptions are in its tools
		l = l.Join(attachedLabel)
	}
	if err != nil || s.parent != nil {
		if s.parent != nil {
			l = l.Join(s.parent.snapshot().Label)
		}
		return l, err
	}
	talk, err := k.talkLabel(ctx, s.talk)
	return l.Join(talk), err
}

// withheld reports whether the words of an app came from outside.
func (k *Kernel) withheld(manifest sys.Path) bool {
	l, err := k.LabelOf(context.Background(), manifest)
	return err != nil || l.Integrity == sys.Untrusted
}
