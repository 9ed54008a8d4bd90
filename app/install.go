package app

import (
	"cmp"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"matrixos/app/bundle"
	"matrixos/sys"
)

// PublishersFile remembers the keys of those whose apps were installed, by handle.
const PublishersFile sys.Path = "system/publishers.json"

// Origin is where a copied app comes from.
type Origin struct {
	Slug    sys.Slug      `json:"slug"`
	Landing sys.LandingID `json:"landing,omitempty"` // of this home
	SHA256  string        `json:"sha256,omitempty"`  // of a bundle
}

// Arrival is an app out of a bundle, ready to land.
type Arrival struct {
	Slug        sys.Slug
	Name        string
	Version     string
	Permissions []string // that it will ask the owner for; none is granted
	Author      sys.Handle
	Key         string // of its signature, shortened; empty if it is unsigned
	SHA256      string // of the bundle
	Ours        bool   // this home has signed it
	Known       bool   // its author's key was seen before
	Files       map[sys.Path][]byte
}

// Signature says who has signed it, for people.
func (a Arrival) Signature() string {
	switch {
	case a.Key == "":
		return "It is unsigned: nobody can say who made it."
	case a.Ours:
		return "It is signed by this home."
	case a.Known:
		return fmt.Sprintf("It is signed as %s, with the key %s, as before.", a.Author, a.Key)
	}
	return fmt.Sprintf("It is signed as %s, with the key %s, which is new here and remembered from now on.", a.Author, a.Key)
}

// Summary is what an owner has to know before it is installed.
func (a Arrival) Summary() string {
	s := fmt.Sprintf("Install the app %q, version %s, as %s. %s", a.Name, a.Version, a.Slug, a.Signature())
	if len(a.Permissions) > 0 {
		s += " It may ask you for: " + strings.Join(a.Permissions, ", ") + "."
	}
	return s
}

// Install reads a bundle and says what it would put into the tree, under the slug
// as if that is not empty. A bundle that was changed, or whose author has another
// key than before, is refused; so is a slug that is taken, or whose earlier app has
// left rows or grants behind, which somebody else's app would get. home is the live
// home's folder.
func Install(tree fs.FS, home string, raw []byte, as sys.Slug, ours ed25519.PublicKey) (Arrival, error) {
	b, err := bundle.Read(raw)
	if err != nil {
		return Arrival{}, err
	}
	a := Arrival{Slug: cmp.Or(as, b.Slug), Name: b.Name, Version: b.Version, Author: b.Author, SHA256: b.Sum, Ours: b.Signed() && b.Key.Equal(ours)}
	m, found := ParseManifest(b.Files[ManifestName], sys.Path("apps/"+b.Slug), true)
	if err := broken(b.Slug, found); err != nil {
		return Arrival{}, err
	}
	if m.Slug != b.Slug || m.Name != b.Name || m.Version != b.Version {
		return Arrival{}, &sys.Error{Op: "install", Path: string(b.Slug), Kind: sys.NotVerified, Err: errors.New("its manifest is of another app than the bundle"), Hint: "get the bundle again from who made it"}
	}
	a.Permissions = m.Permissions
	if err := vacant(tree, a.Slug); err != nil {
		return Arrival{}, err
	}
	if !a.Ours {
		if err := untouched(tree, home, a.Slug); err != nil {
			return Arrival{}, err
		}
	}
	var from Origin
	if a.Slug != b.Slug {
		from = Origin{Slug: b.Slug, SHA256: b.Sum}
	}
	if a.Files, err = settle(b.Files, a.Slug, b.Name, from); err != nil {
		return Arrival{}, err
	}
	if b.Signed() {
		a.Key = fingerprint(b.Key)
		if !a.Ours {
			err = a.remember(tree, b)
		}
	}
	return a, err
}

