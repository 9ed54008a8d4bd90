package boot

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io/fs"
	"net/http"
	"slices"
	"time"

	"matrixos/disk"
	"matrixos/gateway"
	"matrixos/matrix"
	"matrixos/matrix/feed"
	"matrixos/matrix/talk"
	"matrixos/sys"
)

// largestPicture is how many bytes the picture of a profile may have.
const largestPicture = 2 << 20

// pictureTypes are what it may be, by what is in it.
var pictureTypes = []string{"image/png", "image/jpeg", "image/gif", "image/webp"}

// profileOf reads a profile as it has landed.
func (m *messenger) profileOf(file sys.Path) (feed.Profile, error) {
	view, err := m.disk.View(0)
	if err != nil {
		return feed.Profile{}, err
	}
	text, err := fs.ReadFile(view, string(file))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return feed.Profile{}, err
	}
	return feed.ParseProfile(file, text)
}

// pictureOf reads the picture that a profile names.
func (m *messenger) pictureOf(p feed.Profile) (talk.File, error) {
	if p.Picture == "" {
		return talk.File{}, nil
	}
	view, err := m.disk.View(0)
	if err != nil {
		return talk.File{}, err
	}
	content, err := fs.ReadFile(view, string(p.Picture))
	if err != nil {
		return talk.File{}, &sys.Error{Op: "read picture", Path: string(p.Picture), Kind: sys.NotFound, Err: err, Hint: "name a file of the home, such as data/me.png"}
	}
	kind := http.DetectContentType(content)
	if len(content) > largestPicture || !slices.Contains(pictureTypes, kind) {
		return talk.File{}, &sys.Error{Op: "read picture", Path: string(p.Picture), Kind: sys.Invalid, Err: errors.New("it is no PNG, JPEG, GIF or WebP of at most 2 MB"), Hint: "name another file"}
	}
	return talk.File{Name: "picture", Type: kind, Content: content}, nil
}

// nudgeProfile has the profiles published where they are not yet.
func (m *messenger) nudgeProfile() {
	select {
	case m.newProfile <- struct{}{}:
	default:
	}
}

// tendProfile publishes the profiles whenever their files change, until ctx ends.
func (m *messenger) tendProfile(ctx context.Context) {
	m.group.Go(func() { m.watchProfile(ctx) })
	for ctx.Err() == nil {
		again := (<-chan time.Time)(nil)
		err := m.publishProfiles(ctx)
		if err != nil && ctx.Err() == nil {
			m.log.WarnContext(ctx, "the profile could not be published", "error", err)
			if sys.KindOf(err) == sys.Unavailable {
				again = time.After(30 * time.Second)
			}
		}
		select {
		case <-ctx.Done():
		case <-m.newProfile:
		case <-again:
		}
	}
}

// watchProfile nudges when a landing touches a file of the profiles.
func (m *messenger) watchProfile(ctx context.Context) {
	sub := m.disk.Journal().Subscribe(m.disk.Journal().Last())
	defer sub.Close()
	for {
		events, err := sub.Next(ctx)
		if err != nil {
			return // the home closes
		}
		for _, e := range events {
			var l sys.LandingInfo
			if e.Kind != sys.EventLanding || json.Unmarshal(e.Data, &l) != nil {
				continue
			}
			me, _ := m.profileOf(feed.ProfileFile)   // one that cannot be read has no picture
			ai, _ := m.profileOf(feed.AIProfileFile) // as above
			if slices.ContainsFunc(l.Changes, func(c sys.Change) bool {
				return c.Path != "" && slices.Contains([]sys.Path{feed.ProfileFile, feed.AIProfileFile, me.Picture, ai.Picture}, c.Path)
			}) {
				m.nudgeProfile()
			}
		}
	}
}

// publishProfiles tells the network who the owner and their AI say they are, where that
// has changed. While neither file says anything, nothing is told.
func (m *messenger) publishProfiles(ctx context.Context) error {
	me, err := m.profileOf(feed.ProfileFile)
	if err != nil {
		return err
	}
	ai, err := m.profileOf(feed.AIProfileFile)
	if err != nil {
		return err
	}
	errs := []error{m.present(ctx, "own", m.own, me), m.present(ctx, "ai", m.ai, ai)}
	owner := m.owner()
	list, err := m.shelf.Sources(ctx, owner)
	errs = append(errs, err)
	for _, src := range list {
		if src.Of != owner {
			continue
		}
		card := feed.Card{Shown: me.For(src.Circle)}
		if shown := ai.For(src.Circle); shown.Name != "" || shown.About != "" || len(shown.Links) > 0 {
			card.AI = &shown
		}
		says := card.Name != "" || card.About != "" || len(card.Links) > 0 || card.AI != nil
		errs = append(errs, m.publish(ctx, src.Room, says, card, func() error { return m.own.Show(ctx, src.Room, feed.Introduced, card) }))
	}
	return errors.Join(errs...)
}

// present gives an account the name and the picture of a profile.
func (m *messenger) present(ctx context.Context, place string, by *talk.Client, p feed.Profile) error {
	picture, err := m.pictureOf(p)
	if err != nil {
		return err
	}
	name := p.Name
	if name == "" {
		name, _ = by.Me().Parts()
	}
	what := struct {
		Name    string
		Picture []byte
	}{p.Name, picture.Content}
	return m.publish(ctx, place, p.Name != "" || p.Picture != "", what, func() error { return by.Introduce(ctx, name, picture) })
}

