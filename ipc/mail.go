package ipc

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"time"

	"matrixos/journal"
	"matrixos/sys"
)

const (
	mostContent = 64 << 10 // bytes of one message
	mostUnread  = 1000     // messages that wait at one address
	mostRead    = 50       // messages that one reading returns
	mailLife    = 7 * 24 * time.Hour
)

// mailMoves is the table of legal transitions.
var mailMoves = map[sys.MailState][]sys.MailState{
	sys.MailSent:      {sys.MailDelivered, sys.MailExpired},
	sys.MailDelivered: {sys.MailRead, sys.MailSent, sys.MailExpired},
}

// NewMail is a message to be sent. Exactly one field of To is set.
type NewMail struct {
	From    sys.Address
	To      sys.Address
	Content string
	Label   sys.Label
	Life    time.Duration // until it expires; 0 means a week
}

// SendMail puts a message where its reader finds it once the transaction has
// committed. It refuses what is too large, and with kind OverBudget what goes to an
// address that reads nothing.
func (s *Store) SendMail(ctx context.Context, tx *journal.Tx, n NewMail) (sys.MailID, error) {
	bad := func(kind sys.Kind, why, hint string) error {
		return &sys.Error{Op: "send mail to", Path: n.To.String(), Kind: kind, Err: errors.New(why), Hint: hint}
	}
	switch {
	case (n.To.Process == 0) == (n.To.Program == ""):
		return 0, bad(sys.Invalid, "no single address", "mail goes to the number of a process, such as 12, or to a program, such as kernel")
	case n.Content == "" || len(n.Content) > mostContent:
		return 0, bad(sys.Invalid, fmt.Sprintf("%d bytes", len(n.Content)), "a message has 1 to 65536 bytes: write more to a file, and send its path")
	case n.Life < 0:
		return 0, bad(sys.Invalid, "it expires before it is sent", "leave the time out, or give one to come")
	}
	var waiting int
	err := tx.QueryRow(ctx, `SELECT count(*) FROM ipc_mail WHERE to_pid = ? AND to_program = ? AND state = 'sent'`, int64(n.To.Process), string(n.To.Program)).Scan(&waiting)
	if err != nil {
		return 0, err
	}
	if waiting >= mostUnread {
		return 0, bad(sys.OverBudget, fmt.Sprintf("%d messages wait there unread", waiting), "wait until they are read")
	}
	if n.Life == 0 {
		n.Life = mailLife
	}
	now := s.clock()
	r, err := tx.Exec(ctx, `INSERT INTO ipc_mail(from_pid, from_program, to_pid, to_program, content, integrity, confidentiality, state, sent, expires, changed)
		VALUES(?,?,?,?,?,?,?,'sent',?,?,?)`,
		int64(n.From.Process), string(n.From.Program), int64(n.To.Process), string(n.To.Program), n.Content,
		int64(n.Label.Integrity), int64(n.Label.Confidentiality), now, now+int64(n.Life), now)
	if err != nil {
		return 0, err
	}
	id, err := r.LastInsertId()
	if err != nil {
		return 0, err
	}
	return sys.MailID(id), tellMail(tx, sys.Mail{ID: sys.MailID(id), From: n.From, To: n.To, State: sys.MailSent, Label: n.Label}, n.From.Process)
}

// Reader is who reads: a process, and the program that it runs.
type Reader struct {
	PID     sys.PID
	Program sys.Program
}

// Receipt names one reading; 0 is none.
type Receipt int64

// ReadMail hands a reader the oldest messages to it or to its program, at most 50.
// If it has not confirmed what it was handed before, it gets exactly that again,
// under the same receipt. With nothing to read the receipt is 0. The messages
// are the reader's once the transaction has committed.
func (s *Store) ReadMail(ctx context.Context, tx *journal.Tx, r Reader) (Receipt, []sys.Mail, error) {
	if r.PID <= 0 {
		return 0, nil, &sys.Error{Op: "read mail", Kind: sys.Invalid, Err: errors.New("no process reads")}
	}
	if err := s.ExpireMail(ctx, tx); err != nil {
		return 0, nil, err
	}
	receipt, again, err := s.unconfirmed(ctx, tx, r.PID)
	if err != nil || len(again) > 0 {
		return receipt, again, err
	}
	rows, err := tx.Query(ctx, `SELECT `+mailColumns+` FROM ipc_mail WHERE state = 'sent' AND (to_pid = ? AND to_program = '' OR to_pid = 0 AND to_program = ?) ORDER BY id LIMIT ?`,
		int64(r.PID), string(r.Program), mostRead)
	list, err := collect(rows, err, scanMail)
	if err != nil || len(list) == 0 {
		return 0, nil, err
	}
	receipt = Receipt(list[0].ID) // unique: no message is handed out first twice while open
	for i := range list {
		list[i].Reader = r.PID
		if err := s.moveMail(ctx, tx, &list[i], sys.MailDelivered, receipt); err != nil {
			return 0, nil, err
		}
	}
	return receipt, list, nil
}

