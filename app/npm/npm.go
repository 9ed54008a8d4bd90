// Package npm installs packages that apps ask for beyond the libraries of the
// binary: with npm, in the sandbox, without install scripts, with a network of the
// registry alone, and only what the owner has allowed by name. What is installed
// stays in a cache outside the versioned tree; nothing of it runs here.
package npm

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"matrixos/sandbox"
	"matrixos/sys"
)

// Registry is npm's own.
const Registry = "https://registry.npmjs.org/"

const (
	within  = 150 * time.Second // for an installation
	memory  = 1 << 30
	space   = 64 << 30 // V8 reserves much more than it uses
	procs   = 64
	most    = 400 << 20 // bytes of one installation
	mount   = "/home/packages"
	spaceIn = 300 // characters of npm's own words that are passed on
)

// AllowedFile is where the owner's yes to packages is kept.
const AllowedFile sys.Path = "system/packages.json"

// Options are what an Installer works with. All are required but Registry.
type Options struct {
	Folder   string           // the cache
	Registry string           // empty: Registry
	Sandbox  *sandbox.Sandbox // nil: nothing is installed, for the reason Why
	Why      error
	// Network gives a command the one host that it may reach.
	Network func(ctx context.Context, host string) (*sandbox.Network, error)
	// Allowed are the packages that the owner has allowed.
	Allowed func() ([]string, error)
}

// Installer keeps the packages of a home. Its methods may be called from any
// goroutine; installations go one after the other.
type Installer struct {
	o  Options
	mu sync.Mutex // one installation at a time
}

// New makes an Installer. It makes no folder before something is installed.
func New(o Options) *Installer {
	if o.Registry == "" {
		o.Registry = Registry
	}
	return &Installer{o: o}
}

var (
	nameForm  = regexp.MustCompile(`^(?:@[a-z0-9~][a-z0-9._~-]*/)?[a-z0-9~][a-z0-9._~-]*$`)
	rangeForm = regexp.MustCompile(`^[0-9A-Za-z.^~<>=|*+ -]*$`) // no addresses, no files
)

// CheckName refuses what is no name of a package.
func CheckName(name string) error {
	if len(name) > 214 || !nameForm.MatchString(name) {
		return &sys.Error{Op: "install", Path: name, Kind: sys.Invalid, Err: errors.New("it is no name of a package"), Hint: "write it as npm does: chess.js or @scope/name"}
	}
	return nil
}

// Folder is where the wanted packages are installed, in node_modules; false if they
// are not.
func (i *Installer) Folder(wanted map[string]string, lock []byte) (string, bool) {
	dir := i.dir(wanted, lock)
	_, err := os.Stat(filepath.Join(dir, "node_modules"))
	return dir, err == nil
}

// dir is named after what is wanted and the lock that says in which versions.
func (i *Installer) dir(wanted map[string]string, lock []byte) string {
	h := sha256.New()
	for _, name := range slices.Sorted(maps.Keys(wanted)) {
		fmt.Fprintf(h, "%q@%q\n", name, wanted[name])
	}
	h.Write(lock)
	return filepath.Join(i.o.Folder, hex.EncodeToString(h.Sum(nil))[:32])
}

// Install installs the wanted packages, unless they are there, and returns where. A
// package that the owner has not allowed is NeedsApproval.
func (i *Installer) Install(ctx context.Context, wanted map[string]string, lock []byte) (string, error) {
	if dir, ok := i.Folder(wanted, lock); ok {
		return dir, nil
	}
	if err := i.judge(wanted); err != nil {
		return "", err
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	dir, ok := i.Folder(wanted, lock)
	if ok {
		return dir, nil
	}
	if err := os.MkdirAll(i.o.Folder, 0o700); err != nil {
		return "", err
	}
	work, err := os.MkdirTemp(i.o.Folder, ".new-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(work) //nolint:errcheck // it is gone if all went well
	if err := i.run(ctx, work, wanted, lock); err != nil {
		return "", err
	}
	if err := os.Rename(work, dir); err != nil {
		return "", err
	}
	return dir, nil
}

// judge refuses what may not be installed, or cannot be here.
func (i *Installer) judge(wanted map[string]string) error {
	allowed, err := i.o.Allowed()
	if err != nil {
		return err
	}
	var asked []string
	for _, name := range slices.Sorted(maps.Keys(wanted)) {
		if err := CheckName(name); err != nil {
			return err
		}
		if !rangeForm.MatchString(wanted[name]) {
			return &sys.Error{Op: "install", Path: name, Kind: sys.Invalid, Err: fmt.Errorf("its version is %q", wanted[name]), Hint: "write a version or a range such as ^1.2.3; addresses and folders are not followed"}
		}
		if !slices.Contains(allowed, name) {
			asked = append(asked, name)
		}
	}
	if len(asked) > 0 {
		return &sys.Error{Op: "install", Path: strings.Join(asked, ", "), Kind: sys.NeedsApproval, Err: errors.New("the owner has not allowed it to be fetched from npm"), Hint: "allow it in the app's window, or with `matrixos apps packages allow " + strings.Join(asked, " ") + "`"}
	}
	if i.o.Sandbox == nil {
		return &sys.Error{Op: "install", Kind: sys.Unavailable, Err: i.o.Why}
	}
	if _, err := exec.LookPath("npm"); err != nil {
		return &sys.Error{Op: "install", Path: "npm", Kind: sys.Unavailable, Err: errors.New("it is not on this machine"), Hint: "install Node with npm (Debian: apt-get install nodejs npm), or do without: doc/apps.md lists the libraries of the binary"}
	}
	return nil
}

func (i *Installer) run(ctx context.Context, work string, wanted map[string]string, lock []byte) error {
	registry, err := url.Parse(i.o.Registry)
	if err != nil {
		return err
	}
	text, err := json.Marshal(map[string]any{"name": "packages", "private": true, "dependencies": wanted})
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(work, "package.json"), text, 0o600); err != nil {
		return err
	}
	if len(lock) > 0 {
		if err := os.WriteFile(filepath.Join(work, "package-lock.json"), lock, 0o600); err != nil {
			return err
		}
	}
	network, err := i.o.Network(ctx, registry.Hostname())
	if err != nil {
		return err
	}
	out, err := i.o.Sandbox.Run(ctx, sandbox.Command{
		Argv:   []string{"npm", "install", "--ignore-scripts", "--omit=dev", "--no-audit", "--no-fund", "--no-update-notifier", "--loglevel=error"},
		Folder: work, Mount: mount, Memory: memory, Space: space, Procs: procs, Network: network, Limit: within,
		Env: map[string]string{"npm_config_registry": i.o.Registry, "npm_config_cache": "/tmp/npm"},
	})
	if err == nil && out.Status != 0 {
		said := strings.TrimSpace(strings.ToValidUTF8(string(out.Output), "�"))
		err = errors.New(said[max(0, len(said)-spaceIn):])
	}
	if err == nil {
		err = small(work)
	}
	if err != nil {
		names := strings.Join(slices.Sorted(maps.Keys(wanted)), ", ")
		return &sys.Error{Op: "install", Path: names, Kind: sys.Unavailable, Err: err, Hint: "check the names and versions in package.json, and that " + registry.Host + " can be reached"}
	}
	return nil
}

// small refuses an installation that takes too much room.
func small(dir string) error {
	total := int64(0)
	return filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		if total += info.Size(); total > most {
			return fmt.Errorf("it takes more than %d MB", most>>20)
		}
		return nil
	})
}
