package feed

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"matrixos/journal"
	"matrixos/sys"
)

// Query says which posts are wanted.
type Query struct {
	Reader sys.Handle            // whose likes are theirs
	Hidden func(sys.Handle) bool // whom the reader does not want to see; nil is nobody
	Room   string                // of one feed; empty is all
	Of     sys.Handle            // of one person; empty is all
	Before string                // as an earlier page named it
	Limit  int
}

// Page is a part of a feed, newest first. Before asks for what is older; empty is the
// end.
type Page struct {
	Posts  []Post
	Before string
}

const columns = `p.event, p.room, r.of, r.circle, p.author, p.at, p.type, p.body, p.content, p.root, p.edited, p.ai, p.encrypted, p.verified`

// Read reads a page of posts.
func (s *Shelf) Read(ctx context.Context, q Query) (Page, error) {
	at, event, err := place(q.Before)
	if err != nil {
		return Page{}, err
	}
	list, err := s.list(ctx, `SELECT `+columns+` FROM feed_post p JOIN feed_room r USING (room)
		WHERE p.root = '' AND r.of <> '' AND (?1 = '' OR p.room = ?1) AND (?2 = '' OR r.of = ?2) AND (?3 = 0 OR (p.at, p.event) < (?3, ?4)) ORDER BY p.at DESC, p.event DESC LIMIT ?5`,
		q.Room, string(q.Of), at, event, q.Limit)
	if err != nil {
		return Page{}, err
	}
	page := Page{Posts: []Post{}}
	if len(list) == q.Limit && q.Limit > 0 {
		last := list[len(list)-1]
		page.Before = fmt.Sprintf("%d.%s", last.At.UnixMilli(), last.Event)
	}
	page.Posts, err = s.complete(ctx, q, list)
	return page, err
}

// place is where a page begins, as Page.Before names it.
func place(before string) (at int64, event string, err error) {
	if before == "" {
		return 0, "", nil
	}
	digits, event, ok := strings.Cut(before, ".")
	if at, err = strconv.ParseInt(digits, 10, 64); err != nil || !ok {
		return 0, "", &sys.Error{Op: "read feed", Path: before, Kind: sys.Invalid, Hint: "it is what the page before has named"}
	}
	return at, event, nil
}

// Thread is a post with its comments, oldest first; NotFound if it is not here, or of
// somebody whom the reader does not want to see.
func (s *Shelf) Thread(ctx context.Context, q Query, event string) (Post, []Post, error) {
	list, err := s.list(ctx, `SELECT `+columns+` FROM feed_post p JOIN feed_room r USING (room) WHERE p.event = ?1 AND p.root = ''
		UNION ALL SELECT * FROM (SELECT `+columns+` FROM feed_post p JOIN feed_room r USING (room) WHERE p.root = ?1 ORDER BY p.at, p.event LIMIT ?2)`, event, mostComments)
	if err != nil {
		return Post{}, nil, err
	}
	list, err = s.complete(ctx, q, list)
	if err != nil {
		return Post{}, nil, err
	}
	if len(list) == 0 || list[0].Root != "" {
		return Post{}, nil, &sys.Error{Op: "find post", Path: event, Kind: sys.NotFound, Hint: "it was taken back, or is of a feed that you do not follow"}
	}
	return list[0], list[1:], nil
}

func (s *Shelf) list(ctx context.Context, query string, args ...any) (out []Post, err error) {
	rows, err := s.j.Query(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		p, err := scan(rows)
		if err != nil {
			return nil, err
		}
		out = append(out, p)
	}
	return out, rows.Err()
}

func scan(rows *sql.Rows) (p Post, err error) {
	var at int64
	err = rows.Scan(&p.Event, &p.Source.Room, &p.Source.Of, &p.Source.Circle, &p.Author, &at, &p.Type, &p.Body, (*[]byte)(&p.Content), &p.Root, &p.Edited, &p.AI, &p.Encrypted, &p.Verified)
	p.At = time.UnixMilli(at).UTC()
	return p, err
}

// complete leaves out what the reader does not want to see, and adds who likes and how
// many have commented.
func (s *Shelf) complete(ctx context.Context, q Query, list []Post) ([]Post, error) {
	hidden := q.Hidden
	if hidden == nil {
		hidden = func(sys.Handle) bool { return false }
	}
	out := []Post{}
	for _, p := range list {
		if hidden(p.Author) || hidden(p.Source.Of) {
			continue
		}
		if err := s.liked(ctx, q.Reader, hidden, &p); err != nil {
			return nil, err
		}
		if err := s.commented(ctx, hidden, &p); err != nil {
			return nil, err
		}
		out = append(out, p)
	}
	return out, nil
}

func (s *Shelf) liked(ctx context.Context, reader sys.Handle, hidden func(sys.Handle) bool, p *Post) (err error) {
	rows, err := s.j.Query(ctx, `SELECT who, min(event) FROM feed_like WHERE post = ? GROUP BY who ORDER BY min(rowid)`, p.Event)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	p.Likes = []sys.Handle{}
	for rows.Next() {
		var who sys.Handle
		var event string
		if err := rows.Scan(&who, &event); err != nil {
			return err
		}
		if who == reader {
			p.Liked = event
		}
		if !hidden(who) {
			p.Likes = append(p.Likes, who)
		}
	}
	return rows.Err()
}

// commented counts the comments of those whom the reader sees.
func (s *Shelf) commented(ctx context.Context, hidden func(sys.Handle) bool, p *Post) (err error) {
	if p.Root != "" {
		return nil
	}
	rows, err := s.j.Query(ctx, `SELECT author, count(*) FROM feed_post WHERE root = ? GROUP BY author`, p.Event)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var who sys.Handle
		var n int
		if err := rows.Scan(&who, &n); err != nil {
			return err
		}
		if !hidden(who) {
			p.Comments += n
		}
	}
	return rows.Err()
}

// Published is the digest of what was last published at a place; empty if nothing was.
func (s *Shelf) Published(ctx context.Context, place string) (digest string, err error) {
	err = s.j.QueryRow(ctx, `SELECT digest FROM feed_published WHERE place = ?`, place).Scan(&digest)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	return digest, err
}

// Publish keeps the digest of what was published at a place.
func (s *Shelf) Publish(ctx context.Context, place, digest string) error {
	return s.j.Update(ctx, func(tx *journal.Tx) error {
		_, err := tx.Exec(ctx, `INSERT INTO feed_published(place, digest) VALUES(?,?) ON CONFLICT(place) DO UPDATE SET digest = excluded.digest`, place, digest)
		return err
	})
}
