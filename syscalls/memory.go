package syscalls

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"unicode"

	"github.com/google/uuid"

	"matrixos/kernel"
	"matrixos/sys"
)

// memories is the folder of what the owner asked to remember: one markdown file
// each, its first line "category · date", then the words.
const memories sys.Path = "agents/memory"

type memory struct {
	ID       string
	Category string
	Date     string
	Text     string
}

func (m memory) String() string {
	return fmt.Sprintf("%s  [%s, %s]  %s", m.ID, m.Category, m.Date, strings.ReplaceAll(m.Text, "\n", " "))
}

type rememberIn struct {
	Content  string `json:"content"`
	Category string `json:"category"`
}

func remember() kernel.Syscall {
	return define("remember", false, []string{"content"}, `
		"content":{"type":"string","minLength":1},
		"category":{"type":"string","enum":["preference","fact","context","instruction"]}`,
		func(rememberIn) string { return "Remembering" },
		func(ctx context.Context, c *kernel.Call, in rememberIn) (string, error) {
			m := memory{ID: uuid.NewString()[:8], Category: cmp.Or(in.Category, "fact"), Date: c.State().Now.Format("2006-01-02"), Text: strings.TrimSpace(in.Content)}
			p, root, err := target(ctx, c, string(memories)+"/"+m.ID+".md")
			if err != nil {
				return "", err
			}
			defer root.Close()
			if err := put(root, p, fmt.Appendf(nil, "%s · %s\n\n%s\n", m.Category, m.Date, m.Text)); err != nil {
				return "", err
			}
			return "Remembered as " + m.ID + ": " + m.Text, nil
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
		"limit":{"type":"integer","minimum":1,"maximum":50},
		"category":{"type":"string","enum":["preference","fact","context","instruction"]}`,
		func(in recallIn) string { return "Recalling " + code(in.Query) },
		func(ctx context.Context, c *kernel.Call, in recallIn) (string, error) {
			all, err := readMemories(ctx, c, in.Category)
			if err != nil {
				return "", err
			}
			want := words(in.Query)
			score := map[string]int{}
			for _, m := range all {
				have := words(m.Text)
				for w := range want {
					if have[w] {
						score[m.ID]++
					}
				}
			}
			all = slices.DeleteFunc(all, func(m memory) bool { return score[m.ID] == 0 })
			slices.SortStableFunc(all, func(a, b memory) int { return cmp.Compare(score[b.ID], score[a.ID]) })
			if limit := cmp.Or(in.Limit, 10); len(all) > limit {
				all = all[:limit]
			}
			return memoryList(all, "Nothing is remembered about that."), nil
		})
}

// words is the set of words of s, folded, without their plural s.
func words(s string) map[string]bool {
	out := map[string]bool{}
	for w := range strings.FieldsFuncSeq(strings.ToLower(s), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
		if len(w) > 2 {
			out[strings.TrimSuffix(w, "s")] = true
		}
	}
	return out
}

type forgetIn struct {
	ID string `json:"id"`
}

func forget() kernel.Syscall {
	return define("forget", false, []string{"id"}, `"id":{"type":"string","pattern":"^[a-zA-Z0-9_-]+$"}`,
		func(forgetIn) string { return "Forgetting" },
		func(ctx context.Context, c *kernel.Call, in forgetIn) (string, error) {
			p, root, err := target(ctx, c, string(memories)+"/"+in.ID+".md")
			if err != nil {
				return "", err
			}
			defer root.Close()
			if err := root.Remove(string(p)); err != nil {
				if errors.Is(err, fs.ErrNotExist) {
					return "", &sys.Error{Op: "forget", Path: in.ID, Kind: sys.NotFound, Hint: "list_memories shows the ids"}
				}
				return "", err
			}
			return "Forgot " + in.ID + ".", nil
		})
}

type listIn struct {
	Category string `json:"category"`
}

func listMemories() kernel.Syscall {
	return define("list_memories", true, nil, `"category":{"type":"string","enum":["preference","fact","context","instruction"]}`,
		func(listIn) string { return "Looking at what is remembered" },
		func(ctx context.Context, c *kernel.Call, in listIn) (string, error) {
			all, err := readMemories(ctx, c, in.Category)
			return memoryList(all, "Nothing is remembered yet."), err
		})
}

func readMemories(ctx context.Context, c *kernel.Call, category string) ([]memory, error) {
	tree, err := c.Tree(ctx)
	if err != nil {
		return nil, err
	}
	files, err := fs.Glob(tree, string(memories)+"/*.md")
	if err != nil {
		return nil, err
	}
	var out []memory
	for _, f := range files {
		text, err := fs.ReadFile(tree, f)
		if err != nil {
			return nil, err
		}
		head, body, _ := strings.Cut(string(text), "\n")
		m := memory{ID: strings.TrimSuffix(path.Base(f), ".md"), Text: strings.TrimSpace(body)}
		m.Category, m.Date, _ = strings.Cut(head, " · ")
		if category == "" || m.Category == category {
			out = append(out, m)
		}
	}
	slices.SortStableFunc(out, func(a, b memory) int { return cmp.Compare(b.Date, a.Date) })
	return out, nil
}

func memoryList(all []memory, none string) string {
	if len(all) == 0 {
		return none
	}
	lines := make([]string, len(all))
	for i, m := range all {
		lines[i] = m.String()
	}
	return strings.Join(lines, "\n")
}
