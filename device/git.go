package device

import (
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"

	"matrixos/sys"
)

// What git does for a device is reading and advancing one branch of the place where
// the homes meet: no other ref is seen, none is deleted or set back, no hook runs, and
// every object is checked.
var gitSettings = []string{
	"core.hooksPath=/dev/null", "core.fsmonitor=false", "gc.auto=0", "maintenance.auto=false", "receive.autogc=false", "receive.fsckObjects=true",
	"receive.denyDeletes=true", "receive.denyNonFastForwards=true", "receive.unpackLimit=1", "core.fsync=all", "transfer.hideRefs=refs", "transfer.hideRefs=!refs/heads/main",
	"uploadpack.allowFilter=false",
}

// git serves git's own protocol.
func (s *Server) git(w http.ResponseWriter, r *http.Request, d Device) {
	path := strings.TrimPrefix(r.URL.Path, "/device/git/")
	service := strings.TrimPrefix(path, "git-")
	if path == "info/refs" {
		service = strings.TrimPrefix(r.URL.Query().Get("service"), "git-")
	}
	reads := r.Method == http.MethodGet
	if service != "upload-pack" && service != "receive-pack" || reads != (path == "info/refs") || !reads && r.Method != http.MethodPost {
		http.NotFound(w, r)
		return
	}
	if reads && service == "upload-pack" { // it fetches next: what is new here has to be there
		if err := s.o.Meet(r.Context()); err != nil {
			s.o.Log.WarnContext(r.Context(), "the other devices do not get all that is new", "error", err)
		}
	}
	w.Header().Set("Cache-Control", "no-store")
	if reads {
		s.advertise(w, r, service)
		return
	}
	in, err := plain(r)
	if err != nil {
		refuse(w, err)
		return
	}
	w.Header().Set("Content-Type", "application/x-git-"+service+"-result")
	if err := s.run(r, w, in, service, "--stateless-rpc"); err != nil {
		s.o.Log.WarnContext(r.Context(), "git failed for another device", "device", d.Name, "error", err)
		return
	}
	if service == "receive-pack" {
		if err := s.o.Meet(r.Context()); err != nil {
			s.o.Log.WarnContext(r.Context(), "what another device has sent is not here yet", "device", d.Name, "error", err)
		}
	}
}

// plain is the body of a request, which git may have compressed.
func plain(r *http.Request) (io.Reader, error) {
	if r.Header.Get("Content-Encoding") != "gzip" {
		return r.Body, nil
	}
	z, err := gzip.NewReader(r.Body)
	if err != nil {
		return nil, &sys.Error{Op: "read request", Path: r.URL.Path, Kind: sys.Invalid, Err: err}
	}
	return z, nil
}

func (s *Server) advertise(w http.ResponseWriter, r *http.Request, service string) {
	w.Header().Set("Content-Type", "application/x-git-"+service+"-advertisement")
	head := "# service=git-" + service + "\n"
	if _, err := fmt.Fprintf(w, "%04x%s0000", len(head)+4, head); err != nil {
		return // whoever asked is gone
	}
	if err := s.run(r, w, nil, service, "--stateless-rpc", "--advertise-refs"); err != nil {
		s.o.Log.WarnContext(r.Context(), "git failed for another device", "error", err)
	}
}

// run runs one service of git; it ends with the request.
func (s *Server) run(r *http.Request, out io.Writer, in io.Reader, service string, args ...string) error {
	program, err := exec.LookPath("git")
	if err != nil {
		return &sys.Error{Op: "meet", Kind: sys.Unavailable, Err: errors.New("git is not installed"), Hint: "install it: apt install git, or brew install git"}
	}
	var all []string
	for _, set := range gitSettings {
		all = append(all, "-c", set)
	}
	all = append(append(append(all, service), args...), s.o.Repo)
	cmd := exec.CommandContext(r.Context(), program, all...)
	cmd.Env = []string{"LC_ALL=C", "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null", "PATH=" + os.Getenv("PATH")}
	if p := r.Header.Get("Git-Protocol"); p == "version=2" || p == "version=1" {
		cmd.Env = append(cmd.Env, "GIT_PROTOCOL="+p)
	}
	cmd.Stdin, cmd.Stdout = in, out
	said := &strings.Builder{}
	cmd.Stderr = said
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("git %s: %w: %s", service, err, cut(said.String(), 300))
	}
	return nil
}