// unconfirmed returns what a reader was handed and has not confirmed.
func (s *Store) unconfirmed(ctx context.Context, tx *journal.Tx, pid sys.PID) (Receipt, []sys.Mail, error) {
	rows, err := tx.Query(ctx, `SELECT `+mailColumns+` FROM ipc_mail WHERE state = 'delivered' AND reader = ? ORDER BY id`, int64(pid))
	list, err := collect(rows, err, scanMail)
	if err != nil || len(list) == 0 {
		return 0, nil, err
	}
	var receipt Receipt
	err = tx.QueryRow(ctx, `SELECT receipt FROM ipc_mail WHERE id = ?`, int64(list[0].ID)).Scan(&receipt)
	return receipt, list, err
}

// ConfirmMail says that what was handed out under a receipt has been used. Do it
// in the transaction that holds what came of it. Confirming twice does no
// harm; a receipt of another reader, or of mail that was given back, is refused
// with kind Conflict.
func (s *Store) ConfirmMail(ctx context.Context, tx *journal.Tx, pid sys.PID, receipt Receipt) error {
	rows, err := tx.Query(ctx, `SELECT `+mailColumns+` FROM ipc_mail WHERE reader = ? AND receipt = ? ORDER BY id`, int64(pid), int64(receipt))
	list, err := collect(rows, err, scanMail)
	if err != nil {
		return err
	}
	if len(list) == 0 || receipt == 0 {
		return &sys.Error{Op: "confirm mail", Path: strconv.FormatInt(int64(receipt), 10), Kind: sys.Conflict, Err: fmt.Errorf("process %d has no such mail", pid), Hint: "read your mail again"}
	}
	for _, m := range list {
		if m.State == sys.MailDelivered {
			if err := s.moveMail(ctx, tx, &m, sys.MailRead, receipt); err != nil {
				return err
			}
		}
	}
	return nil
}

// ReleaseMailOf gives back what a process that has ended was handed and did not
// confirm, for another of its program to read. Calling it again changes
// nothing.
func (s *Store) ReleaseMailOf(ctx context.Context, tx *journal.Tx, pid sys.PID) error {
	_, list, err := s.unconfirmed(ctx, tx, pid)
	if err != nil {
		return err
	}
	for _, m := range list {
		to := sys.MailSent
		if m.To.Process != 0 {
			to = sys.MailExpired // nobody else may read it
		}
		m.Reader = 0
		if err := s.moveMail(ctx, tx, &m, to, 0); err != nil {
			return err
		}
	}
	return nil
}

// ExpireMail ends messages that nobody has read in time. Calling it again
// changes nothing.
func (s *Store) ExpireMail(ctx context.Context, tx *journal.Tx) error {
	rows, err := tx.Query(ctx, `SELECT `+mailColumns+` FROM ipc_mail WHERE state = 'sent' AND expires <= ? ORDER BY id`, s.clock())
	late, err := collect(rows, err, scanMail)
	if err != nil {
		return err
	}
	for _, m := range late {
		if err := s.moveMail(ctx, tx, &m, sys.MailExpired, 0); err != nil {
			return err
		}
	}
	return nil
}

// MailTo lists the messages to an address by number, in whatever state, for
// people to look at. It changes nothing.
func (s *Store) MailTo(ctx context.Context, q Queryer, to sys.Address, limit int) ([]sys.Mail, error) {
	rows, err := q.Query(ctx, `SELECT `+mailColumns+` FROM ipc_mail WHERE to_pid = ? AND to_program = ? ORDER BY id DESC LIMIT ?`, int64(to.Process), string(to.Program), limit)
	return collect(rows, err, scanMail)
}

const mailColumns = `id, from_pid, from_program, to_pid, to_program, content, integrity, confidentiality, state, reader, sent, expires`

func scanMail(rows *sql.Rows) (m sys.Mail, err error) {
	var sent, expires int64
	err = rows.Scan(&m.ID, &m.From.Process, &m.From.Program, &m.To.Process, &m.To.Program, &m.Content,
		&m.Label.Integrity, &m.Label.Confidentiality, &m.State, &m.Reader, &sent, &expires)
	m.Sent, m.Expires = timeOf(sent), timeOf(expires)
	return m, err
}

func (s *Store) moveMail(ctx context.Context, tx *journal.Tx, m *sys.Mail, to sys.MailState, receipt Receipt) error {
	if err := allowed(mailMoves, mailName(m.ID), m.State, to); err != nil {
		return err
	}
	by := m.Reader
	m.State = to
	_, err := tx.Exec(ctx, `UPDATE ipc_mail SET state = ?, reader = ?, receipt = ?, changed = ? WHERE id = ?`, string(to), int64(m.Reader), int64(receipt), s.clock(), int64(m.ID))
	if err != nil {
		return err
	}
	return tellMail(tx, *m, by)
}

func tellMail(tx *journal.Tx, m sys.Mail, by sys.PID) error {
	e := sys.NewEvent(sys.EventMail, sys.MailData{ID: m.ID, From: m.From, To: m.To, State: m.State, Label: m.Label})
	e.PID = by
	return tx.Append(e)
}

// mailName is how errors call a message.
type mailName sys.MailID

func (m mailName) String() string { return "message " + strconv.FormatInt(int64(m), 10) }
