package boot

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"

	"matrixos/gateway"
	"matrixos/journal"
	"matrixos/matrix"
	"matrixos/matrix/feed"
	"matrixos/matrix/talk"
	"matrixos/sys"
)

var _ gateway.Feeds = (*feeds)(nil)

// heart is how the desktop likes: any reaction counts.
const heart = "❤️"

// Feed implements gateway.Feeds.
func (f *feeds) Feed(ctx context.Context, q gateway.FeedQuery) (gateway.FeedPage, error) {
	out := gateway.FeedPage{Posts: []gateway.FeedPost{}, Unsent: []gateway.FeedUnsent{}}
	m, err := f.s.messenger(ctx)
	if err != nil {
		return out, err
	}
	query := feed.Query{Reader: m.owner(), Hidden: m.hides(), Of: q.Of, Before: q.Before, Limit: q.Limit}
	if q.Circle != "" {
		src, err := m.circle(ctx, q.Circle)
		if sys.KindOf(err) == sys.NotFound && slices.Contains(feed.Usual, q.Circle) {
			return out, nil
		}
		if err != nil {
			return out, err
		}
		query.Room = src.Room
	}
	page, err := m.shelf.Read(ctx, query)
	if err != nil {
		return out, err
	}
	for _, p := range page.Posts {
		out.Posts = append(out.Posts, feedPost(p))
	}
	out.Before = page.Before
	if q.Before == "" {
		out.Unsent, err = m.unsentPosts(ctx)
	}
	return out, err
}

// unsentPosts are the owner's posts that are on their way.
func (m *messenger) unsentPosts(ctx context.Context) ([]gateway.FeedUnsent, error) {
	out := []gateway.FeedUnsent{}
	owner := m.owner()
	list, err := m.shelf.Sources(ctx, owner)
	for _, src := range list {
		if src.Of != owner {
			continue
		}
		unsent, failed := m.own.Unsent(ctx, src.Room)
		err = errors.Join(err, failed)
		for _, u := range unsent {
			out = append(out, gateway.FeedUnsent{RoomUnsent: gateway.RoomUnsent{Once: u.Once, Body: u.Body, Time: u.At, Why: u.Why}, Circle: src.Circle})
		}
	}
	return out, err
}

func feedPost(p feed.Post) gateway.FeedPost {
	return gateway.FeedPost{
		Of: p.Source.Of, Circle: p.Source.Circle, Room: p.Source.Room, AI: p.AI, Edited: p.Edited, Likes: p.Likes, Liked: p.Liked != "", Comments: p.Comments,
		Message: gateway.RoomMessage{
			ID: p.Event, Sender: p.Author, Time: p.At, Type: "m.room.message", Kind: p.Type, Body: p.Body, Encrypted: p.Encrypted, Verified: p.Verified, Thread: p.Root, Content: p.Content,
		},
	}
}

// thread finds a post of any feed that the owner reads.
func (m *messenger) thread(ctx context.Context, event string) (feed.Post, []feed.Post, error) {
	return m.shelf.Thread(ctx, feed.Query{Reader: m.owner(), Hidden: m.hides()}, event)
}

// FeedThread implements gateway.Feeds.
func (f *feeds) FeedThread(ctx context.Context, event string) (gateway.FeedThread, error) {
	out := gateway.FeedThread{Comments: []gateway.FeedPost{}}
	m, err := f.s.messenger(ctx)
	if err != nil {
		return out, err
	}
	post, comments, err := m.thread(ctx, event)
	if err != nil {
		return out, err
	}
	out.Post = feedPost(post)
	for _, c := range comments {
		out.Comments = append(out.Comments, feedPost(c))
	}
	return out, nil
}

