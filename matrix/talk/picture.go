package talk

import (
	"bytes"
	"image"
	"image/jpeg"
	"image/png"
	"slices"
	"sync"

	"golang.org/x/image/draw"
)

// A thumbnail fits into thumbWidth × thumbHeight: twice what the desktop shows in a
// conversation, since most screens are dense.
const (
	thumbWidth  = 840
	thumbHeight = 680
)

// mostPixels bounds what is opened to be made smaller: what a phone takes. A small file
// may say that it is of any size.
const mostPixels = 26_000_000

// smaller is content as a picture that fits into a thumbnail, upright, and its size. It is
// false for what fits already, what moves, and what cannot be opened here: such a
// picture is shown as it is.
func smaller(content []byte) (_ File, size image.Point, ok bool) {
	whole, format, err := image.DecodeConfig(bytes.NewReader(content))
	if err != nil || format == "gif" || whole.Width <= 0 || whole.Height <= 0 || whole.Width > mostPixels/whole.Height {
		return File{}, size, false
	}
	turn := turned(content)
	box := image.Pt(thumbWidth, thumbHeight)
	if turn.sideways() {
		box = image.Pt(thumbHeight, thumbWidth)
	}
	all := image.Pt(whole.Width, whole.Height)
	if size = fit(all, box); size == all {
		return File{}, size, false
	}
	from, _, err := image.Decode(bytes.NewReader(content))
	if err != nil {
		return File{}, size, false
	}
	to := image.NewRGBA(image.Rectangle{Max: size})
	draw.BiLinear.Scale(to, to.Rect, from, from.Bounds(), draw.Src, nil)
	to = turn.upright(to)
	var b bytes.Buffer
	f := File{Type: "image/jpeg"}
	if to.Opaque() {
		err = jpeg.Encode(&b, to, &jpeg.Options{Quality: 82})
	} else {
		f.Type, err = "image/png", png.Encode(&b, to)
	}
	f.Content = b.Bytes()
	return f, to.Rect.Size(), err == nil
}

// sizeOf is how large a picture is shown, upright.
func sizeOf(content []byte) (image.Point, bool) {
	c, _, err := image.DecodeConfig(bytes.NewReader(content))
	if err != nil {
		return image.Point{}, false
	}
	if turned(content).sideways() {
		c.Width, c.Height = c.Height, c.Width
	}
	return image.Pt(c.Width, c.Height), true
}

// fit is the largest size of the same shape as whole that fits into box; never larger than
// whole.
func fit(whole, box image.Point) image.Point {
	switch {
	case whole.X <= box.X && whole.Y <= box.Y:
		return whole
	case whole.X*box.Y > whole.Y*box.X:
		return image.Pt(box.X, max(1, whole.Y*box.X/whole.X))
	}
	return image.Pt(max(1, whole.X*box.Y/whole.Y), box.Y)
}

// turn is how a camera was held, as EXIF counts: 1 is upright.
type turn uint16

func (t turn) sideways() bool { return t >= 5 && t <= 8 }

// upright turns and mirrors a picture to what the camera saw.
func (t turn) upright(from *image.RGBA) *image.RGBA {
	if t < 2 || t > 8 {
		return from
	}
	w, h := from.Rect.Dx(), from.Rect.Dy()
	to := image.NewRGBA(image.Rect(0, 0, w, h))
	if t.sideways() {
		to = image.NewRGBA(image.Rect(0, 0, h, w))
	}
	for y := range h {
		for x := range w {
			at := [...]image.Point{
				2: {w - 1 - x, y}, 3: {w - 1 - x, h - 1 - y}, 4: {x, h - 1 - y},
				5: {y, x}, 6: {h - 1 - y, x}, 7: {h - 1 - y, w - 1 - x}, 8: {y, w - 1 - x},
			}[t]
			copy(to.Pix[to.PixOffset(at.X, at.Y):][:4], from.Pix[from.PixOffset(x, y):][:4])
		}
	}
	return to
}

// mostKept is how many bytes of thumbnails are kept: what somebody looks at in a few rooms.
const mostKept = 8 << 20

// thumbs keeps the thumbnails that were looked at last, in memory, by event.
type thumbs struct {
	mu    sync.Mutex
	by    map[string]File
	order []string // oldest use first
	size  int
}

func (t *thumbs) get(at string) (File, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	f, ok := t.by[at]
	if ok {
		t.order = append(slices.DeleteFunc(t.order, func(o string) bool { return o == at }), at)
	}
	return f, ok
}

func (t *thumbs) put(at string, f File) {
	if len(f.Content) > mostKept/4 {
		return
	}
	t.drop(at)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.by[at] = f
	t.order = append(t.order, at)
	for t.size += len(f.Content); t.size > mostKept; {
		t.dropLocked(t.order[0])
	}
}

func (t *thumbs) drop(at string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.dropLocked(at)
}

func (t *thumbs) dropLocked(at string) {
	f, ok := t.by[at]
	if !ok {
		return
	}
	t.size -= len(f.Content)
	delete(t.by, at)
	t.order = slices.DeleteFunc(t.order, func(o string) bool { return o == at })
}
