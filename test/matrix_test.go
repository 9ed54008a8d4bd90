package test

import (
	"context"
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/id"
)

// Two homes with claimed handles federate over TLS. Clients that others have made sign in
// to them by what the commands print, and talk, plain and encrypted, within a
// home and between them. One pair of homes serves all parts.
func TestMatrix(t *testing.T) {
	t.Parallel()
	a := newAuthority(t)
	anna, ben := newServer(t, a, "anna"), newServer(t, a, "ben")
	t.Run("check", func(t *testing.T) {
		r := anna.Run("handle", "check", "--json")
		if !strings.Contains(r.Stdout, `"homeserver","ok":true`) || !strings.Contains(r.Stdout, "certificate") {
			t.Errorf("it says %s %s", r.Stdout, r.Stderr)
		}
		if r := anna.Run("handle", "claim", "@other:example.org", "--yes"); r.Status != 6 || !strings.Contains(r.Stderr, "cannot be changed") {
			t.Errorf("another claim: %d %s", r.Status, r.Stderr)
		}
	})
	annas, bens, carls := anna.password(""), ben.password(""), anna.password("@carl")
	t.Run("clients of others", func(t *testing.T) {
		foreignClients(t, anna, ben, [3]signed{signed(annas), signed(bens), signed(carls)})
	})
	t.Run("verified", func(t *testing.T) { verifiedByOthers(t, anna, signed(annas)) })
	writer, reader := signIn(t, anna.Addr, string(annas.Handle), annas.Password), signIn(t, ben.Addr, string(bens.Handle), bens.Password)
	reader.listen(t)
	t.Run("at once", func(t *testing.T) { joinAtOnce(t, writer, reader) })
	t.Run("kill", func(t *testing.T) { killInTraffic(t, writer, reader, anna, ben) })
	t.Run("unmodified", func(t *testing.T) { unmodified(t, a, writer) })
	t.Run("hostile", func(t *testing.T) { hostile(t, a, anna, writer) })
}

// foreignClients lets anna, on matrix-js-sdk, talk to carl on her own server and to ben on
// his, both on matrix-nio: by plain sync, and by sliding sync.
func foreignClients(t *testing.T, anna, ben *server, who [3]signed) {
	dir := filepath.Join(cacheFolder(), "matrix-js-sdk", "43.0.0")
	tool(t, "matrix-js-sdk", "node", "-e", "require.resolve('matrix-js-sdk/package.json', {paths: ["+strconv.Quote(dir)+"]})")
	tool(t, "matrix-nio", "/usr/bin/python3", "-c", "import nio, olm")
	for _, s := range []struct {
		at  *server
		who signed
	}{{anna, who[2]}, {ben, who[1]}} {
		start(t, exec.Command("/usr/bin/python3", "testdata/matrix/echo.py", s.at.Addr, string(s.who.Handle), s.who.Password, t.TempDir()))
	}
	for _, mode := range []string{"sync", "sliding"} {
		cmd := exec.CommandContext(t.Context(), "node", "testdata/matrix/talk.mjs", dir, anna.Addr, string(who[0].Handle), who[0].Password, mode, string(who[2].Handle), string(who[1].Handle))
		out, err := cmd.CombinedOutput()
		if err != nil || strings.Count(string(out), "ok ") != 4 {
			t.Errorf("%s: %v\n%s", mode, err, out)
		}
	}
}

// signed is client.HandleSignIn.
type signed struct {
	Handle   sysHandle
	URL      string
	Password string
}

func cacheFolder() string {
	dir, err := os.UserCacheDir()
	if err != nil {
		dir = os.TempDir()
	}
	return filepath.Join(dir, "matrixos-test")
}

