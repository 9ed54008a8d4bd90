package talk

import (
	"context"
	"encoding/json"
	"errors"

	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/pushrules"

	"matrixos/journal"
)

// Muter is a Handler that hears of which rooms the account wants no notices: all of them
// at once, whichever client has said so, in the transaction that keeps the position.
type Muter interface {
	Muted(ctx context.Context, tx *journal.Tx, rooms []string) error
}

// Mute has the account's server and clients give no notices of what is said in a room,
// or again. It is the rule that other clients make for the same wish.
func (c *Client) Mute(ctx context.Context, room string, on bool) error {
	if !on {
		err := c.api.DeletePushRule(ctx, "global", pushrules.OverrideRule, room)
		if errors.Is(err, mautrix.MNotFound) {
			return nil
		}
		return said("unmute", room, err)
	}
	return said("mute", room, c.api.PutPushRule(ctx, "global", pushrules.OverrideRule, room, &mautrix.ReqPutPushRule{
		Actions:    []*pushrules.PushAction{},
		Conditions: []*pushrules.PushCondition{{Kind: pushrules.KindEventMatch, Key: "room_id", Pattern: room}},
	}))
}

// muted tells of muted rooms, if an answer has the rules and somebody wants to hear it.
func (c *Client) muted(ctx context.Context, tx *journal.Tx, resp *mautrix.RespSync) error {
	m, ok := c.o.Handler.(Muter)
	if !ok {
		return nil
	}
	for _, e := range resp.AccountData.Events {
		if e.Type.Type != event.AccountDataPushRules.Type {
			continue
		}
		if err := m.Muted(ctx, tx, mutedBy(contentOf(e))); err != nil {
			return err
		}
	}
	return nil
}

// mutedBy lists the rooms that rules of an account mute: those of which a rule of its
// own, before all others, asks for nothing.
func mutedBy(content json.RawMessage) (out []string) {
	var rules struct {
		Global struct {
			Override []struct {
				Default, Enabled bool
				Actions          []any
				Conditions       []struct{ Kind, Key, Pattern string }
			}
		}
	}
	if json.Unmarshal(content, &rules) != nil {
		return nil
	}
	for _, r := range rules.Global.Override {
		quiet := len(r.Actions) == 0 || len(r.Actions) == 1 && r.Actions[0] == "dont_notify"
		if r.Enabled && !r.Default && quiet && len(r.Conditions) == 1 && r.Conditions[0].Kind == "event_match" && r.Conditions[0].Key == "room_id" {
			out = append(out, r.Conditions[0].Pattern)
		}
	}
	return out
}
