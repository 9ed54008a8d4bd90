package talk

import (
	"bytes"
	"image"
	"image/jpeg"
	"maps"
	"math/rand/v2"
	"testing"

	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/id"

	"matrixos/sys"
)

// smallPictures sends pictures from anna to ben, in a room of theirs that is encrypted and
// in one that is not.
func smallPictures(t *testing.T, anna, ben *person, sealed string) {
	open, err := anna.c.api.CreateRoom(t.Context(), &mautrix.ReqCreateRoom{Preset: "private_chat"})
	if err != nil {
		t.Fatal(err)
	}
	for room, reader := range map[string]*person{sealed: ben, string(open.RoomID): anna} {
		sent, err := anna.c.Attach(t.Context(), room, File{Name: "garden.jpg", Type: "image/jpeg", Content: noise(t, 1600, 1200)})
		if err != nil {
			t.Fatal(err)
		}
		info := sent["info"].(map[string]any)
		if encrypted := room == sealed; (info["thumbnail_file"] != nil) != encrypted || (info["thumbnail_url"] == nil) != encrypted || info["w"] != 1600 || info["h"] != 1200 {
			t.Errorf("it is sent as %v", info)
		}
		said := func(once string, content map[string]any) (event string) {
			anna.post(Letter{Once: once + room, Room: room, Content: content})
			until(t, once+" is sent", func() bool {
				if event, err = anna.c.Sent(t.Context(), once+room); err != nil {
					return false
				}
				_, err = reader.c.media(t.Context(), room, event)
				return err == nil
			})
			return event
		}
		is := func(event string, w, h int, of int) {
			t.Helper()
			f, err := reader.c.Thumbnail(t.Context(), room, event)
			if err != nil {
				t.Error(err)
				return
			}
			got, _, err := image.DecodeConfig(bytes.NewReader(f.Content))
			if err != nil || got.Width != w || got.Height != h || of > 0 && len(f.Content) != of {
				t.Errorf("a thumbnail of %d bytes, %d × %d, %v", len(f.Content), got.Width, got.Height, err)
			}
		}
		theirs := said("their thumbnail", sent)
		is(theirs, 840, 630, info["thumbnail_info"].(map[string]any)["size"].(int))

		bare := maps.Clone(info)
		delete(bare, "thumbnail_file")
		delete(bare, "thumbnail_url")
		without := maps.Clone(sent)
		without["info"] = bare
		is(said("none", without), 840, 630, 0)

		gone := maps.Clone(bare)
		gone["thumbnail_url"] = "mxc://local/nowhere"
		without["info"] = gone
		is(said("one that is gone", without), 840, 630, 0)

		without["msgtype"] = "m.file"
		if _, err := reader.c.Thumbnail(t.Context(), room, said("a file", without)); sys.KindOf(err) != sys.NotFound {
			t.Errorf("a file has a thumbnail: %v", err)
		}
		whole, err := reader.c.Attached(t.Context(), room, theirs)
		if got, _ := sizeOf(whole.Content); err != nil || got != image.Pt(1600, 1200) {
			t.Errorf("the whole is %v, %v", got, err)
		}
		if _, err := anna.c.api.RedactEvent(t.Context(), id.RoomID(room), id.EventID(theirs)); err != nil {
			t.Fatal(err)
		}
		until(t, "what was taken back is gone", func() bool {
			_, err := reader.c.Thumbnail(t.Context(), room, theirs)
			return err != nil
		})
	}
}

// noise is a picture that is no smaller for being of one colour.
func noise(t *testing.T, w, h int) []byte {
	p := image.NewYCbCr(image.Rect(0, 0, w, h), image.YCbCrSubsampleRatio420)
	r := rand.New(rand.NewPCG(1, 2))
	for i := range p.Y {
		p.Y[i] = byte(r.Uint32())
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, p, nil); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
