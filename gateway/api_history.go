package gateway

import (
	"context"
	"io/fs"
	"net/http"
	"path"
	"time"

	"matrixos/disk"
	"matrixos/sys"
)

// CompareReply is what is different between two landings.
type CompareReply struct {
	From  sys.LandingID `json:"from"`
	To    sys.LandingID `json:"to"`
	Files []FileDiff    `json:"files" nullable:"false"`
}

// RestoreReply is what a restore did, or would do.
type RestoreReply struct {
	Landing sys.LandingInfo `json:"landing" doc:"ID 0 in a preview"`
	Files   []FileDiff      `json:"files" nullable:"false"`
	Skipped []sys.Path      `json:"skipped" nullable:"false" doc:"Files that are not versioned any more: left as they are"`
}

// PastView is a past landing as a folder.
type PastView struct {
	Landing sys.LandingID `json:"landing"`
	Dir     string        `json:"dir" doc:"Read-only"`
}

// MomentReply is the landing that a moment stands for.
type MomentReply struct {
	Landing sys.LandingInfo `json:"landing"`
}

// moment reads a landing, a snapshot's name or a time; empty means the newest.
func (g *Gateway) moment(ctx context.Context, text string) (sys.LandingID, error) {
	if text == "" {
		return g.o.Disk.Head(), nil
	}
	return g.o.Disk.Moment(ctx, text, g.now())
}

// optionalPath reads a path of which none means the whole home.
func optionalPath(text string) (sys.Path, error) {
	if text == "" || text == "." || text == "/" || text == "~" {
		return "", nil
	}
	return sys.ParsePath(text)
}

// historyAPI registers what can be done with the past.
func (g *Gateway) historyAPI() {
	g.causesAPI()
	g.compareAPI()
	g.snapshotAPI()
}

// causesAPI registers what a moment is called, and why things are as they are.
func (g *Gateway) causesAPI() {
	register(g, http.MethodGet, "/api/moment", "find-moment", "The landing that a landing's name, a snapshot or a time stands for", func(ctx context.Context, in *struct {
		At string `query:"at" required:"true" maxLength:"100" example:"yesterday 14:00"`
	}) (*reply[MomentReply], error,
	) {
		id, err := g.moment(ctx, in.At)
		if err != nil {
			return nil, err
		}
		list, err := g.o.Disk.Log(ctx, disk.Query{Before: id + 1, Limit: 1})
		if err != nil || len(list) == 0 {
			return nil, err
		}
		list[0].Changes = all(list[0].Changes)
		return &reply[MomentReply]{MomentReply{list[0]}}, nil
	})
	register(g, http.MethodGet, "/api/why", "why", "By which landings a file, a line or a folder has become what it is", func(ctx context.Context, in *struct {
		Path string `query:"path" required:"true" minLength:"1" maxLength:"4096"`
		Line int    `query:"line" minimum:"0" doc:"Only this line, from 1; 0 means all"`
		At   string `query:"at" maxLength:"100" doc:"As of this landing, snapshot or time; absent: now"`
	}) (*reply[disk.Explanation], error,
	) {
		p, err := sys.ParsePath(in.Path)
		if err != nil {
			return nil, err
		}
		o := disk.WhyOptions{Line: in.Line}
		if in.At != "" {
			if o.At, err = g.moment(ctx, in.At); err != nil {
				return nil, err
			}
		}
		e, err := g.o.Disk.Why(ctx, p, o)
		if err != nil {
			return nil, err
		}
		for i := range e.Causes {
			e.Causes[i].Files = all(e.Causes[i].Files)
		}
		e.Lines, e.Causes = all(e.Lines), all(e.Causes)
		return &reply[disk.Explanation]{e}, nil
	})
}

// compareAPI registers how moments differ, and the way back to one.
func (g *Gateway) compareAPI() {
	register(g, http.MethodGet, "/api/diff", "diff", "What is different between two moments", func(ctx context.Context, in *struct {
		From string `query:"from" required:"true" minLength:"1" maxLength:"100" doc:"A landing, snapshot or time"`
		To   string `query:"to" maxLength:"100" doc:"Likewise; absent: what the files are now"`
		Path string `query:"path" maxLength:"4096" doc:"Only this file or folder"`
		Stat bool   `query:"stat" doc:"Leave the patches out"`
	}) (*reply[CompareReply], error,
	) {
		p, err := optionalPath(in.Path)
		if err != nil {
			return nil, err
		}
		from, err := g.moment(ctx, in.From)
		if err != nil {
			return nil, err
		}
		var to sys.LandingID
		if in.To != "" && in.To != "now" {
			if to, err = g.moment(ctx, in.To); err != nil {
				return nil, err
			}
		}
		c, err := g.o.Disk.Diff(ctx, from, to, disk.DiffOptions{Path: p, Stat: in.Stat})
		if err != nil {
			return nil, err
		}
		return &reply[CompareReply]{CompareReply{c.From, c.To, fileDiffs(c.Files)}}, nil
	})
	register(g, http.MethodPost, "/api/restore", "restore", "Bring a file or folder back as it was: a landing, which can be undone", func(ctx context.Context, in *struct {
		Body struct {
			Path    string `json:"path" maxLength:"4096" doc:"The whole home if empty"`
			At      string `json:"at" minLength:"1" maxLength:"100" doc:"A landing, snapshot or time"`
			Preview bool   `json:"preview,omitempty" doc:"Only show what would change"`
		}
	}) (*reply[RestoreReply], error,
	) {
		p, err := optionalPath(in.Body.Path)
		if err != nil {
			return nil, err
		}
		at, err := g.moment(ctx, in.Body.At)
		if err != nil {
			return nil, err
		}
		r, err := g.o.Disk.Restore(ctx, p, at, disk.RestoreOptions{Preview: in.Body.Preview})
		if err != nil {
			return nil, err
		}
		r.Landing.Changes = all(r.Landing.Changes)
		return &reply[RestoreReply]{RestoreReply{r.Landing, fileDiffs(r.Files), all(r.Skipped)}}, nil
	})
}

