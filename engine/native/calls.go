package native

import (
	"context"
	"fmt"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	"matrixos/engine"
	"matrixos/model"
)

// parallel is how many read-only calls run at once.
const parallel = 8

// What a result may hold. The Host spills longer ones to a file and says where;
// this is the last resort, so that one result cannot fill the window.
const (
	maxLines = 2000
	maxBytes = 50 << 10
)

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
		if complaint := t.faulty(batch[i], rep.Stop); complaint != "" {
			results[i] = failed(batch[i], complaint)
			bad++
			i++
			continue
		}
		j := i + 1
		for t.readOnly[batch[i].Name] && j < len(batch) && t.readOnly[batch[j].Name] && t.faulty(batch[j], rep.Stop) == "" {
			j++
		}
		together(i, j, run)
		i = j
	}
	lost, err := t.guard.step(batch, results, bad)
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

// faulty says what is wrong with a call that cannot be run, or "".
func (t *turn) faulty(b model.Block, stop model.Stop) string {
	text, malformed := model.Malformed(b.Input)
	switch {
	case !t.known(b.Name):
		names := make([]string, 0, len(t.tools))
		for _, tool := range t.tools {
			names = append(names, tool.Name)
		}
		slices.Sort(names)
		return fmt.Sprintf("error: there is no tool %q; there are: %s", b.Name, strings.Join(names, ", "))
	case malformed && stop == model.StopMax:
		return "error: your reply was cut off at the output limit before this call was complete; it was not run. Write less in one call."
	case malformed:
		return fmt.Sprintf("error: the arguments of %s are not a JSON object; it was not run. You wrote: %s", b.Name, head(text, 300))
	}
	return ""
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
	return model.Block{Kind: model.ToolResult, ID: b.ID, Name: b.Name, Text: bounded(r), IsError: r.Failed}
}

func failed(b model.Block, text string) model.Block {
	return model.Block{Kind: model.ToolResult, ID: b.ID, Name: b.Name, Text: text, IsError: true}
}

// bounded cuts a result that is too long, between two lines where it can.
func bounded(r engine.Result) string {
	text := strings.ToValidUTF8(r.Text, "\uFFFD")
	cut := head(text, maxBytes)
	if lines := strings.SplitAfterN(cut, "\n", maxLines+1); len(lines) > maxLines {
		cut = strings.Join(lines[:maxLines], "")
	}
	if len(cut) == len(text) {
		return text
	}
	if i := strings.LastIndexByte(cut, '\n'); i > len(cut)/2 {
		cut = cut[:i+1]
	}
	rest := text[len(cut):]
	return fmt.Sprintf("%s\n[cut here: %d more bytes in %d lines; ask for a smaller part]",
		cut, len(rest), strings.Count(rest, "\n")+1)
}

// head is the beginning of s, at most n bytes of whole characters.
func head(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}
