package test

import (
	"testing"

	"matrixos/client"
)

// promptMost is what the system itself may take of a model's window: 3 % of
// 400,000 tokens.
const promptMost = 12_000

// TestThePromptIsShort holds the main agent's system prompt and tools to their
// budget, by section.
func TestThePromptIsShort(t *testing.T) {
	w := NewWorld(t)
	var p client.Prompt
	w.Do("prompt", "--json").JSON(t, &p)
	sum := 0
	for _, part := range append(p.Sections, p.Tools...) {
		t.Logf("%6d  %s", part.Tokens, part.Name)
		sum += part.Tokens
		if part.Text == "" || part.Tokens == 0 {
			t.Errorf("%s is empty", part.Name)
		}
	}
	if sum != p.Tokens || p.Tokens > promptMost || len(p.Tools) < 10 {
		t.Errorf("%d tokens in %d sections and %d tools, which add up to %d; at most %d", p.Tokens, len(p.Sections), len(p.Tools), sum, promptMost)
	}
	w.Run("prompt", "nobody").says(t, 1, "agents/")
}
