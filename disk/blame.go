package disk

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"sync"

	"matrixos/disk/git"
	"matrixos/disk/merge"
	"matrixos/sys"
)

// origin is where a line comes from: the landing that wrote it, and the file's
// name then.
type origin struct {
	landing sys.LandingID
	path    string
}

// step is one landing that touched a file.
type step struct {
	id            sys.LandingID
	after, before git.Hash      // trees
	source        sys.LandingID // the landing as of which it brings things back; 0 if it does not
}

// version is a file as one of its steps left it.
type version struct {
	path string
	step sys.LandingID
}

// blames keeps what was found out about versions, which never changes.
type blames struct {
	mu    sync.Mutex
	known map[version][]origin
	lines int
}

const mostBlamed = 1 << 18 // lines kept

func (b *blames) get(v version) []origin {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.known[v]
}

func (b *blames) put(v version, lines []origin) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.known == nil || b.lines+len(lines) > mostBlamed {
		b.known, b.lines = map[version][]origin{}, 0
	}
	if _, ok := b.known[v]; !ok {
		b.known[v] = lines
		b.lines += len(lines)
	}
}

// place is a line that is looked for: where it is in the version at hand, and
// where in the text that was asked about.
type place struct{ here, asked int }

// trace follows lines back through the history, from version to version.
type trace struct {
	d       *Disk
	objects objects
	matcher *merge.Matcher
	numbers map[git.Hash][]int
	steps   map[string][]step // by path, newest first
	open    map[version][]place
	found   []origin // by asked line
}

// blame finds the origin of the lines of a file as of a landing: of all, or of
// the one counted from 0. What is not text counts as one line.
func (d *Disk) blame(ctx context.Context, path string, at sys.LandingID, n git.Node, line int) ([]origin, error) {
	t := &trace{
		d: d, objects: d.objects(), matcher: merge.NewMatcher(), numbers: map[git.Hash][]int{},
		steps: map[string][]step{}, open: map[version][]place{},
	}
	all, err := t.lines(n)
	if err != nil {
		return nil, err
	}
	t.found = make([]origin, len(all))
	var asked []place
	for i := range all {
		if line < 0 || i == line {
			asked = append(asked, place{i, i})
		}
	}
	first, err := t.enter(ctx, path, at, asked)
	if err != nil {
		return nil, err
	}
	for len(t.open) > 0 {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if err := t.next(ctx); err != nil {
			return nil, err
		}
	}
	if line < 0 {
		d.blames.put(first, t.found)
	}
	return t.found, nil
}

// lines returns the numbers of a version's lines.
func (t *trace) lines(n git.Node) ([]int, error) {
	if have, ok := t.numbers[n.Hash]; ok || n.IsZero() {
		return have, nil
	}
	text, err := t.objects.content(n.Hash)
	if err != nil {
		return nil, err
	}
	if merge.Binary(text) {
		text = []byte(n.Hash.String())
	}
	t.numbers[n.Hash] = t.matcher.Numbers(text)
	return t.numbers[n.Hash], nil
}

// enter adds lines of a file as of a landing to what is looked for.
func (t *trace) enter(ctx context.Context, path string, at sys.LandingID, lines []place) (version, error) {
	steps, err := t.stepsOf(ctx, path)
	if err != nil {
		return version{}, err
	}
	v := version{path, 1}
	if i := slices.IndexFunc(steps, func(s step) bool { return s.id <= at }); i >= 0 {
		v.step = steps[i].id
	}
	if known := t.d.blames.get(v); known != nil {
		for _, p := range lines {
			t.found[p.asked] = known[p.here]
		}
		return v, nil
	}
	if len(lines) > 0 {
		t.open[v] = append(t.open[v], lines...)
	}
	return v, nil
}

