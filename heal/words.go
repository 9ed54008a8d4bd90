package heal

import (
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"strings"

	"matrixos/app"
	"matrixos/disk"
	"matrixos/sys"
)

// nameOf is what people call the app in a folder: what its manifest says, and where that
// is gone or damaged, what it said last.
func (h *Healer) nameOf(ctx context.Context, view *disk.View, folder sys.Path) (string, error) {
	if name := nameIn(view, folder); name != "" {
		return name, nil
	}
	past, err := h.o.Disk.Log(ctx, disk.Query{Path: folder + "/" + app.ManifestName, Limit: mostPast})
	if err != nil {
		return "", err
	}
	for _, l := range past {
		then, err := h.o.Disk.View(l.ID)
		if err != nil {
			return "", err
		}
		if name := nameIn(then, folder); name != "" {
			return name, nil
		}
	}
	m, _ := app.ParseManifest([]byte("{}"), folder, false)
	return m.Name, nil
}

// nameIn is the name of the app in a folder, "" if its manifest cannot be read.
func nameIn(tree fs.FS, folder sys.Path) string {
	raw, err := fs.ReadFile(tree, string(folder)+"/"+app.ManifestName)
	if err != nil || !json.Valid(raw) {
		return ""
	}
	m, _ := app.ParseManifest(raw, folder, false)
	return m.Name
}

// title is what a landing that mends is called.
func (c *run) title(target failure, at found) string {
	if c.lostIt(target) {
		return fmt.Sprintf("Brought back the contract of %s, which %s deleted", c.name, at.culprit.ID)
	}
	what := "so that “" + target.name + "” holds again"
	if m, ok := c.marked(target); ok {
		what = "so that " + string(m.file) + " is whole again"
		if m.words == deleted {
			what = "so that " + string(m.file) + " is there again"
		}
	} else if target.name == "" {
		what = "so that it runs again"
	}
	return fmt.Sprintf("Healed %s: took back what %s broke, %s", c.name, at.culprit.ID, what)
}

func list(ids []sys.LandingID) string {
	var out []string
	for _, id := range ids {
		out = append(out, id.String())
	}
	return strings.Join(out, ", ")
}
