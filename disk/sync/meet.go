package sync

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"matrixos/disk"
	"matrixos/journal"
	"matrixos/sys"
)

// mostMeetings is how often a meeting is tried while other devices are faster.
const mostMeetings = 6

// meet brings home and remote to the same: what the remote has is merged (a
// push refuses if there is anything), then the result goes there.
func (s *Sync) meet(ctx context.Context, r Request, out *Reply) error {
	rem, err := s.remote(ctx, r.Remote)
	if err != nil {
		return err
	}
	for try := 0; ; try++ {
		tip, err := s.fetch(ctx, rem)
		if err != nil {
			return err
		}
		if tip != "" {
			if err := s.take(ctx, &rem, tip, r, out); err != nil {
				return err
			}
		}
		sent, err := s.give(ctx, &rem, tip, r.Message)
		if sys.KindOf(err) == sys.Conflict && err != nil && try < mostMeetings {
			continue
		}
		if err != nil {
			return err
		}
		out.Text = said(rem.name, out.Merged, sent)
		return nil
	}
}

func said(name string, merged sys.LandingID, sent bool) string {
	switch {
	case merged != 0 && sent:
		return fmt.Sprintf("Merged %s as %s, and sent the result there.", name, merged)
	case merged != 0:
		return fmt.Sprintf("Merged %s as %s; it is the same there now.", name, merged)
	case sent:
		return "Sent to " + name + "; it is the same there now."
	}
	return "Home and " + name + " are the same already."
}

func (r remote) ref() string { return "refs/remotes/" + r.name + "/main" }

// fetch brings the remote's main under refs/remotes and returns it; "" if the
// remote is empty.
func (s *Sync) fetch(ctx context.Context, r remote) (string, error) {
	c := call{remote: r.name, secret: r.secret, args: []string{"ls-remote", "--refs", "--", r.url, "refs/heads/main"}}
	list, err := s.git(ctx, c)
	if err != nil || list == "" {
		return "", err
	}
	c.args = []string{"fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--", r.url, "+refs/heads/main:" + r.ref()}
	if _, err := s.git(ctx, c); err != nil {
		return "", err
	}
	return s.git(ctx, call{args: []string{"rev-parse", "--verify", r.ref()}})
}

// ancestor reports whether the history of b includes a.
func (s *Sync) ancestor(ctx context.Context, a, b string) bool {
	_, err := s.git(ctx, call{args: []string{"merge-base", "--is-ancestor", a, b}})
	return err == nil
}

// take merges what the remote has.
func (s *Sync) take(ctx context.Context, r *remote, tip string, req Request, out *Reply) error {
	if r.pushing != "" && s.ancestor(ctx, r.pushing, tip) {
		r.met = r.pushing // it arrived, though we did not hear of it
	}
	if r.met == tip {
		return nil
	}
	j, err := s.common(ctx, *r, tip, req.Adopt)
	if err != nil {
		return err
	}
	if req.Action == "push" {
		return &sys.Error{Op: "push to", Path: r.name, Kind: sys.Conflict, Err: errors.New("it has changes that this home has not"), Hint: "pull first: `matrixos sync pull " + r.name + "`"}
	}
	j.Prefer, j.Conflict = req.Prefer, r.conflict
	j.Landing = disk.Landing{
		Kind: sys.ByMerge, Title: "Merged " + r.name,
		Provenance: sys.Provenance{Remote: r.name + " " + tip},
		Update: func(tx *journal.Tx) error {
			_, err := tx.Exec(ctx, `UPDATE sync_remote SET met = ?, pushing = '', conflicts = '[]', conflict = '', refused = '' WHERE name = ?`, tip, r.name)
			return err
		},
	}
	info, decided, err := s.d.Join(ctx, j)
	var conflict *disk.ConflictError
	if errors.As(err, &conflict) {
		paths := []sys.Path{}
		for _, f := range conflict.Files {
			paths = append(paths, f.Path)
		}
		list, e := json.Marshal(paths)
		if e == nil {
			e = s.exec(ctx, `UPDATE sync_remote SET conflicts = ?, conflict = ?, refused = ? WHERE name = ?`, string(list), conflict.ID, tip, r.name)
		}
		return errors.Join(&sys.Error{
			Op: "pull from", Path: r.name, Kind: sys.Conflict, Err: conflict,
			Hint: "nothing was changed; look at both sides with `matrixos conflicts show " + conflict.ID + "` and choose with `matrixos resolve " + conflict.ID + "`, or for all at once with `matrixos sync pull --prefer ours` or `--prefer theirs`",
		}, e)
	}
	if err != nil {
		return err
	}
	r.met, r.pushing = tip, ""
	if info.ID != 0 {
		out.Merged = info.ID
	}
	out.Decided = append(out.Decided, decided...)
	return nil
}