// Respond implements gateway.Feeds.
func (f *feeds) Respond(ctx context.Context, event string, r gateway.FeedResponse) error {
	m, err := f.s.messenger(ctx)
	if err != nil {
		return err
	}
	post, _, err := m.thread(ctx, event)
	if err != nil {
		return err
	}
	l := talk.Letter{Once: newOnce(), Room: post.Source.Room}
	switch {
	case r.Like != nil && r.Comment == "":
		if *r.Like == (post.Liked != "") {
			return nil
		}
		if !*r.Like {
			return m.own.Redact(ctx, post.Source.Room, post.Liked, "")
		}
		l.Type, l.Content = "m.reaction", map[string]any{"m.relates_to": map[string]any{"rel_type": "m.annotation", "event_id": event, "key": heart}}
	case r.Like == nil && strings.TrimSpace(r.Comment) != "":
		content := words(r.Comment)
		content["m.relates_to"] = map[string]any{"rel_type": "m.thread", "event_id": event, "is_falling_back": true, "m.in_reply_to": map[string]any{"event_id": event}}
		l.Content = content
	default:
		return &sys.Error{Op: "respond", Path: event, Kind: sys.Invalid, Err: errors.New("say like, or a comment")}
	}
	return m.disk.Journal().Update(ctx, func(tx *journal.Tx) error { return m.own.Post(ctx, tx, l) })
}

// words are the content of a message with those whom it names.
func words(text string) map[string]any {
	content := talk.Text(text, false)
	if named := handlesIn(text); len(named) > 0 {
		content["m.mentions"] = map[string]any{"user_ids": named}
	}
	return content
}

// Post implements gateway.Feeds.
func (f *feeds) Post(ctx context.Context, p gateway.NewPost, file gateway.RoomFile) (string, error) {
	m, err := f.s.messenger(ctx)
	if err != nil {
		return "", err
	}
	if strings.TrimSpace(p.Text) == "" && len(file.Content) == 0 {
		return "", &sys.Error{Op: "post", Path: p.Circle, Kind: sys.Invalid, Err: errors.New("there is nothing in it")}
	}
	src, err := m.ensureCircle(ctx, p.Circle, false)
	if err != nil {
		return "", err
	}
	content := words(p.Text)
	if len(file.Content) > 0 {
		attached, err := m.own.Attach(ctx, src.Room, talk.File(file))
		if err != nil {
			return "", err
		}
		if p.Text != "" { // the words go beside the picture
			attached["body"] = p.Text
		}
		maps.Copy(attached, mentionsOf(content))
		content = attached
	}
	once := newOnce()
	return talk.OnceOf(talk.Letter{Once: once}), m.postTo(ctx, src, false, once, content)
}

func mentionsOf(content map[string]any) map[string]any {
	if m, ok := content["m.mentions"]; ok {
		return map[string]any{"m.mentions": m}
	}
	return nil
}

// Following implements gateway.Feeds.
func (f *feeds) Following(ctx context.Context) ([]gateway.Followed, error) {
	m, err := f.s.messenger(ctx)
	if err != nil {
		return nil, err
	}
	m.nudgeFeeds() // the owner may have left one with another client
	owner, hidden := m.owner(), m.hides()
	invited, err := m.invitedTo(ctx)
	if err != nil {
		return nil, err
	}
	list, err := m.shelf.Sources(ctx, owner)
	out := slices.DeleteFunc(invited, func(f gateway.Followed) bool { // it is just being joined
		return slices.ContainsFunc(list, func(src feed.Source) bool { return src.Room == f.Room })
	})
	for _, src := range list {
		if src.Of != owner && !hidden(src.Of) {
			out = append(out, gateway.Followed{Of: src.Of, Circle: src.Circle, Room: src.Room, State: "following"})
		}
	}
	return out, err
}

// invitedTo are the circles of others that the owner is invited to.
func (m *messenger) invitedTo(ctx context.Context) (out []gateway.Followed, err error) {
	hidden := m.hides()
	list, err := m.own.Invited(ctx)
	for _, i := range list {
		if src, ok := feed.Marked(i.Room, i.By, i.Begun); ok && !hidden(i.By) {
			out = append(out, gateway.Followed{Of: src.Of, Circle: src.Circle, Room: src.Room, State: "invited"})
		}
	}
	return out, err
}

// feedRooms are the rooms that Social shows, and Messages does not.
func (m *messenger) feedRooms(ctx context.Context) (map[string]bool, error) {
	out := map[string]bool{}
	invited, err := m.invitedTo(ctx)
	if err != nil {
		return nil, err
	}
	for _, f := range invited {
		out[f.Room] = true
	}
	list, err := m.shelf.Sources(ctx, m.owner())
	for _, src := range list {
		out[src.Room] = true
	}
	return out, err
}

