package disk

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"matrixos/disk/git"
	"matrixos/sys"
)

const mainRef = "refs/heads/main"

// mostWaiting is how many bytes of decided objects wait in memory to be written;
// a landing that finds more writes them first.
const mostWaiting = 16 << 20

// writeHistory writes decided landings into the repository, beside further
// landings, until ctx ends. Order: objects, then main. Plain git sees a landing
// some milliseconds after its commit point; everything of ours reads held
// objects from memory. What is not written when the process dies is in the
// redo records.
func (d *Disk) writeHistory(ctx context.Context) {
	for {
		select {
		case <-d.decided:
		case <-ctx.Done():
			return
		}
		err := d.publishHistory()
		if err == nil {
			err = d.writeIndex(false)
		}
		if err != nil {
			d.noteTrouble(err)
			d.log.WarnContext(ctx, "the history could not be written; it is tried again, and nothing is lost", "error", err)
			select {
			case <-time.After(time.Second):
				d.tellHistory()
			case <-ctx.Done():
				return
			}
		}
	}
}

func (d *Disk) tellHistory() {
	select {
	case d.decided <- struct{}{}:
	default:
	}
}

// publishHistory brings the repository to the newest landing. On a full disk it
// gives up the ballast.
func (d *Disk) publishHistory() error {
	d.publishing.Lock()
	defer d.publishing.Unlock()
	return d.withBallast(d.publishOnce)
}

func (d *Disk) publishOnce() error {
	head := d.at()
	if head.commit == d.published && d.repo.Waiting() == 0 {
		return nil
	}
	if err := d.fault("publish"); err != nil {
		return err
	}
	if err := d.repo.Flush(d.store("quarantine")); err != nil {
		return err
	}
	d.hook("published")
	if head.commit == d.published {
		return nil
	}
	if err := d.moveMain(d.published, head.commit); err != nil {
		return err
	}
	d.published = head.commit
	d.hook("ref")
	return nil
}

// moveMain points main at a commit, under git's own lock. Where the owner has
// moved main by hand (commit, reset), their commit is kept under refs/owner: the
// files it stands for are in the live folder, and are captured from there.
func (d *Disk) moveMain(from, to git.Hash) error {
	deadline := time.Now().Add(2 * time.Second)
	for {
		lock, err := d.repo.LockRef(mainRef, to)
		if err == nil {
			d.hook("locked")
			if err := d.keepOwnerCommit(lock.Old, from); err != nil {
				return errors.Join(err, lock.Release())
			}
			return lock.Publish()
		}
		if !errors.Is(err, fs.ErrExist) {
			return err
		}
		if time.Now().After(deadline) {
			return &sys.Error{Op: "lock history", Path: d.repo.Dir(), Kind: sys.Held, Err: err, Hint: "a git command is running in the home; wait for it, or remove " + mainRef + ".lock if it died"}
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// keepOwnerCommit saves a commit that the owner has put on main.
func (d *Disk) keepOwnerCommit(found, expected git.Hash) error {
	if found == expected || found.IsZero() {
		return nil
	}
	d.log.Info("main was moved by hand; its commit is kept", "commit", found.String())
	return d.repo.SetRef("refs/owner/"+found.String()[:12], found)
}

// adoptLarge moves the large objects of a decided landing into the repository.
func (d *Disk) adoptLarge(quarantine string) error {
	entries, err := os.ReadDir(quarantine)
	if err != nil {
		return err
	}
	for _, e := range entries {
		h, err := git.ParseHash(e.Name())
		if err != nil {
			return err
		}
		if err := d.repo.Adopt(h, filepath.Join(quarantine, e.Name())); err != nil {
			return err
		}
	}
	return os.Remove(quarantine)
}

// mostIndexed is the size of a home up to which the index follows each landing;
// that of a larger one is written when the disk opens and closes.
const mostIndexed = 5000

// writeIndex makes git's index say what the newest landing has, so that `git
// status` and `git diff` show edits by hand that are not recorded yet, and no
// others. Whatever was staged by hand is in the live files, which count.
func (d *Disk) writeIndex(whole bool) error {
	d.mu.Lock()
	head := d.at()
	if head.commit == d.indexed {
		d.mu.Unlock()
		return nil
	}
	var entries []git.IndexEntry
	errLarge := errors.New("large")
	err := d.objects().walk(head.tree, "", func(path string, n git.Node) error {
		if !whole && len(entries) == mostIndexed {
			return errLarge
		}
		entries = append(entries, d.indexEntryLocked(path, n))
		return nil
	})
	if err == nil {
		d.indexed = head.commit
	}
	d.mu.Unlock()
	if errors.Is(err, errLarge) {
		return nil
	}
	if err != nil {
		return err
	}
	if err = d.repo.WriteIndex(git.EncodeIndex(entries)); errors.Is(err, fs.ErrExist) {
		return nil // a git command is at work; the next landing brings another
	}
	return err
}

// indexEntryLocked describes a file, with its state where that is certain.
func (d *Disk) indexEntryLocked(path string, n git.Node) git.IndexEntry {
	e := git.IndexEntry{Path: path, Node: n}
	k, ok := d.stats[path]
	var st unix.Stat_t
	if !ok || k.node != n || unix.Lstat(filepath.Join(d.root, path), &st) != nil || statOf(&st) != k.stat {
		return e
	}
	e.Changed, e.Modified = time.Unix(0, st.Ctim.Nano()), time.Unix(0, st.Mtim.Nano())
	e.Dev, e.Ino, e.UID, e.GID, e.Size = uint32(st.Dev), uint32(st.Ino), st.Uid, st.Gid, uint32(st.Size)
	return e
}
