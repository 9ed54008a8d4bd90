// Package bundle is the file in which an app travels from one home to another:
// NAME.mxapp, an archive of what is in the app's folder with a list of SHA-256
// sums, signed with the key of the home that made it. It carries no rows and no
// permissions that an owner has granted.
//
// The same files and the same key make the same bytes. Entries are stored, not
// compressed, so that a bundle is never larger than it looks, and any program that
// opens zip archives shows what is in one.
//
// Read takes bytes of anybody and trusts none of them. It says by which key a
// bundle is signed, and not whose that is: package app remembers keys.
package bundle

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"matrixos/sys"
)

// Extension is how the file's name ends.
const Extension = ".mxapp"

// Most is how many bytes a bundle may have, its index included.
const Most = 16 << 20

// Limits of what is in a bundle.
const (
	mostFiles = 1000
	mostFile  = 4 << 20
	mostIndex = 512 << 10
	mostPath  = 200
	mostName  = 120
	mostWord  = 64
)

const format = 1

// Bundle is an app on its way.
type Bundle struct {
	Slug    sys.Slug
	Name    string
	Version string
	Files   map[string][]byte // by path within the app's folder

	// Author and Key are who says to have made it, and with which key it is signed;
	// both are empty if it is unsigned. The key has been checked, the name has not.
	Author sys.Handle
	Key    ed25519.PublicKey
	// Sum identifies what was read.
	Sum string
}

// Signed reports whether the bundle carries a signature, which then holds.
func (b Bundle) Signed() bool { return len(b.Key) > 0 }

// KeyText is a public key as it is written down.
func KeyText(k ed25519.PublicKey) string { return base64.StdEncoding.EncodeToString(k) }

// index is the entry that the signature covers.
type index struct {
	Format  int               `json:"format"`
	Slug    sys.Slug          `json:"slug"`
	Name    string            `json:"name"`
	Version string            `json:"version"`
	Author  sys.Handle        `json:"author,omitempty"`
	Key     string            `json:"key,omitempty"`
	Sums    map[string]string `json:"sha256"`
}

// signedText is what a signature covers: nothing else that the key signs begins so.
func signedText(index []byte) []byte { return append([]byte("matrixos app bundle\n"), index...) }

func sum(b []byte) string {
	s := sha256.Sum256(b)
	return hex.EncodeToString(s[:])
}

func invalid(format string, args ...any) error {
	return &sys.Error{Op: "read bundle", Kind: sys.Invalid, Err: fmt.Errorf(format, args...), Hint: "get the " + Extension + " file again from who made it"}
}

// check holds what a bundle says and has to its limits, whoever made it.
func (b Bundle) check() error {
	if !b.Slug.Valid() {
		return fmt.Errorf("its slug is %q, which no app can have", cut(string(b.Slug)))
	}
	for what, text := range map[string]string{"name": b.Name, "version": b.Version} {
		if text == "" || len(text) > mostName || !utf8.ValidString(text) || strings.ContainsFunc(text, unseen) {
			return fmt.Errorf("its %s is %q, which cannot be", what, cut(text))
		}
	}
	if len(b.Version) > mostWord || strings.ContainsAny(b.Version, `/\ `) {
		return fmt.Errorf("its version is %q, which cannot be", cut(b.Version))
	}
	if len(b.Files) > mostFiles {
		return fmt.Errorf("it has %d files, and may have %d", len(b.Files), mostFiles)
	}
	total := 0
	for p, text := range b.Files {
		if err := checkPath(p); err != nil {
			return err
		}
		if len(text) > mostFile {
			return fmt.Errorf("%s has %d bytes, and may have %d", p, len(text), mostFile)
		}
		total += len(text)
	}
	if total > Most {
		return fmt.Errorf("its files have %d bytes, and may have %d", total, Most)
	}
	if _, ok := b.Files["matrix.json"]; !ok {
		return errors.New("it has no matrix.json, so it is no app")
	}
	return distinct(slices.Sorted(maps.Keys(b.Files)))
}

// checkPath accepts the path of a file within an app's folder. Hidden files are
// refused: they are settings of programs that we do not know.
func checkPath(p string) error {
	switch {
	case p == "" || len(p) > mostPath || !utf8.ValidString(p):
		return fmt.Errorf("the path %q is empty or too long", cut(p))
	case path.IsAbs(p) || path.Clean(p) != p || p == ".." || strings.HasPrefix(p, "../") || strings.ContainsAny(p, `\:`) || strings.ContainsFunc(p, unseen):
		return fmt.Errorf("the path %q leads out of the app's folder, or is unclear", cut(p))
	}
	for name := range strings.SplitSeq(p, "/") {
		if strings.HasPrefix(name, ".") || name == "node_modules" || strings.TrimSpace(name) != name {
			return fmt.Errorf("the path %q has a name that an app's folder cannot have", cut(p))
		}
	}
	return nil
}

// distinct refuses paths that are one file on some disks, and a file that stands
// where a folder has to be.
func distinct(paths []string) error {
	have := map[string]string{}
	for _, p := range paths {
		low := strings.ToLower(p)
		if other, ok := have[low]; ok {
			return fmt.Errorf("%q and %q are the same file on some disks", other, p)
		}
		have[low] = p
	}
	for _, p := range paths {
		for dir := path.Dir(strings.ToLower(p)); dir != "."; dir = path.Dir(dir) {
			if other, ok := have[dir]; ok {
				return fmt.Errorf("%q is a file and, for %q, a folder", other, p)
			}
		}
	}
	return nil
}

func unseen(r rune) bool { return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) }

func cut(s string) string {
	if len(s) > 80 {
		return strings.ToValidUTF8(s[:80], "") + "…"
	}
	return s
}
