package disk

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"matrixos/sys"
)

const (
	// sizesLife is how long sizes may be built on before everything is measured
	// anew: a file system may pack blocks later without telling.
	sizesLife = time.Hour
	// looseLife is how old the size of what nobody watches may be where a roughly
	// right one will do.
	looseLife = time.Minute
	blindLife = 5 * time.Second // the same where nothing at all is watched
)

// sizes knows how much room the live files take without walking through all of
// them each time. Whoever changes something, or sees that it has changed, touches
// its path; what was touched is read again when a size is wanted. Folders that are
// ignored are not watched: an exact answer reads them again.
type sizes struct {
	mu      sync.Mutex // held while measuring; below Disk.mu
	folders map[string]*measured
	home    int64
	apps    map[sys.Slug]*appSize
	loose   map[string]time.Time // folders that are not watched, and when they were read
	whole   time.Time            // when everything was read
	kept    int64                // what the store keeps of the past
	keptAt  time.Time

	staleMu sync.Mutex // below everything
	stale   map[string]bool

	blind  atomic.Bool  // nobody watches
	landed atomic.Int64 // bytes of landings since the store was measured
}

// measured is one folder: itself and the files in it, not the folders.
type measured struct {
	portions []portion
	folders  []string
	largest  []sys.SpaceItem
}

// portion is a part of a folder's size, and whose it is.
type portion struct {
	app   sys.Slug // empty: no app's
	data  bool
	bytes int64
}

// appSize is what an app takes, and how many portions that is made of.
type appSize struct {
	files, data int64
	portions    int
}

// touch notes that something at or below a path may have another size. Any
// goroutine may call it, whatever it holds.
func (s *sizes) touch(path string) {
	if path == "" && s.blind.Load() {
		return // everything is read again after a while anyway
	}
	s.staleMu.Lock()
	defer s.staleMu.Unlock()
	if s.stale == nil {
		s.stale = map[string]bool{}
	}
	s.stale[path] = true
}

func (s *sizes) takeStale() map[string]bool {
	s.staleMu.Lock()
	defer s.staleMu.Unlock()
	out := s.stale
	s.stale = nil
	return out
}

// measureLocked brings the sizes up to date. An exact answer also counts what
// changed where nobody watches. The caller holds sizes.mu.
func (d *Disk) measureLocked(ctx context.Context, exact bool) error {
	s := &d.sizes
	stale := s.takeStale()
	age := time.Since(s.whole)
	if s.folders == nil || stale[""] || age > sizesLife || s.blind.Load() && (exact || age > blindLife) {
		s.folders, s.apps, s.loose, s.home = map[string]*measured{}, map[sys.Slug]*appSize{}, map[string]time.Time{}, 0
		s.whole = time.Now()
		stale = map[string]bool{"": true}
	}
	if stale == nil {
		stale = map[string]bool{}
	}
	for path, at := range s.loose {
		if exact || time.Since(at) > looseLife {
			stale[path] = true
		}
	}
	err := d.readAgainLocked(ctx, stale)
	if err != nil {
		s.folders = nil // halfway: the next one begins anew
	}
	return err
}

// readAgainLocked reads what was touched.
func (d *Disk) readAgainLocked(ctx context.Context, stale map[string]bool) error {
	s := &d.sizes
	again := map[string]bool{}
	for path := range stale {
		if first, _, _ := strings.Cut(path, "/"); first == sys.Store {
			continue
		}
		s.dropLocked(path)
		for path != "" {
			path, _ = split(path)
			if s.folders[path] != nil {
				break
			}
		}
		again[path] = true
	}
	order := make([]string, 0, len(again))
	for path := range again {
		order = append(order, path)
	}
	slices.SortFunc(order, func(a, b string) int { return cmp.Compare(len(a), len(b)) })
	for _, path := range order {
		if path != "" && s.folders[path] == nil {
			continue // it went with the one above
		}
		if err := d.readFolderLocked(ctx, path, s.folders[path], false); err != nil {
			return err
		}
	}
	return nil
}

// dropLocked forgets a folder and all below it.
func (s *sizes) dropLocked(path string) {
	f := s.folders[path]
	if f == nil {
		return
	}
	s.countLocked(f, -1)
	delete(s.folders, path)
	delete(s.loose, path)
	for _, name := range f.folders {
		s.dropLocked(name)
	}
}

