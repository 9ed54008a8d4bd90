package disk

import (
	"context"
	"fmt"
	"math/rand"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
)

// A device is a block device made for tests: a file in a file system of our own,
// under a loop device, with ext4 on it. It keeps a log of all writes and flushes,
// so that what a power cut leaves at any instant can be built; and it can fail.
type device struct {
	fs.Inode
	mount string // where its file system is

	mu      sync.Mutex
	blank   []byte // before the first logged write
	now     []byte
	log     []record4k
	failing bool
}

// record4k is one write, or a flush if it has no data.
type record4k struct {
	at   int64
	data []byte
}

const deviceSize = 80 << 20

var (
	_ fs.NodeOpener    = (*device)(nil)
	_ fs.NodeGetattrer = (*device)(nil)
	_ fs.NodeReader    = (*device)(nil)
	_ fs.NodeWriter    = (*device)(nil)
	_ fs.NodeFsyncer   = (*device)(nil)
)

func (d *device) Getattr(_ context.Context, _ fs.FileHandle, out *fuse.AttrOut) syscall.Errno {
	out.Mode, out.Size = 0o600, deviceSize
	return 0
}

func (d *device) Setattr(ctx context.Context, h fs.FileHandle, _ *fuse.SetAttrIn, out *fuse.AttrOut) syscall.Errno {
	return d.Getattr(ctx, h, out)
}

func (d *device) Open(context.Context, uint32) (fs.FileHandle, uint32, syscall.Errno) {
	return nil, 0, 0
}

func (d *device) Read(_ context.Context, _ fs.FileHandle, to []byte, at int64) (fuse.ReadResult, syscall.Errno) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if at >= deviceSize {
		return fuse.ReadResultData(nil), 0
	}
	return fuse.ReadResultData(to[:copy(to, d.now[at:])]), 0
}

func (d *device) Write(_ context.Context, _ fs.FileHandle, data []byte, at int64) (uint32, syscall.Errno) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.failing {
		return 0, syscall.EIO
	}
	copy(d.now[at:], data)
	d.log = append(d.log, record4k{at, append([]byte(nil), data...)})
	return uint32(len(data)), 0
}

func (d *device) Fsync(context.Context, fs.FileHandle, uint32) syscall.Errno {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.failing {
		return syscall.EIO
	}
	d.log = append(d.log, record4k{})
	return 0
}

// clock is how much has been logged.
func (d *device) clock() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.log)
}

// fail makes every write fail from now on.
func (d *device) fail(yes bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.failing = yes
}

type deviceFolder struct {
	fs.Inode
	d *device
}

func (f *deviceFolder) OnAdd(ctx context.Context) {
	f.AddChild("image", f.NewPersistentInode(ctx, f.d, fs.StableAttr{Mode: syscall.S_IFREG}), false)
}

func root(t *testing.T, command ...string) string {
	t.Helper()
	out, err := exec.Command(command[0], command[1:]...).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %v\n%s", command, err, out)
	}
	return strings.TrimSpace(string(out))
}

