package workspace

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// HolderName is the name (the first argument) with which a program is started to
// be the holder: it must then call Hold, before anything else.
const HolderName = "matrixos-workspaces"

// Hold is the whole life of the holder: a process that owns a mount namespace and
// does what it is asked over the socket at descriptor 3, until that closes. args
// are the program's own. It returns an exit status.
func Hold(args []string) int {
	sock := os.NewFile(3, "socket")
	if len(args) != 2 || sock == nil {
		fmt.Fprintln(os.Stderr, HolderName+" is started by Matrix OS itself")
		return 2
	}
	in, out := json.NewDecoder(sock), json.NewEncoder(sock)
	ready := enterStore(args[1])
	for {
		var q request
		if err := in.Decode(&q); err != nil {
			if errors.Is(err, io.EOF) {
				return 0
			}
			return 1
		}
		err := ready
		if err == nil {
			err = q.do()
		}
		var a reply
		if err != nil {
			a.Error = err.Error()
		}
		if out.Encode(a) != nil {
			return 1
		}
	}
}

// enterStore keeps mounts to come out of every other namespace, and moves into
// the store, so that paths are short. Mounts made elsewhere still arrive, and go.
func enterStore(dir string) error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_SLAVE, ""); err != nil {
		return fmt.Errorf("leave the shared mounts: %w", err)
	}
	return os.Chdir(dir)
}

// request asks for ws/ID/home to become an overlay, or no more.
type request struct {
	ID    string
	Lower []string // relative to the store, uppermost first; empty unmounts
	User  bool     // in a user namespace
}

type reply struct{ Error string }

func (q request) do() error {
	top := filepath.Join("ws", q.ID)
	home := filepath.Join(top, "home")
	if len(q.Lower) == 0 {
		err := unix.Unmount(home, unix.MNT_DETACH|unix.UMOUNT_NOFOLLOW)
		if errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ENOENT) {
			return nil // it is none
		}
		return err
	}
	// Moved folders are recorded as such where that is allowed; a file is copied up
	// whole. Nothing in it has to survive a crash, so syncs are not passed on.
	marks := "redirect_dir=on,metacopy=off"
	if q.User {
		marks = "userxattr"
	}
	data := fmt.Sprintf("lowerdir=%s,upperdir=%s,workdir=%s,index=off,%s", strings.Join(q.Lower, ":"), filepath.Join(top, "upper"), filepath.Join(top, "work"), marks)
	err := unix.Mount("overlay", home, "overlay", unix.MS_NODEV|unix.MS_NOSUID, data+",volatile")
	if errors.Is(err, unix.EINVAL) { // before Linux 5.10
		err = unix.Mount("overlay", home, "overlay", unix.MS_NODEV|unix.MS_NOSUID, data)
	}
	return err
}
