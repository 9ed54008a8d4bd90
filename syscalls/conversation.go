package syscalls

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	"matrixos/kernel"
)

type searchTalksIn struct {
	Query string `json:"query"`
	Limit int    `json:"limit"`
}

func searchConversations() kernel.Syscall {
	return define("search_conversations", true, []string{"query"}, `
		"query":{"type":"string","minLength":1},
		"limit":{"type":"integer","minimum":1,"maximum":50}`,
		func(in searchTalksIn) string { return "Looking for " + code(in.Query) + " in conversations" },
		func(ctx context.Context, c *kernel.Call, in searchTalksIn) (string, error) {
			turns, err := c.SearchTalks(ctx, in.Query, cmp.Or(in.Limit, 10))
			return turnList(turns, "Nothing was said about that."), err
		})
}

func turnList(turns []kernel.Turn, none string) string {
	if len(turns) == 0 {
		return none
	}
	var b strings.Builder
	for _, t := range turns {
		where := "entry " + t.Entry
		if t.Role == "summary" {
			where = fmt.Sprintf("summary of entries %s to %s", t.From, t.To)
		}
		fmt.Fprintf(&b, "%s  %s, %s, %s (“%s”)\n    %s\n", t.Conversation, t.Time.Format("2006-01-02 15:04"), t.Role, where, t.Title, t.Excerpt)
	}
	return strings.TrimSuffix(b.String(), "\n")
}

type newTalkIn struct {
	Channel string `json:"channel"`
}

func newConversation() kernel.Syscall {
	return define("new_conversation", false, nil, `"channel":{"type":"string","enum":["desktop","cli"]}`,
		func(newTalkIn) string { return "Beginning a new conversation" },
		func(ctx context.Context, c *kernel.Call, in newTalkIn) (string, error) {
			c.Shows()
			id, err := c.NewTalk(ctx)
			if err != nil {
				return "", err
			}
			if in.Channel == "desktop" {
				return fmt.Sprintf("New conversation %s. The owner begins one with “New” in the chat; this one ends with your answer.", id), nil
			}
			return fmt.Sprintf("New conversation %s. The owner goes on there with: matrixos ask --conversation %s \"…\"", id, id), nil
		})
}
