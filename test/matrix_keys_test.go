package test

import (
	"bufio"
	"io"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"matrixos/client"
)

// verifiedByOthers lets the owner sign in with matrix-js-sdk: it compares emoji with the
// home, and gets the account's keys; a second one has only the recovery key, and
// reads what was said before it signed in.
func verifiedByOthers(t *testing.T, anna *server, who signed) {
	dir := filepath.Join(cacheFolder(), "matrix-js-sdk", "43.0.0")
	tool(t, "matrix-js-sdk", "node", "-e", "require.resolve('matrix-js-sdk/package.json', {paths: ["+strconv.Quote(dir)+"]})")
	args := []string{"testdata/matrix/verify.mjs", dir, anna.Addr, string(who.Handle), who.Password, anna.security(func(client.Security) bool { return true }).Device, string(anna.handle().AI)}
	first := conversation(t, exec.CommandContext(t.Context(), "node", args...))
	room := first.hear("said ")
	s := anna.security(func(s client.Security) bool { return s.Backup.Keys > 0 })
	if !s.Verified || s.Identity != "here" {
		t.Errorf("the home says %+v", s)
	}
	first.say("go")
	first.hear("asked")
	open := func(stage string) func(client.Security) bool {
		return func(s client.Security) bool {
			return len(s.Verifications) == 1 && s.Verifications[0].Stage == stage
		}
	}
	anna.security(open("asked"))
	anna.Do("handle", "verify", "--step", "accept")
	theirs, ours := first.hear("emoji "), ""
	for _, e := range anna.security(open("compare")).Verifications[0].Emoji {
		ours += " " + e.Symbol
	}
	// Some fonts need U+FE0F behind a symbol; who compares does not see it.
	if plain := strings.ReplaceAll(theirs, "\ufe0f", ""); plain != strings.TrimSpace(ours) {
		t.Fatalf("they show %s, the home shows %s", theirs, ours)
	}
	anna.Do("handle", "verify", "--step", "match")
	first.say("the same")
	for _, ok := range []string{"the home is verified", "this device is verified", "the keys have come"} {
		first.hear("ok " + ok)
	}
	anna.security(open("done"))

	var made struct{ Key string }
	anna.Do("handle", "recovery", "--json").JSON(t, &made)
	second := conversation(t, exec.CommandContext(t.Context(), "node", append(args, room, made.Key)...))
	for _, ok := range []string{"the home is verified", "this device is verified", "the AI is verified", "the history is read"} {
		second.hear("ok " + ok)
	}
}

// security asks the home until it is as wanted.
func (s *server) security(wanted func(client.Security) bool) (now client.Security) {
	s.t.Helper()
	for range 300 {
		now = client.Security{}
		if s.Do("handle", "security", "--json").JSON(s.t, &now); wanted(now) {
			return now
		}
		time.Sleep(200 * time.Millisecond)
	}
	s.t.Fatalf("it stays %+v", now)
	return now
}

// talker is a program that says what it does, line by line, and is told to go on.
type talker struct {
	t     *testing.T
	in    io.Writer
	lines chan string
	err   *lockedBuffer
}

func conversation(t *testing.T, cmd *exec.Cmd) *talker {
	t.Helper()
	c := &talker{t: t, lines: make(chan string, 100), err: &lockedBuffer{}}
	cmd.Stderr = c.err
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if c.in, err = cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(c.lines)
		for s := bufio.NewScanner(out); s.Scan(); {
			c.lines <- s.Text()
		}
	}()
	t.Cleanup(func() { _, _ = cmd.Process.Kill(), cmd.Wait() })
	return c
}

func (c *talker) say(line string) {
	c.t.Helper()
	if _, err := io.WriteString(c.in, line+"\n"); err != nil {
		c.t.Fatal(err)
	}
}

// hear waits for the next line, which has to begin with something, and returns the rest.
func (c *talker) hear(begin string) string {
	c.t.Helper()
	select {
	case line, ok := <-c.lines:
		if rest, fits := strings.CutPrefix(line, begin); ok && fits {
			return strings.TrimSpace(rest)
		}
		c.t.Fatalf("it says %q instead of %q\n%s", line, begin, c.err)
	case <-time.After(2 * time.Minute):
		c.t.Fatalf("it does not say %q\n%s", begin, c.err)
	}
	return ""
}
