package native

import (
	"context"
	"fmt"
	"runtime/debug"
	"sync"

	"matrixos/engine"
	"matrixos/model"
)

// parallel is how many read-only calls run at once.
const parallel = 8

// runAll runs the calls of a reply in order: neighbours that only read run
// together, every other one alone. There is a result for each call, in the same
// order. An error says that the turn is not worth going on with.
func (t *turn) runAll(ctx context.Context, rep *model.Reply) ([]model.Block, error) {
	var batch []model.Block
	for _, b := range rep.Message.Blocks {
		if b.Kind == model.ToolUse {
			batch = append(batch, b)
		}
	}
	results := make([]model.Block, len(batch))
	bad := 0
	run := func(i int) { results[i] = t.call(ctx, batch[i]) }
	for i := 0; i < len(batch); {
		if complaint := engine.Faulty(t.tools, batch[i], rep.Stop); complaint != "" {
			results[i] = failed(batch[i], complaint)
			bad++
			i++
			continue
		}
		j := i + 1
		for t.readOnly[batch[i].Name] && j < len(batch) && t.readOnly[batch[j].Name] && engine.Faulty(t.tools, batch[j], rep.Stop) == "" {
			j++
		}
		together(i, j, run)
		i = j
	}
	lost, err := t.guard.Step(batch, results, bad)
	t.out.Lost = lost
	return results, err
}

// together calls run for every index from i to j, a few at a time.
func together(i, j int, run func(int)) {
	if j == i+1 {
		run(i)
		return
	}
	var wg sync.WaitGroup
	slots := make(chan struct{}, parallel)
	for k := i; k < j; k++ {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			run(k)
		})
	}
	wg.Wait()
}

// call runs one call. Whatever goes wrong is its result.
func (t *turn) call(ctx context.Context, b model.Block) (out model.Block) {
	if ctx.Err() != nil {
		return failed(b, "error: stopped before it ran")
	}
	defer func() {
		if p := recover(); p != nil {
			t.logger.ErrorContext(ctx, "a tool panicked", "tool", b.Name, "panic", p, "stack", string(debug.Stack()))
			out = failed(b, fmt.Sprintf("error: %s failed inside: %v", b.Name, p))
		}
	}()
	r := t.host.Call(ctx, b.ID, b.Name, b.Input)
	return model.Block{Kind: model.ToolResult, ID: b.ID, Name: b.Name, Text: engine.Bounded(r), IsError: r.Failed}
}

func failed(b model.Block, text string) model.Block {
	return model.Block{Kind: model.ToolResult, ID: b.ID, Name: b.Name, Text: text, IsError: true}
}
