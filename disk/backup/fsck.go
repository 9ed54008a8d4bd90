package backup

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"matrixos/disk/git"
)

// checkHistory reads every object that main reaches and compares it with its
// name, as `git fsck` would.
func checkHistory(ctx context.Context, repo string) error {
	r := git.Open(repo)
	at, err := r.Ref("refs/heads/main")
	if errors.Is(err, git.ErrNotFound) {
		return errors.New("the history has no main")
	}
	seen := map[git.Hash]bool{}
	for err == nil && !at.IsZero() {
		if err = ctx.Err(); err != nil {
			return err
		}
		var h git.History
		if h, err = r.History(at); err == nil {
			err = checkTree(ctx, r, h.Tree, seen)
		}
		if err != nil {
			return fmt.Errorf("commit %s: %w", at, err)
		}
		at = h.Parent
	}
	return err
}

func checkTree(ctx context.Context, r *git.Repo, tree git.Hash, seen map[git.Hash]bool) error {
	if seen[tree] {
		return nil
	}
	seen[tree] = true
	entries, err := r.Tree(tree)
	if err != nil {
		return err
	}
	for _, e := range entries {
		switch {
		case e.IsFolder():
			err = checkTree(ctx, r, e.Hash, seen)
		case !seen[e.Hash] && e.Mode != git.Submodule:
			seen[e.Hash] = true
			_, err = r.Content(e.Hash)
		}
		if err = errors.Join(err, ctx.Err()); err != nil {
			return fmt.Errorf("%s: %w", e.Name, err)
		}
	}
	return nil
}

// sortDeepest orders paths so that what is in a folder comes before it.
func sortDeepest(names []string) {
	slices.SortFunc(names, func(a, b string) int {
		if d := strings.Count(b, "/") - strings.Count(a, "/"); d != 0 {
			return d
		}
		return strings.Compare(a, b)
	})
}
