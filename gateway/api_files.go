package gateway

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"mime"
	"net/http"
	"os"
	"path"
	"strings"
	"time"
	"unicode/utf8"

	"matrixos/disk"
	"matrixos/sys"
)

// textLimit bounds what the editor opens and saves.
const textLimit = 8 << 20

// FileInfo is one entry of a folder.
type FileInfo struct {
	Name     string    `json:"name"`
	Path     sys.Path  `json:"path"`
	Dir      bool      `json:"dir"`
	Size     int64     `json:"size"`
	Modified time.Time `json:"modified"`
}

// TextFile is a file's content, and the hash to send back when saving it.
type TextFile struct {
	Path    sys.Path `json:"path"`
	Content string   `json:"content"`
	Hash    string   `json:"hash" doc:"SHA-256 in hex"`
}

// Saved is a file after an edit.
type Saved struct {
	Path    sys.Path      `json:"path"`
	Hash    string        `json:"hash"`
	Landing sys.LandingID `json:"landing" doc:"0 if nothing changed"`
}

// fileAPI registers the owner's own look at the home's files. It shows the live
// folder, what a file manager would: everything but the store. Writes are
// landings under the owner's name.
func (g *Gateway) fileAPI() {
	register(g, http.MethodGet, "/api/files", "list-files", "A folder's entries", func(ctx context.Context, in *struct {
		Path string `query:"path" maxLength:"4096" doc:"The home itself if empty"`
		At   string `query:"at" maxLength:"100" doc:"As of this landing, snapshot or time; absent: the live folder"`
	}) (*reply[[]FileInfo], error,
	) {
		if in.At != "" {
			list, err := g.pastFolder(ctx, in.Path, in.At)
			return &reply[[]FileInfo]{list}, err
		}
		list, err := g.folder(in.Path)
		return &reply[[]FileInfo]{list}, err
	})
	register(g, http.MethodGet, "/api/file", "read-file", "A text file", func(ctx context.Context, in *struct {
		Path string `query:"path" required:"true" maxLength:"4096"`
		At   string `query:"at" maxLength:"100" doc:"As of this landing, snapshot or time; absent: the live file"`
	}) (*reply[TextFile], error,
	) {
		f, err := g.text(ctx, in.Path, in.At)
		return &reply[TextFile]{f}, err
	})
	register(g, http.MethodPut, "/api/file", "write-file", "Save a text file", func(ctx context.Context, in *struct {
		Body struct {
			Path    string `json:"path" minLength:"1" maxLength:"4096"`
			Content string `json:"content"`
			Hash    string `json:"hash,omitempty" maxLength:"64" doc:"Refuse unless the file is still this one; absent: save in any case"`
		}
	}) (*reply[Saved], error,
	) {
		p, err := sys.ParsePath(in.Body.Path)
		if err != nil {
			return nil, err
		}
		l, err := g.save(ctx, p, []byte(in.Body.Content), in.Body.Hash, "Edited "+string(p))
		return &reply[Saved]{Saved{p, hashOf([]byte(in.Body.Content)), l.ID}}, err
	}, upTo(2*textLimit))
	register(g, http.MethodDelete, "/api/file", "remove-file", "Remove a file: a landing, which can be undone", func(ctx context.Context, in *struct {
		Path string `query:"path" required:"true" maxLength:"4096"`
		Hash string `query:"hash" maxLength:"64"`
	}) (*reply[Saved], error,
	) {
		p, err := sys.ParsePath(in.Path)
		if err != nil {
			return nil, err
		}
		l, err := g.save(ctx, p, nil, in.Hash, "Removed "+string(p))
		return &reply[Saved]{Saved{Path: p, Landing: l.ID}}, err
	})
}

// text reads a text file, as of at unless that is empty.
func (g *Gateway) text(ctx context.Context, name, at string) (TextFile, error) {
	p, err := sys.ParsePath(name)
	if err != nil {
		return TextFile{}, err
	}
	var b []byte
	if at != "" {
		b, _, err = g.pastFile(ctx, p, at)
	} else {
		b, err = g.read(p, textLimit)
	}
	if err != nil {
		return TextFile{}, err
	}
	if !utf8.Valid(b) {
		return TextFile{}, &sys.Error{Op: "open", Path: string(p), Kind: sys.Invalid, Err: errors.New("it is not text"), Hint: "download it instead"}
	}
	return TextFile{p, string(b), hashOf(b)}, nil
}

// folder lists a folder of the live home.
func (g *Gateway) folder(name string) ([]FileInfo, error) {
	dir := sys.Path(".")
	if name != "" && name != "." && name != "/" {
		p, err := sys.ParsePath(name)
		if err != nil {
			return nil, err
		}
		dir = p
	}
	root, err := os.OpenRoot(g.o.Disk.Root())
	if err != nil {
		return nil, fileError("list", dir, err)
	}
	defer root.Close()
	entries, err := fs.ReadDir(root.FS(), string(dir))
	if err != nil {
		return nil, fileError("list", dir, err)
	}
	list := []FileInfo{}
	for _, e := range entries {
		p, err := sys.ParsePath(path.Join(string(dir), e.Name()))
		if err != nil {
			continue // the store
		}
		info, err := root.Stat(string(p))
		if err != nil {
			continue // gone meanwhile, or a link that leads outside
		}
		list = append(list, FileInfo{e.Name(), p, info.IsDir(), info.Size(), info.ModTime()})
	}
	return list, nil
}

