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
// their results, and what was said. Events that others stand on, such as landings,
// processes and decisions, are left: they hold no memory's text but, at most, the
// first line of the request that made it.
func erase(ctx context.Context, tx *journal.Tx, f forgotten) error {
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
	return tx.Forget(ctx, carried...)
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

// has reports whether any string in v has text in it, however it is spaced.
func has(v any, text string) bool {
	switch v := v.(type) {
	case string:
		return strings.Contains(strings.Join(strings.Fields(v), " "), text)
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
