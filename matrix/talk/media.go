package talk

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	_ "image/gif"  // the size of a picture is read from it
	_ "image/jpeg" // as above
	_ "image/png"  // as above
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
// that shows it. It fails with Invalid if the file is empty or too large.
func (c *Client) Attach(ctx context.Context, room string, f File) (map[string]any, error) {
	switch {
	case len(f.Content) == 0:
		return nil, &sys.Error{Op: "send", Path: f.Name, Kind: sys.Invalid, Err: errors.New("it is empty")}
	case len(f.Content) > LargestSent:
		return nil, &sys.Error{Op: "send", Path: f.Name, Kind: sys.Invalid, Err: fmt.Errorf("it is larger than %d MB", LargestSent>>20), Hint: "send a smaller file, or a link to it"}
	}
	sealed, err := c.api.StateStore.IsEncrypted(ctx, id.RoomID(room))
	if err != nil {
		return nil, err
	}
	info := map[string]any{"size": len(f.Content), "mimetype": f.Type}
	if size, _, err := image.DecodeConfig(bytes.NewReader(f.Content)); err == nil {
		info["w"], info["h"] = size.Width, size.Height
	}
	out := map[string]any{"msgtype": kindOf(f.Type), "body": f.Name, "filename": f.Name, "info": info}
	if !sealed {
		resp, err := c.api.UploadBytesWithName(ctx, f.Content, f.Type, f.Name)
		if err != nil {
			return nil, uploaded(f.Name, err)
		}
		out["url"] = resp.ContentURI.String()
		return out, nil
	}
	file := attachment.NewEncryptedFile()
	resp, err := c.api.UploadBytes(ctx, file.Encrypt(f.Content), "application/octet-stream")
	if err != nil {
		return nil, uploaded(f.Name, err)
	}
	out["file"] = event.EncryptedFileInfo{EncryptedFile: *file, URL: resp.ContentURI.CUString()}
	return out, nil
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

// Attached reads the file that a message of a room shows. What it says about its type
// is its sender's word.
func (c *Client) Attached(ctx context.Context, room, at string) (f File, err error) {
	e, err := c.api.GetEvent(ctx, id.RoomID(room), id.EventID(at))
	if err != nil {
		return f, said("read", at, err)
	}
	e.RoomID = id.RoomID(room)
	plain, err := c.open(ctx, e)
	if err != nil || plain == nil {
		return f, &sys.Error{Op: "read", Path: at, Kind: sys.NotFound, Err: errors.Join(errors.New("it cannot be read"), err)}
	}
	var content struct {
		Body string                   `json:"body"`
		Name string                   `json:"filename"`
		URL  id.ContentURIString      `json:"url"`
		File *event.EncryptedFileInfo `json:"file"`
		Info struct {
			Type string `json:"mimetype"`
		} `json:"info"`
	}
	if err := json.Unmarshal(c.message(plain).Content, &content); err != nil {
		return f, &sys.Error{Op: "read", Path: at, Kind: sys.Invalid, Err: err}
	}
	if f.Name, f.Type = content.Name, content.Info.Type; f.Name == "" {
		f.Name = content.Body
	}
	if content.File != nil {
		content.URL = content.File.URL
	}
	if f.Content, err = c.fetch(ctx, at, content.URL); err != nil || content.File == nil {
		return f, err
	}
	if err := content.File.DecryptInPlace(f.Content); err != nil {
		return f, &sys.Error{Op: "decrypt", Path: at, Kind: sys.Invalid, Err: err, Hint: "it was damaged on its way: ask for it again"}
	}
	return f, nil
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
