package boot

import (
	"context"
	"errors"
	"slices"
	"time"

	"matrixos/journal"
	"matrixos/matrix"
	"matrixos/matrix/feed"
	"matrixos/matrix/talk"
	"matrixos/sys"
)

// feeds is whom the owner follows, and who follows them.
type feeds struct{ s *social }

// mostRead is how much of a feed is read when the owner begins to follow it.
const mostRead = 100

// nudgeFeeds has it looked whether a room is a feed.
func (m *messenger) nudgeFeeds() {
	select {
	case m.newRooms <- struct{}{}:
	default:
	}
}

// tendFeeds looks at rooms that are new, until ctx ends.
func (m *messenger) tendFeeds(ctx context.Context) {
	for ctx.Err() == nil {
		again := (<-chan time.Time)(nil)
		if err := m.discover(ctx); err != nil && ctx.Err() == nil {
			m.log.WarnContext(ctx, "rooms could not be looked at and are tried again", "error", err)
			again = time.After(30 * time.Second)
		}
		select {
		case <-ctx.Done():
		case <-m.newRooms:
		case <-again:
		}
	}
}

// discover finds which of the owner's rooms are feeds: they may have joined one with
// another client, or left it.
func (m *messenger) discover(ctx context.Context) error {
	standing, err := m.own.Standing(ctx)
	if err != nil {
		return err
	}
	var errs []error
	for room, state := range standing {
		src, known, err := m.shelf.Source(ctx, room)
		switch {
		case err != nil:
		case state == "left" && src.Of != "":
			err = m.shelf.Drop(ctx, room)
		case state == "joined" && !known:
			_, err = m.lookAt(ctx, room)
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// lookAt finds out whether a room is a feed, and reads what was posted there.
func (m *messenger) lookAt(ctx context.Context, room string) (feed.Source, error) {
	by, begun, err := m.own.Begun(ctx, room)
	if kind := sys.KindOf(err); err != nil && (kind == sys.Refused || kind == sys.NotFound) {
		return feed.Source{}, nil // the owner has just left it
	}
	if err != nil {
		return feed.Source{}, err
	}
	src, ok := feed.Marked(room, by, begun)
	if !ok {
		return feed.Source{}, m.shelf.Note(ctx, feed.Source{Room: room})
	}
	return src, m.adopt(ctx, src)
}

// adopt makes a room one of the feeds: what comes from now on is kept as posts, what
// was there before is read once, and Messages shows it no longer.
func (m *messenger) adopt(ctx context.Context, src feed.Source) error {
	if err := m.shelf.Note(ctx, src); err != nil {
		return err
	}
	page, err := m.readFirst(ctx, src)
	if err != nil {
		return err
	}
	hidden := m.hides()
	err = m.disk.Journal().Update(ctx, func(tx *journal.Tx) error {
		if _, err := tx.Exec(ctx, `DELETE FROM messenger_words WHERE rowid IN (SELECT id FROM messenger_said WHERE room = ?)`, src.Room); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `DELETE FROM messenger_said WHERE room = ?`, src.Room); err != nil {
			return err
		}
		for _, msg := range page.Messages {
			if hidden(msg.Sender) || msg.Kind == "redacted" || msg.Kind == "unreadable" {
				continue
			}
			if _, _, err := m.shelf.Take(ctx, tx, src, msg); err != nil {
				return err
			}
		}
		return tx.Append(sys.NewEvent(sys.EventRoom, sys.RoomData{Room: src.Room, Sender: src.Of}))
	})
	return err
}

// readFirst is the newest page of a feed. A homeserver that has just joined a room fetches
// what was said before from others, and says nothing of it when that fails: a public feed
// of somebody else's, which begins with a post, is read again if there seems to be none.
func (m *messenger) readFirst(ctx context.Context, src feed.Source) (talk.Page, error) {
	begun := src.Circle == feed.Public && src.Of != m.owner()
	return readPatiently(ctx, begun, func() (talk.Page, error) { return m.own.Timeline(ctx, src.Room, "", mostRead) })
}

// readPatiently reads a page, and twice more as long as nothing is there and something
// should be.
func readPatiently(ctx context.Context, begun bool, read func() (talk.Page, error)) (page talk.Page, err error) {
	for _, pause := range []time.Duration{0, time.Second, 3 * time.Second} {
		select {
		case <-ctx.Done():
			return page, ctx.Err()
		case <-time.After(pause):
		}
		if page, err = read(); err != nil || len(page.Messages) > 0 || !begun {
			break
		}
	}
	return page, err
}

// takePost keeps what was said in a feed. The owner is told of comments on what is
// theirs.
func (i *ownInbox) takePost(ctx context.Context, tx *journal.Tx, src feed.Source, msg talk.Message) error {
	kind, about, err := i.m.shelf.Take(ctx, tx, src, msg)
	if err != nil || kind == feed.Nothing {
		return err
	}
	owner := i.m.owner()
	data := sys.RoomData{Room: src.Room, Event: msg.Event, Sender: msg.Sender}
	if about != "" && kind == feed.Commented {
		data.Event = about
		data.Notify = src.Of == owner && matrix.Person(msg.Sender) != owner && time.Since(msg.At) < fresh
	}
	return tx.Append(sys.NewEvent(sys.EventRoom, data))
}

// circle is the room of one of the owner's circles; NotFound if there is none yet.
func (m *messenger) circle(ctx context.Context, name string) (feed.Source, error) {
	owner := m.owner()
	list, err := m.shelf.Sources(ctx, owner)
	if err != nil {
		return feed.Source{}, err
	}
	i := slices.IndexFunc(list, func(s feed.Source) bool { return s.Of == owner && s.Circle == name })
	if i < 0 {
		return feed.Source{}, &sys.Error{Op: "find circle", Path: name, Kind: sys.NotFound, Hint: "`matrixos circle` lists yours; `matrixos circle make " + name + "` makes one"}
	}
	return list[i], nil
}

// ensureCircle is circle, and makes the room if there is none. Circles that are not
// usual are made by name only, so that a slip of the pen makes none.
func (m *messenger) ensureCircle(ctx context.Context, name string, anew bool) (feed.Source, error) {
	if !feed.ValidCircle(name) {
		return feed.Source{}, &sys.Error{Op: "find circle", Path: name, Kind: sys.Invalid, Err: errors.New("no circle is called that"), Hint: "a name has small letters, digits and dashes, at most 32"}
	}
	m.circling.Lock()
	defer m.circling.Unlock()
	src, err := m.circle(ctx, name)
	if sys.KindOf(err) != sys.NotFound || !anew && !slices.Contains(feed.Usual, name) {
		return src, err
	}
	if err := m.discover(ctx); err != nil { // the home may be restored, and the rooms be there
		return src, err
	}
	if src, err = m.circle(ctx, name); sys.KindOf(err) != sys.NotFound {
		return src, err
	}
	owner := m.owner()
	local, _ := owner.Parts()
	p := talk.Podium{Name: local + ": " + name, Topic: "What " + local + " posts for their circle " + name + ". Answer in threads.", Mark: feed.MarkOf(owner, name)}
	if name == feed.Public {
		p.Name, p.Topic, p.Alias, p.Public = local, "What "+local+" posts for everybody. Answer in threads.", feed.AliasLocal(owner), true
	}
	room, err := m.own.MakePodium(ctx, p)
	if err != nil {
		return feed.Source{}, err
	}
	src = feed.Source{Room: room, Of: owner, Circle: name}
	if err := m.shelf.Note(ctx, src); err != nil {
		return src, err
	}
	m.nudgeProfile()
	return src, nil
}

// postTo has content posted for a circle, by the owner or by their AI. The AI becomes a
// member of a circle when it first posts there.
func (m *messenger) postTo(ctx context.Context, src feed.Source, byAI bool, once string, content map[string]any) error {
	by := m.own
	if byAI {
		ai, err := m.aiClient(ctx)
		if err != nil {
			return err
		}
		by = ai
		feed.Signed(content, m.owner())
		members, err := m.own.Members(ctx, src.Room)
		if err != nil {
			return err
		}
		if !slices.Contains(members, ai.Me()) {
			if err := m.own.Invite(ctx, src.Room, ai.Me()); err != nil {
				return err
			}
		}
		if err := ai.Join(ctx, src.Room); err != nil {
			return err
		}
	}
	return m.disk.Journal().Update(ctx, func(tx *journal.Tx) error {
		return by.Post(ctx, tx, talk.Letter{Once: once, Room: src.Room, Content: content})
	})
}

// shutOut keeps somebody who is blocked out of the owner's feeds, or lets them come
// back. A pattern puts out those who are there.
func (m *messenger) shutOut(ctx context.Context, who string, blocked bool) error {
	owner := m.owner()
	list, err := m.shelf.Sources(ctx, owner)
	if err != nil {
		return err
	}
	var errs []error
	for _, src := range list {
		if src.Of != owner {
			continue
		}
		if _, err := matrix.ParseUser(who); err != nil {
			_, err := m.followers(ctx, src)
			errs = append(errs, err)
			continue
		}
		for _, h := range []sys.Handle{sys.Handle(who), matrix.AI(sys.Handle(who))} {
			if blocked {
				errs = append(errs, m.own.PutOut(ctx, src.Room, h, true))
			} else if err := m.own.LetBack(ctx, src.Room, h); sys.KindOf(err) != sys.Refused { // who was not shut out
				errs = append(errs, err)
			}
		}
	}
	return errors.Join(errs...)
}

// followers are who is in one of the owner's feeds, or invited, without the owner and
// their AI. Whoever is blocked and there is put out.
func (m *messenger) followers(ctx context.Context, src feed.Source) ([]sys.Handle, error) {
	members, err := m.own.Members(ctx, src.Room)
	if err != nil {
		return nil, err
	}
	owner, hidden := m.owner(), m.hides()
	out := []sys.Handle{}
	for _, h := range members {
		switch {
		case h == owner || h == matrix.AI(owner):
		case hidden(h):
			err = errors.Join(err, m.own.PutOut(ctx, src.Room, h, true))
		default:
			out = append(out, h)
		}
	}
	return out, err
}
