package sandbox

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"net"
	"os"
	"slices"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// HelperName is the first argument with which this program is started inside the
// sandbox, to open the door of a Network; it must then call Help, before anything
// else.
const HelperName = "matrixos-door"

// Door is where a command reaches its Network.
const Door = "http://" + door

// Where that is, in the command's own network, and the certificates.
const (
	door   = "127.0.0.1:3128"
	caFile = "/run/matrixos/ca.pem"
)

// Network is the one thing that a command can reach: a proxy outside.
type Network struct {
	// Serve answers what comes in at a listener on the loopback of the command's
	// own network. It must return soon after the listener is closed.
	Serve func(net.Listener)
	// CA are the certificates, in PEM, that the command trusts; if there are none, those
	// of the machine.
	CA []byte
}

func (n *Network) env() map[string]string {
	env := map[string]string{"HTTP_PROXY": Door, "HTTPS_PROXY": Door, "http_proxy": Door, "https_proxy": Door, "NODE_USE_ENV_PROXY": "1"}
	if len(n.CA) > 0 {
		for _, name := range []string{"SSL_CERT_FILE", "CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "GIT_SSL_CAINFO", "NODE_EXTRA_CA_CERTS"} {
			env[name] = caFile
		}
	}
	return env
}

// Help is what the program does inside: it makes the listener, hands it out over
// the socket at descriptor 3, and becomes the command. A socket stays in the
// network it was made in, so nothing has to carry bytes between. It returns an
// exit status only if it fails.
func Help(args []string) int {
	fail := func(err error) int {
		fmt.Fprintln(os.Stderr, HelperName+":", err)
		return 126
	}
	if len(args) < 3 {
		return fail(errors.New("it is started by Matrix OS itself"))
	}
	ln, err := net.Listen("tcp", door)
	if err != nil {
		return fail(err)
	}
	file, err := ln.(*net.TCPListener).File()
	if err != nil {
		return fail(err)
	}
	if err := unix.Sendmsg(3, []byte{1}, unix.UnixRights(int(file.Fd())), nil, 0); err != nil {
		return fail(err)
	}
	// What this program was given or has opened is not for the command.
	if err := unix.CloseRange(3, math.MaxUint32, unix.CLOSE_RANGE_CLOEXEC); err != nil {
		return fail(err)
	}
	return fail(syscall.Exec(args[2], args[2:], os.Environ()))
}

// gate is this side of a Network, for one command.
type gate struct {
	conn   *net.UnixConn
	caIn   *os.File
	theirs []*os.File // what the command is given

	mu       sync.Mutex
	listener net.Listener
	closed   bool
	done     sync.WaitGroup
}

// newGate makes what the command is given: the socket at descriptor 3, this
// program at 4, and the certificates at 5.
func newGate() (_ *gate, err error) {
	g := &gate{}
	defer func() {
		if err != nil {
			g.close()
		}
	}()
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	ours := os.NewFile(uintptr(pair[0]), "ours")
	defer ours.Close()
	g.theirs = append(g.theirs, os.NewFile(uintptr(pair[1]), "theirs"))
	conn, err := net.FileConn(ours)
	if err != nil {
		return nil, err
	}
	g.conn = conn.(*net.UnixConn)
	program, err := os.Open("/proc/self/exe")
	if err != nil {
		return nil, err
	}
	g.theirs = append(g.theirs, program)
	ca, in, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	g.theirs, g.caIn = append(g.theirs, ca), in
	return g, nil
}

// serve runs n from when the command has opened the door. It is called once the
// command has started, and returns at once.
func (g *gate) serve(n *Network) {
	g.given()
	g.done.Go(func() {
		_, _ = g.caIn.Write(n.CA) // fails if the command never came up, which is told elsewhere
		_ = g.caIn.Close()
	})
	g.done.Go(func() {
		ln, err := g.receive()
		if err != nil {
			return // the command never came up
		}
		g.mu.Lock()
		g.listener = ln
		closed := g.closed
		g.mu.Unlock()
		if !closed {
			n.Serve(ln)
		}
		_ = ln.Close()
	})
}

// given closes this side's copies of what the command has.
func (g *gate) given() {
	for _, f := range g.theirs {
		_ = f.Close()
	}
	g.theirs = nil
}

// close ends the network and waits until nothing of it runs.
func (g *gate) close() {
	g.given()
	g.mu.Lock()
	g.closed = true
	if g.listener != nil {
		_ = g.listener.Close()
	}
	g.mu.Unlock()
	if g.conn != nil {
		_ = g.conn.Close()
	}
	if g.caIn != nil {
		_ = g.caIn.Close()
	}
	g.done.Wait()
}

func (g *gate) receive() (net.Listener, error) {
	control := make([]byte, unix.CmsgSpace(4))
	_, n, _, _, err := g.conn.ReadMsgUnix(make([]byte, 1), control)
	if err != nil {
		return nil, err
	}
	return received(control[:n])
}

func received(control []byte) (net.Listener, error) {
	list, err := unix.ParseSocketControlMessage(control)
	if err != nil || len(list) != 1 {
		return nil, errors.Join(err, errors.New("no listener came"))
	}
	fds, err := unix.ParseUnixRights(&list[0])
	if err != nil || len(fds) != 1 {
		return nil, errors.Join(err, errors.New("no listener came"))
	}
	f := os.NewFile(uintptr(fds[0]), "door")
	defer f.Close()
	return net.FileListener(f)
}

// args are the parts of bubblewrap's command line before and after the "--".
func (n *Network) args() (options, program []string) {
	options = []string{"--ro-bind-data", "5", caFile}
	env := n.env()
	for _, k := range slices.Sorted(maps.Keys(env)) {
		options = append(options, "--setenv", k, env[k])
	}
	return options, []string{"/proc/self/fd/4", HelperName}
}
