package kernel

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"slices"
	"strings"

	"matrixos/journal"
	"matrixos/sys"
)

// Conversations travel between the devices of one owner. What each has of one is
// compared by the ids of its entries: where one goes on from what the other has, the
// longer stands; where both went on apart, both are kept, one of them under a name of
// its own. Words of others keep their label.

// TalkHead is how far a conversation is.
type TalkHead struct {
	ID      sys.Conversation `json:"id"`
	Entries int              `json:"entries"`
	Last    string           `json:"last"`    // id of the newest entry
	Answers int              `json:"answers"` // requests that are answered
}

// TalkCopy is a conversation as another device gets it: what the model was shown, and
// what the owner asked and was answered.
type TalkCopy struct {
	ID      sys.Conversation `json:"id"`
	Label   sys.Label        `json:"label"`
	Entries []Entry          `json:"entries"`
	Events  []sys.Event      `json:"events"`
}

// TalkHeads says how far each of the owner's conversations is. Those of sub-agents stay
// where they are, and so do old ones whose entries have no names.
func (k *Kernel) TalkHeads(ctx context.Context) ([]TalkHead, error) {
	files, err := os.ReadDir(k.talks.folder())
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	answers, err := k.answeredIn(ctx)
	if err != nil {
		return nil, err
	}
	out := []TalkHead{}
	for _, f := range files {
		name, ok := strings.CutSuffix(f.Name(), ".jsonl")
		id := sys.Conversation(name)
		if !ok || k.talks.valid(id) != nil || id != rootTalk(id) {
			continue
		}
		entries, err := k.talks.entries(id)
		if err != nil {
			return nil, err
		}
		if len(entries) > 0 && named(entries) {
			out = append(out, TalkHead{id, len(entries), entries[len(entries)-1].ID, answers[id]})
		}
	}
	return out, nil
}

func named(entries []Entry) bool {
	return !slices.ContainsFunc(entries, func(e Entry) bool { return e.ID == "" })
}

// answeredIn counts the requests of each conversation that are answered.
func (k *Kernel) answeredIn(ctx context.Context) (_ map[sys.Conversation]int, err error) {
	rows, err := k.journal.Query(ctx, `SELECT conversation, count(DISTINCT request) FROM event WHERE kind = ? GROUP BY conversation`, string(sys.EventAnswer))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	out := map[sys.Conversation]int{}
	for rows.Next() {
		var id sys.Conversation
		var n int
		if err := rows.Scan(&id, &n); err != nil {
			return nil, err
		}
		out[id] = n
	}
	return out, rows.Err()
}

// CopyTalk is a conversation for another device. What is still being worked on is left
// out of the events: it comes with its answer.
func (k *Kernel) CopyTalk(ctx context.Context, id sys.Conversation) (TalkCopy, error) {
	entries, err := k.Conversation(ctx, id)
	if err != nil {
		return TalkCopy{}, err
	}
	c := TalkCopy{ID: id, Entries: entries}
	if c.Label, err = k.talkLabel(ctx, id); err != nil {
		return c, err
	}
	rows, err := k.journal.Query(ctx, `SELECT seq, time, kind, pid, conversation, request, data FROM event WHERE conversation = ?1 AND kind IN ('request', 'answer')
		AND request IN (SELECT request FROM event WHERE conversation = ?1 AND kind = 'answer') ORDER BY seq`, string(id))
	if err != nil {
		return c, err
	}
	c.Events, err = journal.Scan(rows)
	return c, err
}

// TakeTalk makes a conversation of another device part of this home. Where both went on
// apart, what is here moves to a conversation of its own, named after aside; without
// aside it is refused as a Conflict, and so is one that is being spoken in just now.
func (k *Kernel) TakeTalk(ctx context.Context, c TalkCopy, aside string) error {
	if err := k.talks.valid(c.ID); err != nil {
		return err
	}
	if c.ID != rootTalk(c.ID) || !named(c.Entries) || len(c.Entries) == 0 {
		return &sys.Error{Op: "take conversation", Path: string(c.ID), Kind: sys.Invalid}
	}
	switch p, err := k.claim(c.ID); {
	case err != nil:
		return err
	case p != nil:
		return &sys.Error{Op: "take conversation", Path: string(c.ID), Kind: sys.Conflict, Err: errors.New("it is being spoken in")}
	}
	defer func() {
		k.mu.Lock()
		defer k.mu.Unlock()
		delete(k.talking, c.ID)
	}()
	have, err := k.talks.entries(c.ID)
	if err != nil {
		return err
	}
	same := 0
	for same < min(len(have), len(c.Entries)) && have[same].ID == c.Entries[same].ID {
		same++
	}
	if same < len(have) && same < len(c.Entries) {
		if aside == "" {
			return &sys.Error{Op: "take conversation", Path: string(c.ID), Kind: sys.Conflict, Err: errors.New("it went on here, too")}
		}
		if err := k.moveTalk(ctx, c.ID, have, aside); err != nil {
			return err
		}
		same = 0
	}
	lines, err := strangeLines(c.Entries[same:])
	if err == nil {
		err = errors.Join(k.talks.write(c.ID, lines), k.talks.sync(c.ID))
	}
	if err != nil {
		return err
	}
	return k.takeEvents(ctx, c.ID, c.Label, c.Events)
}

