package talk

import (
	"bytes"
	"encoding/binary"
	"slices"
)

// bare is a picture without what its camera or program wrote into it about the place, the
// time, the device and the owner: JPEG, PNG and WebP. How the camera was held and what the
// colours mean stays. Anything else, and what cannot be read, is as it was.
func bare(content []byte) []byte {
	for _, of := range []func([]byte) ([]byte, bool){bareJPEG, barePNG, bareWebP} {
		if out, ok := of(content); ok {
			return out
		}
	}
	return content
}

// Marks of a JPEG (ITU-T T.81, table B.1).
const (
	markSOI  = 0xD8
	markEOI  = 0xD9
	markSOS  = 0xDA
	markAPP0 = 0xE0
	markCOM  = 0xFE
)

const exifMark = "Exif\x00\x00"

// bareJPEG ends with the picture: what phones put behind it, such as another picture of
// the same scene, has an owner and a place as well.
func bareJPEG(b []byte) (out []byte, ok bool) {
	if len(b) < 2 || b[0] != 0xFF || b[1] != markSOI {
		return nil, false
	}
	out = slices.Clone(b[:2])
	if held := turned(b); held != 1 {
		out = append(out, heldOnly(held)...)
	}
	for b = b[2:]; len(b) >= 2 && b[0] == 0xFF; {
		kind := b[1]
		if kind == markEOI {
			return append(out, b[:2]...), true
		}
		if kind == 0xFF { // it fills up
			b = b[1:]
			continue
		}
		if len(b) < 4 {
			return nil, false
		}
		n := 2 + int(binary.BigEndian.Uint16(b[2:]))
		if n < 4 || n > len(b) {
			return nil, false
		}
		if kind == markSOS {
			n += scan(b[n:])
		}
		if keepsJPEG(kind, b[4:n]) {
			out = append(out, b[:n]...)
		}
		b = b[n:]
	}
	return nil, false
}

// keepsJPEG reports whether a part is needed to show a picture.
func keepsJPEG(kind byte, part []byte) bool {
	switch {
	case kind == markAPP0 || kind == markAPP0+14: // what the numbers mean: JFIF and Adobe
		return true
	case kind == markAPP0+2:
		return bytes.HasPrefix(part, []byte("ICC_PROFILE\x00"))
	}
	return (kind < markAPP0 || kind > markAPP0+15) && kind != markCOM
}

// scan is how long the numbers of a picture are, up to the next mark.
func scan(b []byte) int {
	for i := 0; i+1 < len(b); i++ {
		if b[i] == 0xFF && b[i+1] != 0 && b[i+1] != 0xFF && (b[i+1] < 0xD0 || b[i+1] > 0xD7) {
			return i
		}
	}
	return len(b)
}

// heldOnly is a part that says how the camera was held, and nothing else.
func heldOnly(held turn) []byte {
	exif := append([]byte(exifMark), "MM\x00\x2A\x00\x00\x00\x08\x00\x01\x01\x12\x00\x03\x00\x00\x00\x01\x00"...)
	exif = append(exif, byte(held), 0, 0, 0, 0, 0, 0)
	return append(binary.BigEndian.AppendUint16([]byte{0xFF, markAPP0 + 1}, uint16(len(exif)+2)), exif...)
}

const pngMark = "\x89PNG\r\n\x1a\n"

// pngKept are the chunks that a picture is shown with; those that begin with a capital
// letter are needed anyway.
var pngKept = []string{"tRNS", "gAMA", "cHRM", "sRGB", "iCCP", "cICP", "sBIT", "bKGD", "pHYs", "acTL", "fcTL", "fdAT"}

func barePNG(b []byte) (out []byte, ok bool) {
	if !bytes.HasPrefix(b, []byte(pngMark)) {
		return nil, false
	}
	out = []byte(pngMark)
	for b = b[len(pngMark):]; len(b) >= 12; {
		n := uint64(binary.BigEndian.Uint32(b)) + 12
		if n > uint64(len(b)) {
			return nil, false
		}
		name := string(b[4:8])
		if name[0] >= 'A' && name[0] <= 'Z' || slices.Contains(pngKept, name) {
			out = append(out, b[:n]...)
		}
		if b = b[n:]; name == "IEND" {
			return out, true
		}
	}
	return nil, false
}

func bareWebP(b []byte) (out []byte, ok bool) {
	if len(b) < 12 || string(b[:4]) != "RIFF" || string(b[8:12]) != "WEBP" {
		return nil, false
	}
	out = slices.Clone(b[:12])
	for b = b[12:]; len(b) >= 8; {
		size := uint64(binary.LittleEndian.Uint32(b[4:]))
		n := 8 + size + size%2
		if n > uint64(len(b)) {
			return nil, false
		}
		switch name := string(b[:4]); name {
		case "EXIF", "XMP ":
		case "VP8X":
			at := len(out) + 8
			if out = append(out, b[:n]...); size > 0 {
				out[at] &^= 0x08 | 0x04 // that it has them
			}
		default:
			out = append(out, b[:n]...)
		}
		b = b[n:]
	}
	binary.LittleEndian.PutUint32(out[4:], uint32(len(out)-8))
	return out, true
}

// turned reads from a JPEG how the camera was held; 1 is also whatever says nothing.
func turned(b []byte) turn {
	const upright = turn(1)
	if len(b) < 2 || b[0] != 0xFF || b[1] != markSOI {
		return upright
	}
	for b = b[2:]; len(b) >= 4 && b[0] == 0xFF; {
		kind, n := b[1], int(binary.BigEndian.Uint16(b[2:]))
		if n < 2 || len(b) < 2+n || kind == markSOS { // the picture begins
			return upright
		}
		if part := b[4 : 2+n]; kind == markAPP0+1 && bytes.HasPrefix(part, []byte(exifMark)) {
			return orientation(part[len(exifMark):])
		}
		b = b[2+n:]
	}
	return upright
}

// orientation finds the field of this name among those of a TIFF.
func orientation(b []byte) turn {
	var order binary.ByteOrder = binary.LittleEndian
	switch {
	case len(b) < 8:
		return 1
	case bytes.HasPrefix(b, []byte("MM")):
		order = binary.BigEndian
	case !bytes.HasPrefix(b, []byte("II")):
		return 1
	}
	first := uint64(order.Uint32(b[4:]))
	if first+2 > uint64(len(b)) {
		return 1
	}
	fields := b[first:]
	n := int(order.Uint16(fields))
	for fields = fields[2:]; n > 0 && len(fields) >= 12; n-- {
		if order.Uint16(fields) == 0x0112 && order.Uint16(fields[2:]) == 3 {
			if t := turn(order.Uint16(fields[8:])); t >= 1 && t <= 8 {
				return t
			}
			return 1
		}
		fields = fields[12:]
	}
	return 1
}
