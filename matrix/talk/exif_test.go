package talk

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"image"
	"image/gif"
	"image/jpeg"
	"image/png"
	"testing"
)

// secret is what a camera wrote into a picture.
const secret = "52.5200N 13.4050E"

// told is what pictures of each format look like that say where they were taken.
func told(t testing.TB) map[string][]byte {
	t.Helper()
	part := func(mark byte, text string) []byte {
		return append(binary.BigEndian.AppendUint16([]byte{0xFF, mark}, uint16(len(text)+2)), text...)
	}
	held := photo(t, halves(64, 32), binary.LittleEndian, 6)
	var said []byte
	for _, p := range [][]byte{
		part(0xE1, "http://ns.adobe.com/xap/1.0/\x00"+secret), part(0xE2, "MPF\x00"+secret), part(0xED, "Photoshop 3.0\x00"+secret), part(0xFE, secret),
	} {
		said = append(said, p...)
	}
	camera := append(append(append([]byte{}, held[:2]...), said...), held[2:]...)
	camera = append(camera, append(camera, secret...)...) // another one behind it

	var b bytes.Buffer
	if err := png.Encode(&b, halves(64, 32)); err != nil {
		t.Fatal(err)
	}
	chunk := func(name, text string) []byte {
		c := append(binary.BigEndian.AppendUint32(nil, uint32(len(text))), name+text...)
		return binary.BigEndian.AppendUint32(c, crc32.ChecksumIEEE(c[4:]))
	}
	const head = 8 + 25 // its mark and IHDR
	screen := append([]byte{}, b.Bytes()[:head]...)
	for _, c := range [][]byte{chunk("eXIf", secret), chunk("gAMA", "\x00\x00\xb1\x8f"), chunk("tEXt", "Place\x00"+secret), chunk("iTXt", secret)} {
		screen = append(screen, c...)
	}
	screen = append(screen, b.Bytes()[head:]...)

	riff := func(name, text string) []byte {
		c := append(binary.LittleEndian.AppendUint32([]byte(name), uint32(len(text))), text...)
		return append(c, make([]byte, len(text)%2)...)
	}
	web := []byte("WEBP")
	for _, c := range [][]byte{riff("VP8X", "\x0c\x00\x00\x00\x3f\x00\x00\x1f\x00\x00"), riff("VP8 ", "odd"), riff("EXIF", secret), riff("XMP ", secret+" ")} {
		web = append(web, c...)
	}
	return map[string][]byte{"jpeg": camera, "png": screen, "webp": append(binary.LittleEndian.AppendUint32([]byte("RIFF"), uint32(len(web))), web...)}
}

// A picture that is sent says nothing of where it was taken, and looks the same.
func TestPicturesGoWithoutTheirPlace(t *testing.T) {
	for format, whole := range told(t) {
		if !bytes.Contains(whole, []byte(secret)) {
			t.Fatalf("%s: nothing to be taken out", format)
		}
		out := bare(whole)
		if bytes.Contains(out, []byte(secret)) || bytes.Contains(out, []byte("Exif")) != (format == "jpeg") {
			t.Errorf("%s: it still tells: %q", format, out)
		}
		if !bytes.Equal(bare(out), out) {
			t.Errorf("%s: the second time something else goes", format)
		}
		if format == "webp" {
			if want := "RIFF\x22\x00\x00\x00WEBPVP8X\x0a\x00\x00\x00\x00\x00\x00\x00\x3f\x00\x00\x1f\x00\x00VP8 \x03\x00\x00\x00odd\x00"; string(out) != want {
				t.Errorf("webp: %q", out)
			}
			continue
		}
		was, _, err := image.Decode(bytes.NewReader(whole))
		if err != nil {
			t.Fatal(err)
		}
		is, _, err := image.Decode(bytes.NewReader(out))
		if err != nil {
			t.Fatalf("%s: %v", format, err)
		}
		for y := range 32 {
			for x := range 64 {
				if was.At(x, y) != is.At(x, y) {
					t.Fatalf("%s: another colour at %d, %d", format, x, y)
				}
			}
		}
		if turned(out) != turned(whole) {
			t.Errorf("%s: held %d, not %d", format, turned(out), turned(whole))
		}
	}
}

// What is no picture, or a damaged one, is sent as it is; nothing makes it panic.
func FuzzBare(f *testing.F) {
	for _, whole := range told(f) {
		f.Add(whole)
		f.Add(whole[:len(whole)/2])
	}
	var b bytes.Buffer
	if err := gif.Encode(&b, halves(8, 8), nil); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	f.Add([]byte("hello"))
	f.Fuzz(func(t *testing.T, whole []byte) {
		out := bare(whole)
		if len(out) > len(whole)+64 {
			t.Fatalf("it grew from %d to %d bytes", len(whole), len(out))
		}
		if was, err := jpeg.Decode(bytes.NewReader(whole)); err == nil {
			is, err := jpeg.Decode(bytes.NewReader(out))
			if err != nil || was.Bounds() != is.Bounds() {
				t.Fatalf("it was a picture: %v", err)
			}
		}
	})
}
