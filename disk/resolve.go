package disk

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"matrixos/disk/git"
	"matrixos/journal"
	"matrixos/sys"
)

// Conflict returns refused work and, of each file in conflict, the content on
// which it was made (Base), what it met (Ours) and what it wanted (Theirs).
func (d *Disk) Conflict(ctx context.Context, id string) (sys.ConflictInfo, []ConflictFile, error) {
	c, err := d.conflict(ctx, id)
	if err != nil {
		return c, nil, err
	}
	r, err := d.refused(ctx, c)
	if err != nil {
		return c, nil, explain("show conflict", id, err)
	}
	var files []ConflictFile
	for _, f := range c.Files {
		if IsDatabase(f.Path) {
			found, err := d.rowsFile(ctx, r, string(f.Path))
			if err != nil {
				return c, nil, explain("show conflict", id, err)
			}
			files = append(files, found)
			continue
		}
		m := &merger{objects: r.objects, head: r.met}
		ch, now, err := r.file(string(f.Path))
		if err == nil {
			err = m.conflict(ch, now)
		}
		if err != nil {
			return c, nil, explain("show conflict", id, err)
		}
		files = append(files, m.files...)
	}
	return c, files, nil
}

// refusal is refused work as it is kept.
type refusal struct {
	objects         objects
	base, work, met git.Hash // trees
}

func (d *Disk) refused(ctx context.Context, c sys.ConflictInfo) (refusal, error) {
	r := refusal{objects: d.objects()}
	commit, err := d.repo.Ref(refusedRefs + "/" + c.ID)
	if errors.Is(err, git.ErrNotFound) {
		return r, &sys.Error{Op: "find conflict", Path: c.ID, Kind: sys.NotFound, Err: errors.New("its work is not kept any more"), Hint: "`matrixos conflicts` lists what is"}
	}
	if err != nil {
		return r, err
	}
	h, err := d.repo.History(commit)
	if err != nil {
		return r, err
	}
	r.work = h.Tree
	began, err := d.repo.History(h.Parent)
	if err != nil {
		return r, err
	}
	r.base = began.Tree
	r.met, err = d.treeOf(ctx, c.Met)
	return r, err
}

// file returns what the work wanted to do to a file, and what it met.
func (r refusal) file(path string) (change, git.Node, error) {
	c := change{path: path}
	var now git.Node
	for _, side := range []struct {
		tree git.Hash
		to   *git.Node
	}{{r.base, &c.old}, {r.work, &c.new}, {r.met, &now}} {
		var err error
		if *side.to, err = r.objects.file(side.tree, path); err != nil {
			return c, now, err
		}
	}
	return c, now, nil
}

// Answer is what is to become of one file in conflict, or of all.
type Answer struct {
	Path    sys.Path // "" means every file that has no answer yet
	Choice  sys.ConflictChoice
	Content []byte // of ChooseFile
}

// Resolve records the owner's answer. When every file has one, the whole work
// lands with them, signed by who made it, after the checks; until then the
// landing's ID is 0. Files that others have changed again since are merged
// again; if that fails, the error is a *ConflictError and the files need new
// answers.
func (d *Disk) Resolve(ctx context.Context, id string, answer Answer) (sys.ConflictInfo, sys.LandingInfo, error) {
	c, info, err := d.resolve(ctx, id, answer)
	return c, info, explain("resolve", id, err)
}

func (d *Disk) resolve(ctx context.Context, id string, answer Answer) (sys.ConflictInfo, sys.LandingInfo, error) {
	var none sys.LandingInfo
	if err := d.usable("resolve"); err != nil {
		return sys.ConflictInfo{}, none, err
	}
	c, err := d.conflict(ctx, id)
	if err != nil {
		return c, none, err
	}
	switch {
	case c.State == sys.ConflictSettled:
		return c, none, &sys.Error{Op: "resolve", Path: id, Kind: sys.Exists, Err: errors.New("it is settled"), Hint: "`matrixos conflicts` lists those that are not"}
	case c.State == sys.ConflictRetrying:
		return c, none, &sys.Error{Op: "resolve", Path: id, Kind: sys.Held, Err: errors.New("the agent that made it is trying again"), Hint: "wait for it, or stop it with `matrixos kill " + fmt.Sprint(c.Provenance.Process) + "`"}
	}
	if c, err = d.answer(ctx, c, answer); err != nil {
		return c, none, err
	}
	if slices.ContainsFunc(c.Files, func(f sys.ConflictPath) bool { return f.Choice == "" }) {
		return c, none, nil
	}
	info, err := d.landResolved(ctx, c)
	var again *ConflictError
	if errors.As(err, &again) && len(again.Files) > 0 {
		again.ID = c.ID
		err = errors.Join(err, d.askAgain(ctx, c, again))
	}
	if err == nil {
		c, err = d.conflict(ctx, id)
	}
	return c, info, err
}

