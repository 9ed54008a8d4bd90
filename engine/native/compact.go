package native

import (
	"context"
	_ "embed" // what a model is told to write
	"errors"
	"fmt"
	"strings"

	"matrixos/engine"
	"matrixos/model"
	"matrixos/sys"
)

//go:embed summary.md
var sumUp string

const (
	summaryTokens = 4000     // that a model may write
	summaryBytes  = 32 << 10 // that are kept of it
)

// Short is a conversation in its shorter form.
type Short struct {
	Messages []model.Message // none if there was nothing to shorten
	Cost     sys.Cost        // of the summary, which the Host has accounted for
}

// Shorten sums up the older part of o.History, as a turn does with a
// conversation that grows too long, and makes the shorter form durable. It is for
// engines whose loop is elsewhere.
func (e *Engine) Shorten(ctx context.Context, h engine.Host, o engine.Options) (Short, error) {
	s, err := e.open(h, o)
	if err != nil {
		return Short{}, err
	}
	t := &turn{session: s, emit: func(engine.Event) {}, out: &engine.Outcome{}}
	done, err := t.compact(ctx)
	if !done || err != nil {
		return Short{Cost: t.out.Cost}, err
	}
	return Short{Messages: t.msgs, Cost: t.out.Cost}, nil
}

// compact replaces all but the newest messages by a summary, and reports
// whether there was anything to replace. The owner's rules go along word for
// word, whatever the model remembers; without a model that can sum up, a list
// of what was said and done takes the summary's place.
func (t *turn) compact(ctx context.Context) (bool, error) {
	i := t.cut()
	if i <= 0 {
		return false, nil
	}
	text, by := "", "model"
	if t.broken == nil {
		var err error
		if text, err = t.summary(ctx, i); err != nil {
			if !mendable(ctx, err) {
				return false, err
			}
			t.broken = err
			t.logger.WarnContext(ctx, "a conversation could not be summed up; it is cut instead", "error", err)
		}
	}
	if text == "" {
		text, by = digest(t.msgs[:i]), "cut"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "<summary messages=\"%d\" by=%q>\n%s\n</summary>", i, by, strings.TrimSpace(harmless(text)))
	if first := firstWords(t.msgs[:i]); first != "" {
		b.WriteString("\n<first-words-of-the-owner>\n" + first + "\n</first-words-of-the-owner>")
	}
	if s := sheet(t.rules); s != "" {
		b.WriteString("\n" + s)
	}
	msgs := append([]model.Message{{Role: model.User, Blocks: []model.Block{{Kind: model.Text, Text: b.String()}}}}, t.msgs[i:]...)
	if err := t.host.Compact(context.WithoutCancel(ctx), engine.Compaction{Messages: msgs, By: by}); err != nil {
		return false, err
	}
	t.msgs, t.prev, t.used, t.counted = msgs, -1, 0, 0
	return true, nil
}

// mendable tells whether one can go on without the summary.
func mendable(ctx context.Context, err error) bool {
	k := sys.KindOf(err)
	return ctx.Err() == nil && k != sys.OverBudget && k != sys.Canceled
}

// cut is where the part that stays begins: a message that needs none before it.
func (t *turn) cut() int {
	keep, at := t.keep(), 0
	for i := len(t.msgs) - 1; i > 0; i-- {
		keep -= tokens(t.msgs[i : i+1])
		if keep < 0 && at > 0 {
			break
		}
		if !answers(t.msgs[i]) {
			at = i
		}
	}
	return at
}

// answers tells whether m holds results, which need the calls before them.
func answers(m model.Message) bool {
	for _, b := range m.Blocks {
		if b.Kind == model.ToolResult {
			return true
		}
	}
	return false
}

var errNoSummary = errors.New("the model gave no summary")

// summary lets the model sum up the first n messages.
func (t *turn) summary(ctx context.Context, n int) (string, error) {
	msgs := append([]model.Message(nil), t.msgs[:n]...)
	ask := model.Block{Kind: model.Text, Text: strings.TrimSpace(sumUp)}
	if last := msgs[n-1]; last.Role == model.User {
		last.Blocks = append(append([]model.Block(nil), last.Blocks...), ask)
		msgs[n-1] = last
	} else {
		if calls(last) {
			return "", errNoSummary // its results are on the other side of the cut
		}
		msgs = append(msgs, model.Message{Role: model.User, Blocks: []model.Block{ask}})
	}
	rep, err := t.request(ctx, &model.Request{Messages: msgs, Previous: -1, MaxTokens: summaryTokens}, func(model.Delta) {})
	if err != nil {
		return "", err
	}
	t.host.Spent(context.WithoutCancel(ctx), rep.Cost)
	text := engine.Says(rep.Message)
	if text == "" || rep.Stop == model.StopRefusal || rep.Stop == model.StopOverflow {
		return "", errNoSummary
	}
	return engine.Head(text, summaryBytes), nil
}

// firstWords is what the owner said first, which a summary must not bend.
func firstWords(msgs []model.Message) string {
	for _, m := range msgs {
		if m.Role != model.User {
			continue
		}
		for _, b := range m.Blocks {
			if b.Kind != model.Text || strings.HasPrefix(b.Text, "<state>") {
				continue
			}
			if _, rest, ok := strings.Cut(b.Text, "<first-words-of-the-owner>\n"); ok {
				words, _, _ := strings.Cut(rest, "\n</first-words-of-the-owner>")
				return words
			}
			words := engine.Head(b.Text, 2000)
			if line := strings.LastIndexByte(words, '\n'); line > 0 && len(words) < len(b.Text) {
				words = words[:line] // half a line might be half a rule
			}
			return words
		}
	}
	return ""
}

// digest lists what was said and done, for want of a summary.
func digest(msgs []model.Message) string {
	const most = 80
	var lines []string
	for _, m := range msgs {
		for _, b := range m.Blocks {
			switch {
			case b.Kind == model.ToolUse:
				lines = append(lines, "- called "+b.Name+" "+oneLine(string(b.Input)))
			case b.Kind == model.Text && m.Role == model.Assistant:
				lines = append(lines, "- you said: "+oneLine(b.Text))
			case b.Kind == model.Text && !strings.HasPrefix(b.Text, "<"):
				lines = append(lines, "- the owner said: "+oneLine(b.Text))
			}
		}
	}
	left := max(0, len(lines)-most)
	out := "No model could sum this up. What was said and done, the newest last:\n"
	if left > 0 {
		out += fmt.Sprintf("(%d earlier lines are left out; the conversation's file in system/conversations has them all)\n", left)
	}
	return out + strings.Join(lines[left:], "\n")
}

func oneLine(s string) string { return engine.Head(strings.Join(strings.Fields(s), " "), 160) }
