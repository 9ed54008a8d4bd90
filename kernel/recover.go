package kernel

import (
	"context"
	"encoding/json"
	"errors"

	"matrixos/journal"
	"matrixos/sys"
)

// recover closes the books of an earlier run: processes that it left unfinished
// are killed (the disk has dropped their transactions), and their requests are
// answered, so that nobody waits for them.
func (k *Kernel) recover(ctx context.Context) error {
	rows, err := k.unfinished(ctx)
	if err != nil || len(rows) == 0 {
		return err
	}
	return k.journal.Update(ctx, func(tx *journal.Tx) error {
		for _, row := range rows {
			row.State, row.WaitingFor, row.Ended = sys.Killed, "", k.now()
			row.Error = "Matrix OS stopped while it ran"
			raw, err := json.Marshal(row)
			if err != nil {
				return err
			}
			if _, err := tx.Exec(ctx, `UPDATE kernel_process SET state=?, row=? WHERE pid=?`, string(row.State), string(raw), int64(row.PID)); err != nil {
				return err
			}
			talk := rootTalk(row.Conversation)
			events := []sys.Event{sys.NewEvent(sys.EventProcess, row)}
			if row.Parent == 0 {
				events = append(events, sys.NewEvent(sys.EventAnswer, sys.AnswerData{
					Text: "This was cut off: Matrix OS stopped while it was at work. Nothing was left half done.",
					Kind: sys.Canceled, Hint: "ask again to take it up", Cost: row.Cost,
				}))
			}
			for _, e := range events {
				e.PID, e.Request, e.Conversation = row.PID, row.Request, talk
				if err := tx.Append(e); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

func (k *Kernel) unfinished(ctx context.Context) (out []sys.Process, err error) {
	rows, err := k.journal.Query(ctx, `SELECT row FROM kernel_process WHERE state NOT IN ('done','failed','killed') ORDER BY pid`)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var raw string
		if err := rows.Scan(&raw); err != nil {
			return nil, err
		}
		var p sys.Process
		if err := json.Unmarshal([]byte(raw), &p); err != nil {
			return nil, err
		}
		out = append(out, p)
	}
	return out, rows.Err()
}