// read returns a regular file of the live home, following no link out of it.
func (g *Gateway) read(p sys.Path, limit int64) ([]byte, error) {
	root, err := os.OpenRoot(g.o.Disk.Root())
	if err != nil {
		return nil, fileError("open", p, err)
	}
	defer root.Close()
	info, err := root.Stat(string(p))
	if err != nil {
		return nil, fileError("open", p, err)
	}
	if !info.Mode().IsRegular() {
		return nil, &sys.Error{Op: "open", Path: string(p), Kind: sys.Invalid, Err: errors.New("it is not a file"), Hint: "name a file"}
	}
	f, err := root.Open(string(p))
	if err != nil {
		return nil, fileError("open", p, err)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, fileError("open", p, err)
	}
	if int64(len(b)) > limit {
		return nil, &sys.Error{Op: "open", Path: string(p), Kind: sys.Invalid, Err: errors.New("it is too large to edit here"), Hint: "download it instead"}
	}
	return b, nil
}

// save lands one edit of the owner, nil removing the file. If hash is given and
// the file is another one by now, nothing happens.
func (g *Gateway) save(ctx context.Context, p sys.Path, content []byte, hash, title string) (sys.LandingInfo, error) {
	g.editing.Lock()
	defer g.editing.Unlock()
	// What the owner did by hand meanwhile is recorded first, so that it is in
	// the history whatever happens now.
	if _, err := g.o.Disk.Capture(ctx); err != nil {
		return sys.LandingInfo{}, err
	}
	if hash != "" || content == nil {
		now, err := g.read(p, textLimit)
		if err != nil {
			return sys.LandingInfo{}, err
		}
		if hash != "" && hashOf(now) != hash {
			return sys.LandingInfo{}, &sys.Error{
				Op: "save", Path: string(p), Kind: sys.Conflict, Err: errors.New("the file has changed since it was opened"),
				Hint: "open it again, or save without the check",
			}
		}
	}
	return g.o.Disk.Write(ctx, disk.Write{Files: map[sys.Path][]byte{p: content}, Kind: sys.ByOwner, Title: title})
}

// raw sends a file as it is, for downloads and pictures. Whatever it holds, it
// cannot act here: it is sandboxed, and only pictures are shown in place.
func (g *Gateway) raw(w http.ResponseWriter, r *http.Request) {
	p, err := sys.ParsePath(r.URL.Query().Get("path"))
	if err != nil {
		problemOf(err).write(w)
		return
	}
	content, modified, done, err := g.bytesOf(r, p)
	if err != nil {
		problemOf(err).write(w)
		return
	}
	defer done()
	kind := mime.TypeByExtension(path.Ext(string(p)))
	place := "attachment"
	if strings.HasPrefix(kind, "image/") {
		place = "inline"
	} else {
		kind = "application/octet-stream"
	}
	h := w.Header()
	h.Set("Content-Type", kind)
	h.Set("Content-Disposition", mime.FormatMediaType(place, map[string]string{"filename": p.Base()}))
	h.Set("Content-Security-Policy", "sandbox; default-src 'none'; style-src 'unsafe-inline'")
	http.ServeContent(w, r, "", modified, content)
}

// bytesOf opens a regular file, of the live home or, with at, of a past one.
func (g *Gateway) bytesOf(r *http.Request, p sys.Path) (_ io.ReadSeeker, _ time.Time, done func(), err error) {
	if at := r.URL.Query().Get("at"); at != "" {
		b, when, err := g.pastFile(r.Context(), p, at)
		return bytes.NewReader(b), when, func() {}, err
	}
	root, err := os.OpenRoot(g.o.Disk.Root())
	if err != nil {
		return nil, time.Time{}, nil, fileError("open", p, err)
	}
	defer root.Close()
	f, err := root.Open(string(p))
	if err != nil {
		return nil, time.Time{}, nil, fileError("open", p, err)
	}
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return nil, time.Time{}, nil, errors.Join(&sys.Error{Op: "open", Path: string(p), Kind: sys.Invalid, Err: err, Hint: "name a file"}, f.Close())
	}
	return f, info.ModTime(), func() { f.Close() }, nil
}

func hashOf(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// fileError names what a file system says in our own kinds.
func fileError(op string, p sys.Path, err error) error {
	e := &sys.Error{Op: op, Path: string(p), Kind: sys.Internal, Err: err}
	var pe *fs.PathError
	if errors.As(err, &pe) {
		e.Err = pe.Err // without this machine's path
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		e.Kind, e.Hint = sys.NotFound, "look into its folder; the history may have it"
	case errors.Is(err, fs.ErrPermission):
		e.Kind, e.Hint = sys.Refused, "change the file's permissions"
	case pe != nil:
		e.Kind, e.Hint = sys.Invalid, "name a file or folder of the home"
	}
	return e
}
