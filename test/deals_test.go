package test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// certificate makes a certificate for this machine that who is told of it believes.
func certificate(t *testing.T) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, c, c, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := x509.MarshalECPrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for file, b := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: der}, key: {Type: "EC PRIVATE KEY", Bytes: raw}} {
		if err := os.WriteFile(file, pem.EncodeToMemory(b), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return cert, key
}

func freePort(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	return ln.Addr().String()
}

type agreed struct {
	ID, Status string
	Chosen     *struct{ From time.Time }
}

// Two fresh homes, each with a homeserver of its own, agree on a meeting through their
// AIs with the built-in model: it is in both calendars, and both can prove it.
func TestTwoHomesAgreeOnAMeeting(t *testing.T) {
	cert, key := certificate(t)
	homes := map[string]*World{}
	handles := map[string]string{}
	for _, name := range []string{"anna", "ben"} {
		w := NewWorld(t)
		w.Env = []string{"SSL_CERT_FILE=" + cert}
		w.Up()
		addr := freePort(t)
		handles[name] = "@" + name + ":" + addr
		w.Do("handle", "claim", handles[name], "--yes", "--listen", addr, "--tls", "files", "--certificate", cert, "--key", key, "--allow-private")
		homes[name] = w
	}
	anna, ben := homes["anna"], homes["ben"]
	for name, other := range map[string]string{"anna": "ben", "ben": "anna"} {
		for file, text := range map[string]string{
			"privacy.json":  `{"meetings": {"from": "contacts", "answer": "automatic"}}`,
			"contacts.json": fmt.Sprintf(`{"people": {%q: {"may": "read"}}}`, handles[other]),
		} {
			if err := os.WriteFile(filepath.Join(homes[name].Home, "system", file), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
			Eventually(t, patience, file+" is noticed", func() bool { return strings.Contains(homes[name].Run("log", "-n", "5").Stdout, file) })
		}
	}
	if r := anna.Do("ask", "find half an hour with "+handles["ben"]+" next week"); !strings.Contains(r.Stdout, "Sent: ") {
		t.Fatalf("%s%s", r.Stdout, r.Stderr)
	}
	var mine, theirs []agreed
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("Anna:\n%s\n%+v\nBen:\n%s\n%+v", anna.Output(), mine, ben.Output(), theirs)
		}
	})
	Eventually(t, 3*patience, "both have agreed", func() bool {
		anna.Do("deals", "--json").JSON(t, &mine)
		ben.Do("deals", "--json").JSON(t, &theirs)
		return len(mine) == 1 && len(theirs) == 1 && mine[0].Status == "agreed" && theirs[0].Status == "agreed"
	})
	when := mine[0].Chosen.From.UTC().Format("2006-01-02|15:04")
	var heads []string
	for name, w := range homes {
		if got := w.Rows("calendar", "SELECT date, time FROM events"); got != when {
			t.Errorf("the calendar of %s has %q, agreed is %q", name, got, when)
		}
		var proof struct{ Head string }
		w.Do("deals", "verify", mine[0].ID, "--json").JSON(t, &proof)
		heads = append(heads, proof.Head)
	}
	if heads[0] == "" || heads[0] != heads[1] {
		t.Errorf("the transcripts differ: %q", heads)
	}
}
