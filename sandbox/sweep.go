package sandbox

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Sweep ends confinements that an earlier run of this program has started for the
// home at root and that outlived it, and returns how many. One that loses its parent
// in the moment before it has asked to end with it is such. Only who holds the home
// may call it: everything confined in it is then left over.
//
// It looks until a look finds none: one that is ended may have made its child after the
// list of processes was read, and that child lives on.
func Sweep(root string) (ended int) {
	for range looks {
		n := sweepOnce(root)
		if ended += n; n == 0 {
			break
		}
	}
	return ended
}

const (
	looks = 20
	dying = 2000 // milliseconds that the end of a process may take
)

// sweepOnce ends what it sees, and returns when that is gone: until then it may still be
// making a child.
func sweepOnce(root string) (ended int) {
	names, err := readNames("/proc")
	if err != nil {
		return 0
	}
	for _, n := range names {
		pid, err := strconv.Atoi(n)
		if err != nil || pid == os.Getpid() {
			continue
		}
		fd, err := unix.PidfdOpen(pid, 0) // before it is looked at, so that it is the same one that is ended
		if err != nil {
			continue
		}
		line, err := os.ReadFile(filepath.Join("/proc", n, "cmdline"))
		if err == nil && confines(line, root) && unix.PidfdSendSignal(fd, unix.SIGKILL, nil, 0) == nil {
			ended++
			awaitEnd(fd)
		}
		_ = unix.Close(fd)
	}
	return ended
}

// awaitEnd waits for a process to end, but not for ever: one may hang in a device.
func awaitEnd(fd int) {
	for end := time.Now().Add(dying * time.Millisecond); time.Now().Before(end); {
		if n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, dying); n > 0 || err != nil && !errors.Is(err, unix.EINTR) {
			return
		}
	}
}

// confines tells whether a process's command line is one of args, for a home.
func confines(line []byte, root string) bool {
	var words []string
	for w := range bytes.SplitSeq(bytes.TrimSuffix(line, []byte{0}), []byte{0}) {
		words = append(words, string(w))
	}
	at := slices.Index(words, hostname)
	return filepath.Base(words[0]) == "bwrap" && at > 0 && words[at-1] == "--hostname" &&
		slices.ContainsFunc(words, func(w string) bool { return w == root || strings.HasPrefix(w, root+string(filepath.Separator)) })
}
