package child_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/id"

	"matrixos/keyring"
	"matrixos/matrix"
	"matrixos/matrix/child"
	"matrixos/matrix/embedded"
)

func TestMain(m *testing.M) {
	if os.Args[0] == child.Name {
		os.Exit(child.Serve())
	}
	os.Exit(m.Run())
}

func newServer(t *testing.T, domain, dir string) *child.Server {
	t.Helper()
	s := child.New(child.Options{
		Program: program(t), Logger: slog.New(slog.DiscardHandler), LogFile: filepath.Join(dir, "log"),
		Server: embedded.Options{Domain: domain, Dir: filepath.Join(dir, "data"), Key: matrix.NewSigningKey()},
	})
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func program(t *testing.T) string {
	t.Helper()
	p, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// A child that is killed in the middle of traffic comes back, and everything that it
// had acknowledged is there. Its secrets are nowhere to be read.
// aliveStill fails if a process is there.
func aliveStill(pid int) error {
	if err := syscall.Kill(pid, 0); err != syscall.ESRCH { //nolint:errorlint // a number of the system
		return fmt.Errorf("the child runs while it should stand still: %v", err)
	}
	return nil
}

func TestAKilledChildLosesNothing(t *testing.T) {
	dir := t.TempDir()
	hs := newServer(t, matrix.LocalDomain, dir)
	a, err := hs.EnsureUser(t.Context(), matrix.User{Local: "anna", Password: keyring.NewSecret("annas password")})
	if err != nil {
		t.Fatal(err)
	}
	lookForSecrets(t, hs.State().PID, a.Token.Reveal(), "annas password")
	c, err := mautrix.NewClient(hs.BaseURL(), id.UserID(a.ID), a.Token.Reveal())
	if err != nil {
		t.Fatal(err)
	}
	c.Client = matrix.Client(hs)
	room, err := c.CreateRoom(t.Context(), &mautrix.ReqCreateRoom{Preset: "private_chat"})
	if err != nil {
		t.Fatal(err)
	}
	var known []id.EventID
	for range 3 {
		pid := hs.State().PID
		killed := make(chan error, 1)
		for i := range 8 {
			if i == 4 {
				go func() { killed <- syscall.Kill(pid, syscall.SIGKILL) }()
			}
			if sent, err := c.SendText(t.Context(), room.RoomID, "hello"); err == nil {
				known = append(known, sent.EventID)
			}
		}
		if err := <-killed; err != nil {
			t.Fatal(err)
		}
		until(t, "another child", func(ctx context.Context) bool { return hs.Ready(ctx) == nil && hs.State().PID != pid })
	}
	pid := hs.State().PID
	if err := hs.Still(t.Context(), func() error { return aliveStill(pid) }); err != nil {
		t.Error(err)
	}
	if err := hs.Ready(t.Context()); err != nil {
		t.Error(err)
	}
	if got := hs.State().Restarts; got != 3 { // standing still is none
		t.Errorf("%d restarts", got)
	}
	if len(known) < 12 {
		t.Errorf("only %d messages were taken", len(known))
	}
	for _, e := range known {
		until(t, "message "+e.String()+" is there", func(ctx context.Context) bool { // what was on its way to readers comes again after a while
			_, err := c.GetEvent(ctx, room.RoomID, e)
			return err == nil
		})
	}
	again, err := hs.EnsureUser(t.Context(), matrix.User{Local: "anna", Token: a.Token})
	if err != nil || again.Token.Reveal() != a.Token.Reveal() {
		t.Errorf("the device is another one: %v", err)
	}
}

// lookForSecrets looks where others on the machine can look.
func lookForSecrets(t *testing.T, pid int, secrets ...string) {
	t.Helper()
	for _, file := range []string{"cmdline", "environ"} {
		text, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), file))
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range secrets {
			if strings.Contains(string(text), s) {
				t.Errorf("%s tells a secret", file)
			}
		}
	}
}

// A server that cannot start says why, is tried again, and lets nobody wait for good.
func TestAChildThatCannotStartSaysWhy(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "data"), []byte("not a folder"), 0o600); err != nil {
		t.Fatal(err)
	}
	hs := newServer(t, matrix.LocalDomain, dir)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() {
		for hs.State().Restarts < 2 && ctx.Err() == nil {
			time.Sleep(10 * time.Millisecond)
		}
		cancel()
	}()
	err := hs.Ready(ctx)
	if err == nil || !strings.Contains(err.Error(), "not a directory") || !strings.Contains(err.Error(), "log") {
		t.Errorf("it says %v", err)
	}
	if s := hs.State(); s.Phase == matrix.Running || s.Restarts < 2 {
		t.Errorf("its state is %+v", s)
	}
}

func until(t *testing.T, what string, ok func(context.Context) bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for !ok(ctx) {
		select {
		case <-ctx.Done():
			t.Fatalf("waited in vain: %s", what)
		case <-time.After(20 * time.Millisecond):
		}
	}
}