func (s *sizes) countLocked(f *measured, sign int64) {
	for _, p := range f.portions {
		s.home += sign * p.bytes
		if p.app == "" {
			continue
		}
		a := s.apps[p.app]
		if a == nil {
			a = &appSize{}
			s.apps[p.app] = a
		}
		if p.data {
			a.data += sign * p.bytes
		} else {
			a.files += sign * p.bytes
		}
		if a.portions += int(sign); a.portions == 0 {
			delete(s.apps, p.app)
		}
	}
}

// readFolderLocked reads a folder, and those in it that are not known yet. Loose
// says that one above it is not watched.
func (d *Disk) readFolderLocked(ctx context.Context, path string, old *measured, loose bool) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s := &d.sizes
	if !loose && path != "" && d.ignored(path, true) {
		s.loose[path], loose = time.Now(), true
	}
	f, err := d.readEntries(path)
	if errors.Is(err, fs.ErrNotExist) {
		s.dropLocked(path)
		return nil
	}
	if err != nil {
		return err
	}
	if old != nil {
		s.countLocked(old, -1)
		for _, name := range old.folders {
			if !slices.Contains(f.folders, name) {
				s.dropLocked(name)
			}
		}
	}
	s.folders[path] = f
	s.countLocked(f, 1)
	for _, name := range f.folders {
		if s.folders[name] != nil {
			continue
		}
		if err := d.readFolderLocked(ctx, name, nil, loose); err != nil {
			return err
		}
	}
	return nil
}

// readEntries measures one folder. One that may not be read counts itself.
func (d *Disk) readEntries(path string) (*measured, error) {
	full := filepath.Join(d.root, path)
	info, err := os.Lstat(full)
	if err == nil && !info.IsDir() {
		err = fs.ErrNotExist
	}
	if err != nil {
		return nil, err
	}
	f := &measured{}
	f.portions = append(f.portions, portionOf(path, onDisk(info)))
	entries, err := os.ReadDir(full)
	if err != nil && !errors.Is(err, fs.ErrPermission) {
		return nil, err
	}
	var files int64
	n := 0
	for _, e := range entries {
		name := filepath.Join(path, e.Name())
		if name == sys.Store {
			continue
		}
		if e.IsDir() {
			f.folders = append(f.folders, name)
			continue
		}
		info, err := e.Info()
		if err != nil {
			continue // it went this instant
		}
		n++
		size := onDisk(info)
		files += size
		if size > 0 {
			f.largest = largestOf(f.largest, sys.SpaceItem{Name: name, Bytes: size})
		}
	}
	if n > 0 {
		f.portions = append(f.portions, portionOf(path+"/x", files))
	}
	return f, nil
}

func portionOf(path string, bytes int64) portion {
	slug, data, ok := appOf(path)
	if !ok {
		return portion{bytes: bytes}
	}
	return portion{slug, data, bytes}
}

// keptParts are what the store keeps of the past. The rest of it are working
// copies, which come and go.
var keptParts = []string{"repo.git", "data", "displaced", "kernel.db", "kernel.db-wal"}

// keptLocked returns how much room the past takes. A rough answer adds what has
// landed to what was last measured. The caller holds sizes.mu.
func (d *Disk) keptLocked(exact bool) (int64, error) {
	s := &d.sizes
	if !exact && time.Since(s.keptAt) < looseLife {
		return s.kept + s.landed.Load(), nil
	}
	s.landed.Store(0)
	at := time.Now()
	var sum int64
	for _, name := range keptParts {
		n, err := folderSize(d.store(name))
		if err != nil {
			return 0, err
		}
		sum += n
	}
	s.kept, s.keptAt = sum, at
	return sum, nil
}

// measureHome fills in what the live files take, exactly.
func (d *Disk) measureHome(ctx context.Context, r *sys.SpaceReport, apps map[sys.Slug]*sys.AppSpace) error {
	s := &d.sizes
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := d.measureLocked(ctx, true); err != nil {
		return err
	}
	r.Home = s.home
	for slug, a := range s.apps {
		apps[slug] = &sys.AppSpace{App: slug, Files: a.files, Data: a.data}
	}
	for _, f := range s.folders {
		for _, item := range f.largest {
			r.Largest = largestOf(r.Largest, item)
		}
	}
	return nil
}
