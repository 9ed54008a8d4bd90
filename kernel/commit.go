package kernel

import (
	"context"
	"sync"

	"matrixos/journal"
)

// commits joins what many processes want to make durable at the same time into
// one transaction of the journal, so that they wait for the disk together. What
// one caller writes is all-or-nothing and is durable when do returns; the order
// of callers that overlap is not said.
type commits struct {
	j *journal.Journal

	mu    sync.Mutex
	queue []*commit
	busy  bool
}

// commit is one caller's part. It may be run twice, so it changes nothing but
// the transaction.
type commit struct {
	write func(*journal.Tx) error
	done  chan error
}

// do makes write durable. It does not heed ctx: what is about to be recorded has
// happened.
func (c *commits) do(ctx context.Context, write func(*journal.Tx) error) error {
	mine := &commit{write, make(chan error, 1)}
	c.mu.Lock()
	c.queue = append(c.queue, mine)
	lead := !c.busy
	c.busy = true
	c.mu.Unlock()
	if lead {
		c.batch(context.WithoutCancel(ctx))
	}
	return <-mine.done
}

// batch commits what is queued, and has somebody go on with what came since.
func (c *commits) batch(ctx context.Context) {
	c.mu.Lock()
	batch := c.queue
	c.queue = nil
	c.mu.Unlock()
	err := c.j.Update(ctx, func(tx *journal.Tx) error {
		for _, m := range batch {
			if err := m.write(tx); err != nil {
				return err
			}
		}
		return nil
	})
	for _, m := range batch {
		if err != nil && len(batch) > 1 { // one of them is to blame: each on its own
			m.done <- c.j.Update(ctx, m.write)
			continue
		}
		m.done <- err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.queue) == 0 {
		c.busy = false
		return
	}
	go c.batch(ctx)
}