// next takes the newest version at hand and passes its lines on to the versions
// before it; what none of them has was written by its landing.
func (t *trace) next(ctx context.Context) error {
	var v version
	for o := range t.open {
		if o.step > v.step {
			v = o
		}
	}
	lines := t.open[v]
	delete(t.open, v)
	steps, err := t.stepsOf(ctx, v.path)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(steps, func(s step) bool { return s.id == v.step })
	if i < 0 { // older than what the tables know
		t.attribute(v, lines)
		return nil
	}
	s := steps[i]
	now, err := t.objects.file(s.after, v.path)
	if err != nil {
		return err
	}
	from, before, err := t.before(s, v.path, now)
	if err != nil {
		return err
	}
	if lines, err = t.pass(ctx, now, before, from, s.id-1, lines); err != nil {
		return err
	}
	if s.source != 0 && len(lines) > 0 {
		tree, err := t.d.treeOf(ctx, s.source)
		if err != nil {
			return err
		}
		back, err := t.objects.file(tree, v.path)
		if err != nil {
			return err
		}
		if lines, err = t.pass(ctx, now, back, v.path, s.source, lines); err != nil {
			return err
		}
	}
	t.attribute(v, lines)
	return nil
}

func (t *trace) attribute(v version, lines []place) {
	for _, p := range lines {
		t.found[p.asked] = origin{v.step, v.path}
	}
}

// before is the file that a step started from, under the name it had.
func (t *trace) before(s step, path string, now git.Node) (string, git.Node, error) {
	n, err := t.objects.file(s.before, path)
	if err != nil || !n.IsZero() || s.before.IsZero() {
		return path, n, err
	}
	var changes []change
	if err := t.objects.diff(s.before, s.after, "", &changes); err != nil {
		return path, n, err
	}
	sortChanges(changes)
	moved, err := t.objects.renames(changes)
	if err != nil {
		return path, n, err
	}
	if from, ok := moved[path]; ok && !now.IsZero() {
		return from.path, from.old, nil
	}
	return path, git.Node{}, nil
}

// pass hands the lines that an older version has on to it, and returns the others.
func (t *trace) pass(ctx context.Context, now, older git.Node, path string, at sys.LandingID, lines []place) ([]place, error) {
	if older.IsZero() || at < 1 {
		return lines, nil
	}
	a, err := t.lines(older)
	if err != nil {
		return nil, err
	}
	b, err := t.lines(now)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(lines, func(p, q place) int { return p.here - q.here })
	runs := merge.Common(a, b)
	var passed, rest []place
	for _, p := range lines {
		for len(runs) > 0 && runs[0].B+runs[0].N <= p.here {
			runs = runs[1:]
		}
		if len(runs) > 0 && runs[0].B <= p.here {
			passed = append(passed, place{p.here - runs[0].B + runs[0].A, p.asked})
		} else {
			rest = append(rest, p)
		}
	}
	_, err = t.enter(ctx, path, at, passed)
	return rest, err
}

// stepsOf lists the landings that touched a file, newest first.
func (t *trace) stepsOf(ctx context.Context, path string) (out []step, err error) {
	if have, ok := t.steps[path]; ok {
		return have, nil
	}
	rows, err := t.d.j.Query(ctx, `SELECT l.landing, l.tree, ifnull(b.tree, ''), l.undoes, ifnull(json_extract(l.provenance, '$.restores'), 0)
		FROM disk_touched t JOIN disk_landing l ON l.landing = t.landing LEFT JOIN disk_landing b ON b.landing = t.landing - 1
		WHERE t.path = ? ORDER BY l.landing DESC`, path)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		s, err := scanStep(rows)
		if err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	t.steps[path] = out
	return out, rows.Err()
}

func scanStep(rows *sql.Rows) (s step, err error) {
	var after, before string
	var undoes, restores sys.LandingID
	if err := rows.Scan(&s.id, &after, &before, &undoes, &restores); err != nil {
		return s, err
	}
	switch {
	case restores > 0 && restores < s.id:
		s.source = restores
	case undoes > 1 && undoes < s.id:
		s.source = undoes - 1 // it brings back what was before the landing that it undoes
	}
	if s.after, err = git.ParseHash(after); err == nil && before != "" {
		s.before, err = git.ParseHash(before)
	}
	return s, err
}
