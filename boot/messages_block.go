package boot

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/tidwall/sjson"

	"matrixos/disk"
	"matrixos/gateway"
	"matrixos/matrix"
	"matrixos/matrix/door"
	"matrixos/sys"
)

var _ gateway.Moderation = (*social)(nil)

// reportsFolder is where what the owner has reported is kept.
const reportsFolder sys.Path = "system/reports"

// hides says whose words the owner does not want to see, as the contacts are now. A
// file that cannot be read hides nobody: the door lets nobody in then.
func (m *messenger) hides() func(sys.Handle) bool {
	c, _, err := m.files()
	if err != nil {
		return func(sys.Handle) bool { return false }
	}
	owner := m.owner()
	return func(who sys.Handle) bool {
		person := matrix.Person(who)
		return person != owner && (c.Blocks(who) || c.Blocks(person))
	}
}

// contactsText is the owner's file of contacts as it is.
func contactsText(home fs.FS) ([]byte, error) {
	text, err := fs.ReadFile(home, string(door.ContactsFile))
	if errors.Is(err, fs.ErrNotExist) || err == nil && len(strings.TrimSpace(string(text))) == 0 {
		return []byte("{}\n"), nil
	}
	return text, err
}

// Blocked implements gateway.Moderation.
func (s *social) Blocked(context.Context) ([]string, error) {
	m := s.at.Load()
	if m == nil {
		return nil, &sys.Error{Op: "list who is blocked", Kind: sys.Unavailable, Err: errors.New("this is safe mode")}
	}
	c, _, err := m.files()
	return c.Blocked, err
}

// Block implements gateway.Moderation. The file decides; the homeserver is told too, so
// that other clients of the owner hide them as well.
func (s *social) Block(ctx context.Context, who string, blocked bool) error {
	m := s.at.Load()
	if m == nil {
		return &sys.Error{Op: "block", Path: who, Kind: sys.Unavailable, Err: errors.New("this is safe mode")}
	}
	owner := m.owner()
	if both := (door.Contacts{Blocked: []string{who}}); both.Blocks(owner) || both.Blocks(matrix.AI(owner)) {
		return &sys.Error{Op: "block", Path: who, Kind: sys.Invalid, Err: errors.New("that is you, or your AI")}
	}
	l, err := m.disk.Edit(ctx, []sys.Path{door.ContactsFile}, func(home *disk.View) (disk.Write, error) { return blocking(home, who, blocked) })
	if err != nil || l.ID == 0 {
		return err
	}
	if err := m.ready(ctx); err != nil {
		m.log.WarnContext(ctx, "the homeserver does not know yet who is blocked", "error", err)
		return nil
	}
	if err := m.shutOut(ctx, who, blocked); err != nil {
		m.log.WarnContext(ctx, "somebody who is blocked could not be shut out of a feed", "error", err)
	}
	if _, err := matrix.ParseUser(who); err != nil {
		return nil //nolint:nilerr // a pattern, which homeservers do not know
	}
	for _, one := range []sys.Handle{sys.Handle(who), matrix.AI(sys.Handle(who))} {
		err := m.own.Ignore(ctx, one, blocked)
		if m.ai != nil {
			err = cmp.Or(err, m.ai.Ignore(ctx, one, blocked))
		}
		if err != nil {
			m.log.WarnContext(ctx, "the homeserver does not know who is blocked", "error", err)
		}
	}
	return nil
}

// blocking is the file of contacts with somebody blocked, or not any more.
func blocking(home fs.FS, who string, blocked bool) (disk.Write, error) {
	text, err := contactsText(home)
	if err != nil {
		return disk.Write{}, err
	}
	c, err := door.ParseContacts(text)
	if err != nil {
		return disk.Write{}, err
	}
	list, title := slices.DeleteFunc(slices.Clone(c.Blocked), func(b string) bool { return b == who }), "Unblocked "+who
	if blocked {
		list, title = append(list, who), "Blocked "+who
	}
	if slices.Equal(list, c.Blocked) {
		return disk.Write{}, nil
	}
	if text, err = sjson.SetBytes(text, "blocked", list); err != nil {
		return disk.Write{}, err
	}
	_, err = door.ParseContacts(text)
	return disk.Write{Files: map[sys.Path][]byte{door.ContactsFile: text}, Kind: sys.ByOwner, Title: title}, err
}

// reported is a file of reportsFolder.
type reported struct {
	Room   string                `json:"room"`
	Reason string                `json:"reason"`
	At     time.Time             `json:"at"`
	Events []gateway.RoomMessage `json:"events"`
}

// Report implements gateway.Moderation: first the words are safe in the home, then the
// homeserver is told.
func (s *social) Report(ctx context.Context, room string, b gateway.ReportBody) (gateway.ReportReply, error) {
	m, err := s.messenger(ctx)
	if err != nil {
		return gateway.ReportReply{}, err
	}
	r := reported{Room: room, Reason: b.Reason, At: time.Now().UTC().Truncate(time.Second)}
	for _, id := range b.Events {
		msg, err := m.own.Event(ctx, room, id)
		if err != nil {
			return gateway.ReportReply{}, err
		}
		r.Events = append(r.Events, roomMessage(msg))
	}
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return gateway.ReportReply{}, err
	}
	path := reportsFolder + sys.Path("/"+r.At.Format("2006-01-02-150405")+"-"+strings.ToLower(rand.Text()[:6])+".json")
	if _, err := m.disk.Write(ctx, disk.Write{Files: map[sys.Path][]byte{path: append(text, '\n')}, Kind: sys.ByOwner, Title: "Reported " + string(r.Events[0].Sender)}); err != nil {
		return gateway.ReportReply{}, err
	}
	out := gateway.ReportReply{Path: path, Told: true}
	for _, id := range b.Events {
		if err := m.own.Report(ctx, room, id, b.Reason); err != nil {
			out.Told, out.Why = false, err.Error()
		}
	}
	return out, nil
}
