package disk

import (
	"context"
	"database/sql"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"matrixos/disk/git"
	"matrixos/sys"
)

// snapshotRefs is where named snapshots live; plain git reads them as
// snapshots/NAME. They keep their landing in the history for good.
const snapshotRefs = "refs/snapshots"

// Snapshot is a landing to which the owner has given a name.
type Snapshot struct {
	Name    string        `json:"name"`
	Landing sys.LandingID `json:"landing"`
	Title   string        `json:"title"` // of the landing
	Time    time.Time     `json:"time"`  // of the landing
}

var snapshotForm = regexp.MustCompile(`^[\pL\pN][\pL\pN._-]{0,63}$`)

// ValidSnapshot says what is wrong with a snapshot's name, in words with a way
// out; nil if nothing is.
func ValidSnapshot(name string) error {
	why := ""
	_, isTime := parseTime(name, time.Now())
	switch {
	case !snapshotForm.MatchString(name):
		why = "a name has letters, digits, - _ and . only, begins with a letter or digit, and has at most 64 characters"
	case strings.Contains(name, "..") || strings.HasSuffix(name, ".") || strings.HasSuffix(name, ".lock") || strings.HasSuffix(name, ".new"):
		why = "git could not keep it: it has two dots, ends in one, or ends in .lock or .new"
	case landingForm.MatchString(name) || isTime || strings.EqualFold(name, "now"):
		why = "it already means a landing or a time"
	default:
		return nil
	}
	return &sys.Error{Op: "name snapshot", Path: name, Kind: sys.Invalid, Err: errors.New(why), Hint: "choose a name such as before-the-move"}
}

// Snapshot names a landing; 0 means what the files are now, edits by hand
// recorded first. A name that is taken is an error of kind Exists.
func (d *Disk) Snapshot(ctx context.Context, name string, at sys.LandingID) (Snapshot, error) {
	s, err := d.nameLanding(ctx, name, at)
	return s, explain("name snapshot", name, err)
}

func (d *Disk) nameLanding(ctx context.Context, name string, at sys.LandingID) (Snapshot, error) {
	if err := d.usable("name snapshot"); err != nil {
		return Snapshot{}, err
	}
	if err := ValidSnapshot(name); err != nil {
		return Snapshot{}, err
	}
	if at == 0 {
		if _, err := d.Capture(ctx); err != nil {
			return Snapshot{}, err
		}
		at = d.Head()
	}
	c, err := d.cause(ctx, at)
	if err != nil {
		return Snapshot{}, err
	}
	var commit string
	if err := d.j.QueryRow(ctx, `SELECT commit_id FROM disk_landing WHERE landing = ?`, at).Scan(&commit); err != nil {
		return Snapshot{}, err
	}
	h, err := git.ParseHash(commit)
	if err != nil {
		return Snapshot{}, err
	}
	if err := d.publishHistory(); err != nil { // a ref must not come before its commit
		return Snapshot{}, err
	}
	d.publishing.Lock()
	defer d.publishing.Unlock()
	if have, err := d.snapshot(ctx, name); err == nil {
		return Snapshot{}, &sys.Error{Op: "name snapshot", Path: name, Kind: sys.Exists, Err: errors.New("the name is taken by " + have.String()), Hint: "choose another, or delete that one first"}
	} else if !errors.Is(err, sys.NotFound) {
		return Snapshot{}, err
	}
	ref := snapshotRefs + "/" + name
	if err := d.repo.SetRef(ref, h); err != nil {
		return Snapshot{}, err
	}
	if err := d.syncRef(ref); err != nil {
		return Snapshot{}, err
	}
	return Snapshot{name, at, c.Title, c.Time}, nil
}

// syncRef makes a new ref durable.
func (d *Disk) syncRef(ref string) error {
	path := filepath.Join(d.repo.Dir(), filepath.FromSlash(ref))
	return errors.Join(syncFolder(path), syncFolder(filepath.Dir(path)), syncFolder(filepath.Join(d.repo.Dir(), "refs")))
}

// snapshot returns the landing that has a name.
func (d *Disk) snapshot(ctx context.Context, name string) (id sys.LandingID, err error) {
	h, err := d.repo.Ref(snapshotRefs + "/" + name)
	if errors.Is(err, git.ErrNotFound) {
		return 0, noSnapshot(name)
	}
	if err != nil {
		return 0, err
	}
	err = d.j.QueryRow(ctx, `SELECT landing FROM disk_landing WHERE commit_id = ?`, h.String()).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, &sys.Error{Op: "find snapshot", Path: name, Kind: sys.Invalid, Err: errors.New("it names a commit that is no landing"), Hint: "it was made by hand; look at it with `git show snapshots/" + name + "`"}
	}
	return id, err
}

func noSnapshot(name string) error {
	return &sys.Error{Op: "find snapshot", Path: name, Kind: sys.NotFound, Err: errors.New("no snapshot has this name"), Hint: "`matrixos snapshot` lists them"}
}

// Snapshots lists all snapshots, those of the newest landings first.
func (d *Disk) Snapshots(ctx context.Context) ([]Snapshot, error) {
	names, err := d.repo.Refs(snapshotRefs)
	if err != nil {
		return nil, explain("list snapshots", d.root, err)
	}
	out := []Snapshot{}
	for _, name := range names {
		id, err := d.snapshot(ctx, name)
		if errors.Is(err, sys.Invalid) || errors.Is(err, git.ErrCorrupt) {
			d.log.WarnContext(ctx, "a snapshot names no landing", "name", name, "error", err)
			continue
		}
		if err != nil {
			return nil, explain("list snapshots", d.root, err)
		}
		c, err := d.cause(ctx, id)
		if err != nil {
			return nil, explain("list snapshots", d.root, err)
		}
		out = append(out, Snapshot{name, id, c.Title, c.Time})
	}
	slices.SortStableFunc(out, func(a, b Snapshot) int { return int(b.Landing - a.Landing) })
	return out, nil
}

// DeleteSnapshot takes a name away; the landing stays in the history.
func (d *Disk) DeleteSnapshot(name string) error {
	if err := d.usable("delete snapshot"); err != nil {
		return err
	}
	d.publishing.Lock()
	defer d.publishing.Unlock()
	if !snapshotForm.MatchString(name) || strings.Contains(name, "..") {
		return noSnapshot(name)
	}
	path := filepath.Join(d.repo.Dir(), filepath.FromSlash(snapshotRefs), name)
	err := os.Remove(path)
	if errors.Is(err, fs.ErrNotExist) {
		if _, packed := d.repo.Ref(snapshotRefs + "/" + name); packed == nil {
			return &sys.Error{Op: "delete snapshot", Path: name, Kind: sys.Unavailable, Err: errors.New("git has packed this ref"), Hint: "delete it with `git update-ref -d " + snapshotRefs + "/" + name + "` in the home"}
		}
		return noSnapshot(name)
	}
	if err == nil {
		err = syncFolder(filepath.Dir(path))
	}
	return explain("delete snapshot", name, err)
}