// newDevice makes a device and mounts the file system on it. It skips the test,
// saying what is missing, where a machine does not allow that.
func newDevice(t *testing.T) *device {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("NOT TESTED HERE: a simulated power cut needs root, for a loop device")
	}
	for _, path := range []string{"/dev/fuse", "/dev/loop-control"} {
		if _, err := os.Stat(path); err != nil {
			t.Skipf("NOT TESTED HERE: a simulated power cut needs %s", path)
		}
	}
	for _, tool := range []string{"mkfs.ext4", "losetup", "mount"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("NOT TESTED HERE: a simulated power cut needs %s", tool)
		}
	}
	work := memory(t)
	base := filepath.Join(work, "blank")
	root(t, "truncate", "-s", fmt.Sprint(deviceSize), base)
	root(t, "mkfs.ext4", "-q", "-F", "-b", "4096", "-E", "lazy_itable_init=0,lazy_journal_init=0", base)
	blank, err := os.ReadFile(base)
	if err != nil {
		t.Fatal(err)
	}
	d := &device{blank: blank, now: append([]byte(nil), blank...), mount: filepath.Join(work, "mnt")}
	for _, sub := range []string{"fuse", "mnt"} {
		if err := os.Mkdir(filepath.Join(work, sub), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	server, err := serve(filepath.Join(work, "fuse"), d)
	if err != nil {
		t.Skipf("NOT TESTED HERE: no file system in user space: %v", err)
	}
	connection := connectionOf(filepath.Join(work, "fuse"))
	loop := root(t, "losetup", "--find", "--show", filepath.Join(work, "fuse", "image"))
	root(t, "mount", "-o", "commit=1", loop, d.mount)
	t.Cleanup(func() {
		d.fail(false)
		root(t, "umount", "-l", d.mount)
		root(t, "losetup", "-d", loop)
		if err := server.Unmount(); err != nil {
			root(t, "umount", "-l", filepath.Join(work, "fuse"))
		}
		abort(connection)
	})
	return d
}

// serve mounts the folder of a device. Its connection is inherited by no child: one
// that outlives the server would keep it open, and whoever looks at the loop
// device then, such as any mount on this machine, would wait for an answer for ever.
func serve(folder string, d *device) (*fuse.Server, error) {
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	server, err := fs.Mount(folder, &deviceFolder{d: d}, &fs.Options{MountOptions: fuse.MountOptions{DirectMountStrict: true, MaxWrite: 1 << 20}})
	if err != nil {
		return nil, err
	}
	open, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return nil, err
	}
	for _, e := range open {
		if to, err := os.Readlink("/proc/self/fd/" + e.Name()); err != nil || to != "/dev/fuse" {
			continue
		}
		if fd, err := strconv.Atoi(e.Name()); err == nil {
			syscall.CloseOnExec(fd)
		}
	}
	return server, nil
}

// connectionOf names the connection of a mounted file system in user space, by
// which it can be ended whatever still has it mounted.
func connectionOf(folder string) string {
	var st syscall.Stat_t
	if syscall.Stat(folder, &st) != nil {
		return ""
	}
	return fmt.Sprintf("/sys/fs/fuse/connections/%d/abort", st.Dev&0xff|st.Dev>>12&^0xff)
}

// abort ends a connection, where the control file system is mounted: a namespace
// that was made meanwhile may have kept a copy of the mount.
func abort(connection string) {
	_ = os.WriteFile(connection, []byte("1"), 0o600)
}

// cut returns what a power cut at the instant leaves: all writes up to the last
// flush before it, and of each later write some blocks, as chance has it.
func (d *device) cut(at int, random *rand.Rand) []byte {
	d.mu.Lock()
	defer d.mu.Unlock()
	image := append([]byte(nil), d.blank...)
	flushed := 0
	for i, w := range d.log[:at] {
		if w.data == nil {
			flushed = i
		}
	}
	share := []float64{0, 0.3, 0.7, 1}[random.Intn(4)]
	for i, w := range d.log[:at] {
		if i < flushed {
			copy(image[w.at:], w.data)
			continue
		}
		for k := 0; k < len(w.data); k += 4096 {
			if random.Float64() < share {
				copy(image[w.at+int64(k):], w.data[k:min(k+4096, len(w.data))])
			}
		}
	}
	return image
}

// with mounts an image, as after switching on again, for as long as do takes.
func with(t *testing.T, image []byte, do func(mount string)) {
	t.Helper()
	dir := memory(t)
	file, mount := filepath.Join(dir, "image"), filepath.Join(dir, "mnt")
	if err := os.WriteFile(file, image, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(mount, 0o755); err != nil {
		t.Fatal(err)
	}
	root(t, "mount", "-o", "loop", file, mount)
	defer func() {
		root(t, "umount", "-l", mount)
		if err := os.Remove(file); err != nil {
			t.Error(err)
		}
	}()
	do(mount)
}
