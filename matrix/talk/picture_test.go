package talk

import (
	"bytes"
	"encoding/binary"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"testing"
)

// halves is a picture that is red above and blue below.
func halves(w, h int) *image.RGBA {
	p := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		c := color.RGBA{R: 255, A: 255}
		if y >= h/2 {
			c = color.RGBA{B: 255, A: 255}
		}
		for x := range w {
			p.SetRGBA(x, y, c)
		}
	}
	return p
}

// photo is a picture as a camera writes it, which was held as turn says.
func photo(t testing.TB, p image.Image, order binary.AppendByteOrder, held turn) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, p, nil); err != nil {
		t.Fatal(err)
	}
	mark := "II"
	if order == binary.AppendByteOrder(binary.BigEndian) {
		mark = "MM"
	}
	exif := order.AppendUint32(order.AppendUint16([]byte(mark), 42), 8)
	exif = order.AppendUint16(exif, 2)
	exif = append(exif, make([]byte, 12)...) // a field that says something else
	exif = order.AppendUint16(order.AppendUint16(exif, 0x0112), 3)
	exif = order.AppendUint16(order.AppendUint32(exif, 1), uint16(held))
	exif = append(exif, 0, 0, 0, 0, 0, 0)
	part := append([]byte("Exif\x00\x00"), exif...)
	out := append([]byte{0xFF, 0xD8, 0xFF, 0xE0, 0, 4, 1, 1, 0xFF, 0xE1}, binary.BigEndian.AppendUint16(nil, uint16(len(part)+2))...)
	return append(append(out, part...), b.Bytes()[2:]...)
}

// However the camera was held, the thumbnail is upright: red is where it was in life.
func TestThumbnailsAreUpright(t *testing.T) {
	for _, order := range []binary.AppendByteOrder{binary.LittleEndian, binary.BigEndian} {
		for held, c := range map[turn]struct {
			w, h int
			red  image.Point // in eighths
		}{
			1: {840, 420, image.Pt(4, 1)}, 2: {840, 420, image.Pt(4, 1)}, 3: {840, 420, image.Pt(4, 7)}, 4: {840, 420, image.Pt(4, 7)},
			5: {340, 680, image.Pt(1, 4)}, 6: {340, 680, image.Pt(7, 4)}, 7: {340, 680, image.Pt(7, 4)}, 8: {340, 680, image.Pt(1, 4)},
		} {
			whole := photo(t, halves(1600, 800), order, held)
			f, size, ok := smaller(whole)
			if !ok || f.Type != "image/jpeg" || size != image.Pt(c.w, c.h) {
				t.Errorf("held %d: %v %s %v", held, ok, f.Type, size)
				continue
			}
			p, err := jpeg.Decode(bytes.NewReader(f.Content))
			if err != nil {
				t.Fatal(err)
			}
			r, _, b, _ := p.At(c.red.X*c.w/8, c.red.Y*c.h/8).RGBA()
			if p.Bounds().Size() != size || r < 0x8000 || b > 0x8000 {
				t.Errorf("held %d: %v, red %x blue %x", held, p.Bounds(), r, b)
			}
			if got, _ := sizeOf(whole); (got.X < got.Y) != (c.w < c.h) {
				t.Errorf("held %d: shown as %v", held, got)
			}
		}
	}
}

func TestWhatIsShownAsItIs(t *testing.T) {
	encode := func(p image.Image) []byte {
		var b bytes.Buffer
		if err := png.Encode(&b, p); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	var moving bytes.Buffer
	if err := gif.Encode(&moving, image.NewPaletted(image.Rect(0, 0, 2000, 1500), color.Palette{color.Black, color.White}), nil); err != nil {
		t.Fatal(err)
	}
	large := encode(image.NewGray(image.Rect(0, 0, 2000, 1500)))
	vast := bytes.Clone(large)
	binary.BigEndian.PutUint32(vast[16:], 1<<30) // it says that it is wide
	for what, content := range map[string][]byte{
		"a small picture": encode(halves(300, 200)), "one that moves": moving.Bytes(), "a vast one": vast, "half a picture": large[:len(large)/2], "words": []byte("hello"), "nothing": nil,
	} {
		if _, _, ok := smaller(content); ok {
			t.Errorf("%s is made smaller", what)
		}
	}
	clear := halves(2000, 1500)
	clear.SetRGBA(0, 0, color.RGBA{})
	for what, c := range map[string]struct {
		p    image.Image
		kind string
	}{"a drawing": {clear, "image/png"}, "a photograph": {halves(2000, 1500), "image/jpeg"}, "grey": {image.NewGray(image.Rect(0, 0, 2000, 1500)), "image/jpeg"}} {
		if f, size, ok := smaller(encode(c.p)); !ok || f.Type != c.kind || size != image.Pt(840, 630) {
			t.Errorf("%s: %v %s %v", what, ok, f.Type, size)
		}
	}
}

// Thumbnails that were not looked at for longest go first, and what is taken back goes at
// once.
func TestThumbnailsAreKeptWithinBounds(t *testing.T) {
	kept := thumbs{by: map[string]File{}}
	mb := File{Content: make([]byte, 1<<20)}
	for _, at := range []string{"a", "b", "c", "d", "e", "f", "g", "h"} {
		kept.put(at, mb)
	}
	if _, ok := kept.get("a"); !ok {
		t.Error("a is not kept")
	}
	kept.put("i", mb)
	kept.put("i", mb)
	kept.put("vast", File{Content: make([]byte, 3<<20)})
	kept.drop("c")
	for at, want := range map[string]bool{"a": true, "b": false, "c": false, "d": true, "i": true, "vast": false} {
		if _, ok := kept.get(at); ok != want {
			t.Errorf("%s kept: %v", at, ok)
		}
	}
	if kept.size != 7<<20 || len(kept.order) != 7 || len(kept.by) != 7 {
		t.Errorf("%d bytes, %d in order, %d kept", kept.size, len(kept.order), len(kept.by))
	}
}

// FuzzTurned reads the words of strangers about their pictures.
func FuzzTurned(f *testing.F) {
	f.Add(photo(f, halves(8, 8), binary.BigEndian, 6))
	f.Add(photo(f, halves(8, 8), binary.LittleEndian, 3))
	f.Add([]byte("\xFF\xD8\xFF\xE1\x00\x10Exif\x00\x00II\x2a\x00\xFF\xFF\xFF\xFF"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if held := turned(b); held < 1 || held > 8 {
			t.Errorf("held %d", held)
		}
	})
}
