package disk

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"matrixos/sys"
)

// moved is a damaged database that stands in displaced while a landing makes another in
// its place. It is noted in a file until the landing is decided or given up: whatever
// happens in between, the bytes come back to where they were.
type moved struct {
	Landing sys.LandingID     `json:"landing"`
	Path    string            `json:"path"`
	Kept    map[string]string `json:"kept"` // names in displaced, of the file and its logs by suffix
}

// withLogs are the files of a database, by suffix.
var withLogs = []string{"", "-wal", "-shm", "-journal"}

func (d *Disk) movedNote() string { return d.store("run", "moved.json") }

// displacedName is a name in displaced, where nothing is ever overwritten.
func displacedName(path string) string {
	name := url.PathEscape(path)
	return fmt.Sprintf("%d-%s", time.Now().UnixNano(), name[max(0, len(name)-150):])
}

// moveAwayLocked moves a damaged database and its logs to displaced, for landing id to make
// it anew.
func (d *Disk) moveAwayLocked(path string, id sys.LandingID) (*moved, error) {
	m := &moved{id, path, map[string]string{}}
	for _, suffix := range withLogs {
		if fileThere(filepath.Join(d.root, path+suffix)) {
			m.Kept[suffix] = displacedName(path + suffix)
		}
	}
	raw, err := json.Marshal(m)
	if err == nil {
		err = writeFile(d.movedNote(), raw, 0o600, true)
	}
	if err == nil {
		err = syncFolder(d.store("run"))
	}
	if err != nil {
		return nil, err
	}
	for _, suffix := range withLogs {
		if m.Kept[suffix] == "" {
			continue
		}
		if err := d.displace(path+suffix, m.Kept[suffix]); err != nil {
			return nil, errors.Join(err, d.moveBack(m))
		}
	}
	d.log.Warn("a damaged database was set aside", "file", path, "kept", filepath.Join(sys.Store, "displaced", m.Kept[""]))
	d.hook("moved")
	return m, nil
}

// displace moves a live file to displaced, if it is there. It follows no link.
func (d *Disk) displace(path, name string) error {
	dir, base := split(path)
	f, err := openFolder(d.rootFD, dir, false)
	if err != nil {
		return err
	}
	defer f.close()
	if err := unix.Renameat2(f.fd, base, unix.AT_FDCWD, d.store("displaced", name), unix.RENAME_NOREPLACE); !absent(err) {
		return err
	}
	return nil
}

// moveBack undoes moveAwayLocked. What stands there by now was begun in between, and never
// decided: it goes to displaced itself, or, if there is nothing in it, away.
func (d *Disk) moveBack(m *moved) error {
	dir, base := split(m.Path)
	f, err := openFolder(d.rootFD, dir, true)
	if err != nil {
		return err
	}
	defer f.close()
	now, there, err := look(d.rootFD, m.Path)
	if err != nil {
		return err
	}
	nothing := !there || now.size == 0
	for _, suffix := range withLogs {
		kept := d.store("displaced", m.Kept[suffix])
		if m.Kept[suffix] != "" && !fileThere(kept) {
			continue // it had not gone, or is back
		}
		if nothing {
			err = unix.Unlinkat(f.fd, base+suffix, 0)
		} else {
			err = d.displace(m.Path+suffix, displacedName(m.Path+suffix))
		}
		if err != nil && !absent(err) {
			return err
		}
		if m.Kept[suffix] == "" {
			continue
		}
		if err := unix.Renameat2(unix.AT_FDCWD, kept, f.fd, base+suffix, unix.RENAME_NOREPLACE); err != nil {
			return err
		}
	}
	return d.forgetMoved()
}

func (d *Disk) forgetMoved() error {
	if err := os.Remove(d.movedNote()); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// finishMoved brings a database back that a landing was to make anew and did not, because
// the process ended before it was decided.
func (d *Disk) finishMoved(ctx context.Context) error {
	raw, err := os.ReadFile(d.movedNote())
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	var m moved
	if err := json.Unmarshal(raw, &m); err != nil { // it was not whole before anything moved
		d.log.WarnContext(ctx, "a note about a moved database cannot be read", "error", err)
		return d.forgetMoved()
	}
	if m.Landing <= d.Head() {
		return d.forgetMoved()
	}
	d.log.WarnContext(ctx, "a damaged database comes back: its restore did not come to an end", "file", m.Path)
	return d.moveBack(&m)
}
