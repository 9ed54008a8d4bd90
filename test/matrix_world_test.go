package test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"matrixos/client"
)

// authority signs certificates that homeservers of the test, and nobody else, believe.
type authority struct {
	dir, roots, cert, key string
}

// newAuthority makes one, and a certificate for localhost and for a network's ports.
func newAuthority(t testing.TB) *authority {
	t.Helper()
	a := &authority{dir: t.TempDir()}
	a.roots, a.cert, a.key = filepath.Join(a.dir, "ca.pem"), filepath.Join(a.dir, "cert.pem"), filepath.Join(a.dir, "key.pem")
	var keys [2]*ecdsa.PrivateKey
	for i := range keys {
		k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		keys[i] = k
	}
	now := time.Now()
	ca := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, NotBefore: now.Add(-time.Hour), NotAfter: now.Add(24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	leaf := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "localhost"}, NotBefore: now.Add(-time.Hour), NotAfter: now.Add(24 * time.Hour),
		DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1), net.IPv4(10, 77, 0, 1), net.IPv4(10, 77, 0, 2), net.IPv4(10, 77, 0, 3)}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	write := func(file, kind string, der []byte, err error) {
		if err == nil {
			err = os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, ca, ca, keys[0].Public(), keys[0])
	write(a.roots, "CERTIFICATE", der, err)
	der, err = x509.CreateCertificate(rand.Reader, leaf, ca, keys[1].Public(), keys[0])
	write(a.cert, "CERTIFICATE", der, err)
	der, err = x509.MarshalPKCS8PrivateKey(keys[1])
	write(a.key, "PRIVATE KEY", der, err)
	return a
}

// pool is whom the test itself believes.
func (a *authority) pool(t testing.TB) *x509.CertPool {
	t.Helper()
	b, err := os.ReadFile(a.roots)
	if err != nil {
		t.Fatal(err)
	}
	p := x509.NewCertPool()
	p.AppendCertsFromPEM(b)
	return p
}

// freePort is a port that nobody has just now; a homeserver's name needs it beforehand.
func freePort(t testing.TB) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	_, port, err := net.SplitHostPort(ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// server is a home with a claimed handle, whom others reach on loopback.
type server struct {
	*World
	domain string
}

func newServer(t testing.TB, a *authority, owner string) *server {
	t.Helper()
	s := &server{NewWorld(t), "localhost:" + freePort(t)}
	s.untried = true
	s.claim(a, owner, "127.0.0.1:"+strings.TrimPrefix(s.domain, "localhost:"))
	return s
}

// newServerAt makes one that is reached by the port of a network only.
func newServerAt(t testing.TB, a *authority, owner string, at *port) *server {
	t.Helper()
	s := &server{NewWorld(t), at.address + ":8448"}
	s.untried = true
	s.space = at.namespace
	s.claim(a, owner, s.domain)
	return s
}

func (s *server) claim(a *authority, owner, listen string) {
	s.t.Helper()
	s.Env = append(s.Env, "SSL_CERT_FILE="+a.roots)
	if s.server == nil {
		s.Up()
	}
	s.Do("handle", "claim", "@"+owner+":"+s.domain, "--yes", "--allow-private", "--listen", listen, "--tls", "files", "--certificate", a.cert, "--key", a.key)
}

// handle is what the home says of itself on the network.
func (s *server) handle() (h client.Handle) {
	s.t.Helper()
	s.Do("handle", "--json").JSON(s.t, &h)
	return h
}

// password makes one for a person, whom it adds if they are not the owner.
func (s *server) password(name string) (p client.HandleSignIn) {
	s.t.Helper()
	args := []string{"handle", "password", "--json"}
	if name != "" {
		args = []string{"handle", "add", name, "--json"}
	}
	s.Do(args...).JSON(s.t, &p)
	return p
}

// person is signed in to a homeserver, and remembers what they have heard.
type person struct {
	*mautrix.Client
	heard chan string // event ids of messages, in the order in which sync brings them
}

// signIn signs a person in at an address, which may be the desktop's.
func signIn(t testing.TB, address, user, password string) *person {
	t.Helper()
	return signInBy(t, &http.Client{Timeout: 3 * time.Minute}, address, user, password)
}

func signInBy(t testing.TB, by *http.Client, address, user, password string) *person {
	t.Helper()
	c, err := mautrix.NewClient(address, "", "")
	if err != nil {
		t.Fatal(err)
	}
	c.Client = by
	if _, err := c.Login(t.Context(), &mautrix.ReqLogin{
		Type: mautrix.AuthTypePassword, Password: password, StoreCredentials: true, Identifier: mautrix.UserIdentifier{Type: mautrix.IdentifierTypeUser, User: user},
	}); err != nil {
		t.Fatalf("%s signs in: %v", user, err)
	}
	return &person{c, make(chan string, 10000)}
}

// listen syncs until the test ends, and joins at once whatever the person is invited to.
func (p *person) listen(t testing.TB) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	s := mautrix.NewDefaultSyncer()
	s.FilterJSON = &mautrix.Filter{Room: &mautrix.RoomFilter{Timeline: &mautrix.FilterPart{Limit: 1000}}} // no gap to fill
	p.Syncer = s
	s.OnEventType(event.StateMember, func(ctx context.Context, e *event.Event) {
		if e.GetStateKey() == p.UserID.String() && e.Content.AsMember().Membership == event.MembershipInvite {
			go func() { // a homeserver of others may refuse for a moment
				for range 20 {
					if _, err := p.JoinRoomByID(ctx, e.RoomID); err == nil || ctx.Err() != nil {
						return
					}
					time.Sleep(500 * time.Millisecond)
				}
			}()
		}
	})
	s.OnEventType(event.EventMessage, func(_ context.Context, e *event.Event) {
		if e.Sender != p.UserID {
			p.heard <- e.ID.String()
		}
	})
	done := make(chan struct{})
	go func() {
		defer close(done)
		for ctx.Err() == nil {
			_ = p.SyncWithContext(ctx) // its homeserver may just be killed
		}
	}()
	t.Cleanup(func() {
		cancel()
		<-done
	})
}

