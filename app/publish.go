package app

import (
	"bytes"
	"cmp"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"strings"

	"matrixos/app/bundle"
	"matrixos/app/contract"
	"matrixos/sys"
)

// PublishedFolder keeps the bundles of this home's apps.
const PublishedFolder = "data/published/"

// MostBundle is how many bytes a bundle may have.
const MostBundle = bundle.Most

// Publisher signs bundles.
type Publisher struct {
	Handle sys.Handle
	Key    ed25519.PrivateKey
}

// Public is the key that others know the publisher by.
func (p Publisher) Public() ed25519.PublicKey {
	if k, ok := p.Key.Public().(ed25519.PublicKey); ok {
		return k
	}
	return nil
}

// Publication is an app as one file.
type Publication struct {
	App     App
	Path    sys.Path // where it belongs
	Content []byte
}

// Publish makes the bundle of an app of the tree: what is in its folder, and
// nothing else. A version that is published already stays what it is: if the app
// is different now, the error is of kind Exists and says to raise the version.
func Publish(tree fs.FS, slug sys.Slug, by Publisher) (Publication, error) {
	a, err := sound(tree, slug)
	if err != nil {
		return Publication{}, err
	}
	files, err := filesOf(tree, a.Folder)
	if err != nil {
		return Publication{}, err
	}
	if promise, ok := files[contract.Name]; ok {
		if files[contract.Name], err = withoutRecorded(promise); err != nil {
			return Publication{}, err
		}
		if files[contract.Name] == nil {
			delete(files, contract.Name)
		}
	}
	m := a.Manifest
	p := Publication{App: a, Path: sys.Path(fmt.Sprintf("%s%s-%s%s", PublishedFolder, slug, m.Version, bundle.Extension))}
	p.Content, err = bundle.Write(bundle.Bundle{Slug: slug, Name: m.Name, Version: m.Version, Author: by.Handle, Files: files}, by.Key)
	if err != nil {
		return Publication{}, err
	}
	have, err := fs.ReadFile(tree, string(p.Path))
	if errors.Is(err, fs.ErrNotExist) {
		return p, nil
	}
	if err != nil {
		return Publication{}, err
	}
	if old, err := bundle.Read(have); err != nil || !maps.EqualFunc(old.Files, files, bytes.Equal) {
		return Publication{}, &sys.Error{
			Op: "publish", Path: string(slug), Kind: sys.Exists, Err: fmt.Errorf("version %s is published already, with other files", m.Version),
			Hint: "raise version in " + string(a.Folder) + "/" + ManifestName + ", and publish again",
		}
	}
	return p, nil
}

// Fork is the files of a copy of an app under another slug, with where it comes
// from in its manifest. Its rows and the owner's grants stay with the original. at
// is the landing that the tree is of; home is the live home's folder.
func Fork(tree fs.FS, home string, slug, to sys.Slug, name string, at sys.LandingID) (map[sys.Path][]byte, error) {
	a, err := sound(tree, slug)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(vacant(tree, to), untouched(tree, home, to)); err != nil {
		return nil, err
	}
	files, err := filesOf(tree, a.Folder)
	if err != nil {
		return nil, err
	}
	if name == "" {
		name = a.Manifest.Name + " (copy)"
	}
	return settle(files, to, name, Origin{Slug: slug, Landing: at})
}

// settle puts an app's files into the folder of a slug; with an origin, the manifest
// says the new slug and name, and where it comes from.
func settle(files map[string][]byte, slug sys.Slug, name string, from Origin) (map[sys.Path][]byte, error) {
	out := map[sys.Path][]byte{}
	for p, text := range files {
		if p == ManifestName && from != (Origin{}) {
			var err error
			if text, err = renamed(text, slug, name, from); err != nil {
				return nil, err
			}
		}
		out[sys.Path(path.Join("apps", string(slug), p))] = text
	}
	folder := sys.Path("apps/" + slug)
	_, found := ParseManifest(out[folder+"/"+ManifestName], folder, true)
	return out, broken(slug, found)
}

// sound finds an app whose manifest is right.
func sound(tree fs.FS, slug sys.Slug) (App, error) {
	all, err := Find(tree)
	if err != nil {
		return App{}, err
	}
	var have []string
	for _, a := range all {
		if a.Manifest.Slug == slug {
			return a, broken(slug, a.Diagnostics)
		}
		have = append(have, string(a.Manifest.Slug))
	}
	return App{}, &sys.Error{Op: "find app", Path: string(slug), Kind: sys.NotFound, Hint: "there is " + cmp.Or(strings.Join(have, ", "), "none yet")}
}

func broken(slug sys.Slug, found []sys.Diagnostic) error {
	for _, d := range found {
		if d.Severity == "error" {
			return &sys.Error{Op: "read the manifest of", Path: string(slug), Kind: sys.NotVerified, Err: errors.New(d.Text), Hint: "mend its " + ManifestName}
		}
	}
	return nil
}

// filesOf reads an app's folder. Hidden files and node_modules stay at home.
func filesOf(tree fs.FS, folder sys.Path) (map[string][]byte, error) {
	out := map[string][]byte{}
	total := 0
	err := fs.WalkDir(tree, string(folder), func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if strings.HasPrefix(d.Name(), ".") || d.Name() == "node_modules" {
			if d.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		if d.IsDir() {
			return nil
		}
		refuse := func(why, hint string) error {
			return &sys.Error{Op: "copy app", Path: p, Kind: sys.Refused, Err: errors.New(why), Hint: hint}
		}
		if !d.Type().IsRegular() {
			return refuse("it is a link", "put the file itself there")
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		if total += int(info.Size()); info.Size() > bundle.Most || total > bundle.Most {
			return refuse(fmt.Sprintf("with it the app has more than %d MB", bundle.Most>>20), "move large files out of the app's folder")
		}
		text, err := fs.ReadFile(tree, p)
		out[strings.TrimPrefix(p, string(folder)+"/")] = text
		return err
	})
	return out, err
}

// renamed is a manifest with another slug and name and its origin; the other fields
// stay as they are, in their order.
func renamed(raw []byte, slug sys.Slug, name string, from Origin) ([]byte, error) {
	set := map[string]any{"slug": slug, "name": name, "forkedFrom": from}
	var keys []string
	values := map[string]json.RawMessage{}
	d := json.NewDecoder(bytes.NewReader(raw))
	if _, err := d.Token(); err != nil {
		return nil, err
	}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return nil, err
		}
		k, ok := key.(string)
		if !ok {
			return nil, &sys.Error{Op: "read manifest", Path: string(slug), Kind: sys.Invalid, Err: errors.New("it is no object")}
		}
		var v json.RawMessage
		if err := d.Decode(&v); err != nil {
			return nil, err
		}
		if _, twice := values[k]; !twice {
			keys = append(keys, k)
		}
		values[k] = v
	}
	for _, k := range []string{"name", "slug", "forkedFrom"} {
		v, err := json.Marshal(set[k])
		if err != nil {
			return nil, err
		}
		if _, ok := values[k]; !ok {
			keys = append(keys, k)
		}
		values[k] = v
	}
	var flat, out bytes.Buffer
	for i, k := range keys {
		name, err := json.Marshal(k)
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(&flat, "%c%s:%s", "{,"[min(i, 1)], name, values[k])
	}
	flat.WriteString("}")
	err := json.Indent(&out, flat.Bytes(), "", "  ")
	return append(out.Bytes(), '\n'), err
}