// snapshotAPI registers named moments, and past landings as folders.
func (g *Gateway) snapshotAPI() {
	register(g, http.MethodGet, "/api/snapshots", "list-snapshots", "Landings that have a name, newest first", func(ctx context.Context, _ *struct{}) (*reply[[]disk.Snapshot], error) {
		list, err := g.o.Disk.Snapshots(ctx)
		return &reply[[]disk.Snapshot]{all(list)}, err
	})
	register(g, http.MethodPost, "/api/snapshots", "name-snapshot", "Give a landing a name", func(ctx context.Context, in *struct {
		Body struct {
			Name string `json:"name" minLength:"1" maxLength:"64"`
			At   string `json:"at,omitempty" maxLength:"100" doc:"A landing, snapshot or time; absent: what the files are now"`
		}
	}) (*reply[disk.Snapshot], error,
	) {
		var at sys.LandingID
		if in.Body.At != "" {
			var err error
			if at, err = g.moment(ctx, in.Body.At); err != nil {
				return nil, err
			}
		}
		s, err := g.o.Disk.Snapshot(ctx, in.Body.Name, at)
		if err != nil {
			return nil, err
		}
		return &reply[disk.Snapshot]{s}, nil
	})
	register(g, http.MethodDelete, "/api/snapshots/{name}", "delete-snapshot", "Take a name away; the landing stays", func(_ context.Context, in *struct {
		Name string `path:"name" maxLength:"400"`
	}) (*struct{}, error,
	) {
		return nil, g.o.Disk.DeleteSnapshot(in.Name)
	})
	register(g, http.MethodPost, "/api/views", "view-past", "Write a past landing into a read-only folder on this machine", func(ctx context.Context, in *struct {
		Body struct {
			At  string `json:"at" minLength:"1" maxLength:"100" doc:"A landing, snapshot or time"`
			Dir string `json:"dir,omitempty" maxLength:"4096" doc:"Absolute, outside the home, and empty; absent: one in the store, kept for a day"`
		}
	}) (*reply[PastView], error,
	) {
		if in.Body.Dir != "" && !path.IsAbs(in.Body.Dir) {
			return nil, &sys.Error{Op: "view", Path: in.Body.Dir, Kind: sys.Invalid, Hint: "name the folder by its whole path"}
		}
		id, err := g.moment(ctx, in.Body.At)
		if err != nil {
			return nil, err
		}
		dir, err := g.o.Disk.Checkout(ctx, id, in.Body.Dir)
		if err != nil {
			return nil, err
		}
		return &reply[PastView]{PastView{id, dir}}, nil
	})
}

func fileDiffs(list []disk.FileDiff) []FileDiff {
	files := []FileDiff{}
	for _, d := range list {
		files = append(files, FileDiff{d.Path, d.From, d.Op, d.Binary, d.AddedLines, d.DeletedLines, d.Patch, d.Left})
	}
	return files
}

// pastFolder lists a folder as of a landing.
func (g *Gateway) pastFolder(ctx context.Context, name, at string) ([]FileInfo, error) {
	p, err := optionalPath(name)
	if err != nil {
		return nil, err
	}
	view, when, err := g.past(ctx, at)
	if err != nil {
		return nil, err
	}
	dir := path.Join(".", string(p))
	entries, err := fs.ReadDir(view, dir)
	if err != nil {
		return nil, fileError("list", sys.Path(dir), err)
	}
	list := []FileInfo{}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			return nil, fileError("list", sys.Path(dir), err)
		}
		list = append(list, FileInfo{e.Name(), sys.Path(path.Join(dir, e.Name())), e.IsDir(), info.Size(), when})
	}
	return list, nil
}

// past is the home as of a moment, and the time of its landing.
func (g *Gateway) past(ctx context.Context, at string) (*disk.View, time.Time, error) {
	id, err := g.moment(ctx, at)
	if err != nil {
		return nil, time.Time{}, err
	}
	list, err := g.o.Disk.Log(ctx, disk.Query{Before: id + 1, Limit: 1})
	if err != nil || len(list) == 0 {
		return nil, time.Time{}, err
	}
	view, err := g.o.Disk.View(id)
	return view, list[0].Time, err
}

// pastFile returns a file as of a moment.
func (g *Gateway) pastFile(ctx context.Context, p sys.Path, at string) ([]byte, time.Time, error) {
	view, when, err := g.past(ctx, at)
	if err != nil {
		return nil, when, err
	}
	b, err := view.ReadFile(string(p))
	if err != nil {
		err = fileError("open", p, err)
	}
	return b, when, err
}