// together makes a room of two, and returns as soon as the other's membership is known here.
func together(t testing.TB, writer, reader *person) id.RoomID {
	t.Helper()
	room := inviting(t, writer, reader)
	for range 6000 {
		if m, err := writer.JoinedMembers(t.Context(), room.RoomID); err == nil && len(m.Joined) == 2 {
			return room.RoomID
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("%s does not join", reader.UserID)
	return ""
}

// inviting makes a room to which the other is invited. A homeserver takes 20 invitations a minute
// from one server; who sends more is told to wait, and does.
func inviting(t testing.TB, writer, reader *person) *mautrix.RespCreateRoom {
	t.Helper()
	for range 60 {
		room, err := writer.CreateRoom(t.Context(), &mautrix.ReqCreateRoom{Preset: "private_chat", Invite: []id.UserID{reader.UserID}})
		if err == nil {
			return room
		}
		if !strings.Contains(err.Error(), "M_LIMIT_EXCEEDED") {
			t.Fatal(err)
		}
		time.Sleep(5 * time.Second)
	}
	t.Fatalf("%s cannot be invited", reader.UserID)
	return nil
}

// joinAtOnce invites, and writes without waiting, while the other joins at once: everything
// arrives. Long versions do it 150 times.
func joinAtOnce(t *testing.T, writer, reader *person) {
	times := 5
	if n, err := strconv.Atoi(os.Getenv("MATRIXOS_MATRIX_JOINS")); err == nil {
		times = n
	}
	var sent []id.EventID
	for i := range times {
		e, err := writer.SendText(t.Context(), together(t, writer, reader), sprint("at once", i))
		if err != nil {
			t.Fatal(err)
		}
		sent = append(sent, e.EventID)
	}
	reader.await(t, sent)
	t.Logf("%d of %d", len(sent), times)
}

// killInTraffic kills the homeserver of either side while messages are on their way. What
// was acknowledged arrives, once.
func killInTraffic(t *testing.T, writer, reader *person, sides ...*server) {
	room := together(t, writer, reader)
	var sent []id.EventID
	for _, side := range sides {
		pid := side.handle().PID
		for i := range 20 {
			if i == 10 {
				if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
					t.Fatal(err)
				}
			}
			e, err := writer.SendText(t.Context(), room, sprint("message", i))
			if err == nil {
				sent = append(sent, e.EventID)
			}
		}
		for range 600 {
			if now := side.handle(); now.Phase == "running" && now.PID != pid {
				break
			}
			time.Sleep(100 * time.Millisecond)
		}
		if now := side.handle(); now.Restarts != 1 {
			t.Errorf("the homeserver of %s: %+v", side.domain, now)
		}
	}
	if len(sent) < 30 {
		t.Errorf("only %d were taken", len(sent))
	}
	defer func() {
		for i, e := range sent {
			if !t.Failed() {
				return
			}
			_, here := writer.GetEvent(context.Background(), room, e)
			_, there := reader.GetEvent(context.Background(), room, e)
			t.Logf("%d %s: the writer's homeserver says %v, the reader's %v", i, e, here, there)
		}
	}()
	for e, n := range reader.await(t, sent) {
		if n > 1 {
			t.Errorf("%s came %d times", e, n)
		}
	}
}

// unmodified is another homeserver: Dendrite as it is published, started by its own main.
func unmodified(t *testing.T, a *authority, writer *person) {
	dir := t.TempDir()
	program := filepath.Join(dir, "dendrite")
	build := exec.CommandContext(t.Context(), "go", "build", "-tags=goolm", "-o", program, "github.com/element-hq/dendrite/cmd/dendrite")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	port, plain := freePort(t), freePort(t)
	domain := "localhost:" + port
	writeDendrite(t, dir, domain)
	cmd := exec.Command(program, "--config", "dendrite.yaml", "--http-bind-address", "127.0.0.1:"+plain, "--https-bind-address", "127.0.0.1:"+port,
		"--tls-cert", a.cert, "--tls-key", a.key, "--really-enable-open-registration")
	cmd.Dir, cmd.Env = dir, []string{"SSL_CERT_FILE=" + a.roots, "PATH=" + os.Getenv("PATH"), "HOME=" + dir}
	start(t, cmd)
	address := "http://127.0.0.1:" + plain
	registered := ""
	for range 600 {
		if status, text := a.roundTrip(t, http.MethodPost, address+"/_matrix/client/v3/register", "", toJSON(t, map[string]any{
			"username": "dora", "password": "doras password", "auth": map[string]string{"type": "m.login.dummy"},
		})); status == http.StatusOK {
			registered = text
			break
		}
		time.Sleep(100 * time.Millisecond)
	}
	var me struct {
		User id.UserID `json:"user_id"`
	}
	if err := json.Unmarshal([]byte(registered), &me); err != nil || me.User == "" {
		t.Fatalf("registered as %q: %v", registered, err)
	}
	dora := signIn(t, address, string(me.User), "doras password")
	dora.listen(t)
	room := together(t, writer, dora)
	for range 600 { // its own race: what is said while it stores its join, breaks the room there
		if m, err := dora.JoinedMembers(t.Context(), room); err == nil && len(m.Joined) == 2 {
			break
		}
		time.Sleep(100 * time.Millisecond)
	}
	there, err := writer.SendText(t.Context(), room, "hello stranger")
	if err != nil {
		t.Fatal(err)
	}
	dora.await(t, []id.EventID{there.EventID})
	back, err := dora.SendText(t.Context(), room, "hello home")
	if err != nil {
		t.Fatal(err)
	}
	for range 600 {
		if _, err := writer.GetEvent(t.Context(), room, back.EventID); err == nil {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Error("what it said did not arrive")
}
