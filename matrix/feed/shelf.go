package feed

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"matrixos/journal"
	"matrixos/matrix/talk"
	"matrixos/sys"
)

// Bounds of what is kept of a feed. The oldest posts go; of likes and comments, the
// first stay, so that nobody drives out what others have said.
const (
	mostPosts    = 1000 // of one feed
	mostComments = 500  // on one post
	mostLikes    = 2000 // on one post
)

var tables = []string{
	// Rooms that were looked at; no owner means that it is no feed.
	`CREATE TABLE feed_room (
		room TEXT PRIMARY KEY,
		of TEXT NOT NULL,
		circle TEXT NOT NULL
	) STRICT`,
	`CREATE TABLE feed_post (
		event TEXT PRIMARY KEY,
		room TEXT NOT NULL,
		author TEXT NOT NULL,
		at INTEGER NOT NULL,
		type TEXT NOT NULL,
		body TEXT NOT NULL,
		content TEXT NOT NULL,
		root TEXT NOT NULL, -- the post that a comment is on
		edited INTEGER NOT NULL,
		ai INTEGER NOT NULL,
		encrypted INTEGER NOT NULL,
		verified INTEGER NOT NULL
	) STRICT`,
	`CREATE INDEX feed_post_root ON feed_post(root, at)`,
	`CREATE INDEX feed_post_room ON feed_post(room, root, at, event)`,
	`CREATE TABLE feed_like (
		event TEXT PRIMARY KEY,
		room TEXT NOT NULL,
		post TEXT NOT NULL,
		who TEXT NOT NULL
	) STRICT`,
	`CREATE INDEX feed_like_post ON feed_like(post)`,
	// What of the owner's profile has been published where.
	`CREATE TABLE feed_published (
		place TEXT PRIMARY KEY,
		digest TEXT NOT NULL
	) STRICT`,
}

// Shelf keeps feeds in the journal. Its methods may be called from any goroutine.
type Shelf struct {
	j   *journal.Journal
	now func() time.Time
}

// OpenShelf makes the tables.
func OpenShelf(ctx context.Context, j *journal.Journal, now func() time.Time) (*Shelf, error) {
	return &Shelf{j, now}, j.Migrate(ctx, "feed", tables...)
}

// row reads one row, within a transaction or outside.
type row interface {
	QueryRow(ctx context.Context, query string, args ...any) *sql.Row
}

func sourceOf(ctx context.Context, r row, room string) (f Source, known bool, err error) {
	f.Room = room
	err = r.QueryRow(ctx, `SELECT of, circle FROM feed_room WHERE room = ?`, room).Scan(&f.Of, &f.Circle)
	if errors.Is(err, sql.ErrNoRows) {
		return f, false, nil
	}
	return f, err == nil, err
}

// Source is which feed a room is. Known is false of a room that nobody has looked at; of
// one that is no feed, the feed has no owner.
func (s *Shelf) Source(ctx context.Context, room string) (f Source, known bool, err error) {
	return sourceOf(ctx, s.j, room)
}

// SourceIn is Source within a transaction.
func (s *Shelf) SourceIn(ctx context.Context, tx *journal.Tx, room string) (f Source, known bool, err error) {
	return sourceOf(ctx, tx, room)
}

// Sources are all that the owner has or follows, theirs first.
func (s *Shelf) Sources(ctx context.Context, owner sys.Handle) (out []Source, err error) {
	rows, err := s.j.Query(ctx, `SELECT room, of, circle FROM feed_room WHERE of <> '' ORDER BY of <> ?, of, circle, room`, string(owner))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var f Source
		if err := rows.Scan(&f.Room, &f.Of, &f.Circle); err != nil {
			return nil, err
		}
		out = append(out, f)
	}
	return out, rows.Err()
}

// Note keeps which feed a room is, or that it is none.
func (s *Shelf) Note(ctx context.Context, f Source) error {
	return s.j.Update(ctx, func(tx *journal.Tx) error {
		_, err := tx.Exec(ctx, `INSERT INTO feed_room(room, of, circle) VALUES(?,?,?) ON CONFLICT(room) DO UPDATE SET of = excluded.of, circle = excluded.circle`, f.Room, string(f.Of), f.Circle)
		return err
	})
}

