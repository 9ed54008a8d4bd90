package test

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/matrix-org/gomatrixserverlib"
	"github.com/matrix-org/gomatrixserverlib/fclient"
	"github.com/matrix-org/gomatrixserverlib/spec"
	"maunium.net/go/mautrix"

	"matrixos/sys"
)

// sysHandle is sys.Handle.
type sysHandle = sys.Handle

// writeDendrite writes what Dendrite's own main reads.
func writeDendrite(t *testing.T, dir, domain string) {
	t.Helper()
	seed := make([]byte, ed25519.SeedSize)
	_, _ = rand.Read(seed)
	key := "-----BEGIN MATRIX PRIVATE KEY-----\nKey-ID: ed25519:stock\n\n" + base64.StdEncoding.EncodeToString(seed) + "\n-----END MATRIX PRIVATE KEY-----\n"
	config := `version: 2
global:
  server_name: ` + domain + `
  private_key: key.pem
  jetstream: {storage_path: ./jetstream}
  cache: {max_size_estimated: 32mb}
client_api: {registration_disabled: false}
federation_api: {database: {connection_string: "file:federation.db"}, deny_networks: [], allow_networks: ["0.0.0.0/0", "::/0"]}
key_server: {database: {connection_string: "file:keys.db"}}
media_api: {base_path: ./media, database: {connection_string: "file:media.db"}}
mscs: {database: {connection_string: "file:mscs.db"}}
relay_api: {database: {connection_string: "file:relay.db"}}
room_server: {database: {connection_string: "file:rooms.db"}}
sync_api: {database: {connection_string: "file:sync.db"}}
user_api: {account_database: {connection_string: "file:users.db"}}
logging: [{type: std, level: warn}]
`
	for name, text := range map[string]string{"key.pem": key, "dendrite.yaml": config} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// enemy is a homeserver that has a name, a certificate and keys, and means no good.
type enemy struct {
	domain string
	key    ed25519.PrivateKey
}

const enemyKey = gomatrixserverlib.KeyID("ed25519:enemy")

func newEnemy(t *testing.T, a *authority) *enemy {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := tls.LoadX509KeyPair(a.cert, a.key)
	if err != nil {
		t.Fatal(err)
	}
	ln, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{cert}})
	if err != nil {
		t.Fatal(err)
	}
	_, port, err := net.SplitHostPort(ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	e := &enemy{"localhost:" + port, key}
	mux := http.NewServeMux()
	mux.HandleFunc("/_matrix/key/v2/server", func(w http.ResponseWriter, _ *http.Request) {
		keys := map[string]any{
			"server_name": e.domain, "valid_until_ts": time.Now().Add(time.Hour).UnixMilli(), "old_verify_keys": map[string]any{},
			"verify_keys": map[string]any{string(enemyKey): map[string]string{"key": base64.RawStdEncoding.EncodeToString(key.Public().(ed25519.PublicKey))}},
		}
		b, err := json.Marshal(keys)
		if err == nil {
			b, err = gomatrixserverlib.SignJSON(e.domain, enemyKey, key, b)
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		_, _ = w.Write(b)
	})
	srv := &http.Server{Handler: mux}
	go func() { _ = srv.Serve(ln) }()
	t.Cleanup(func() { _ = srv.Close() })
	return e
}

// send makes a signed request to a homeserver.
func (e *enemy) send(t *testing.T, a *authority, to, method, path string, body any) (int, string) {
	t.Helper()
	r := fclient.NewFederationRequest(method, spec.ServerName(e.domain), spec.ServerName(to), path)
	if err := r.SetContent(body); err != nil {
		t.Fatal(err)
	}
	if err := r.Sign(spec.ServerName(e.domain), enemyKey, e.key); err != nil {
		t.Fatal(err)
	}
	h, err := r.HTTPRequest()
	if err != nil {
		t.Fatal(err)
	}
	return a.roundTrip(t, method, "https://"+to+path, h.Header.Get("Authorization"), toJSON(t, body))
}

// hostile sends what no good server sends. It is refused or bounded, nothing of it reaches
// a room, and people go on talking.
func hostile(t *testing.T, a *authority, victim *server, writer *person) {
	room, err := writer.CreateRoom(t.Context(), &mautrix.ReqCreateRoom{Preset: "public_chat"})
	if err != nil {
		t.Fatal(err)
	}
	e := newEnemy(t, a)
	transaction := func(events ...any) map[string]any {
		return map[string]any{"origin": e.domain, "origin_server_ts": time.Now().UnixMilli(), "pdus": events, "edus": []any{}}
	}
	message := func(body string) map[string]any {
		return map[string]any{
			"type": "m.room.message", "room_id": room.RoomID, "sender": "@mallory:" + e.domain, "origin_server_ts": time.Now().UnixMilli(), "depth": 5,
			"content": map[string]string{"msgtype": "m.text", "body": body}, "prev_events": []string{}, "auth_events": []string{},
			"hashes": map[string]string{"sha256": "AAAA"}, "signatures": map[string]any{e.domain: map[string]string{string(enemyKey): "AAAA"}},
		}
	}
	send := "/_matrix/federation/v1/send/"
	if status, text := a.roundTrip(t, http.MethodPut, "https://"+victim.domain+send+"0", "", []byte(`{}`)); status < http.StatusBadRequest || status >= http.StatusInternalServerError {
		t.Errorf("without a signature: %d %s", status, text)
	}
	other := &enemy{victim.domain, e.key}
	if status, text := other.send(t, a, victim.domain, http.MethodPut, send+"1", transaction()); status == http.StatusOK {
		t.Errorf("in somebody else's name: %d %s", status, text)
	}
	for name, body := range map[string]any{
		"a false signature": transaction(message("false")), "nonsense": transaction("nonsense", 7, nil, []any{}), "a giant event": transaction(message(strings.Repeat("x", 100<<10))),
		"too many": transaction(make([]any, 1000)...), "no transaction": []any{1, 2, 3},
	} {
		if status, text := e.send(t, a, victim.domain, http.MethodPut, send+strings.ReplaceAll(name, " ", "-"), body); status >= http.StatusInternalServerError || status == 0 {
			t.Errorf("%s: %d %s", name, status, text)
		}
	}
	if status, text := e.send(t, a, victim.domain, http.MethodPut, send+"giant", transaction(message(strings.Repeat("x", 13<<20)))); status != http.StatusRequestEntityTooLarge && status != 0 {
		t.Errorf("a giant transaction: %d %.200s", status, text)
	}
	put := 0
	for i := range 30 {
		invite := map[string]any{"room_version": "11", "event": message(sprint("come", i)), "invite_room_state": []any{}}
		if status, _ := e.send(t, a, victim.domain, http.MethodPut, "/_matrix/federation/v2/invite/!r:"+e.domain+"/$"+sprint("e", i)[2:], invite); status == http.StatusTooManyRequests {
			put++
		}
	}
	if put != 10 {
		t.Errorf("of 30 invitations at once %d were put off", put)
	}
	sent, err := writer.SendText(t.Context(), room.RoomID, "we go on")
	if err != nil {
		t.Fatal(err)
	}
	var got *mautrix.RespMessages
	Eventually(t, patience, "what was said last is the newest", func() bool {
		got, err = writer.Messages(t.Context(), room.RoomID, "", "", mautrix.DirectionBackward, nil, 50)
		return err == nil && len(got.Chunk) > 0 && got.Chunk[0].ID == sent.EventID
	})
	for _, m := range got.Chunk {
		if strings.HasPrefix(string(m.Sender), "@mallory") {
			t.Errorf("mallory is in the room: %v", m)
		}
	}
	if h := victim.handle(); h.Phase != "running" || h.Restarts > 1 {
		t.Errorf("the homeserver: %+v", h)
	}
}
