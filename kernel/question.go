package kernel

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"

	"github.com/google/uuid"

	"matrixos/journal"
	"matrixos/sys"
)

// settled is a question of a process that the owner has answered.
type settled struct {
	Call string `json:"call"`
	sys.Asked
}

// consult puts a question of an agent to the owner, if the request has one left, and
// keeps the answer for what is built.
func (p *process) consult(ctx context.Context, call string, q sys.QuestionData) (string, error) {
	id, _, answered, err := p.asked(ctx, call)
	if err != nil {
		return "", err
	}
	if id == "" && !answered {
		if q.Number, err = p.nextQuestion(ctx); err != nil {
			return "", err
		}
	}
	answer, err := p.ask(ctx, call, q)
	if err != nil {
		return "", err
	}
	now := settled{call, sys.Asked{Question: q.Text, Answer: answer, App: q.App}}
	again := p.retakes(call) // it may have been kept before the crash
	return answer, p.commit(ctx, func() error {
		if n := len(p.memo.Asked); !again || n == 0 || p.memo.Asked[n-1] != now {
			p.memo.Asked = append(slices.Clip(p.memo.Asked), now)
		}
		return nil
	})
}

// nextQuestion numbers a question of the request, over all its processes.
func (p *process) nextQuestion(ctx context.Context) (int, error) {
	var n int
	err := p.k.journal.QueryRow(ctx, `SELECT count(*) FROM event WHERE request=? AND kind=? AND json_extract(CAST(data AS TEXT), '$.number')>0`,
		string(p.req().id), string(sys.EventQuestion)).Scan(&n)
	if err != nil {
		return 0, err
	}
	if n >= sys.MostQuestions {
		return 0, &sys.Error{
			Op: "ask", Path: "the owner", Kind: sys.Refused, Err: fmt.Errorf("this request has had its %d questions", sys.MostQuestions),
			Hint: "decide the rest yourself, the simplest way that fits the owner's words, and say in your answer what you decided",
		}
	}
	return n + 1, nil
}

// answers is what the owner said when the process asked, as far as app is concerned.
func (p *process) answers(app sys.Slug) (out []sys.Asked) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, s := range p.memo.Asked {
		if s.App == "" || s.App == app || s.App == sys.NewApp {
			out = append(out, s.Asked)
		}
	}
	return out
}

// ask puts a question to the owner; the process waits, if need be over a restart.
// It is asked once, and answered once: a call that is made again after a restart
// waits for the same question, or gets the answer that came meanwhile.
func (p *process) ask(ctx context.Context, call string, q sys.QuestionData) (string, error) {
	id, answer, answered, err := p.asked(ctx, call)
	if err != nil || answered {
		return answer, err
	}
	fresh := id == ""
	if fresh {
		id = uuid.NewString()
	}
	reply := make(chan string, 1)
	p.k.mu.Lock()
	p.k.questions[id] = reply
	p.k.mu.Unlock()
	defer func() {
		p.k.mu.Lock()
		delete(p.k.questions, id)
		p.k.mu.Unlock()
	}()
	q.ID = id
	e := p.event(sys.EventQuestion, q)
	pid := int64(p.pid())
	err = p.commit(ctx, func() error { return p.moveLocked(sys.Waiting, wait{sys.ForApproval, "your answer"}) },
		func(ctx context.Context, tx *journal.Tx) error {
			if !fresh {
				return nil
			}
			if _, err := tx.Exec(ctx, `INSERT INTO kernel_question(id, pid, call, answered, answer) VALUES(?,?,?,0,'')`, id, pid, call); err != nil {
				return err
			}
			return tx.Append(e)
		})
	if err != nil {
		return "", err
	}
	select {
	case a := <-reply:
		return a, p.running(ctx)
	case <-ctx.Done():
		return "", context.Cause(ctx)
	}
}

// asked finds the question that a call of an earlier run has put.
func (p *process) asked(ctx context.Context, call string) (id, answer string, answered bool, err error) {
	if call != deleteQuestion && !p.retakes(call) {
		return "", "", false, nil
	}
	var n int
	err = p.k.journal.QueryRow(ctx, `SELECT id, answered, answer FROM kernel_question WHERE pid=? AND call=? LIMIT 1`, int64(p.pid()), call).Scan(&id, &n, &answer)
	if errors.Is(err, sql.ErrNoRows) {
		return "", "", false, nil
	}
	return id, answer, n == 1, err
}

// Answer gives the owner's answer to a question that waits. It is durable when
// Answer returns, and counts once.
func (k *Kernel) Answer(ctx context.Context, id, text string) error {
	var taken int64
	err := k.commits.do(ctx, func(tx *journal.Tx) error {
		res, err := tx.Exec(ctx, `UPDATE kernel_question SET answered=1, answer=? WHERE id=? AND answered=0`, text, id)
		if err != nil {
			return err
		}
		taken, err = res.RowsAffected()
		return err
	})
	if err != nil {
		return err
	}
	if taken == 0 {
		return &sys.Error{Op: "answer", Path: id, Kind: sys.NotFound, Hint: "nobody waits for it any more"}
	}
	k.mu.Lock()
	reply := k.questions[id]
	delete(k.questions, id)
	k.mu.Unlock()
	if reply != nil {
		reply <- text
	}
	return nil
}
