package ipc

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"matrixos/journal"
	"matrixos/sys"
)

func (b *box) send(to sys.Address, content string) {
	b.t.Helper()
	b.must(func(ctx context.Context, tx *journal.Tx) error {
		_, err := b.SendMail(ctx, tx, NewMail{From: sys.Address{Process: 2, Program: "builder"}, To: to, Content: content, Label: sys.Label{Integrity: sys.Untrusted}})
		return err
	})
}

func (b *box) read(pid sys.PID, program sys.Program) (r Receipt, text string) {
	b.t.Helper()
	b.must(func(ctx context.Context, tx *journal.Tx) error {
		receipt, list, err := b.ReadMail(ctx, tx, Reader{pid, program})
		r, text = receipt, ""
		for _, m := range list {
			text += m.Content + " "
			if m.State != sys.MailDelivered || m.Reader != pid || m.From.Program != "builder" || m.Label.Integrity != sys.Untrusted {
				b.t.Errorf("read %+v", m)
			}
		}
		return err
	})
	return r, text
}

func (b *box) confirm(pid sys.PID, r Receipt) {
	b.t.Helper()
	b.must(func(ctx context.Context, tx *journal.Tx) error { return b.ConfirmMail(ctx, tx, pid, r) })
}

func TestMailIsReadOnce(t *testing.T) {
	b := temp(t)
	process, program := sys.Address{Process: 7}, sys.Address{Program: "kernel"}
	b.send(process, "a")
	b.send(program, "b")
	b.send(sys.Address{Process: 8}, "c")
	first, got := b.read(7, "kernel")
	if got != "a b " || first == 0 {
		t.Fatalf("read %q under %d", got, first)
	}
	b.send(process, "d")
	if r, again := b.read(7, "kernel"); again != got || r != first { // as after a crash
		t.Errorf("not confirmed, it reads %q under %d", again, r)
	}
	if r, other := b.read(9, "kernel"); other != "" || r != 0 {
		t.Errorf("another reads %q", other)
	}
	b.refused(sys.Conflict, func(ctx context.Context, tx *journal.Tx) error { return b.ConfirmMail(ctx, tx, 9, first) })
	b.refused(sys.Conflict, func(ctx context.Context, tx *journal.Tx) error { return b.ConfirmMail(ctx, tx, 7, 0) })
	b.confirm(7, first)
	b.confirm(7, first)
	second, got := b.read(7, "kernel")
	if got != "d " || second == first {
		t.Errorf("then it reads %q under %d", got, second)
	}
	b.confirm(7, second)
	if _, got := b.read(7, "kernel"); got != "" {
		t.Errorf("and then %q", got)
	}
	for i := range mostRead + 5 {
		b.send(program, fmt.Sprint(i))
	}
	third, got := b.read(7, "kernel")
	if n := len(strings.Fields(got)); n != mostRead {
		t.Errorf("one reading has %d messages", n)
	}
	_ = third // 7 dies here: what was for its program goes to another
	for range 2 {
		b.must(func(ctx context.Context, tx *journal.Tx) error { return b.ReleaseMailOf(ctx, tx, 7) })
	}
	b.refused(sys.Conflict, func(ctx context.Context, tx *journal.Tx) error { return b.ConfirmMail(ctx, tx, 7, third) })
	if _, other := b.read(9, "kernel"); other != got {
		t.Errorf("the next reads %q", other)
	}
	b.read(8, "builder")
	b.must(func(ctx context.Context, tx *journal.Tx) error { return b.ReleaseMailOf(ctx, tx, 8) })
	if list, err := b.MailTo(context.Background(), b.j, sys.Address{Process: 8}, 10); err != nil || len(list) != 1 || list[0].State != sys.MailExpired {
		t.Errorf("mail to the dead is %v, %v", list, err)
	}
}

func TestMailHasLimits(t *testing.T) {
	b := temp(t)
	to := sys.Address{Program: "kernel"}
	send := func(n NewMail) func(context.Context, *journal.Tx) error {
		return func(ctx context.Context, tx *journal.Tx) error { _, err := b.SendMail(ctx, tx, n); return err }
	}
	b.refused(sys.Invalid, send(NewMail{To: to}))
	b.refused(sys.Invalid, send(NewMail{To: to, Content: strings.Repeat("x", mostContent+1)}))
	b.refused(sys.Invalid, send(NewMail{Content: "x"}))
	b.refused(sys.Invalid, send(NewMail{To: sys.Address{Process: 1, Program: "kernel"}, Content: "x"}))
	b.must(func(ctx context.Context, tx *journal.Tx) error {
		for range mostUnread {
			if err := send(NewMail{To: to, Content: "x", Life: time.Hour})(ctx, tx); err != nil {
				return err
			}
		}
		return nil
	})
	b.refused(sys.OverBudget, send(NewMail{To: to, Content: "x"}))
	b.pass(time.Hour)
	if _, got := b.read(7, "kernel"); got != "" {
		t.Errorf("what has expired reads %q", got)
	}
	b.send(to, "y")
	if _, got := b.read(7, "kernel"); got != "y " {
		t.Errorf("read %q", got)
	}
	for _, s := range []string{"", "a b", "-1", "../x", "Kernel"} {
		if _, err := sys.ParseAddress(s); sys.KindOf(err) != sys.Invalid {
			t.Errorf("address %q: %v", s, err)
		}
	}
	for _, s := range []string{"12", "kernel"} {
		if a, err := sys.ParseAddress(s); err != nil || a.String() != s {
			t.Errorf("address %q: %v %v", s, a, err)
		}
	}
}
