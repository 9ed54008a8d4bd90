package kernel

import (
	"context"

	"github.com/google/uuid"

	"matrixos/sys"
)

// question is one that waits for the owner.
type question struct {
	request sys.RequestID
	answer  chan string
}

// ask puts a question to the owner; the process waits.
func (p *process) ask(ctx context.Context, text string, choices []string) (string, error) {
	id := uuid.NewString()
	q := &question{request: p.request.id, answer: make(chan string, 1)}
	p.k.mu.Lock()
	p.k.questions[id] = q
	p.k.mu.Unlock()
	defer func() {
		p.k.mu.Lock()
		delete(p.k.questions, id)
		p.k.mu.Unlock()
	}()
	if err := p.waiting(ctx, "your answer"); err != nil {
		return "", err
	}
	if _, err := p.k.journal.Append(ctx, p.event(sys.EventQuestion, sys.QuestionData{ID: id, Text: text, Choices: choices})); err != nil {
		return "", err
	}
	select {
	case a := <-q.answer:
		return a, p.running(ctx)
	case <-ctx.Done():
		return "", context.Cause(ctx)
	}
}

// Answer gives the owner's answer to a question that waits.
func (k *Kernel) Answer(_ context.Context, id, text string) error {
	k.mu.Lock()
	q := k.questions[id]
	delete(k.questions, id)
	k.mu.Unlock()
	if q == nil {
		return &sys.Error{Op: "answer", Path: id, Kind: sys.NotFound, Hint: "nobody waits for it any more"}
	}
	q.answer <- text
	return nil
}
