package sandbox

import (
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// A command reaches the proxy, and by no way anything else.
func TestOnlyTheProxyIsReached(t *testing.T) {
	s := found(t)
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("a server of the host was reached") }))
	defer other.Close()
	_, port, _ := net.SplitHostPort(other.Listener.Addr().String())
	n := &Network{CA: []byte("certificates\n"), Serve: func(ln net.Listener) {
		_ = http.Serve(ln, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = w.Write([]byte("proxied " + r.URL.String()))
		}))
	}}
	run := func(script string) (string, int) {
		t.Helper()
		out, err := s.Run(t.Context(), Command{Script: script, Folder: t.TempDir(), Mount: "/home/you", Network: n})
		if err != nil {
			t.Fatal(err)
		}
		return string(out.Output), out.Status
	}
	ask := `exec 3<>/dev/tcp/127.0.0.1/3128; printf 'GET http://a.example/ HTTP/1.0\r\n\r\n' >&3; cat <&3; `
	if got, status := run(ask + `cat $SSL_CERT_FILE; echo $HTTPS_PROXY; ls /proc/self/fd | wc -l`); status != 0 ||
		!strings.Contains(got, "proxied http://a.example/") || !strings.HasSuffix(got, "certificates\nhttp://127.0.0.1:3128\n5\n") {
		t.Errorf("status %d: %s", status, got)
	}
	for _, script := range []string{
		"exec 3<>/dev/tcp/127.0.0.1/" + port,
		"exec 3<>/dev/tcp/1.1.1.1/443",
		"echo x > /dev/udp/1.1.1.1/53",
		"getent hosts example.org",
		"touch /run/matrixos/ca.pem",
	} {
		if got, status := run(script); status == 0 {
			t.Errorf("%s: %s", script, got)
		}
	}
	if got, status := run("exit 7"); status != 7 {
		t.Errorf("status %d: %s", status, got)
	}
}

func TestHelpAlone(t *testing.T) {
	if Help([]string{"matrixos", HelperName}) != 126 {
		t.Error("it helps nobody")
	}
}
