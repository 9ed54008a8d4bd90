package syscalls

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/google/uuid"

	"matrixos/kernel"
	"matrixos/sys"
)

// memories is the folder of what the owner asked to remember.
const memories sys.Path = "agents/memory"

const categories = `"category":{"type":"string","enum":["preference","fact","context","instruction"]}`

// memoryLine shows a memory with where it comes from, and what speaks against it.
func memoryLine(m kernel.Memory) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s  [%s, %s]  %s", m.ID, m.Category, m.Date, strings.ReplaceAll(m.Text, "\n", " "))
	var from []string
	if m.By != "" {
		from = append(from, fmt.Sprintf("by %s %s in %s", m.By, m.Time.Format("2006-01-02 15:04"), m.Landing))
	}
	if m.Conversation != "" {
		from = append(from, "conversation "+string(m.Conversation))
	}
	if m.Label.Integrity == sys.Untrusted {
		from = append(from, "UNTRUSTED: it was written by somebody who had read text from outside")
	}
	if len(m.Against) > 0 {
		from = append(from, "SAYS OTHERWISE: "+strings.Join(m.Against, ", "))
	}
	if len(from) > 0 {
		fmt.Fprintf(&b, "\n    (%s)", strings.Join(from, "; "))
	}
	return b.String()
}

func memoryList(all []kernel.Memory, none string) string {
	if len(all) == 0 {
		return none
	}
	lines := make([]string, len(all))
	for i, m := range all {
		lines[i] = memoryLine(m)
	}
	return strings.Join(lines, "\n")
}

type rememberIn struct {
	Content  string `json:"content"`
	Category string `json:"category"`
}

func remember() kernel.Syscall {
	return define("remember", false, []string{"content"}, `
		"content":{"type":"string","minLength":1,"maxLength":20000},`+categories,
		func(rememberIn) string { return "Remembering" },
		func(ctx context.Context, c *kernel.Call, in rememberIn) (string, error) {
			m := kernel.NewMemory(uuid.NewString()[:8], cmp.Or(in.Category, "fact"), in.Content, c.State().Now)
			if m.Text == "" {
				return "", &sys.Error{Op: "remember", Kind: sys.Invalid, Err: errors.New("there is nothing in it"), Hint: "say in content what to remember"}
			}
			p, root, err := target(ctx, c, string(memories)+"/"+m.ID+".md")
			if err != nil {
				return "", err
			}
			defer root.Close()
			if err := put(root, p, m.File()); err != nil {
				return "", err
			}
			said := "Remembered as " + m.ID + ": " + m.Text
			against, err := c.Contradicted(ctx, m)
			if err != nil || len(against) == 0 {
				return said, err
			}
			return said + "\nSomething else was remembered about this. If the new one replaces it, forget the old one; if you cannot tell, ask:\n" + memoryList(against, ""), nil
		})
}

type recallIn struct {
	Query    string `json:"query"`
	Limit    int    `json:"limit"`
	Category string `json:"category"`
}

func recall() kernel.Syscall {
	return define("recall", true, []string{"query"}, `
		"query":{"type":"string","minLength":1},
		"limit":{"type":"integer","minimum":1,"maximum":50},`+categories,
		func(in recallIn) string { return "Recalling " + code(in.Query) },
		func(ctx context.Context, c *kernel.Call, in recallIn) (string, error) {
			list, err := c.Memories(ctx, kernel.MemoryQuery{Text: in.Query, Category: in.Category, Limit: cmp.Or(in.Limit, 10)})
			return memoryList(list, "Nothing is remembered about that."), err
		})
}

type forgetIn struct {
	ID string `json:"id"`
}

func forget() kernel.Syscall {
	return define("forget", false, []string{"id"}, `"id":{"type":"string","pattern":"^[a-zA-Z0-9_-]+$"}`,
		func(forgetIn) string { return "Forgetting" },
		func(ctx context.Context, c *kernel.Call, in forgetIn) (string, error) {
			all, err := c.Memories(ctx, kernel.MemoryQuery{})
			if err != nil {
				return "", err
			}
			i := slices.IndexFunc(all, func(m kernel.Memory) bool { return m.ID == in.ID })
			if i < 0 {
				return "", &sys.Error{Op: "forget", Path: in.ID, Kind: sys.NotFound, Hint: "list_memories shows the ids"}
			}
			m := all[i]
			p, root, err := target(ctx, c, string(m.Path()))
			if err != nil {
				return "", err
			}
			defer root.Close()
			if err := root.Remove(string(p)); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return "", err
			}
			if err := c.Forget(ctx, m); err != nil {
				return "", err
			}
			return "Forgot " + m.ID + ". When this lands, its words are gone from memory, from search and from the journal. " + kernel.StillHeld(m), nil
		})
}

type listIn struct {
	Category string `json:"category"`
}

func listMemories() kernel.Syscall {
	return define("list_memories", true, nil, categories,
		func(listIn) string { return "Looking at what is remembered" },
		func(ctx context.Context, c *kernel.Call, in listIn) (string, error) {
			list, err := c.Memories(ctx, kernel.MemoryQuery{Category: in.Category})
			return memoryList(list, "Nothing is remembered yet."), err
		})
}

type memorySearchIn struct {
	Query string `json:"query"`
	Limit int    `json:"limit"`
}

func memorySearch() kernel.Syscall {
	return define("memory_search", true, []string{"query"}, `
		"query":{"type":"string","minLength":1},
		"limit":{"type":"integer","minimum":1,"maximum":50}`,
		func(in memorySearchIn) string { return "Looking for " + code(in.Query) },
		func(ctx context.Context, c *kernel.Call, in memorySearchIn) (string, error) {
			limit := cmp.Or(in.Limit, 10)
			list, err := c.Memories(ctx, kernel.MemoryQuery{Text: in.Query, Limit: limit})
			if err != nil {
				return "", err
			}
			turns, err := c.SearchTalks(ctx, in.Query, limit)
			if err != nil {
				return "", err
			}
			return "Remembered:\n" + memoryList(list, "Nothing.") + "\n\nSaid in conversations:\n" + turnList(turns, "Nothing."), nil
		})
}
