package client

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"matrixos/sys"
)

// Daemon is what a running daemon leaves in its home for the command line. The
// file is readable by the owner alone.
type Daemon struct {
	PID     int    `json:"pid"`
	Base    string `json:"base"` // such as "http://127.0.0.1:4000"
	Token   string `json:"token"`
	Version string `json:"version"`
}

// DaemonFile is where the daemon of a home writes its Daemon.
func DaemonFile(home string) string { return filepath.Join(home, sys.Store, "run", "daemon.json") }

// WriteDaemon replaces the home's daemon file as a whole.
func WriteDaemon(home string, d Daemon) error {
	fail := func(err error) error {
		return &sys.Error{Op: "write", Path: DaemonFile(home), Kind: sys.Internal, Err: err}
	}
	b, err := json.Marshal(d)
	if err != nil {
		return fail(err)
	}
	dir := filepath.Dir(DaemonFile(home))
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fail(err)
	}
	f, err := os.CreateTemp(dir, "daemon-*") // made with mode 0600
	if err != nil {
		return fail(err)
	}
	_, err = f.Write(append(b, '\n'))
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), DaemonFile(home))
	}
	if err != nil {
		return fail(errors.Join(err, os.Remove(f.Name())))
	}
	return nil
}

// RemoveDaemon takes the daemon file away; a missing one is fine.
func RemoveDaemon(home string) error {
	if err := os.Remove(DaemonFile(home)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return &sys.Error{Op: "remove", Path: DaemonFile(home), Kind: sys.Internal, Err: err}
	}
	return nil
}

// Connect finds the daemon that holds home. Without one it fails with NotFound,
// also if a file of a daemon that was killed is left.
func Connect(ctx context.Context, home string) (*Client, error) {
	none := func(err error) error {
		return &sys.Error{Op: "find daemon of", Path: home, Kind: sys.NotFound, Err: err, Hint: "start it with `matrixos up`"}
	}
	b, err := os.ReadFile(DaemonFile(home))
	if err != nil {
		return nil, none(err)
	}
	var d Daemon
	if err := json.Unmarshal(b, &d); err != nil || d.Base == "" {
		return nil, none(errors.Join(errors.New("the daemon's file is damaged"), err))
	}
	c := New(Options{Base: d.Base, Token: d.Token})
	probe, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	// Another program may have the port by now: only the right one takes the
	// token, and Session proves it by knowing its home.
	s, err := c.Session(probe)
	switch {
	case err == nil && sameFolder(s.Home, home):
		c.home = home
		return c, nil
	case ctx.Err() != nil:
		return nil, &sys.Error{Op: "find daemon of", Path: home, Kind: sys.Canceled, Err: ctx.Err()}
	}
	return nil, none(err)
}

func sameFolder(a, b string) bool {
	x, errX := os.Stat(a)
	y, errY := os.Stat(b)
	return errX == nil && errY == nil && os.SameFile(x, y)
}
