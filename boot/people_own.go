package boot

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"time"
	"unicode"

	"matrixos/gateway"
	"matrixos/journal"
	"matrixos/matrix/talk"
	"matrixos/sys"
)

// standing is how a room stands for the owner, from their own copy.
type standing struct {
	unread, meant int
	muted         bool
	newest        *gateway.RoomMessage
}

// standings reads them for all rooms at once.
func (m *messenger) standings(ctx context.Context) (out map[string]standing, err error) {
	rows, err := m.disk.Journal().Query(ctx, `
		WITH mine AS (SELECT room, upto FROM messenger_read WHERE who = ?1),
		unread AS (SELECT s.room, count(*) AS n, sum(s.meant) AS meant FROM messenger_said s LEFT JOIN mine USING (room) WHERE s.sender <> ?1 AND s.id > coalesce(mine.upto, 0) GROUP BY s.room)
		SELECT s.room, coalesce(u.n, 0), coalesce(u.meant, 0), EXISTS(SELECT 1 FROM messenger_muted WHERE room = s.room), s.event, s.sender, s.at, s.type, s.kind, substr(s.body, 1, 300)
		FROM messenger_said s LEFT JOIN unread u USING (room) WHERE s.id IN (SELECT max(id) FROM messenger_said GROUP BY room)`, string(m.owner()))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	out = map[string]standing{}
	for rows.Next() {
		var room string
		var s standing
		msg, err := scanSaid(rows, &room, &s.unread, &s.meant, &s.muted)
		if err != nil {
			return nil, err
		}
		s.newest = &msg
		out[room] = s
	}
	return out, rows.Err()
}

// scanSaid reads a message of the owner's copy, behind other columns.
func scanSaid(rows *sql.Rows, before ...any) (m gateway.RoomMessage, err error) {
	var at int64
	err = rows.Scan(append(before, &m.ID, &m.Sender, &at, &m.Type, &m.Kind, &m.Body)...)
	m.Time, m.Content = time.UnixMilli(at).UTC(), []byte("{}")
	return m, err
}

// SearchRooms implements gateway.Rooms.
func (s *social) SearchRooms(ctx context.Context, query, room string, limit int) (out []gateway.FoundMessage, err error) {
	m, err := s.messenger(ctx)
	if err != nil {
		return nil, err
	}
	words, hidden := match(query), m.hides()
	if words == "" {
		return nil, nil
	}
	rows, err := m.disk.Journal().Query(ctx, `SELECT s.room, s.event, s.sender, s.at, s.type, s.kind, substr(s.body, 1, 2000) FROM messenger_words w JOIN messenger_said s ON s.id = w.rowid
		WHERE messenger_words MATCH ? AND (?2 = '' OR s.room = ?2) ORDER BY s.at DESC LIMIT ?3`, words, room, limit)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var f gateway.FoundMessage
		if f.Message, err = scanSaid(rows, &f.Room); err != nil {
			return nil, err
		}
		if !hidden(f.Message.Sender) {
			out = append(out, f)
		}
	}
	return out, rows.Err()
}

// match is a query for the index: every word, each as a beginning.
func match(query string) string {
	var out []string
	for _, w := range strings.FieldsFunc(query, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
		out = append(out, `"`+w+`"*`)
	}
	return strings.Join(out, " ")
}

// Presence implements gateway.Rooms. Asking is also how the owner is seen to be there.
func (s *social) Presence(ctx context.Context, who sys.Handle) (gateway.PersonPresence, error) {
	m, err := s.messenger(ctx)
	if err != nil {
		return gateway.PersonPresence{}, err
	}
	m.ownInbox.look()
	p, err := m.own.Presence(ctx, who)
	if kind := sys.KindOf(err); err != nil && (kind == sys.Refused || kind == sys.NotFound) {
		return gateway.PersonPresence{State: "unknown"}, nil
	}
	return gateway.PersonPresence{State: p.State, Seconds: int(p.Since.Seconds())}, err
}

// Attach implements gateway.Rooms.
func (s *social) Attach(ctx context.Context, room, thread string, f gateway.RoomFile) (string, error) {
	m, err := s.messenger(ctx)
	if err != nil {
		return "", err
	}
	content, err := m.own.Attach(ctx, room, talk.File(f))
	if err != nil {
		return "", err
	}
	if thread != "" {
		content["m.relates_to"] = map[string]any{"rel_type": "m.thread", "event_id": thread}
	}
	l := talk.Letter{Once: newOnce(), Room: room, Content: content}
	err = m.disk.Journal().Update(ctx, func(tx *journal.Tx) error { return m.own.Post(ctx, tx, l) })
	return talk.OnceOf(l), err
}

// Attached implements gateway.Rooms.
func (s *social) Attached(ctx context.Context, room, event string) (gateway.RoomFile, error) {
	m, err := s.messenger(ctx)
	if err != nil {
		return gateway.RoomFile{}, err
	}
	f, err := m.own.Attached(ctx, room, event)
	return gateway.RoomFile(f), err
}

// Thumbnail implements gateway.Rooms.
func (s *social) Thumbnail(ctx context.Context, room, event string) (gateway.RoomFile, error) {
	m, err := s.messenger(ctx)
	if err != nil {
		return gateway.RoomFile{}, err
	}
	f, err := m.own.Thumbnail(ctx, room, event)
	return gateway.RoomFile(f), err
}

// complete adds to a page of a room's timeline who has read how far, and on the newest
// page what is not sent yet.
func (m *messenger) complete(ctx context.Context, page *gateway.RoomPage, room string, newest bool) (err error) {
	page.Read, page.Unsent = map[sys.Handle]string{}, []gateway.RoomUnsent{}
	if newest {
		list, err := m.own.Unsent(ctx, room)
		if err != nil {
			return err
		}
		for _, u := range list {
			page.Unsent = append(page.Unsent, gateway.RoomUnsent{Once: u.Once, Body: u.Body, Time: u.At, Why: u.Why})
		}
	}
	rows, err := m.disk.Journal().Query(ctx, `SELECT who, event FROM messenger_read WHERE room = ? LIMIT 200`, room)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var who sys.Handle
		var event string
		if err := rows.Scan(&who, &event); err != nil {
			return err
		}
		page.Read[who] = event
	}
	return rows.Err()
}

// readBy notes that the owner has read a room up to an event, which is then the newest
// that they know.
func (m *messenger) readBy(ctx context.Context, room, event string) error {
	return m.disk.Journal().Update(ctx, func(tx *journal.Tx) error {
		var newest int64
		if err := tx.QueryRow(ctx, `SELECT coalesce(max(id), 0) FROM messenger_said WHERE room = ?1 AND id <= coalesce((SELECT id FROM messenger_said WHERE event = ?2), id)`, room, event).Scan(&newest); err != nil {
			return err
		}
		return markRead(ctx, tx, room, m.owner(), event, newest)
	})
}

// mute says whether the owner wants to be told of what is said in a room, here and in
// their other clients.
func (m *messenger) mute(ctx context.Context, room string, on bool) error {
	if err := m.own.Mute(ctx, room, on); err != nil {
		return err
	}
	statement := `INSERT INTO messenger_muted(room) VALUES(?) ON CONFLICT DO NOTHING`
	if !on {
		statement = `DELETE FROM messenger_muted WHERE room = ?`
	}
	return m.disk.Journal().Update(ctx, func(tx *journal.Tx) error {
		_, err := tx.Exec(ctx, statement, room)
		return err
	})
}
