package gateway

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"slices"
	"strings"
	"time"

	"matrixos/sys"
)

// RoomFile is a file that is sent in a room. What Type says of one that was received
// is its sender's word.
type RoomFile struct {
	Name    string
	Type    string
	Content []byte
}

// Attachments is what is sent in rooms beside words.
type Attachments interface {
	// Attach sends a file, in a thread if one is named, and returns the name by
	// which its event says it is it.
	Attach(ctx context.Context, room, thread string, f RoomFile) (string, error)
	Attached(ctx context.Context, room, event string) (RoomFile, error)
	// Thumbnail is a small picture of what is attached, which may be the whole.
	Thumbnail(ctx context.Context, room, event string) (RoomFile, error)
}

// mediaLimit bounds what is read of an upload; the homeserver's own limit is lower.
const mediaLimit = 16 << 20

// attach sends the body of a request as a file: its name and type are in the query.
func (g *Gateway) attach(w http.ResponseWriter, r *http.Request) {
	g.upload(w, r, "attach", func(f RoomFile) (string, error) {
		return g.o.Rooms.Attach(r.Context(), r.PathValue("room"), r.URL.Query().Get("thread"), f)
	})
}

// upload gives the body of a request to send, which returns what names the event.
func (g *Gateway) upload(w http.ResponseWriter, r *http.Request, what string, send func(RoomFile) (string, error)) {
	if r.ContentLength > mediaLimit {
		tooLarge(mediaLimit).write(w)
		return
	}
	content, err := io.ReadAll(http.MaxBytesReader(w, r.Body, mediaLimit))
	if err != nil {
		if tooMuch := new(http.MaxBytesError); errors.As(err, &tooMuch) {
			tooLarge(mediaLimit).write(w)
			return
		}
		problemOf(&sys.Error{Op: "send", Kind: sys.Canceled, Err: err}).write(w)
		return
	}
	q := r.URL.Query()
	kind, _, err := mime.ParseMediaType(q.Get("type"))
	if err != nil {
		kind = "application/octet-stream"
	}
	once, err := send(RoomFile{Name: plainName(q.Get("name")), Type: kind, Content: content})
	if err != nil {
		problemOf(g.failed(r.Context(), what, err)).write(w)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(Written{once}) // who has gone does not read it
}

// shownTypes are what may be shown in place: by what is in the file, never by what its
// sender says. Nothing that can hold a script is among them.
var shownTypes = []string{
	"image/png", "image/jpeg", "image/gif", "image/webp", "image/bmp", "video/mp4", "video/webm", "audio/mpeg", "audio/wave", "audio/aiff", "application/ogg",
}

// attached gives what a message shows. Whatever it is, it cannot act in the desktop:
// it is sandboxed, and only pictures, sound and video are shown in place.
func (g *Gateway) attached(w http.ResponseWriter, r *http.Request) {
	read := g.o.Rooms.Attached
	if r.URL.Query().Has("thumbnail") {
		read = g.o.Rooms.Thumbnail
	}
	f, err := read(r.Context(), r.PathValue("room"), r.PathValue("event"))
	if err != nil {
		problemOf(g.failed(r.Context(), "attached", err)).write(w)
		return
	}
	showFile(w, r, f, 0)
}

// showFile writes a file of somebody else; keep is how long it may be shown without
// asking again.
func showFile(w http.ResponseWriter, r *http.Request, f RoomFile, keep time.Duration) {
	kind, place := http.DetectContentType(f.Content), "inline"
	if !slices.Contains(shownTypes, kind) || r.URL.Query().Has("download") {
		kind, place = "application/octet-stream", "attachment"
	}
	h := w.Header()
	h.Set("Content-Type", kind)
	h.Set("Content-Disposition", mime.FormatMediaType(place, map[string]string{"filename": plainName(f.Name)}))
	h.Set("Content-Security-Policy", "sandbox; default-src 'none'")
	if keep > 0 {
		h.Set("Cache-Control", fmt.Sprintf("private, max-age=%d", int(keep.Seconds())))
	}
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(f.Content))
}

// plainName is the last part of a file's name, without what no name needs.
func plainName(name string) string {
	name = name[strings.LastIndexAny(name, `/\`)+1:]
	name = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return -1
		}
		return r
	}, strings.ToValidUTF8(name, ""))
	if r := []rune(name); len(r) > 200 {
		name = string(r[:200])
	}
	if name == "" || name == "." || name == ".." {
		return "file"
	}
	return name
}