// await collects until all of want have been heard, and reports how often each was.
func (p *person) await(t testing.TB, want []id.EventID) map[string]int {
	t.Helper()
	count := map[string]int{}
	p.awaitAlso(t, count, want)
	return count
}

// awaitAlso is await for one who has heard what is in count before; it adds to it.
func (p *person) awaitAlso(t testing.TB, count map[string]int, want []id.EventID) {
	t.Helper()
	late := time.After(4 * time.Minute) // Dendrite takes up what a kill has broken off after 130 s
	for {
		missing := 0
		for _, w := range want {
			if count[w.String()] == 0 {
				missing++
			}
		}
		if missing == 0 {
			return
		}
		select {
		case e := <-p.heard:
			count[e]++
		case <-late:
			t.Fatalf("%s did not hear everything: %d of %d", p.UserID, len(want)-missing, len(want))
		}
	}
}

// tool is a program that the tests need and tools/setup installs.
func tool(t *testing.T, name string, check ...string) {
	t.Helper()
	if out, err := exec.Command(check[0], check[1:]...).CombinedOutput(); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatalf("%s is missing; tools/setup installs it: %v %s", name, err, out)
		}
		t.Skipf("NOTE: %s is missing, and what it would prove is not proved; tools/setup installs it", name)
	}
}

// start runs a program until the test ends, and waits for its first line.
func start(t *testing.T, cmd *exec.Cmd) *lockedBuffer {
	t.Helper()
	out := &lockedBuffer{}
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_, _ = cmd.Process.Kill(), cmd.Wait()
		if t.Failed() {
			t.Logf("%s said:\n%s", filepath.Base(cmd.Path), out)
		}
	})
	for range 600 {
		if strings.Contains(out.String(), "\n") {
			return out
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Fatalf("%s does not begin", cmd.Path)
	return nil
}

// roundTrip asks a homeserver over its public listener.
func (a *authority) roundTrip(t testing.TB, method, url, authorization string, body []byte) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if authorization != "" {
		r.Header.Set("Authorization", authorization)
	}
	c := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: a.pool(t)}, DisableKeepAlives: true}, Timeout: time.Minute}
	res, err := c.Do(r)
	if err != nil {
		return 0, err.Error()
	}
	defer res.Body.Close()
	var b bytes.Buffer
	_, _ = b.ReadFrom(res.Body)
	return res.StatusCode, b.String()
}

func toJSON(t testing.TB, v any) []byte {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// sprint names the n-th of something.
func sprint(what string, n int) string { return fmt.Sprintf("%s %d", what, n) }