// Drop forgets a feed and all that was said there.
func (s *Shelf) Drop(ctx context.Context, room string) error {
	return s.j.Update(ctx, func(tx *journal.Tx) error {
		for _, table := range []string{"feed_room", "feed_post", "feed_like"} {
			if _, err := tx.Exec(ctx, `DELETE FROM `+table+` WHERE room = ?`, room); err != nil {
				return err
			}
		}
		return nil
	})
}

// Take keeps a message of a feed, once, and says what it was and on which post; Nothing
// for what no feed shows.
func (s *Shelf) Take(ctx context.Context, tx *journal.Tx, f Source, m talk.Message) (kind Kind, about string, err error) {
	kind, about = f.read(m)
	switch kind {
	case Posted:
		err = s.keepPost(ctx, tx, f.post(m, s.now()))
	case Commented:
		if about, err = rootOf(ctx, tx, f.Room, about); about == "" || err != nil {
			return Nothing, "", err
		}
		var n int
		if err = tx.QueryRow(ctx, `SELECT count(*) FROM feed_post WHERE root = ?`, about).Scan(&n); err != nil || n >= mostComments {
			return Nothing, "", err
		}
		p := f.post(m, s.now())
		p.Root = about
		err = put(ctx, tx, p)
	case Liked:
		_, err = tx.Exec(ctx, `INSERT INTO feed_like(event, room, post, who) SELECT ?1, ?2, ?3, ?4
			WHERE EXISTS(SELECT 1 FROM feed_post WHERE event = ?3 AND room = ?2) AND (SELECT count(*) FROM feed_like WHERE post = ?3) < ?5 ON CONFLICT DO NOTHING`,
			m.Event, f.Room, about, string(m.Sender), mostLikes)
	case Reworded:
		_, err = tx.Exec(ctx, `UPDATE feed_post SET body = ?, edited = 1 WHERE event = ? AND room = ? AND author = ?`, cut(m.Body), about, f.Room, string(m.Sender))
	case Nothing:
	}
	return kind, about, err
}

// rootOf is the post that an answer is on: what is answered may be a comment itself.
func rootOf(ctx context.Context, tx *journal.Tx, room, answered string) (root string, err error) {
	err = tx.QueryRow(ctx, `SELECT CASE root WHEN '' THEN event ELSE root END FROM feed_post WHERE event = ? AND room = ?`, answered, room).Scan(&root)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	return root, err
}

// keepPost keeps a post, and lets the oldest of the feed go.
func (s *Shelf) keepPost(ctx context.Context, tx *journal.Tx, p Post) error {
	if err := put(ctx, tx, p); err != nil {
		return err
	}
	const oldest = `SELECT event FROM feed_post WHERE room = ?1 AND root = '' ORDER BY at DESC, event DESC LIMIT -1 OFFSET ?2`
	for _, statement := range []string{
		`DELETE FROM feed_like WHERE post IN (` + oldest + `)`,
		`DELETE FROM feed_post WHERE root <> '' AND root IN (` + oldest + `)`,
		`DELETE FROM feed_post WHERE event IN (` + oldest + `)`,
	} {
		if _, err := tx.Exec(ctx, statement, p.Source.Room, mostPosts); err != nil {
			return err
		}
	}
	return nil
}

func put(ctx context.Context, tx *journal.Tx, p Post) error {
	_, err := tx.Exec(ctx, `INSERT INTO feed_post(event, room, author, at, type, body, content, root, edited, ai, encrypted, verified) VALUES(?,?,?,?,?,?,?,?,0,?,?,?) ON CONFLICT DO NOTHING`,
		p.Event, p.Source.Room, string(p.Author), p.At.UnixMilli(), p.Type, p.Body, string(p.Content), p.Root, p.AI, p.Encrypted, p.Verified)
	return err
}

// Forget drops what was taken back: a post with all that is on it, a comment, a like.
func (s *Shelf) Forget(ctx context.Context, tx *journal.Tx, room, event string) error {
	for _, statement := range []string{
		`DELETE FROM feed_like WHERE room = ?1 AND (event = ?2 OR post = ?2)`,
		`DELETE FROM feed_post WHERE room = ?1 AND (event = ?2 OR root = ?2)`,
	} {
		if _, err := tx.Exec(ctx, statement, room, event); err != nil {
			return err
		}
	}
	return nil
}
