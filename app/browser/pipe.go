package browser

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"

	"matrixos/sys"
)

// names of the browser on the search path, in the order of preference.
var names = []string{"chromium", "chromium-browser", "google-chrome-stable", "google-chrome", "chrome"}

// None is the name that says: use no browser.
const None = "none"

// Find is the path of a Chromium: the named one, or the first on the search path. The
// error is of kind Unavailable and says how to get one.
func Find(named string) (string, error) {
	missing := func(err error) error {
		return &sys.Error{Op: "find", Path: "a browser", Kind: sys.Unavailable, Err: err, Hint: "install Chromium (apt-get install chromium), or name one in MATRIXOS_CHROMIUM"}
	}
	switch named {
	case None:
		return "", missing(errors.New("MATRIXOS_CHROMIUM says none"))
	case "":
		for _, n := range names {
			if p, err := exec.LookPath(n); err == nil {
				return p, nil
			}
		}
		return "", missing(errors.New("there is no Chromium"))
	}
	p, err := exec.LookPath(named)
	if err != nil {
		return "", missing(err)
	}
	return p, nil
}

var flags = []string{
	"--headless=new", "--remote-debugging-pipe", "--disable-gpu", "--disable-quic", "--no-first-run", "--no-default-browser-check",
	"--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-extensions", "--disable-default-apps", "--disable-breakpad",
	"--disable-dev-shm-usage", "--mute-audio", "--disable-background-timer-throttling", "--disable-renderer-backgrounding", "--disable-backgrounding-occluded-windows",
	"--disable-features=IsolateSandboxedIframes,Translate,MediaRouter,OptimizationHints", "--password-store=basic", "--use-mock-keychain", "--lang=en-US", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
	"--force-color-profile=srgb", "--window-size=1100,800",
}

// process is a running browser with the pipe to it. It implements the socket that
// the protocol client wants.
type process struct {
	cmd     *exec.Cmd
	profile string
	in      *os.File
	out     *bufio.Reader
	outFile *os.File
	mu      sync.Mutex // one message at a time
	end     sync.Once
	gone    error
}

func start(ctx context.Context, bin string) (_ *process, err error) {
	fail := func(err error) error {
		return &sys.Error{Op: "start", Path: bin, Kind: sys.Unavailable, Err: err, Hint: "name another Chromium in MATRIXOS_CHROMIUM, or `none`"}
	}
	profile, err := os.MkdirTemp("", "matrixos-browser-")
	if err != nil {
		return nil, fail(err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.RemoveAll(profile))
		}
	}()
	theirIn, in, err := os.Pipe()
	if err != nil {
		return nil, fail(err)
	}
	out, theirOut, err := os.Pipe()
	if err != nil {
		return nil, fail(errors.Join(err, in.Close(), theirIn.Close()))
	}
	args := append([]string{"--user-data-dir=" + profile}, flags...)
	if os.Geteuid() == 0 {
		args = append(args, "--no-sandbox") // Chromium refuses its own sandbox to root
	}
	cmd := exec.CommandContext(ctx, bin, append(args, "about:blank")...)
	cmd.Env = append(without(os.Environ(), "TZ", "LANG", "LANGUAGE"), "TZ=UTC", "LANG=C.UTF-8")
	cmd.ExtraFiles = []*os.File{theirIn, theirOut}
	err = errors.Join(cmd.Start(), theirIn.Close(), theirOut.Close())
	if err != nil {
		return nil, fail(errors.Join(err, in.Close(), out.Close()))
	}
	return &process{cmd: cmd, profile: profile, in: in, out: bufio.NewReaderSize(out, 1<<16), outFile: out}, nil
}

func without(env []string, names ...string) []string {
	var out []string
	for _, e := range env {
		name, _, _ := strings.Cut(e, "=")
		keep := true
		for _, n := range names {
			keep = keep && n != name
		}
		if keep {
			out = append(out, e)
		}
	}
	return out
}

// Send implements the socket of the protocol client.
func (p *process) Send(message []byte) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	_, err := p.in.Write(append(bytes.Clone(message), 0))
	return err
}

// Read implements the socket of the protocol client.
func (p *process) Read() ([]byte, error) {
	message, err := p.out.ReadBytes(0)
	if err != nil {
		if errors.Is(err, io.EOF) {
			err = fmt.Errorf("the browser has ended: %w", err)
		}
		return nil, err
	}
	return message[:len(message)-1], nil
}

// stop ends the browser and removes its profile.
func (p *process) stop() error {
	p.end.Do(func() {
		kill := p.cmd.Process.Kill()
		if errors.Is(kill, os.ErrProcessDone) {
			kill = nil
		}
		err := p.cmd.Wait()
		if _, ended := errors.AsType[*exec.ExitError](err); ended {
			err = nil // we ended it
		}
		p.gone = errors.Join(kill, err, p.in.Close(), p.outFile.Close(), removeAll(p.profile))
	})
	return p.gone
}

// removeAll tries again: children of the browser may write for a moment longer.
func removeAll(dir string) (err error) {
	for range 20 {
		if err = os.RemoveAll(dir); err == nil {
			return nil
		}
	}
	return err
}