// publish does something unless the same has been done at that place before. What says
// nothing is published only where something was.
func (m *messenger) publish(ctx context.Context, place string, says bool, what any, do func() error) error {
	text, err := json.Marshal(what)
	if err != nil {
		return err
	}
	sum := sha256.Sum256(text)
	digest := hex.EncodeToString(sum[:])
	was, err := m.shelf.Published(ctx, place)
	if err != nil || was == digest || was == "" && !says {
		return err
	}
	if err := do(); err != nil {
		return err
	}
	return m.shelf.Publish(ctx, place, digest)
}

// OwnProfile implements gateway.Circles.
func (f *feeds) OwnProfile(context.Context) (gateway.OwnProfile, error) {
	var out gateway.OwnProfile
	m, err := f.here()
	if err != nil {
		return out, err
	}
	me, err := m.profileOf(feed.ProfileFile)
	if err != nil {
		return out, err
	}
	ai, err := m.profileOf(feed.AIProfileFile)
	return gateway.OwnProfile{Me: profileFile(me), AI: profileFile(ai)}, err
}

// here is the messenger, which need not run.
func (f *feeds) here() (*messenger, error) {
	if m := f.s.at.Load(); m != nil {
		return m, nil
	}
	return nil, &sys.Error{Op: "read profile", Kind: sys.Unavailable, Err: errors.New("this is safe mode")}
}

func profileFile(p feed.Profile) gateway.ProfileFile {
	out := gateway.ProfileFile{Name: p.Name, About: p.About, Picture: p.Picture, Links: links(p.Links)}
	for name, more := range p.Circles {
		if out.Circles == nil {
			out.Circles = map[string]gateway.ProfileMore{}
		}
		out.Circles[name] = gateway.ProfileMore{About: more.About, Links: links(more.Links)}
	}
	return out
}

func links(list []feed.Link) []gateway.ProfileLink {
	out := []gateway.ProfileLink{}
	for _, l := range list {
		out = append(out, gateway.ProfileLink(l))
	}
	return out
}

// SaveProfile implements gateway.Circles: the file is what counts, and is published when
// it has landed, or as soon as the homeserver runs.
func (f *feeds) SaveProfile(ctx context.Context, b gateway.ProfileBody) error {
	m, err := f.here()
	if err != nil {
		return err
	}
	path, title := feed.ProfileFile, "Changed your profile"
	if b.AI {
		path, title = feed.AIProfileFile, "Changed the profile of your AI"
	}
	text, err := json.MarshalIndent(b.Profile, "", "  ")
	if err != nil {
		return err
	}
	p, err := feed.ParseProfile(path, text)
	if err != nil {
		return err
	}
	if _, err := m.pictureOf(p); err != nil {
		return err
	}
	_, err = m.disk.Write(ctx, disk.Write{Files: map[sys.Path][]byte{path: append(text, '\n')}, Kind: sys.ByOwner, Title: title})
	return err
}

// Profile implements gateway.Circles.
func (f *feeds) Profile(ctx context.Context, of sys.Handle) (gateway.ProfileInfo, error) {
	var out gateway.ProfileInfo
	m, err := f.s.messenger(ctx)
	if err != nil {
		return out, err
	}
	owner := m.owner()
	if of == "" {
		of = owner
	}
	if _, err := matrix.ParseUser(string(of)); err != nil {
		return out, err
	}
	of = matrix.Person(of)
	out = gateway.ProfileInfo{Handle: of, AIHandle: matrix.AI(of), Me: of == owner, Follows: []string{}, ProfileShown: gateway.ProfileShown{Links: []gateway.ProfileLink{}}}
	card, circles, err := m.cardOf(ctx, of)
	if err != nil {
		return out, err
	}
	out.Follows = circles
	out.ProfileShown = shown(card.Shown)
	if card.AI != nil {
		ai := shown(*card.AI)
		out.AI = &ai
	}
	name, picture, err := m.own.Introduced(ctx, of)
	if err != nil && !out.Me && len(circles) == 0 {
		return out, err
	}
	if out.Picture = picture; out.Name == "" {
		out.Name = name
	}
	return out, nil
}

func shown(s feed.Shown) gateway.ProfileShown {
	return gateway.ProfileShown{Name: s.Name, About: s.About, Links: links(s.Links)}
}

// cardOf is what somebody shows to the owner: in the most private of their circles that
// the owner is in.
func (m *messenger) cardOf(ctx context.Context, who sys.Handle) (card feed.Card, circles []string, err error) {
	circles = []string{}
	owner := m.owner()
	if who == owner {
		me, err := m.profileOf(feed.ProfileFile)
		if err != nil {
			return card, circles, err
		}
		ai, err := m.profileOf(feed.AIProfileFile)
		mine := ai.For(feed.Public)
		return feed.Card{Shown: me.For(feed.Public), AI: &mine}, circles, err
	}
	list, err := m.shelf.Sources(ctx, owner)
	if err != nil {
		return card, circles, err
	}
	room := ""
	for _, src := range list {
		if src.Of == who {
			circles = append(circles, src.Circle)
			if room == "" || src.Circle != feed.Public {
				room = src.Room
			}
		}
	}
	if room == "" {
		return card, circles, nil
	}
	raw, err := m.own.Shown(ctx, room, feed.Introduced)
	if sys.KindOf(err) == sys.NotFound {
		return card, circles, nil
	}
	return feed.ReadCard(raw), circles, err
}

// ProfilePicture implements gateway.Circles.
func (f *feeds) ProfilePicture(ctx context.Context, of sys.Handle) (gateway.RoomFile, error) {
	m, err := f.s.messenger(ctx)
	if err != nil {
		return gateway.RoomFile{}, err
	}
	if _, err := matrix.ParseUser(string(of)); err != nil {
		return gateway.RoomFile{}, err
	}
	file, err := m.own.PictureOf(ctx, of)
	return gateway.RoomFile(file), err
}
