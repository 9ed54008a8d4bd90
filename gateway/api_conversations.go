package gateway

import (
	"context"
	"net/http"
	"time"

	"matrixos/journal"
	"matrixos/sys"
)

// ConversationInfo is one conversation in a list.
type ConversationInfo struct {
	ID       sys.Conversation `json:"id"`
	Title    string           `json:"title"`
	Updated  time.Time        `json:"updated"`
	Messages int              `json:"messages"`
}

// ConversationEvents is a conversation's past, to be shown again.
type ConversationEvents struct {
	ID     sys.Conversation `json:"id"`
	Events []sys.Event      `json:"events" nullable:"false"`
}

// conversationEventsMax bounds one answer; the newest are kept.
const conversationEventsMax = 5000

func (g *Gateway) conversationAPI() {
	register(g, http.MethodGet, "/api/conversations", "list-conversations", "All conversations, newest first", func(ctx context.Context, _ *struct{}) (*reply[[]ConversationInfo], error) {
		all, err := g.o.Kernel.Conversations(ctx)
		if err != nil {
			return nil, err
		}
		list := []ConversationInfo{}
		for _, s := range all {
			list = append(list, ConversationInfo(s))
		}
		return &reply[[]ConversationInfo]{list}, nil
	})
	register(g, http.MethodGet, "/api/conversations/{id}", "get-conversation", "What happened in a conversation", func(ctx context.Context, in *struct {
		ID sys.Conversation `path:"id" maxLength:"200"`
	}) (*reply[ConversationEvents], error,
	) {
		list, err := g.conversation(ctx, in.ID)
		if err != nil {
			return nil, err
		}
		return &reply[ConversationEvents]{ConversationEvents{in.ID, list}}, nil
	})
	register(g, http.MethodPost, "/api/conversations/{id}/fork", "fork-conversation", "Begin a new conversation with the past of another", func(ctx context.Context, in *struct {
		ID   sys.Conversation `path:"id" maxLength:"200"`
		Body struct {
			At string `json:"at,omitempty" maxLength:"64" doc:"The last entry to take along; all of them if absent"`
		}
	}) (*reply[Forked], error,
	) {
		id, err := g.o.Kernel.Fork(ctx, in.ID, in.Body.At)
		return &reply[Forked]{Forked{id}}, err
	})
}

// Forked names a new conversation.
type Forked struct {
	ID sys.Conversation `json:"id"`
}

// conversation returns the durable events of one conversation in order.
func (g *Gateway) conversation(ctx context.Context, id sys.Conversation) ([]sys.Event, error) {
	rows, err := g.journal.Query(ctx, `SELECT seq, time, kind, pid, conversation, request, data FROM
		(SELECT * FROM event WHERE conversation = ? ORDER BY seq DESC LIMIT ?) ORDER BY seq`, string(id), conversationEventsMax)
	if err != nil {
		return nil, err
	}
	list, err := journal.Scan(rows)
	if err != nil {
		return nil, err
	}
	if len(list) == 0 {
		return nil, &sys.Error{Op: "read conversation", Path: string(id), Kind: sys.NotFound, Hint: "the list is at /api/conversations"}
	}
	return readable(list), nil
}
