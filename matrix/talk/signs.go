package talk

import (
	"context"
	"slices"

	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/event"

	"matrixos/sys"
)

// Sign is something that is not kept: somebody types, has read, or came or went.
type Sign struct {
	Room    string
	Typing  []sys.Handle          // who types now, if Read is nil and nobody came or went
	Read    map[sys.Handle]string // the newest event that somebody has read
	Members bool                  // who is in the room, or invited, is not what it was
}

// signs tells of what is not kept.
func (c *Client) signs(ctx context.Context, resp *mautrix.RespSync) {
	for room, joined := range resp.Rooms.Join {
		if slices.ContainsFunc(joined.Timeline.Events, func(e *event.Event) bool { return e.Type.Type == event.StateMember.Type && e.StateKey != nil }) {
			c.o.Handler.Seen(ctx, Sign{Room: string(room), Members: true})
		}
		for _, e := range joined.Ephemeral.Events {
			s := Sign{Room: string(room)}
			switch content := e.Content.Parsed.(type) {
			case *event.TypingEventContent:
				for _, u := range content.UserIDs {
					s.Typing = append(s.Typing, sys.Handle(u))
				}
			case *event.ReceiptEventContent:
				s.Read = map[sys.Handle]string{}
				for at, kinds := range *content {
					for who := range kinds[event.ReceiptTypeRead] {
						s.Read[sys.Handle(who)] = string(at)
					}
				}
			default:
				continue
			}
			c.o.Handler.Seen(ctx, s)
		}
	}
}
