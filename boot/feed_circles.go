package boot

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"matrixos/gateway"
	"matrixos/matrix"
	"matrixos/matrix/feed"
	"matrixos/matrix/talk"
	"matrixos/sys"
	"matrixos/syscalls"
)

var (
	_ gateway.Circles = (*feeds)(nil)
	_ syscalls.Feeds  = (*social)(nil)
)

// Circles implements gateway.Circles.
func (f *feeds) Circles(ctx context.Context) ([]gateway.CircleInfo, error) {
	m, err := f.s.messenger(ctx)
	if err != nil {
		return nil, err
	}
	owner := m.owner()
	list, err := m.shelf.Sources(ctx, owner)
	if err != nil {
		return nil, err
	}
	out := []gateway.CircleInfo{}
	for _, name := range feed.Usual {
		out = append(out, gateway.CircleInfo{Name: name, People: []sys.Handle{}})
	}
	for _, src := range list {
		if src.Of != owner {
			continue
		}
		info, err := m.circleInfo(ctx, src)
		if err != nil {
			return nil, err
		}
		if i := slices.IndexFunc(out, func(c gateway.CircleInfo) bool { return c.Name == src.Circle && c.Room == "" }); i >= 0 {
			out[i] = info
		} else {
			out = append(out, info)
		}
	}
	return out, nil
}

func (m *messenger) circleInfo(ctx context.Context, src feed.Source) (gateway.CircleInfo, error) {
	people, err := m.followers(ctx, src)
	info := gateway.CircleInfo{Name: src.Circle, Room: src.Room, People: people}
	if src.Circle == feed.Public {
		info.Alias = feed.Alias(src.Of)
	}
	return info, err
}

// MakeCircle implements gateway.Circles.
func (f *feeds) MakeCircle(ctx context.Context, name string) (gateway.CircleInfo, error) {
	m, err := f.s.messenger(ctx)
	if err != nil {
		return gateway.CircleInfo{}, err
	}
	src, err := m.ensureCircle(ctx, strings.ToLower(strings.TrimSpace(name)), true)
	if err != nil {
		return gateway.CircleInfo{}, err
	}
	return m.circleInfo(ctx, src)
}

// Admit implements gateway.Circles.
func (f *feeds) Admit(ctx context.Context, circle string, c gateway.CircleChange) error {
	m, err := f.s.messenger(ctx)
	if err != nil {
		return err
	}
	who, err := matrix.ParseUser(string(c.Person))
	if err != nil {
		return err
	}
	if owner := m.owner(); who == owner || who == matrix.AI(owner) {
		return &sys.Error{Op: "change circle", Path: circle, Kind: sys.Invalid, Err: errors.New("that is you, or your AI")}
	}
	if c.Act == "add" {
		if m.hides()(who) {
			return &sys.Error{Op: "add to circle", Path: string(who), Kind: sys.Refused, Err: errors.New("you have blocked them"), Hint: "`matrixos people unblock " + string(who) + "` takes that back"}
		}
		src, err := m.ensureCircle(ctx, circle, false)
		if err != nil {
			return err
		}
		return m.own.Invite(ctx, src.Room, who)
	}
	src, err := m.circle(ctx, circle)
	if err != nil {
		return err
	}
	people, err := m.followers(ctx, src)
	if err != nil {
		return err
	}
	if !slices.Contains(people, who) {
		return &sys.Error{Op: "take out", Path: string(who), Kind: sys.NotFound, Err: fmt.Errorf("they are not in your circle %s", circle), Hint: "`matrixos circle` lists who is"}
	}
	return m.own.PutOut(ctx, src.Room, who, false)
}

// Post implements syscalls.Feeds: by the AI, and marked as such.
func (s *social) Post(ctx context.Context, circle, text, once string) error {
	m, err := s.messenger(ctx)
	if err != nil {
		return err
	}
	src, err := m.ensureCircle(ctx, circle, false)
	if err != nil {
		return err
	}
	return m.postTo(ctx, src, true, once, talk.Text(text, false))
}

// fewComments is how many of a post's comments the AI reads along with it.
const fewComments = 5

// Feed implements syscalls.Feeds.
func (s *social) Feed(ctx context.Context, of sys.Handle, limit int) (out []syscalls.Said, err error) {
	m, err := s.messenger(ctx)
	if err != nil {
		return nil, err
	}
	page, err := m.shelf.Read(ctx, feed.Query{Reader: m.owner(), Hidden: m.hides(), Of: of, Limit: limit})
	if err != nil {
		return nil, err
	}
	slices.Reverse(page.Posts)
	for _, p := range page.Posts {
		out = append(out, syscalls.Said{By: p.Author, At: p.At, Text: fmt.Sprintf("[%s, liked by %d, %d comments] %s", p.Source.Circle, len(p.Likes), p.Comments, p.Body)})
		if p.Comments == 0 {
			continue
		}
		_, comments, err := m.thread(ctx, p.Event)
		if err != nil {
			return nil, err
		}
		for _, c := range comments[max(0, len(comments)-fewComments):] {
			out = append(out, syscalls.Said{By: c.Author, At: c.At, Text: "[comment] " + c.Body})
		}
	}
	return out, nil
}
