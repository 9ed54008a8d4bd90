package public_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"matrixos/matrix/public"
	"matrixos/sys"
)

// certificate writes one for localhost that nobody else has signed.
func certificate(t *testing.T, dir string, serial int64) (cert, key string) {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{
		SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: "localhost"}, DNSNames: []string{"localhost"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, c, c, k.Public(), k)
	if err != nil {
		t.Fatal(err)
	}
	pkcs, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		t.Fatal(err)
	}
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for file, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: der}, key: {Type: "PRIVATE KEY", Bytes: pkcs}} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return cert, key
}

// A certificate that is renewed in its files is served without a restart; half a renewal
// leaves the old one.
func TestARenewedCertificateIsServed(t *testing.T) {
	dir := t.TempDir()
	cert, key := certificate(t, dir, 1)
	log := slog.New(slog.DiscardHandler)
	ln, err := public.Listen(t.Context(), public.Options{Addr: "127.0.0.1:0", Mode: public.Files, Domain: "localhost", Certificate: cert, Key: key, Logger: log})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- public.Serve(ctx, ln, http.NotFoundHandler(), log) }()
	serial := func() int64 {
		c, err := tls.Dial("tcp", ln.Addr().String(), &tls.Config{InsecureSkipVerify: true}) //nolint:gosec // it is our own
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		return c.ConnectionState().PeerCertificates[0].SerialNumber.Int64()
	}
	if got := serial(); got != 1 {
		t.Errorf("it serves %d", got)
	}
	certificate(t, dir, 2)
	later := time.Now().Add(time.Minute)
	if err := os.Chtimes(cert, later, later); err != nil {
		t.Fatal(err)
	}
	if got := serial(); got != 2 {
		t.Errorf("after the renewal it serves %d", got)
	}
	if err := os.WriteFile(cert, []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := serial(); got != 2 {
		t.Errorf("after half a renewal it serves %d", got)
	}
	cancel()
	if err := <-served; err != nil {
		t.Error(err)
	}
}

// What cannot work is said before anything is served.
func TestWhatCannotWorkIsSaid(t *testing.T) {
	log := slog.New(slog.DiscardHandler)
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for _, c := range []struct {
		o    public.Options
		want sys.Kind
	}{
		{public.Options{Addr: taken.Addr().String(), Mode: public.Proxy}, sys.Exists},
		{public.Options{Addr: "127.0.0.1:0", Mode: public.Files, Certificate: "/nowhere", Key: "/nowhere"}, sys.Invalid},
		{public.Options{Addr: "127.0.0.1:0", Mode: "magic"}, sys.Invalid},
	} {
		c.o.Logger = log
		ln, err := public.Listen(t.Context(), c.o)
		if !errors.Is(err, c.want) || sys.HintOf(err) == "" {
			t.Errorf("%+v: %v", c.o, err)
		}
		if ln != nil {
			ln.Close()
		}
	}
}