// strangeLines are entries as lines that no process of this home takes for its own.
func strangeLines(entries []Entry) (out []talkLine, err error) {
	for _, e := range entries {
		e.PID = 0
		raw, err := json.Marshal(e)
		if err != nil {
			return nil, err
		}
		out = append(out, talkLine{e.ID, append(raw, '\n')})
	}
	return out, nil
}

// moveTalk makes a conversation of its own of what is here, and leaves none under id.
func (k *Kernel) moveTalk(ctx context.Context, id sys.Conversation, have []Entry, aside string) error {
	to := id + sys.Conversation("-"+aside)
	if err := k.talks.valid(to); err != nil {
		return err
	}
	old, err := k.talks.entries(to)
	if err != nil {
		return err
	}
	known := map[string]bool{}
	for _, e := range old {
		known[e.ID] = true
	}
	lines, err := strangeLines(slices.DeleteFunc(slices.Clone(have), func(e Entry) bool { return known[e.ID] }))
	if err == nil {
		err = errors.Join(k.talks.write(to, lines), k.talks.sync(to))
	}
	if err != nil {
		return err
	}
	copied, err := k.CopyTalk(ctx, id)
	if err != nil {
		return err
	}
	if err := k.takeEvents(ctx, to, copied.Label, copied.Events); err != nil {
		return err
	}
	return k.journal.Update(ctx, func(tx *journal.Tx) error {
		if _, err := tx.Exec(ctx, `DELETE FROM kernel_line WHERE conversation = ?`, string(id)); err != nil {
			return err
		}
		return k.talks.empty(id) // what was there is safe under the other name
	})
}

// empty makes a conversation's file empty.
func (t *talks) empty(id sys.Conversation) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return os.Truncate(t.file(id), 0)
}

// takeEvents makes what was asked and answered elsewhere part of a conversation, each
// once. Numbers of processes and landings are of that other home.
func (k *Kernel) takeEvents(ctx context.Context, id sys.Conversation, l sys.Label, list []sys.Event) error {
	return k.journal.Update(ctx, func(tx *journal.Tx) error {
		if l != (sys.Label{}) {
			if err := labelTalk(ctx, tx, id, l); err != nil {
				return err
			}
		}
		for _, e := range list {
			if e.Kind != sys.EventRequest && e.Kind != sys.EventAnswer || e.Request == "" {
				continue
			}
			var n int
			if err := tx.QueryRow(ctx, `SELECT count(*) FROM event WHERE conversation = ? AND kind = ? AND request = ?`, string(id), string(e.Kind), string(e.Request)).Scan(&n); err != nil {
				return err
			}
			if n > 0 {
				continue
			}
			data, err := strangeData(e)
			if err != nil {
				return err
			}
			if err := tx.Append(sys.Event{Time: e.Time, Kind: e.Kind, Conversation: id, Request: e.Request, Data: data}); err != nil {
				return err
			}
		}
		return nil
	})
}

// strangeData is the payload of an event of another home, without what means something
// else here: the message of a channel that it was is answered there.
func strangeData(e sys.Event) (json.RawMessage, error) {
	read := json.NewDecoder(bytes.NewReader(e.Data))
	if e.Kind == sys.EventRequest {
		var d sys.RequestData
		if err := read.Decode(&d); err != nil {
			return nil, err
		}
		d.Once = ""
		return json.Marshal(d)
	}
	var d sys.AnswerData
	if err := read.Decode(&d); err != nil {
		return nil, err
	}
	d.Landings, d.Open = nil, nil
	return json.Marshal(d)
}

// Labelled is what is noted of files beside what is usual for them.
func (k *Kernel) Labelled(ctx context.Context) (_ map[sys.Path]sys.Label, err error) {
	rows, err := k.journal.Query(ctx, `SELECT path, integrity, confidentiality FROM kernel_label`)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	out := map[sys.Path]sys.Label{}
	for rows.Next() {
		var p sys.Path
		var l sys.Label
		if err := rows.Scan(&p, &l.Integrity, &l.Confidentiality); err != nil {
			return nil, err
		}
		out[p] = l
	}
	return out, rows.Err()
}
