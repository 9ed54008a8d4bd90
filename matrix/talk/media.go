package talk

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	_ "image/gif" // the size of a picture is read from it
	"io"
	"net/http"
	"strings"

	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/crypto/attachment"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"matrixos/sys"
)

// LargestSent is how many bytes a file that is sent may have: what a homeserver takes
// unless somebody has changed it.
const LargestSent = 10 << 20

// LargestRead is how many bytes of a file of somebody else are read.
const LargestRead = 64 << 20

// File is something that is sent in a room.
type File struct {
	Name    string
	Type    string // as its sender says, such as image/png
	Content []byte
}

// Attach uploads a file, encrypted if the room is, and is the content of the message
// that shows it. What a picture says about where, when and with what it was taken does not
// go with it. It fails with Invalid if the file is empty or too large.
func (c *Client) Attach(ctx context.Context, room string, f File) (map[string]any, error) {
	switch {
	case len(f.Content) == 0:
		return nil, &sys.Error{Op: "send", Path: f.Name, Kind: sys.Invalid, Err: errors.New("it is empty")}
	case len(f.Content) > LargestSent:
		return nil, &sys.Error{Op: "send", Path: f.Name, Kind: sys.Invalid, Err: fmt.Errorf("it is larger than %d MB", LargestSent>>20), Hint: "send a smaller file, or a link to it"}
	}
	f.Content = bare(f.Content)
	sealed, err := c.api.StateStore.IsEncrypted(ctx, id.RoomID(room))
	if err != nil {
		return nil, err
	}
	info := map[string]any{"size": len(f.Content), "mimetype": f.Type}
	out := map[string]any{"msgtype": kindOf(f.Type), "body": f.Name, "filename": f.Name, "info": info}
	if err := c.put(ctx, f, sealed, out, "url", "file"); err != nil {
		return nil, err
	}
	if size, ok := sizeOf(f.Content); ok {
		info["w"], info["h"] = size.X, size.Y
	}
	if thumb, size, ok := c.smaller(ctx, f.Content); ok && len(thumb.Content) < len(f.Content)/2 {
		info["thumbnail_info"] = map[string]any{"size": len(thumb.Content), "mimetype": thumb.Type, "w": size.X, "h": size.Y}
		if err := c.put(ctx, thumb, sealed, info, "thumbnail_url", "thumbnail_file"); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// put sends a file to the homeserver, and notes in into where it is: under plain, or
// encrypted and with its key under locked.
func (c *Client) put(ctx context.Context, f File, sealed bool, into map[string]any, plain, locked string) error {
	if !sealed {
		resp, err := c.api.UploadBytesWithName(ctx, f.Content, f.Type, f.Name)
		if err != nil {
			return uploaded(f.Name, err)
		}
		into[plain] = resp.ContentURI.String()
		return nil
	}
	file := attachment.NewEncryptedFile()
	resp, err := c.api.UploadBytes(ctx, file.Encrypt(f.Content), "application/octet-stream")
	if err != nil {
		return uploaded(f.Name, err)
	}
	into[locked] = event.EncryptedFileInfo{EncryptedFile: *file, URL: resp.ContentURI.CUString()}
	return nil
}

// uploaded says in plain words why a file could not be sent.
func uploaded(name string, err error) error {
	if errors.Is(err, mautrix.MTooLarge) {
		return &sys.Error{Op: "send", Path: name, Kind: sys.Invalid, Err: errors.New("the homeserver takes no file of this size"), Hint: "send a smaller file, or a link to it"}
	}
	return said("send", name, err)
}

func kindOf(mime string) string {
	switch class, _, _ := strings.Cut(mime, "/"); class {
	case "image", "video", "audio":
		return "m." + class
	}
	return "m.file"
}

// media is what a message says of the file that it shows. All of it is its sender's word.
type media struct {
	Kind string                   `json:"msgtype"`
	Body string                   `json:"body"`
	Name string                   `json:"filename"`
	URL  id.ContentURIString      `json:"url"`
	File *event.EncryptedFileInfo `json:"file"`
	Info struct {
		Type      string                   `json:"mimetype"`
		ThumbURL  id.ContentURIString      `json:"thumbnail_url"`
		ThumbFile *event.EncryptedFileInfo `json:"thumbnail_file"`
		Thumb     struct {
			W int `json:"w"`
			H int `json:"h"`
		} `json:"thumbnail_info"`
	} `json:"info"`
}

// media reads what a message of a room shows.
func (c *Client) media(ctx context.Context, room, at string) (m media, err error) {
	e, err := c.api.GetEvent(ctx, id.RoomID(room), id.EventID(at))
	if err != nil {
		return m, said("read", at, err)
	}
	e.RoomID = id.RoomID(room)
	plain, err := c.open(ctx, e)
	if err != nil || plain == nil {
		return m, &sys.Error{Op: "read", Path: at, Kind: sys.NotFound, Err: errors.Join(errors.New("it cannot be read"), err)}
	}
	if err := json.Unmarshal(c.message(plain).Content, &m); err != nil {
		return m, &sys.Error{Op: "read", Path: at, Kind: sys.Invalid, Err: err}
	}
	m.Name = cmp.Or(m.Name, m.Body)
	return m, nil
}

// Attached reads the file that a message of a room shows. What it says about its type
// is its sender's word.
func (c *Client) Attached(ctx context.Context, room, at string) (File, error) {
	m, err := c.media(ctx, room, at)
	if err != nil {
		return File{}, err
	}
	return c.whole(ctx, at, m)
}

func (c *Client) whole(ctx context.Context, at string, m media) (f File, err error) {
	f.Name, f.Type = m.Name, m.Info.Type
	f.Content, err = c.unlocked(ctx, at, m.URL, m.File)
	return f, err
}

// leastThumb is how wide or high the sender's own thumbnail is at least to be shown.
const leastThumb = 320

// Thumbnail reads a small picture of what a message of a room shows: its sender's, if they
// made one, else the picture itself, made smaller here if it is large. It fails with
// NotFound if there is none, as of sound.
func (c *Client) Thumbnail(ctx context.Context, room, at string) (File, error) {
	if f, ok := c.thumbs.get(at); ok {
		return f, nil
	}
	m, err := c.media(ctx, room, at)
	if err != nil {
		return File{}, err
	}
	f, ok := c.theirs(ctx, at, m)
	switch {
	case ok:
	case m.Kind == "m.video" || m.Kind == "m.audio" || m.Kind == "m.file":
		return File{}, &sys.Error{Op: "read", Path: at, Kind: sys.NotFound, Err: errors.New("it comes without a thumbnail")}
	default:
		if f, err = c.whole(ctx, at, m); err != nil {
			return File{}, err
		}
	}
	if small, _, ok := c.smaller(ctx, f.Content); ok {
		f.Type, f.Content = small.Type, small.Content
	}
	c.thumbs.put(at, f)
	return f, nil
}

// theirs is the thumbnail that the sender made; false if there is none that can be shown,
// and then the whole has to do.
func (c *Client) theirs(ctx context.Context, at string, m media) (File, bool) {
	side := max(m.Info.Thumb.W, m.Info.Thumb.H)
	if m.Info.ThumbURL == "" && m.Info.ThumbFile == nil || side > 0 && side < leastThumb {
		return File{}, false
	}
	content, err := c.unlocked(ctx, at, m.Info.ThumbURL, m.Info.ThumbFile)
	if err != nil {
		c.o.Log.DebugContext(ctx, "the sender's thumbnail cannot be read: the whole is shown", "event", at, "error", err)
		return File{}, false
	}
	kind := http.DetectContentType(content)
	return File{Name: m.Name, Type: kind, Content: content}, strings.HasPrefix(kind, "image/")
}

// smaller is the function of this name; one picture at a time, because opening one takes
// a hundred times its file.
func (c *Client) smaller(ctx context.Context, content []byte) (File, image.Point, bool) {
	select {
	case c.opening <- struct{}{}:
		defer func() { <-c.opening }()
		return smaller(content)
	case <-ctx.Done():
		return File{}, image.Point{}, false
	}
}

// unlocked reads a file of the network's media, and decrypts it if locked has its key.
func (c *Client) unlocked(ctx context.Context, at string, from id.ContentURIString, locked *event.EncryptedFileInfo) ([]byte, error) {
	if locked != nil {
		from = locked.URL
	}
	content, err := c.fetch(ctx, at, from)
	if err != nil || locked == nil {
		return content, err
	}
	if err := locked.DecryptInPlace(content); err != nil {
		return nil, &sys.Error{Op: "decrypt", Path: at, Kind: sys.Invalid, Err: err, Hint: "it was damaged on its way: ask for it again"}
	}
	return content, nil
}

// fetch reads what is at an address of the network's media.
func (c *Client) fetch(ctx context.Context, at string, from id.ContentURIString) (_ []byte, err error) {
	where, err := from.Parse()
	if err != nil || where.IsEmpty() {
		return nil, &sys.Error{Op: "read", Path: at, Kind: sys.NotFound, Err: errors.New("there is no file in it")}
	}
	resp, err := c.api.Download(ctx, where)
	if err != nil {
		return nil, said("fetch", at, err)
	}
	defer func() { err = errors.Join(err, resp.Body.Close()) }()
	if resp.StatusCode != http.StatusOK {
		return nil, &sys.Error{Op: "fetch", Path: at, Kind: sys.Unavailable, Err: fmt.Errorf("the homeserver says %s", resp.Status)}
	}
	b, err := io.ReadAll(io.LimitReader(resp.Body, LargestRead+1))
	if err == nil && len(b) > LargestRead {
		err = &sys.Error{Op: "fetch", Path: at, Kind: sys.Invalid, Err: fmt.Errorf("it is larger than %d MB", LargestRead>>20), Hint: "another Matrix client can fetch it"}
	}
	return b, err
}
