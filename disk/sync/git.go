package sync

import (
	"bytes"
	"context"
	"errors"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"

	"matrixos/sys"
)

// settings keep git to what we ask for: no hooks, no prompts, no transports but
// these, every object checked and durable when it arrives.
var settings = []string{
	"core.hooksPath=/dev/null", "core.fsmonitor=false", "gc.auto=0", "maintenance.auto=false", "credential.helper=",
	"protocol.allow=never", "protocol.file.allow=always", "protocol.https.allow=always", "protocol.http.allow=always", "protocol.ssh.allow=always",
	"fetch.unpackLimit=1", "transfer.fsckObjects=true", "core.fsync=all", "fetch.recurseSubmodules=false", "push.recurseSubmodules=no",
}

// tunnelUser is the user of an address that Through has given.
const tunnelUser = "device"

// helper answers git's question for a password from the environment.
const helper = `credential.helper=!f() { test "$1" = get && printf 'username=%s\npassword=%s\n' "$MATRIXOS_GIT_USER" "$MATRIXOS_GIT_PASSWORD"; }; f`

// git runs one command on the home's repository and returns its output.
func (s *Sync) git(ctx context.Context, c call) (string, error) {
	program, err := exec.LookPath("git")
	if err != nil {
		return "", &sys.Error{Op: "sync", Kind: sys.Unavailable, Err: errors.New("git is not installed"), Hint: "install it: apt install git, or brew install git"}
	}
	args := []string{"--git-dir", filepath.Join(s.d.Root(), sys.Store, "repo.git")}
	for _, set := range settings {
		args = append(args, "-c", set)
	}
	env := []string{
		"LC_ALL=C", "GIT_TERMINAL_PROMPT=0", "GIT_ASKPASS=", "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null", "GIT_SSH_COMMAND=ssh -oBatchMode=yes",
		"GIT_AUTHOR_NAME=Matrix OS", "GIT_AUTHOR_EMAIL=matrixos@localhost", "GIT_COMMITTER_NAME=Matrix OS", "GIT_COMMITTER_EMAIL=matrixos@localhost",
	}
	for _, name := range []string{"PATH", "HOME", "SSH_AUTH_SOCK", "HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "NO_PROXY", "no_proxy", "SSL_CERT_FILE", "SSL_CERT_DIR"} {
		if v, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+v)
		}
	}
	if user, password, ok := strings.Cut(c.secret, ":"); ok {
		args = append(args, "-c", helper)
		if user == tunnelUser { // it is on this machine, whatever the proxy
			args = append(args, "-c", "http.proxy=")
		}
		env = append(env, "MATRIXOS_GIT_USER="+user, "MATRIXOS_GIT_PASSWORD="+password)
	}
	cmd := exec.CommandContext(ctx, program, append(args, c.args...)...)
	cmd.Env = append(env, c.env...)
	cmd.Stdin = strings.NewReader(c.in)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			return "", ctx.Err()
		}
		return "", c.fail(err, errs.String())
	}
	return strings.TrimSuffix(out.String(), "\n"), nil
}

// MakePlace makes a bare repository at dir, where homes can meet, unless it is there.
func MakePlace(ctx context.Context, dir string) error {
	if _, err := os.Stat(filepath.Join(dir, "HEAD")); err == nil {
		return nil
	}
	cmd := exec.CommandContext(ctx, "git", "init", "--quiet", "--bare", "--initial-branch=main", "--template=", dir)
	cmd.Env = []string{"LC_ALL=C", "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null", "PATH=" + os.Getenv("PATH")}
	if said, err := cmd.CombinedOutput(); err != nil {
		return call{remote: dir}.fail(err, string(said))
	}
	return nil
}

// call is one run of git.
type call struct {
	args   []string
	env    []string
	in     string
	remote string // for errors; its name
	secret string // user:password for the remote
}

// fail turns git's words into ours.
func (c call) fail(err error, said string) error {
	if c.secret != "" {
		_, password, _ := strings.Cut(c.secret, ":")
		said = strings.ReplaceAll(said, password, "…")
	}
	e := &sys.Error{Op: "sync", Path: c.remote, Kind: sys.Internal, Err: errors.New(strings.Join(strings.Fields(said), " "))}
	if strings.TrimSpace(said) == "" {
		e.Err = err
	}
	has := func(words ...string) bool {
		for _, w := range words {
			if strings.Contains(said, w) {
				return true
			}
		}
		return false
	}
	switch {
	case has("stale info", "[rejected]", "fetch first", "cannot lock ref", "failed to update ref", "incorrect old value"):
		e.Kind, e.Hint = sys.Conflict, "another device was faster; try again"
	case has("Authentication failed", "could not read Username", "could not read Password", "Permission denied", "error: 403", "error: 401", "Invalid username"):
		e.Kind, e.Hint = sys.Unauthorized, "give the credentials anew: `matrixos sync add_remote NAME https://USER:TOKEN@HOST/REPO`; for ssh, load your key into the agent"
	case has("does not appear to be a git repository", "not found", "does not exist", "No such file"):
		e.Kind, e.Hint = sys.NotFound, "check the address; make an empty repository there first (git init --bare)"
	case has("Could not resolve", "Connection refused", "timed out", "unable to access", "Connection reset", "unexpected disconnect", "hung up"):
		e.Kind, e.Hint = sys.Unavailable, "check the connection and try again; nothing was changed"
	case has("No space left"):
		e.Kind, e.Hint = sys.NoSpace, "make room and try again"
	case has("refusing to update checked out branch"):
		e.Kind, e.Hint = sys.Invalid, "the remote must be a bare repository (git init --bare)"
	}
	return e
}

var (
	remoteForm = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,39}$`)
	scpForm    = regexp.MustCompile(`^[A-Za-z0-9._-]+@[A-Za-z0-9.-]+:[^:]+$`)
)

// address checks a remote's address and takes credentials out of it.
func address(raw string) (clean, secret string, err error) {
	bad := func(why string) (string, string, error) {
		return "", "", &sys.Error{Op: "add remote", Kind: sys.Invalid, Err: errors.New(why), Hint: "write https://HOST/REPO, ssh://USER@HOST/REPO, USER@HOST:REPO, or a folder's whole path"}
	}
	if strings.ContainsFunc(raw, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return bad("the address has control characters")
	}
	if filepath.IsAbs(raw) || scpForm.MatchString(raw) {
		return raw, "", nil
	}
	u, err := url.Parse(raw)
	if err != nil {
		return bad("this is no address") // the parser's words may quote a password
	}
	switch u.Scheme {
	case "https", "http":
		if u.User != nil {
			password, _ := u.User.Password()
			if password == "" {
				return bad("the address has a user without a token")
			}
			secret = u.User.Username() + ":" + password
			u.User = nil
		}
	case "ssh":
		if _, has := u.User.Password(); has {
			return bad("ssh takes no password in its address; use a key")
		}
	case "file":
	default:
		return bad("there is no such kind of remote")
	}
	if u.Scheme != "file" && u.Host == "" {
		return bad("the address names no host")
	}
	return u.String(), secret, nil
}