// fingerprint is short enough to be read out to somebody.
func fingerprint(k ed25519.PublicKey) string {
	s := sha256.Sum256(k)
	return hex.EncodeToString(s[:8])
}

// remember compares the key with the one that was seen first, or adds it to the
// files. A handle that no homeserver knows is not unique: there a key is remembered
// for the author and the app.
func (a *Arrival) remember(tree fs.FS, b bundle.Bundle) error {
	seen := map[string]string{}
	raw, err := fs.ReadFile(tree, string(PublishersFile))
	if err == nil {
		err = json.Unmarshal(raw, &seen)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return &sys.Error{Op: "read", Path: string(PublishersFile), Kind: sys.Invalid, Err: err, Hint: "mend the file, or undo its last change"}
	}
	who := string(b.Author)
	if _, domain := b.Author.Parts(); domain == "local" {
		who += "/" + string(b.Slug)
	}
	key := bundle.KeyText(b.Key)
	if first, ok := seen[who]; ok {
		if a.Known = first == key; a.Known {
			return nil
		}
		return &sys.Error{
			Op: "install", Path: string(b.Slug), Kind: sys.Refused, Err: fmt.Errorf("%s signs with another key than before, %s: it may be somebody else", b.Author, a.Key),
			Hint: fmt.Sprintf("ask them by another way; if it is theirs, take the line %q out of %s by hand, and install again", who, PublishersFile),
		}
	}
	seen[who] = key
	out, err := json.MarshalIndent(seen, "", "  ")
	if err != nil {
		return err
	}
	a.Files[PublishersFile] = append(out, '\n')
	return nil
}

// vacant refuses a slug that an app has, or whose folder is in use.
func vacant(tree fs.FS, slug sys.Slug) error {
	taken := func(by string) error {
		return &sys.Error{
			Op: "use the slug", Path: string(slug), Kind: sys.Exists, Err: fmt.Errorf("%s has it", by),
			Hint: fmt.Sprintf("give another slug, such as %s-2, or remove that first", slug),
		}
	}
	if !slug.Valid() {
		return &sys.Error{Op: "use the slug", Path: string(slug), Kind: sys.Invalid, Hint: "a slug has 1 to 64 of a-z, 0-9 and -, and begins with a letter or digit"}
	}
	all, err := Find(tree)
	if err != nil {
		return err
	}
	for _, a := range all {
		if a.Manifest.Slug == slug {
			return taken(fmt.Sprintf("the app %q in %s", a.Manifest.Name, a.Folder))
		}
	}
	list, err := fs.ReadDir(tree, "apps/"+string(slug))
	if err == nil && len(list) > 0 {
		return taken("a folder of apps/")
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// GrantsFile says, by app, what the owner has granted: {"weather": ["net:host"]}.
const GrantsFile sys.Path = "system/grants.json"

// untouched refuses a slug whose earlier app has left something behind.
func untouched(tree fs.FS, home string, slug sys.Slug) error {
	left := func(what, hint string) error {
		return &sys.Error{Op: "use the slug", Path: string(slug), Kind: sys.Exists, Err: fmt.Errorf("an earlier app of that slug has left %s, which this one would get", what), Hint: fmt.Sprintf("give another slug, such as %s-2, or %s", slug, hint)}
	}
	if list, err := os.ReadDir(filepath.Join(home, "data", string(slug))); err == nil && len(list) > 0 {
		return left("its data", "have the owner move data/"+string(slug)+" away first")
	} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	granted := map[sys.Slug][]string{}
	raw, err := fs.ReadFile(tree, string(GrantsFile))
	if err == nil {
		err = json.Unmarshal(raw, &granted)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return &sys.Error{Op: "read", Path: string(GrantsFile), Kind: sys.Invalid, Err: err, Hint: "mend the file, or undo its last change"}
	}
	if len(granted[slug]) > 0 {
		return left("the owner's grants", "have the owner take its line out of "+string(GrantsFile)+" first")
	}
	return nil
}
