package npm

import (
	"context"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"matrixos/app/npm/npmtest"
	"matrixos/sandbox"
	"matrixos/sys"
)

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == sandbox.HelperName {
		os.Exit(sandbox.Help(os.Args))
	}
	os.Exit(m.Run())
}

// proxied is a network whose proxy passes on to one address.
func proxied(to string) func(context.Context, string) (*sandbox.Network, error) {
	return func(context.Context, string) (*sandbox.Network, error) {
		return &sandbox.Network{Serve: func(ln net.Listener) {
			srv := &http.Server{Handler: &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(&url.URL{Scheme: "http", Host: to}) }}}
			srv.Serve(ln) //nolint:errcheck // ends with the command
		}}, nil
	}
}

func TestInstallsOnceWhatIsAllowedWithoutScripts(t *testing.T) {
	box, err := sandbox.Find(context.Background())
	if err == nil {
		_, err = exec.LookPath("npm")
	}
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skip("NOT TESTED: ", err)
	}
	srv := npmtest.Serve(t)
	var allowed []string
	o := Options{Folder: filepath.Join(t.TempDir(), "packages"), Registry: srv.URL + "/", Sandbox: box, Network: proxied(srv.Listener.Addr().String()), Allowed: func() ([]string, error) { return allowed, nil }}
	i := New(o)
	want := map[string]string{"tiny-words": "^1.0.0"}
	if _, err := i.Install(t.Context(), want, nil); sys.KindOf(err) != sys.NeedsApproval || !strings.Contains(sys.HintOf(err), "allow tiny-words") {
		t.Fatalf("without the owner's yes: %v", err)
	}
	allowed = []string{"tiny-words"}
	dir, err := i.Install(t.Context(), want, nil)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(filepath.Join(dir, "node_modules/tiny-words/index.js"))
	if err != nil || !strings.Contains(string(raw), "hello") {
		t.Fatalf("%q, %v", raw, err)
	}
	if _, err := os.Stat(filepath.Join(dir, "node_modules/tiny-words/ran")); err == nil {
		t.Error("an install script ran")
	}
	srv.Close() // again: nothing is fetched
	if again, err := i.Install(t.Context(), want, nil); err != nil || again != dir {
		t.Errorf("%s, %v", again, err)
	}
	if _, err := i.Install(t.Context(), map[string]string{"tiny-words": "1.2.3"}, nil); sys.KindOf(err) != sys.Unavailable {
		t.Errorf("with the registry gone: %v", err)
	}
	left, err := filepath.Glob(filepath.Join(o.Folder, ".new-*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestRefusesWhatIsNoPackage(t *testing.T) {
	i := New(Options{Folder: t.TempDir(), Allowed: func() ([]string, error) { return []string{"x"}, nil }})
	for name, version := range map[string]string{"../x": "1", "-g": "1", "X": "1", "x": "file:../../etc", "": "1"} {
		if _, err := i.Install(t.Context(), map[string]string{name: version}, nil); sys.KindOf(err) != sys.Invalid {
			t.Errorf("%s@%s: %v", name, version, err)
		}
	}
}
