package kernel

import (
	"context"
	"encoding/json"
	"errors"
	"strings"

	"matrixos/journal"
	"matrixos/sys"
)

// forgotten are words that are to leave the journal.
type forgotten struct {
	ID   string `json:"id"`
	Text string `json:"text"`
}

// shortWords is the length under which words are so common that only what the
// memory calls themselves said is erased.
const shortWords = 12

// erase replaces the content of every event that carries the words: calls and
// their results, what was said, and the states of processes that were asked with
// them; and it takes the words out of the process table. Events that others stand
// on, such as landings and decisions, are left: they hold no memory's text but, at
// most, the first line of the request that made it.
func (k *Kernel) erase(ctx context.Context, tx *journal.Tx, f forgotten) error {
	text := strings.Join(strings.Fields(f.Text), " ")
	if r := []rune(text); len(r) > 150 { // events hold the beginning of long texts
		text = string(r[:150])
	}
	if text == "" {
		return nil
	}
	first, _, _ := strings.Cut(text, " ")
	raw, err := json.Marshal(first)
	if err != nil {
		return err
	}
	// The first word finds most candidates cheaply; text with escapes is looked at in
	// any case.
	rows, err := tx.Query(ctx, `SELECT seq, kind, data FROM event WHERE kind IN (?,?,?,?,?) AND (instr(CAST(data AS TEXT), ?) > 0 OR instr(CAST(data AS TEXT), '\u') > 0)`,
		string(sys.EventCall), string(sys.EventResult), string(sys.EventMessage), string(sys.EventAnswer), string(sys.EventRequest), strings.Trim(string(raw), `"`))
	if err != nil {
		return err
	}
	var carried []sys.Seq
	for rows.Next() {
		var seq sys.Seq
		var kind sys.EventKind
		var data []byte
		if err := rows.Scan(&seq, &kind, &data); err != nil {
			return errors.Join(err, rows.Close())
		}
		if carries(kind, data, text) {
			carried = append(carried, seq)
		}
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return err
	}
	if len(text) >= shortWords {
		more, err := k.eraseProcesses(ctx, tx, text)
		if err != nil {
			return err
		}
		carried = append(carried, more...)
	}
	return tx.Forget(ctx, carried...)
}

// gone stands in the process table for words that were forgotten.
const gone = "(forgotten)"

// eraseProcesses takes the words out of the process table, and returns the events
// of the processes that carried them: each of these has the first line of the
// request, so they go together. A process that has not ended keeps what it was
// asked, which it needs to go on, until it ends.
func (k *Kernel) eraseProcesses(ctx context.Context, tx *journal.Tx, text string) (carried []sys.Seq, err error) {
	rows, err := tx.Query(ctx, `SELECT row, memo FROM kernel_process`)
	if err != nil {
		return nil, err
	}
	var found []storedProcess
	for rows.Next() {
		var row, m string
		var s storedProcess
		if err := errors.Join(rows.Scan(&row, &m), json.Unmarshal([]byte(row), &s.row), json.Unmarshal([]byte(m), &s.memo)); err != nil {
			return nil, errors.Join(err, rows.Close())
		}
		if s.carries(text) {
			found = append(found, s)
		}
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return nil, err
	}
	for _, s := range found {
		s.drop(text)
		row, err := json.Marshal(s.row)
		if err != nil {
			return nil, err
		}
		m, err := json.Marshal(s.memo)
		if err != nil {
			return nil, err
		}
		if _, err := tx.Exec(ctx, `UPDATE kernel_process SET row=?, memo=? WHERE pid=?`, string(row), string(m), int64(s.row.PID)); err != nil {
			return nil, err
		}
		events, err := eventsOf(ctx, tx, s.row.PID)
		if err != nil {
			return nil, err
		}
		carried = append(carried, events...)
		tx.OnCommit(func() {
			if p := k.process(s.row.PID); p != nil {
				p.mu.Lock()
				p.row.Task, p.row.Error = without(p.row.Task, text), without(p.row.Error, text)
				p.mu.Unlock()
			}
		})
	}
	return carried, nil
}

// eventsOf are the events of a process's states.
func eventsOf(ctx context.Context, tx *journal.Tx, pid sys.PID) (out []sys.Seq, err error) {
	rows, err := tx.Query(ctx, `SELECT seq FROM event WHERE kind = ? AND pid = ?`, string(sys.EventProcess), int64(pid))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var seq sys.Seq
		if err := rows.Scan(&seq); err != nil {
			return nil, err
		}
		out = append(out, seq)
	}
	return out, rows.Err()
}

// carries reports whether the table has the words for a process; of one that has
// not ended, only what others see counts.
func (s storedProcess) carries(text string) bool {
	if has(s.row.Task, text) || has(s.row.Error, text) {
		return true
	}
	f := s.memo.Failure
	return s.row.State.Ended() && (has(s.memo.Task, text) || has(s.memo.Words, text) || has(s.memo.Last, text) || f != nil && (has(f.Text, text) || has(f.Hint, text)))
}

// drop takes the words out.
func (s *storedProcess) drop(text string) {
	s.row.Task, s.row.Error = without(s.row.Task, text), without(s.row.Error, text)
	if !s.row.State.Ended() {
		return
	}
	m := &s.memo
	m.Task, m.Words, m.Last = without(m.Task, text), without(m.Words, text), without(m.Last, text)
	if f := m.Failure; f != nil {
		f.Text, f.Hint = without(f.Text, text), without(f.Hint, text)
	}
}

// without is s, or that it is forgotten if it has text in it.
func without(s, text string) string {
	if has(s, text) {
		return gone
	}
	return s
}

func carries(kind sys.EventKind, data []byte, text string) bool {
	var v any
	if json.Unmarshal(data, &v) != nil {
		return false
	}
	if len(text) < shortWords {
		event, ok := v.(map[string]any)
		if !ok || kind != sys.EventCall && kind != sys.EventResult {
			return false
		}
		switch event["name"] {
		case "remember", "recall", "forget", "list_memories", "memory_search":
		default:
			return false
		}
	}
	return has(v, text)
}

// cutShort reports whether s ends with the beginning of text because it was cut.
func cutShort(s, text string) bool {
	i := strings.LastIndex(s, "…")
	if i < 0 {
		return false
	}
	for n := min(i, len(text)); n >= shortWords; n-- {
		if strings.HasSuffix(s[:i], text[:n]) {
			return true
		}
	}
	return false
}

// has reports whether any string in v has text in it, however it is spaced.
func has(v any, text string) bool {
	switch v := v.(type) {
	case string:
		v = strings.Join(strings.Fields(v), " ")
		return strings.Contains(v, text) || cutShort(v, text)
	case []any:
		for _, e := range v {
			if has(e, text) {
				return true
			}
		}
	case map[string]any:
		for _, e := range v {
			if has(e, text) {
				return true
			}
		}
	}
	return false
}
