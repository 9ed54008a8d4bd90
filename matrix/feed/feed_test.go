package feed_test

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"matrixos/journal"
	"matrixos/matrix/feed"
	"matrixos/matrix/talk"
	"matrixos/sys"
)

const (
	anna = sys.Handle("@anna:a.example")
	ben  = sys.Handle("@ben:b.example")
	eve  = sys.Handle("@eve:e.example")
)

var (
	now    = time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)
	source = feed.Source{Room: "!public:a.example", Of: anna, Circle: feed.Public}
)

// world is a shelf, and an event id for whatever is said next.
type world struct {
	t *testing.T
	s *feed.Shelf
	j *journal.Journal
	n int
}

func newWorld(t *testing.T) *world {
	t.Helper()
	j, err := journal.Open(t.Context(), filepath.Join(t.TempDir(), "kernel.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = j.Close() })
	s, err := feed.OpenShelf(t.Context(), j, func() time.Time { return now })
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Note(t.Context(), source); err != nil {
		t.Fatal(err)
	}
	return &world{t: t, s: s, j: j}
}

// take has a message received, twice, and says what it was.
func (w *world) take(m talk.Message) (string, feed.Kind) {
	w.t.Helper()
	w.n++
	if m.Event == "" {
		m.Event = fmt.Sprintf("$%03d", w.n)
	}
	if m.At.IsZero() {
		m.At = now.Add(time.Duration(w.n-1000) * time.Second)
	}
	m.Room = source.Room
	var kind feed.Kind
	for range 2 {
		if err := w.j.Update(w.t.Context(), func(tx *journal.Tx) (err error) {
			kind, _, err = w.s.Take(w.t.Context(), tx, source, m)
			return err
		}); err != nil {
			w.t.Fatal(err)
		}
	}
	return m.Event, kind
}

func words(by sys.Handle, body string) talk.Message {
	return talk.Message{Sender: by, Type: "m.room.message", Kind: "m.text", Body: body, Content: json.RawMessage(`{"msgtype":"m.text"}`)}
}

func on(m talk.Message, thread string) talk.Message { m.Thread = thread; return m }

func like(by sys.Handle, post, key string) talk.Message {
	content, err := json.Marshal(map[string]any{"m.relates_to": map[string]any{"rel_type": "m.annotation", "event_id": post, "key": key}})
	if err != nil {
		panic(err)
	}
	return talk.Message{Sender: by, Type: "m.reaction", Content: content}
}

func (w *world) page(q feed.Query) feed.Page {
	w.t.Helper()
	if q.Limit == 0 {
		q.Limit = 10
	}
	q.Reader = ben
	page, err := w.s.Read(w.t.Context(), q)
	if err != nil {
		w.t.Fatal(err)
	}
	return page
}

func (w *world) forget(event string) {
	w.t.Helper()
	if err := w.j.Update(w.t.Context(), func(tx *journal.Tx) error { return w.s.Forget(w.t.Context(), tx, source.Room, event) }); err != nil {
		w.t.Fatal(err)
	}
}

// What anybody says in a feed is what its form says it is, and nothing else.
func TestAFeedIsReadFromOrdinaryMessages(t *testing.T) {
	w := newWorld(t)
	post, kind := w.take(words(anna, "Rye!"))
	if kind != feed.Posted {
		t.Fatalf("a message of the feed's owner is %q", kind)
	}
	if _, kind := w.take(words("@anna_ai:a.example", "Baked.")); kind != feed.Posted {
		t.Errorf("one of their AI is %q", kind)
	}
	if _, kind := w.take(words(ben, "Hello everybody")); kind != feed.Nothing {
		t.Errorf("one of somebody else outside of threads is %q", kind)
	}
	comment, kind := w.take(on(words(ben, "How long?"), post))
	if kind != feed.Commented {
		t.Errorf("an answer in the thread is %q", kind)
	}
	plain := words(eve, "And how hot?")
	plain.ReplyTo = comment // a client that has no threads answers the comment
	w.take(plain)
	w.take(like(ben, post, "❤️"))
	w.take(like(ben, post, "🎉"))
	w.take(like(eve, post, "👍"))
	mine := w.page(feed.Query{}).Posts
	if len(mine) != 2 || !mine[0].AI || mine[1].AI {
		t.Fatalf("the feed has %+v", mine)
	}
	if p := mine[1]; p.Comments != 2 || !slices.Equal(p.Likes, []sys.Handle{ben, eve}) || p.Liked == "" {
		t.Errorf("the post is %+v", p)
	}
	_, comments, err := w.s.Thread(t.Context(), feed.Query{Reader: ben}, post)
	if err != nil || len(comments) != 2 || comments[1].Author != eve || comments[1].Root != post {
		t.Errorf("the comments are %+v, %v", comments, err)
	}
}

func TestPostsAreChangedAndTakenBackByTheirAuthors(t *testing.T) {
	w := newWorld(t)
	post, _ := w.take(words(anna, "Rie!"))
	edit := words(anna, "Rye!")
	edit.Edits = post
	forged := words(eve, "Poison!")
	forged.Edits = post
	w.take(edit)
	w.take(forged)
	if p := w.page(feed.Query{}).Posts[0]; p.Body != "Rye!" || !p.Edited {
		t.Errorf("after edits it is %+v", p)
	}
	liked, _ := w.take(like(ben, post, "❤️"))
	w.take(on(words(ben, "Yes"), post))
	w.forget(liked)
	if p := w.page(feed.Query{}).Posts[0]; len(p.Likes) != 0 || p.Comments != 1 {
		t.Errorf("with the like taken back it is %+v", p)
	}
	w.forget(post)
	if page := w.page(feed.Query{}); len(page.Posts) != 0 {
		t.Errorf("what was taken back is still there: %+v", page)
	}
	if _, _, err := w.s.Thread(t.Context(), feed.Query{}, post); sys.KindOf(err) != sys.NotFound {
		t.Errorf("its comments: %v", err)
	}
}

func TestWhoIsBlockedIsNotSeen(t *testing.T) {
	w := newWorld(t)
	post, _ := w.take(words(anna, "Rye!"))
	w.take(on(words(eve, "Buy pills"), post))
	w.take(on(words(ben, "Nice"), post))
	w.take(like(eve, post, "❤️"))
	hidden := func(h sys.Handle) bool { return h == eve }
	if p := w.page(feed.Query{Hidden: hidden}).Posts[0]; p.Comments != 1 || len(p.Likes) != 0 {
		t.Errorf("it is %+v", p)
	}
	_, comments, err := w.s.Thread(t.Context(), feed.Query{Hidden: hidden}, post)
	if err != nil || len(comments) != 1 || comments[0].Author != ben {
		t.Errorf("the comments are %+v, %v", comments, err)
	}
	if page := w.page(feed.Query{Hidden: func(h sys.Handle) bool { return h == anna }}); len(page.Posts) != 0 {
		t.Errorf("posts of who is blocked: %+v", page)
	}
}

// A clock that goes wrong keeps nobody on top, and pages hold together.
func TestPagesAndClocks(t *testing.T) {
	w := newWorld(t)
	ahead := words(anna, "from the future")
	ahead.At = now.Add(365 * 24 * time.Hour)
	w.take(ahead)
	for i := range 24 {
		w.take(words(anna, fmt.Sprint(i)))
	}
	seen := map[string]bool{}
	q, pages := feed.Query{Limit: 10}, 0
	for {
		page := w.page(q)
		pages++
		for _, p := range page.Posts {
			if seen[p.Event] || p.At.After(now) {
				t.Errorf("%s at %s again, or from the future", p.Event, p.At)
			}
			seen[p.Event] = true
		}
		if q.Before = page.Before; q.Before == "" {
			break
		}
	}
	if len(seen) != 25 || pages != 3 {
		t.Errorf("%d posts on %d pages", len(seen), pages)
	}
	if _, err := w.s.Read(t.Context(), feed.Query{Before: "yesterday"}); sys.KindOf(err) != sys.Invalid {
		t.Errorf("a page that nobody named: %v", err)
	}
}

// Whoever writes to a public feed fills neither the disk nor the place of others.
func TestAFloodStaysWithinBounds(t *testing.T) {
	w := newWorld(t)
	post, _ := w.take(words(anna, strings.Repeat("long ", 1<<18)))
	if err := w.j.Update(t.Context(), func(tx *journal.Tx) error {
		for i := range 1060 {
			m := on(words(eve, "spam"), post)
			if i%2 == 0 {
				m = like(sys.Handle(fmt.Sprintf("@eve%d:e.example", i)), post, "❤️")
			}
			m.Event, m.Room, m.At = fmt.Sprintf("$flood%d", i), source.Room, now
			if _, _, err := w.s.Take(t.Context(), tx, source, m); err != nil {
				return err
			}
		}
		for i := range 1010 {
			m := words(anna, "post")
			m.Event, m.Room, m.At = fmt.Sprintf("$post%d", i), source.Room, now.Add(time.Duration(i-1010)*time.Millisecond)
			if _, _, err := w.s.Take(t.Context(), tx, source, m); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	var posts, comments, likes int
	if err := w.j.QueryRow(t.Context(), `SELECT (SELECT count(*) FROM feed_post WHERE root = ''), (SELECT count(*) FROM feed_post WHERE root <> ''), (SELECT count(*) FROM feed_like)`).Scan(&posts, &comments, &likes); err != nil {
		t.Fatal(err)
	}
	if posts != 1000 || comments != 0 || likes != 0 { // the oldest post took its comments along
		t.Errorf("%d posts, %d comments, %d likes are kept", posts, comments, likes)
	}
}

// Nobody makes a feed in the name of somebody else.
func TestMarks(t *testing.T) {
	mark := func(of sys.Handle, circle string) json.RawMessage {
		raw, err := json.Marshal(feed.MarkOf(of, circle))
		if err != nil {
			t.Fatal(err)
		}
		return raw
	}
	if s, ok := feed.Marked("!r:a", anna, mark(anna, "friends")); !ok || s != (feed.Source{Room: "!r:a", Of: anna, Circle: "friends"}) {
		t.Errorf("a feed of one's own is %+v", s)
	}
	for name, raw := range map[string]json.RawMessage{
		"of somebody else": mark(ben, "public"), "a bad circle": mark(anna, "../x"), "none": []byte(`{}`), "another form": []byte(`{"os.matrix.feed":"anna"}`), "no JSON": []byte(`{`), "nothing": nil,
	} {
		if s, ok := feed.Marked("!r:a", anna, raw); ok {
			t.Errorf("%s is taken for %+v", name, s)
		}
	}
	if a := feed.Alias(anna); a != "#feed_anna:a.example" {
		t.Errorf("the alias is %s", a)
	}
}

func TestProfiles(t *testing.T) {
	p, err := feed.ParseProfile(feed.ProfileFile, []byte(`{"name":"Anna","about":"Bakes.","picture":"data/me.png","links":[{"title":"Home","url":"https://anna.example"}],"circles":{"friends":{"about":"Doorbell 3."}}}`))
	if err != nil {
		t.Fatal(err)
	}
	if s := p.For("friends"); s.About != "Bakes.\n\nDoorbell 3." || len(s.Links) != 1 {
		t.Errorf("friends see %+v", s)
	}
	if s := p.For(feed.Public); strings.Contains(s.About, "Doorbell") {
		t.Errorf("everybody sees %+v", s)
	}
	for _, bad := range []string{`{`, `{"nmae":"Anna"}`, `{"name":"a\nb"}`, `{"picture":"../secret"}`, `{"picture":"/etc/passwd"}`, `{"links":[{"title":"x","url":"javascript:alert(1)"}]}`, `{"circles":{"A B":{}}}`, `{} {}`} {
		if _, err := feed.ParseProfile(feed.ProfileFile, []byte(bad)); sys.KindOf(err) != sys.Invalid || sys.HintOf(err) == "" {
			t.Errorf("%s: %v", bad, err)
		}
	}
	if p, err := feed.ParseProfile(feed.ProfileFile, nil); err != nil || p.Name != "" {
		t.Errorf("an empty file: %+v, %v", p, err)
	}
}

func FuzzWhatOthersWrite(f *testing.F) {
	for _, seed := range []string{
		`{"m.relates_to":{"rel_type":"m.annotation","event_id":"$x","key":"❤️"}}`, `{"name":"Anna","links":[{"title":"x","url":"javascript:alert(1)"}],"ai":{"about":"y"}}`, `{"os.matrix.feed":{"of":"@anna:a.example","circle":"public"}}`, `[]`, `{"name":7}`, "\xff",
	} {
		f.Add([]byte(seed), "hello")
	}
	f.Fuzz(func(t *testing.T, raw []byte, body string) {
		c := feed.ReadCard(raw)
		for _, s := range []feed.Shown{c.Shown} {
			if len([]rune(s.Name)) > 101 || len([]rune(s.About)) > 4001 || len(s.Links) > 40 || strings.ContainsAny(s.Name, "\n\r") {
				t.Errorf("a card of others became %+v", s)
			}
			for _, l := range s.Links {
				if !strings.HasPrefix(l.URL, "http") {
					t.Errorf("a link to %q", l.URL)
				}
			}
		}
		feed.Marked("!r:a", anna, raw)
	})
}
