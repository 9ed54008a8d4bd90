package talk

import (
	"context"
	"errors"

	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/id"

	"matrixos/sys"
)

// ignoredList is where an account says whose events its clients leave out.
const ignoredList = "m.ignored_user_list"

// Ignore has the account's server and clients leave out what somebody says, or no longer.
func (c *Client) Ignore(ctx context.Context, who sys.Handle, on bool) error {
	list := map[string]any{}
	if err := c.api.GetAccountData(ctx, ignoredList, &list); err != nil && !errors.Is(err, mautrix.MNotFound) {
		return said("ignore", string(who), err)
	}
	ignored, ok := list["ignored_users"].(map[string]any)
	if !ok {
		ignored = map[string]any{}
	}
	if _, was := ignored[string(who)]; was == on {
		return nil
	}
	if delete(ignored, string(who)); on {
		ignored[string(who)] = map[string]any{}
	}
	list["ignored_users"] = ignored
	return said("ignore", string(who), c.api.SetAccountData(ctx, ignoredList, list))
}

// Event reads one event of a room. What cannot be decrypted says so by its Kind.
func (c *Client) Event(ctx context.Context, room, event string) (Message, error) {
	e, err := c.api.GetEvent(ctx, id.RoomID(room), id.EventID(event))
	if err != nil {
		return Message{}, said("read", event, err)
	}
	e.RoomID = id.RoomID(room)
	plain, err := c.open(ctx, e)
	if err != nil || plain == nil {
		m := c.message(e)
		m.Kind = "unreadable"
		return m, nil //nolint:nilerr // the Kind says it
	}
	return c.message(plain), nil
}

// Report tells the account's server that something in a room ought not to be there.
func (c *Client) Report(ctx context.Context, room, event, reason string) error {
	return said("report", event, c.api.ReportEvent(ctx, id.RoomID(room), id.EventID(event), reason))
}
