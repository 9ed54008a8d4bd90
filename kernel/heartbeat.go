package kernel

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"matrixos/journal"
	"matrixos/sys"
)

// HeartbeatFile says, in the owner's words, what to look at when something
// happened.
const HeartbeatFile sys.Path = "agents/heartbeat.md"

const (
	metaHeartbeat   = "heartbeat" // up to which event the last look went
	fromHeartbeat   = "heartbeat"
	fromSchedule    = "schedule"
	shortestBeat    = time.Minute
	happeningsMost  = 50
	heartbeatReason = "This is a look around that the system makes by itself; nobody waits for the answer. "
)

// heartbeat looks around at the owner's interval until ctx ends. What happened
// is found out without a model; one is asked only if something did.
func (k *Kernel) heartbeat(ctx context.Context, l *loop) {
	last := k.now()
	for k.daemon {
		select {
		case <-ctx.Done():
			return
		case <-time.After(shortestBeat):
		}
		every, err := time.ParseDuration(k.settings().Heartbeat)
		if err != nil || every <= 0 || k.now().Sub(last) < max(every, shortestBeat) && !k.now().Before(last) {
			continue // off, or not yet
		}
		last = k.now()
		end := l.work(k.now)
		_, err = k.beat(ctx)
		end()
		if err != nil && ctx.Err() == nil {
			k.log.ErrorContext(ctx, "the look around failed", "error", err)
		}
	}
}

// beat asks for one look if something happened since the last; it reports
// whether it did. The first only notes from where on to look.
func (k *Kernel) beat(ctx context.Context) (bool, error) {
	if k.safe || k.second || k.stopped.Load() {
		return false, nil
	}
	text, err := k.meta(ctx, metaHeartbeat)
	if err != nil {
		return false, err
	}
	to := k.journal.Last()
	if text == "" {
		return false, k.setMeta(ctx, metaHeartbeat, fmt.Sprint(to))
	}
	var from sys.Seq
	if _, err := fmt.Sscan(text, &from); err != nil {
		return false, err
	}
	happened, err := k.happened(ctx, from, to)
	if err != nil {
		return false, err
	}
	if len(happened) == 0 {
		return false, k.setMeta(ctx, metaHeartbeat, fmt.Sprint(to))
	}
	words, label, err := k.heartbeatWords(ctx)
	if err != nil {
		return false, err
	}
	_, err = k.askWith(ctx, Ask{Text: heartbeatReason + words + "\n\nSince the last look:\n" + strings.Join(happened, "\n"), From: fromHeartbeat, Class: sys.Heartbeat}, origin{
		label: label,
		also: func(ctx context.Context, tx *journal.Tx, _ sys.PID) error {
			_, err := tx.Exec(ctx, `INSERT OR REPLACE INTO kernel_meta(key, value) VALUES(?, ?)`, metaHeartbeat, fmt.Sprint(to))
			return err
		},
	})
	return err == nil, err
}

// heartbeatWords are the owner's, with the label of their file.
func (k *Kernel) heartbeatWords(ctx context.Context) (string, sys.Label, error) {
	view, err := k.disk.View(0)
	if err != nil {
		return "", sys.Label{}, err
	}
	text, err := fs.ReadFile(view, string(HeartbeatFile))
	if errors.Is(err, fs.ErrNotExist) {
		return "See whether the owner needs to know of it, and say so in a sentence.", sys.Label{}, nil
	}
	if err != nil {
		return "", sys.Label{}, err
	}
	label, err := k.LabelOf(ctx, HeartbeatFile)
	return strings.TrimSpace(string(text)), label, err
}

// happened lists what wants a look among the events after from, up to to: by
// kind and number only, since words in events may come from outside. What an
// earlier look around led to is left out.
func (k *Kernel) happened(ctx context.Context, from, to sys.Seq) ([]string, error) {
	var out []string
	errorsTold := 0
	for from < to {
		events, err := k.journal.Read(ctx, from, 500)
		if err != nil || len(events) == 0 {
			return out, err
		}
		for _, e := range events {
			from = e.Seq
			line, told, err := happening(e)
			if err != nil {
				return nil, err
			}
			if e.Seq > to || line == "" && !told {
				continue
			}
			if row, _, err := k.stored(ctx, e.PID); err == nil && row.Class == sys.Heartbeat {
				continue
			}
			if told {
				errorsTold++
			}
			if line != "" && !slices.Contains(out, line) && len(out) < happeningsMost {
				out = append(out, line)
			}
		}
	}
	if errorsTold > 0 {
		out = append(out, fmt.Sprintf("- %d notices of errors were shown to the owner; `manage_cron` tells of failed jobs, `list_tasks` of tasks", errorsTold))
	}
	return out, nil
}

// happening says in a line what an event means for a look around, and whether
// it is a notice of an error.
func happening(e sys.Event) (line string, told bool, err error) {
	switch e.Kind {
	case sys.EventTask:
		var d sys.TaskData
		if err = json.Unmarshal(e.Data, &d); err == nil && d.State == sys.TaskFailed {
			line = fmt.Sprintf("- task %s failed", d.ID)
		}
	case sys.EventEffect:
		var d sys.EffectData
		if err = json.Unmarshal(e.Data, &d); err == nil && d.State == sys.EffectDead {
			line = fmt.Sprintf("- delivery %d was given up", d.ID)
		}
	case sys.EventMail:
		var d sys.MailData
		if err = json.Unmarshal(e.Data, &d); err == nil && d.State == sys.MailSent && d.To.Program == sys.ProgramKernel {
			line = fmt.Sprintf("- mail %d came for you; `read_messages` shows it", d.ID)
		}
	case sys.EventConflict:
		var d sys.ConflictInfo
		if err = json.Unmarshal(e.Data, &d); err == nil && d.State == sys.ConflictWaiting {
			line = fmt.Sprintf("- conflict %s waits for the owner", d.ID)
		}
	case sys.EventHeal:
		var d sys.HealCase
		if err = json.Unmarshal(e.Data, &d); err == nil && (d.State == sys.HealProposed || d.State == sys.HealRests) {
			line = fmt.Sprintf("- %s is broken and waits for the owner: %s", d.Path, d.Why)
		}
	case sys.EventNotice:
		var d sys.NoticeData
		err = json.Unmarshal(e.Data, &d)
		told = err == nil && d.Level == "error"
	}
	return line, told, err
}