// answer checks and records one answer.
func (d *Disk) answer(ctx context.Context, c sys.ConflictInfo, a Answer) (sys.ConflictInfo, error) {
	invalid := func(why, hint string) (sys.ConflictInfo, error) {
		return c, &sys.Error{Op: "resolve", Path: c.ID, Kind: sys.Invalid, Err: errors.New(why), Hint: hint}
	}
	switch a.Choice {
	case sys.ChooseOurs, sys.ChooseTheirs, sys.ChooseBoth:
	case sys.ChooseFile:
		if a.Path == "" {
			return invalid("a content is for one file", "name the file")
		}
		if len(a.Content) > largest {
			return invalid("the content is above 64 MB", "files of that size are not versioned")
		}
	default:
		return invalid("there is no choice "+string(a.Choice), "choose ours, theirs, both, or give a file")
	}
	found := false
	err := d.j.Update(ctx, func(tx *journal.Tx) error {
		for i := range c.Files {
			f := &c.Files[i]
			if f.Path != a.Path && (a.Path != "" || f.Choice != "") {
				continue
			}
			found = true
			if IsDatabase(f.Path) && a.Choice != sys.ChooseOurs && a.Choice != sys.ChooseTheirs {
				return &sys.Error{Op: "resolve", Path: string(f.Path), Kind: sys.Invalid, Err: errors.New("rows of an app are kept or replaced"), Hint: "choose ours or theirs for it"}
			}
			f.Choice = a.Choice
			if _, err := tx.Exec(ctx, `INSERT INTO disk_conflict_answer(id, path, content) VALUES(?,?,?)
				ON CONFLICT(id, path) DO UPDATE SET content = excluded.content`, c.ID, string(f.Path), a.Content); err != nil {
				return err
			}
		}
		if !found {
			return nil
		}
		return putConflict(ctx, tx, c)
	})
	if err == nil && !found {
		return invalid("no file "+string(a.Path)+" waits in it", "`matrixos conflicts show "+c.ID+"` lists its files")
	}
	return c, err
}

// landResolved lands the work with all answers.
func (d *Disk) landResolved(ctx context.Context, c sys.ConflictInfo) (sys.LandingInfo, error) {
	r, err := d.refused(ctx, c)
	if err != nil {
		return sys.LandingInfo{}, err
	}
	changes, data, err := r.apart()
	if err != nil {
		return sys.LandingInfo{}, err
	}
	decided := map[string]bool{}
	var out []change
	for _, f := range c.Files {
		decided[string(f.Path)] = true
		if i := slices.IndexFunc(data, func(c rowChange) bool { return c.path == string(f.Path) }); i >= 0 {
			data[i].choose(f.Choice)
			continue
		}
		ch, ok, err := d.outcome(ctx, c, r, f)
		if err != nil {
			return sys.LandingInfo{}, err
		}
		if ok {
			out = append(out, ch)
		}
	}
	for _, ch := range changes {
		if !decided[ch.path] {
			out = append(out, ch)
		}
	}
	sortChanges(out)
	a := &attempt{
		d: d, op: "resolve", base: c.Base, since: r.base, changes: out, rows: data, objects: r.objects,
		landing: Landing{Kind: sys.ByAgent, Title: c.Title, Provenance: c.Provenance, resolves: c.ID},
	}
	if c.Provenance.Remote != "" { // another home's, which began elsewhere
		a.landing.Kind, a.since = sys.ByMerge, git.Hash{}
	}
	return a.run(ctx)
}

// outcome turns an answer into a change of what the work met; ok is false if
// there is nothing to do.
func (d *Disk) outcome(ctx context.Context, c sys.ConflictInfo, r refusal, f sys.ConflictPath) (ch change, ok bool, err error) {
	ch, now, err := r.file(string(f.Path))
	if err != nil {
		return ch, false, err
	}
	ch.old = now
	switch f.Choice {
	case sys.ChooseTheirs:
		return ch, ch.old != ch.new, nil
	case sys.ChooseBoth:
		if ch.new.IsZero() || now.IsZero() {
			return ch, now.IsZero(), nil // one side has no such file: both is the other
		}
		m := &merger{objects: r.objects, head: d.at().tree}
		ch.path, err = m.freeName(ch.path)
		ch.old = git.Node{}
		return ch, true, err
	case sys.ChooseFile:
		var content []byte
		if err := d.j.QueryRow(ctx, `SELECT content FROM disk_conflict_answer WHERE id = ? AND path = ?`, c.ID, string(f.Path)).Scan(&content); err != nil {
			return ch, false, err
		}
		mode := git.File
		if now.Mode == git.Executable || now.IsZero() && ch.new.Mode == git.Executable {
			mode = git.Executable
		}
		ch.new = git.Node{Mode: mode, Hash: r.objects.add(git.NewObject(git.Blob, content))}
		return ch, ch.old != ch.new, nil
	case sys.ChooseOurs:
	}
	return ch, false, nil
}

// askAgain takes back the answers for files that changed again, and makes what
// they met the newest landing.
func (d *Disk) askAgain(ctx context.Context, c sys.ConflictInfo, again *ConflictError) error {
	return d.j.Update(ctx, func(tx *journal.Tx) error {
		return setConflict(ctx, tx, c.ID, func(c *sys.ConflictInfo) {
			c.Met = d.Head()
			known := map[sys.Path]bool{}
			for i := range c.Files {
				known[c.Files[i].Path] = true
				c.Files[i].Choice = "" // each was an answer to what it met then
			}
			for _, f := range again.Files {
				if !known[f.Path] {
					c.Files = append(c.Files, sys.ConflictPath{Path: f.Path, Binary: f.Binary})
				}
			}
		})
	})
}

// DropConflict settles a conflict without landing anything: the home stays as it
// is. The work is kept until it expires.
func (d *Disk) DropConflict(ctx context.Context, id string) error {
	if err := d.usable("drop conflict"); err != nil {
		return err
	}
	if _, err := d.conflict(ctx, id); err != nil {
		return err
	}
	return d.j.Update(ctx, func(tx *journal.Tx) error {
		return setConflict(ctx, tx, id, func(c *sys.ConflictInfo) {
			c.State = sys.ConflictSettled
			for i := range c.Files {
				c.Files[i].Choice = "" // answers of which nothing came
			}
		})
	})
}