// heed takes note of what the owner has decided about refused pulls: what was taken
// with their answers is a meeting. What was let go is refused anew by the next pull.
func (s *Sync) heed(ctx context.Context) error {
	waiting := map[string]string{}
	rows, err := s.d.Journal().Query(ctx, `SELECT name, conflict FROM sync_remote WHERE conflict != ''`)
	if err != nil {
		return err
	}
	for rows.Next() {
		var name, id string
		if err := rows.Scan(&name, &id); err != nil {
			return errors.Join(err, rows.Close())
		}
		waiting[name] = id
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return err
	}
	for name, id := range waiting {
		open, taken, err := s.d.Decided(ctx, id)
		if err != nil {
			return err
		}
		if open {
			continue
		}
		if taken {
			err = s.exec(ctx, `UPDATE sync_remote SET met = refused, pushing = '' WHERE name = ?`, name)
		}
		if err == nil {
			err = s.exec(ctx, `UPDATE sync_remote SET conflicts = '[]', conflict = '', refused = '' WHERE name = ?`, name)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// common finds from where both sides changed: the last meeting, or a history
// that they share, or else what both began with.
func (s *Sync) common(ctx context.Context, r remote, tip string, adopt bool) (disk.Join, error) {
	tree := func(commit string) (string, error) {
		return s.git(ctx, call{args: []string{"rev-parse", "--verify", commit + "^{tree}"}})
	}
	var j disk.Join
	var err error
	if j.Theirs, err = tree(tip); err != nil {
		return j, err
	}
	for _, own := range []string{r.met, "refs/heads/main"} {
		if own == "" {
			continue
		}
		base, err := s.git(ctx, call{args: []string{"merge-base", own, tip}})
		if err == nil && base != "" {
			j.Base, err = tree(strings.Fields(base)[0])
			return j, err
		}
	}
	first, err := s.d.View(1)
	if err != nil {
		return j, err
	}
	if adopt {
		j.Base = first.Tree()
		return j, nil
	}
	j.Alike = first.Tree()
	roots, err := s.git(ctx, call{args: []string{"rev-list", "--max-parents=0", tip}})
	if err != nil {
		return j, err
	}
	j.Base, err = tree(strings.Fields(roots)[0])
	return j, err
}

// give sends the home to the remote, whose main is tip, and reports whether
// there was anything to send.
func (s *Sync) give(ctx context.Context, r *remote, tip, message string) (bool, error) {
	var at sys.LandingInfo
	var tree string
	err := s.d.Hold(ctx, func(l sys.LandingInfo, v *disk.View) error {
		at, tree = l, v.Tree()
		return nil
	})
	if err != nil {
		return false, err
	}
	target := at.Commit
	if tip != "" {
		if tree, err = s.withTheirs(ctx, tree, tip); err != nil {
			return false, err
		}
		there, err := s.git(ctx, call{args: []string{"rev-parse", "--verify", tip + "^{tree}"}})
		if err != nil {
			return false, err
		}
		if there == tree {
			return false, s.met(ctx, r, tip, at.ID)
		}
		if !s.ancestor(ctx, tip, target) {
			if message == "" {
				message = "Meeting: " + at.Title
			}
			if target, err = s.git(ctx, call{in: message, args: []string{"commit-tree", tree, "-p", tip, "-p", at.Commit, "-F", "-"}}); err != nil {
				return false, err
			}
		}
	}
	// Should we not hear that it arrived, the next meeting still knows.
	if err := s.exec(ctx, `UPDATE sync_remote SET pushing = ? WHERE name = ?`, target, r.name); err != nil {
		return false, err
	}
	r.pushing = target
	_, err = s.git(ctx, call{remote: r.name, secret: r.secret, args: []string{
		"push", "--quiet", "--no-verify", "--force-with-lease=refs/heads/main:" + tip, "--", r.url, target + ":refs/heads/main",
	}})
	if err != nil {
		return false, err
	}
	if _, err := s.git(ctx, call{args: []string{"update-ref", r.ref(), target}}); err != nil {
		return false, err
	}
	return true, s.met(ctx, r, target, at.ID)
}

// met remembers a meeting.
func (s *Sync) met(ctx context.Context, r *remote, commit string, landing sys.LandingID) error {
	r.met, r.pushing = commit, ""
	return s.exec(ctx, `UPDATE sync_remote SET met = ?, pushing = '', landing = ?, time = ?, conflicts = '[]' WHERE name = ?`, commit, landing, time.Now().UnixNano(), r.name)
}

// withTheirs adds to a tree what the remote has and this home does not version,
// so that meeting here deletes nothing there.
func (s *Sync) withTheirs(ctx context.Context, tree, tip string) (string, error) {
	list, err := s.git(ctx, call{args: []string{"ls-tree", "-r", "-z", "--full-tree", tip}})
	if err != nil {
		return "", err
	}
	var keep strings.Builder
	for line := range strings.SplitSeq(list, "\x00") {
		facts, path, ok := strings.Cut(line, "\t")
		if ok && (strings.HasPrefix(facts, "160000 ") || !s.d.Versionable(sys.Path(path), 0)) {
			keep.WriteString(line + "\x00")
		}
	}
	if keep.Len() == 0 {
		return tree, nil
	}
	dir, err := os.MkdirTemp(filepath.Join(s.d.Root(), sys.Store, "run"), "sync-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(dir)
	env := []string{"GIT_INDEX_FILE=" + filepath.Join(dir, "index")}
	for _, c := range []call{
		{args: []string{"read-tree", tree}},
		{args: []string{"update-index", "-z", "--index-info"}, in: keep.String()},
	} {
		c.env = env
		if _, err := s.git(ctx, c); err != nil {
			return "", err
		}
	}
	return s.git(ctx, call{args: []string{"write-tree"}, env: env})
}