// Follow implements gateway.Feeds.
func (f *feeds) Follow(ctx context.Context, b gateway.FollowBody) (gateway.Followed, error) {
	m, err := f.s.messenger(ctx)
	if err != nil {
		return gateway.Followed{}, err
	}
	if b.Room == "" {
		if _, err := matrix.ParseUser(string(b.Handle)); err != nil {
			return gateway.Followed{}, err
		}
		b.Handle = matrix.Person(b.Handle)
	}
	if b.Act == "unfollow" {
		return m.unfollow(ctx, b)
	}
	if b.Room != "" {
		return m.acceptCircle(ctx, b.Room)
	}
	return m.follow(ctx, b.Handle)
}

// follow joins the public feed of somebody, and makes sure that it is theirs.
func (m *messenger) follow(ctx context.Context, who sys.Handle) (gateway.Followed, error) {
	var none gateway.Followed
	switch {
	case who == m.owner():
		return none, &sys.Error{Op: "follow", Path: string(who), Kind: sys.Invalid, Err: errors.New("that is you")}
	case m.hides()(who):
		return none, &sys.Error{Op: "follow", Path: string(who), Kind: sys.Refused, Err: errors.New("you have blocked them"), Hint: "`matrixos people unblock " + string(who) + "` takes that back"}
	}
	room, err := m.own.JoinBy(ctx, feed.Alias(who))
	if sys.KindOf(err) == sys.NotFound {
		return none, &sys.Error{Op: "follow", Path: string(who), Kind: sys.NotFound, Err: errors.New("they have no public feed"), Hint: "check the handle; a feed begins with the first post, or write to them and ask"}
	}
	if err != nil {
		return none, err
	}
	src, err := m.lookAt(ctx, room)
	if err != nil {
		return none, err
	}
	if src.Of != who || src.Circle != feed.Public {
		err := &sys.Error{Op: "follow", Path: string(who), Kind: sys.Refused, Err: errors.New("what has the name of their feed is not theirs"), Hint: "ask them for an invitation"}
		return none, errors.Join(err, m.own.Leave(ctx, room), m.shelf.Drop(ctx, room))
	}
	return gateway.Followed{Of: who, Circle: src.Circle, Room: room, State: "following"}, nil
}

// acceptCircle joins the circle of an invitation.
func (m *messenger) acceptCircle(ctx context.Context, room string) (gateway.Followed, error) {
	list, err := m.invitedTo(ctx)
	if err != nil {
		return gateway.Followed{}, err
	}
	i := slices.IndexFunc(list, func(f gateway.Followed) bool { return f.Room == room })
	if i < 0 {
		return gateway.Followed{}, &sys.Error{Op: "join circle", Path: room, Kind: sys.NotFound, Err: errors.New("you are not invited to it, or have joined it"), Hint: "`matrixos follow` lists invitations"}
	}
	if err := m.own.Join(ctx, room); err != nil {
		return gateway.Followed{}, err
	}
	src, err := m.lookAt(ctx, room)
	if err != nil {
		return gateway.Followed{}, err
	}
	return gateway.Followed{Of: src.Of, Circle: src.Circle, Room: room, State: "following"}, nil
}

// unfollow leaves one feed, or all of somebody, or declines an invitation.
func (m *messenger) unfollow(ctx context.Context, b gateway.FollowBody) (gateway.Followed, error) {
	owner := m.owner()
	list, err := m.shelf.Sources(ctx, owner)
	if err != nil {
		return gateway.Followed{}, err
	}
	invited, err := m.invitedTo(ctx)
	if err != nil {
		return gateway.Followed{}, err
	}
	for _, src := range list {
		invited = append(invited, gateway.Followed{Of: src.Of, Circle: src.Circle, Room: src.Room})
	}
	var last gateway.Followed
	for _, one := range invited {
		if one.Of == owner || one.Room != b.Room && (b.Room != "" || one.Of != b.Handle) {
			continue
		}
		// Whoever was put out of it cannot leave, and follows no longer either.
		if err := m.own.Leave(ctx, one.Room); err != nil && sys.KindOf(err) != sys.Refused && sys.KindOf(err) != sys.NotFound {
			return last, err
		}
		if err := m.shelf.Drop(ctx, one.Room); err != nil {
			return last, err
		}
		last = one
		last.State = "gone"
	}
	if last.Room == "" {
		return last, &sys.Error{Op: "unfollow", Path: string(b.Handle) + b.Room, Kind: sys.NotFound, Err: errors.New("you do not follow them"), Hint: "`matrixos follow` lists whom you follow"}
	}
	return last, nil
}
