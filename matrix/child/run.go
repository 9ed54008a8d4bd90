package child

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"matrixos/matrix"
)

// Name is what the child is started as.
const Name = "matrixos-homeserver"

// configuration is what the child reads from standard input.
type configuration struct {
	Domain           string
	Dir              string
	KeyID, Seed      string
	Federate         bool
	AllowPrivate     bool
	Public, Delegate string
	Secret           string
}

// note is what the child says about itself, one to a line.
type note struct {
	Ready bool   `json:"ready,omitempty"`
	Error string `json:"error,omitempty"`
}

// The child's files beyond the standard ones.
const (
	listenerFile = 3
	notesFile    = 4
)

// How long a child may take to start and to stop.
const (
	startWithin = time.Minute
	stopWithin  = 15 * time.Second
)

// run starts a child and returns why it ended.
func (s *Server) run() error {
	cmd, notes, stop, err := s.start()
	if err != nil {
		return fmt.Errorf("start: %w", err)
	}
	defer notes.Close()
	said := make(chan note, 4)
	go func() {
		defer close(said)
		for in := json.NewDecoder(io.LimitReader(notes, 64<<10)); ; {
			var n note
			if in.Decode(&n) != nil {
				return
			}
			said <- n
		}
	}()
	exited := make(chan error, 1)
	go func() { exited <- cmd.Wait() }()
	late := time.NewTimer(startWithin)
	defer late.Stop()
	why := ""
	for {
		select {
		case n, ok := <-said:
			switch {
			case !ok:
				said = nil
			case n.Ready:
				late.Stop()
				s.set(func(st *matrix.State) { st.Phase, st.Why, st.PID = matrix.Running, "", cmd.Process.Pid })
			default:
				why = n.Error
			}
		case <-late.C:
			why = "it did not start in time"
			_ = cmd.Process.Kill() // it may just have ended
		case <-s.closing:
			return s.stop(cmd, stop, exited)
		case p := <-s.pauses:
			s.set(func(st *matrix.State) { st.Phase, st.PID = matrix.Starting, 0 })
			err := s.stop(cmd, stop, exited)
			p.hold()
			return errors.Join(errPaused, err)
		case err := <-exited:
			if said != nil {
				for n := range said { // what it said last
					why = n.Error
				}
			}
			return errors.Join(stop.Close(), ending(why, err))
		}
	}
}

// ending is why a child ended, by what it said or by how it exited.
func ending(why string, err error) error {
	switch {
	case why != "":
		return errors.New(why)
	case err != nil:
		return fmt.Errorf("it ended: %w", err)
	}
	return errors.New("it ended")
}

// start starts a child; closing stop asks it to end.
func (s *Server) start() (cmd *exec.Cmd, notes, stop *os.File, err error) {
	ln, err := s.listener.File()
	if err != nil {
		return nil, nil, nil, err
	}
	defer ln.Close()
	in, stop, err := os.Pipe()
	if err != nil {
		return nil, nil, nil, err
	}
	defer in.Close()
	notes, theirs, err := os.Pipe()
	if err != nil {
		return nil, nil, nil, errors.Join(err, stop.Close())
	}
	defer theirs.Close()
	cmd = &exec.Cmd{
		Path: s.o.Program, Args: []string{Name}, Env: environment(os.Environ()), Dir: "/",
		Stdin: in, Stderr: s.log, ExtraFiles: []*os.File{ln, theirs},
		SysProcAttr: &syscall.SysProcAttr{Setpgid: true}, // Ctrl-C is for this process, which ends the child last
		WaitDelay:   time.Second,
	}
	fail := func(err error) (*exec.Cmd, *os.File, *os.File, error) {
		return nil, nil, nil, errors.Join(err, stop.Close(), notes.Close())
	}
	dir, err := filepath.Abs(s.o.Server.Dir)
	if err != nil {
		return fail(err)
	}
	if err := cmd.Start(); err != nil {
		return fail(err)
	}
	o := s.o.Server
	if err := json.NewEncoder(stop).Encode(configuration{
		Domain: o.Domain, Dir: dir, KeyID: o.Key.ID, Seed: o.Key.Seed.Reveal(), Federate: o.Federate, AllowPrivate: o.AllowPrivate,
		Public: o.Public, Delegate: o.Delegate, Secret: s.secret,
	}); err != nil {
		_, _ = cmd.Process.Kill(), cmd.Wait() // it ends for want of a configuration anyway
		return fail(err)
	}
	return cmd, notes, stop, nil
}

// stop ends a child in order, or after a while without.
func (s *Server) stop(cmd *exec.Cmd, stop io.Closer, exited <-chan error) error {
	err := stop.Close()
	select {
	case <-exited:
	case <-time.After(stopWithin):
		err = errors.Join(err, cmd.Process.Kill(), <-exited)
	}
	return err
}

// environment is what of ours the child may see: where certificates, time zones and
// a way out are, and nothing that could be a key.
func environment(ours []string) []string {
	var list []string
	for _, kv := range ours {
		switch name, _, _ := strings.Cut(kv, "="); name {
		case "SSL_CERT_FILE", "SSL_CERT_DIR", "TZ", "ZONEINFO", "GODEBUG", "GOMEMLIMIT":
			list = append(list, kv)
		}
	}
	return list
}
