package bundle

import (
	"archive/zip"
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"matrixos/sys"
)

// The entries beside the app's files.
const (
	indexName     = "bundle.json"
	signatureName = "bundle.sig"
	folder        = "app/"
)

// Write makes the bytes of b, signed with key in the name of b.Author; a nil key
// leaves it unsigned. Errors are of kind Invalid: b is more than a bundle can be.
func Write(b Bundle, key ed25519.PrivateKey) ([]byte, error) {
	if err := b.check(); err != nil {
		return nil, &sys.Error{Op: "make bundle", Path: string(b.Slug), Kind: sys.Invalid, Err: err, Hint: "change the app's folder, and try again"}
	}
	x := index{Format: format, Slug: b.Slug, Name: b.Name, Version: b.Version, Sums: map[string]string{}}
	if key != nil {
		public, ok := key.Public().(ed25519.PublicKey)
		if !ok {
			return nil, &sys.Error{Op: "make bundle", Path: string(b.Slug), Kind: sys.Internal}
		}
		x.Author, x.Key = b.Author, KeyText(public)
	}
	for p, text := range b.Files {
		x.Sums[p] = sum(text)
	}
	head, err := json.MarshalIndent(x, "", " ") // keys of a map come sorted
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	if err := put(z, indexName, head); err != nil {
		return nil, err
	}
	if key != nil {
		if err := put(z, signatureName, []byte(base64.StdEncoding.EncodeToString(ed25519.Sign(key, signedText(head))))); err != nil {
			return nil, err
		}
	}
	for _, p := range slices.Sorted(maps.Keys(b.Files)) {
		if err := put(z, folder+p, b.Files[p]); err != nil {
			return nil, err
		}
	}
	if err := z.Close(); err != nil {
		return nil, err
	}
	if out.Len() > Most {
		return nil, &sys.Error{Op: "make bundle", Path: string(b.Slug), Kind: sys.Invalid, Err: fmt.Errorf("it would have %d bytes, and may have %d", out.Len(), Most), Hint: "leave large files out of the app's folder"}
	}
	return out.Bytes(), nil
}

// put stores one entry: no time, no owner, nothing compressed.
func put(z *zip.Writer, name string, text []byte) error {
	w, err := z.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Store})
	if err == nil {
		_, err = w.Write(text)
	}
	return err
}
