package syscalls

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"matrixos/disk"
	"matrixos/kernel"
	"matrixos/sys"
)

type openIn struct {
	Slug sys.Slug `json:"slug"`
}

func openApp() kernel.Syscall {
	return define("open_app", true, []string{"slug"}, `"slug":{"type":"string"}`,
		func(in openIn) string { return "Opening " + code(string(in.Slug)) },
		func(ctx context.Context, c *kernel.Call, in openIn) (string, error) {
			tree, err := c.Tree(ctx)
			if err != nil {
				return "", err
			}
			if !in.Slug.Valid() {
				return "", &sys.Error{Op: "open", Path: string(in.Slug), Kind: sys.Invalid, Hint: "name the app's slug, such as notes"}
			}
			found, err := hasApp(tree, in.Slug)
			if err == nil && !found { // what a child has landed, a program at work in its folder does not see there
				var home fs.FS
				if home, err = c.Disk().View(0); err == nil {
					found, err = hasApp(home, in.Slug)
				}
			}
			if err != nil {
				return "", err
			}
			if !found {
				return "", &sys.Error{Op: "open", Path: string(in.Slug), Kind: sys.NotFound, Hint: near(tree, "apps/"+sys.Path(in.Slug))}
			}
			c.Show(in.Slug)
			return "Opened " + string(in.Slug) + ".", nil
		})
}

// hasApp looks for the app's folder, also one level down (apps/games/chess).
func hasApp(tree fs.FS, slug sys.Slug) (bool, error) {
	for _, pattern := range []string{"apps/", "apps/*/"} {
		hits, err := fs.Glob(tree, pattern+string(slug)+"/matrix.json")
		if err != nil || len(hits) > 0 {
			return err == nil, err
		}
	}
	return false, nil
}

type logIn struct {
	Limit int `json:"limit"`
}

func listLandings() kernel.Syscall {
	return define("list_landings", true, nil, `"limit":{"type":"integer","minimum":1,"maximum":100}`,
		func(logIn) string { return "Looking at what changed" },
		func(ctx context.Context, c *kernel.Call, in logIn) (string, error) {
			if in.Limit == 0 {
				in.Limit = 20
			}
			list, err := c.Disk().Log(ctx, disk.Query{Limit: in.Limit})
			if err != nil {
				return "", err
			}
			var b strings.Builder
			for _, l := range list {
				who := string(l.Kind)
				if l.Provenance.Program != "" {
					who = string(l.Provenance.Program)
				}
				undone := ""
				if l.UndoneBy != 0 {
					undone = ", undone by " + l.UndoneBy.String()
				}
				fmt.Fprintf(&b, "%s  %s  %s  %s  (%s%s)\n", l.ID, l.Time.Format("2006-01-02 15:04"), who, l.Title, count(len(l.Changes), "file"), undone)
			}
			return b.String(), nil
		})
}

type undoIn struct {
	Landing string `json:"landing"`
}

func undo() kernel.Syscall {
	return define("undo", false, nil, `"landing":{"type":"string","description":"such as L12; the newest landing of an agent if absent"}`,
		func(in undoIn) string {
			if in.Landing == "" {
				return "Undoing the last change"
			}
			return "Undoing " + in.Landing
		},
		func(ctx context.Context, c *kernel.Call, in undoIn) (string, error) {
			id, err := undoTarget(ctx, c.Disk(), in.Landing)
			if err != nil {
				return "", err
			}
			old, l, err := c.Undo(ctx, id)
			if err != nil {
				return "", err
			}
			return fmt.Sprintf("Undid %s (%s) as %s: %s.", id, old.Title, l.ID, changed(l)), nil
		})
}

// undoTarget is the landing named, or the newest one of an agent that still
// stands.
func undoTarget(ctx context.Context, d *disk.Disk, name string) (sys.LandingID, error) {
	if name != "" {
		return sys.ParseLandingID(name)
	}
	return Newest(ctx, d)
}

// Newest is the landing that "undo" without a name means: the newest of an
// agent that has not been undone.
func Newest(ctx context.Context, d *disk.Disk) (sys.LandingID, error) {
	var before sys.LandingID
	for {
		list, err := d.Log(ctx, disk.Query{Limit: 50, Before: before})
		if err != nil {
			return 0, err
		}
		for _, l := range list {
			if l.Kind == sys.ByAgent && l.UndoneBy == 0 {
				return l.ID, nil
			}
			before = l.ID
		}
		if len(list) == 0 || before <= 1 {
			return 0, &sys.Error{Op: "undo", Kind: sys.NotFound, Err: errors.New("no change of an agent is left to undo"), Hint: "name a landing; `matrixos log` lists them"}
		}
	}
}

func readState() kernel.Syscall {
	return define("read_state", true, nil, ``,
		func(struct{}) string { return "Looking at the system" },
		func(_ context.Context, c *kernel.Call, _ struct{}) (string, error) {
			state := c.State()
			out := map[string]any{
				"now": state.Now, "handle": state.Handle, "model": state.Model, "apps": state.Apps,
				"processes": c.Kernel().Processes(), "landing": c.Disk().Head().String(),
			}
			raw, err := json.MarshalIndent(out, "", "  ")
			return string(raw), err
		})
}
