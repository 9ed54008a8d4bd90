package bundle

import (
	"archive/zip"
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"strings"

	"matrixos/sys"
)

// Read reads a bundle and verifies every sum and the signature, if it has one. It
// refuses, with an error of kind Invalid, whatever Write would not have made: paths
// that lead out of the folder, links, compressed entries, more than the limits
// allow. A sum or a signature that does not fit is of kind NotVerified.
func Read(raw []byte) (Bundle, error) {
	var b Bundle
	if len(raw) > Most {
		return b, invalid("it has %d bytes, and may have %d", len(raw), Most)
	}
	entries, err := unpack(raw)
	if err != nil {
		return b, err
	}
	head, signature := entries[indexName], entries[signatureName]
	x, err := parseIndex(head)
	if err != nil {
		return b, err
	}
	b = Bundle{Slug: x.Slug, Name: x.Name, Version: x.Version, Files: map[string][]byte{}, Sum: sum(raw)}
	for name, text := range entries {
		if p, ok := strings.CutPrefix(name, folder); ok {
			b.Files[p] = text
		}
	}
	if err := b.check(); err != nil {
		return Bundle{}, invalid("%w", err)
	}
	if err := x.verify(b.Files); err != nil {
		return Bundle{}, err
	}
	if x.Key == "" && x.Author == "" && signature == nil {
		return b, nil
	}
	if b.Author, b.Key, err = x.signer(head, signature); err != nil {
		return Bundle{}, err
	}
	return b, nil
}

// unpack reads the entries of the archive, which are plain files, each once.
func unpack(raw []byte) (map[string][]byte, error) {
	z, err := zip.NewReader(bytes.NewReader(raw), int64(len(raw)))
	if err != nil {
		return nil, invalid("it is no bundle of an app: %w", err)
	}
	if len(z.File) > mostFiles+2 {
		return nil, invalid("it has %d entries, and may have %d", len(z.File), mostFiles+2)
	}
	out := map[string][]byte{}
	left := Most
	for _, f := range z.File {
		_, twice := out[f.Name]
		inside := strings.HasPrefix(f.Name, folder)
		switch {
		case f.Method != zip.Store || !f.Mode().IsRegular() || f.Flags&1 != 0:
			return nil, invalid("the entry %q is a link or a folder, compressed or encrypted", cut(f.Name))
		case twice:
			return nil, invalid("the entry %q is there twice", cut(f.Name))
		case !inside && f.Name != indexName && f.Name != signatureName:
			return nil, invalid("the entry %q is none that a bundle has", cut(f.Name))
		}
		text, err := content(f, left)
		if err != nil {
			return nil, err
		}
		left -= len(text)
		out[f.Name] = text
	}
	return out, nil
}

func content(f *zip.File, most int) (text []byte, err error) {
	r, err := f.Open()
	if err != nil {
		return nil, invalid("the entry %q cannot be read: %w", cut(f.Name), err)
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	text, err = io.ReadAll(io.LimitReader(r, int64(most)+1))
	if err != nil {
		return nil, invalid("the entry %q cannot be read: %w", cut(f.Name), err)
	}
	if len(text) > most {
		return nil, invalid("its entries have more than %d bytes", Most)
	}
	return text, nil
}

func parseIndex(head []byte) (index, error) {
	var x index
	if head == nil {
		return x, invalid("it has no %s", indexName)
	}
	if len(head) > mostIndex {
		return x, invalid("%s has %d bytes, and may have %d", indexName, len(head), mostIndex)
	}
	d := json.NewDecoder(bytes.NewReader(head))
	d.DisallowUnknownFields()
	if err := d.Decode(&x); err != nil {
		return x, invalid("%s: %w", indexName, err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return x, invalid("%s has more than one document", indexName)
	}
	if x.Format != format {
		return x, &sys.Error{Op: "read bundle", Kind: sys.TooNew, Hint: "it was made by another version of Matrix OS; update, or ask for one of format 1"}
	}
	return x, nil
}

// verify compares the files with the list of sums, in both directions.
func (x index) verify(files map[string][]byte) error {
	changed := func(p, how string) error {
		return &sys.Error{Op: "verify bundle", Path: cut(p), Kind: sys.NotVerified, Err: errors.New(how), Hint: "the bundle was changed or damaged on its way; get it again"}
	}
	for p, text := range files {
		want, ok := x.Sums[p]
		if !ok {
			return changed(p, "it is not in the list of sums")
		}
		if want != sum(text) {
			return changed(p, "its SHA-256 sum is another one")
		}
	}
	for p := range x.Sums {
		if _, ok := files[p]; !ok {
			return changed(p, "it is in the list of sums, and missing")
		}
	}
	return nil
}

// signer verifies the signature.
func (x index) signer(head, signature []byte) (sys.Handle, ed25519.PublicKey, error) {
	refuse := func(why string) (sys.Handle, ed25519.PublicKey, error) {
		return "", nil, &sys.Error{Op: "verify bundle", Path: string(x.Slug), Kind: sys.NotVerified, Err: errors.New(why), Hint: "the bundle was changed or damaged on its way; get it again"}
	}
	h, err := sys.ParseHandle(string(x.Author), "")
	if err != nil || h != x.Author {
		return refuse("it says to be signed, and by whom is no handle")
	}
	key, err := base64.StdEncoding.DecodeString(x.Key)
	if err != nil || len(key) != ed25519.PublicKeySize {
		return refuse("its key is none")
	}
	made, err := base64.StdEncoding.DecodeString(string(signature))
	if err != nil || !ed25519.Verify(key, signedText(head), made) {
		return refuse("its signature does not fit")
	}
	return h, key, nil
}
