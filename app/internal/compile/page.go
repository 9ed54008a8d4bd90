package compile

import (
	"bytes"
	"fmt"
	"path"
	"strings"

	"github.com/evanw/esbuild/pkg/api"
	"golang.org/x/net/html"

	"matrixos/sys"
)

// Page is a document, cut where the loader goes.
type Page struct {
	Head []byte // up to and with <head>
	Rest []byte
}

const plainPage = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
</head>
<body>
<div id="root"></div>
</body>
</html>
`

// element is one start tag of a document with what an editor of it needs.
type element struct {
	name       string
	attributes map[string]string
	start, end int // of the tag
	text       string
	textAt     int
	close      int // end of the end tag, for script and style
	open       bool
}

// elements lists the start tags of a document in order. The text of scripts and
// styles comes along.
func elements(doc []byte) []element {
	var out []element
	z := html.NewTokenizer(bytes.NewReader(doc))
	at := 0
	for {
		kind := z.Next()
		if kind == html.ErrorToken {
			return out
		}
		raw := len(z.Raw())
		switch kind { //nolint:exhaustive // comments and the doctype are copied as they are
		case html.StartTagToken, html.SelfClosingTagToken:
			t := z.Token()
			e := element{name: t.Data, attributes: map[string]string{}, start: at, end: at + raw, close: at + raw, open: t.Data == "script" || t.Data == "style"}
			for _, a := range t.Attr {
				e.attributes[a.Key] = a.Val
			}
			out = append(out, e)
		case html.TextToken:
			if n := len(out); n > 0 && out[n-1].open && out[n-1].close == at {
				out[n-1].text, out[n-1].textAt, out[n-1].close = string(z.Raw()), at, at+raw
			}
		case html.EndTagToken:
			if n := len(out); n > 0 && out[n-1].open && out[n-1].close == at {
				if name, _ := z.TagName(); string(name) == out[n-1].name {
					out[n-1].close, out[n-1].open = at+raw, false
				}
			}
		default:
		}
		at += raw
	}
}

// Split cuts a document after <head>, or where one would be.
func Split(doc []byte) *Page {
	at := -1
	for _, e := range elements(doc) {
		switch e.name {
		case "head":
			return &Page{doc[:e.end:e.end], doc[e.end:]}
		case "html":
			at = e.end
			continue
		}
		if at < 0 {
			at = e.start
		}
		break
	}
	if at < 0 {
		at = len(doc)
		if i := bytes.IndexByte(doc, '>'); bytes.HasPrefix(bytes.ToLower(doc), []byte("<!doctype")) && i >= 0 {
			at = i + 1
		}
	}
	return &Page{doc[:at:at], doc[at:]}
}

func local(address string) bool {
	return address != "" && !remote.MatchString(address) && !strings.Contains(strings.SplitN(address, "/", 2)[0], ":") && !strings.HasPrefix(address, "#")
}

// viteEntry reads index.html as Vite does: module scripts and local stylesheets
// are bundled, the rest is the page. Without one, src/main.tsx or src/App.tsx is
// the entry of a plain page.
func viteEntry(snap *snapshot) (*Page, string, []sys.Diagnostic) {
	doc, ok := snap.files[snap.folder+"/index.html"]
	if !ok {
		return plainEntry(snap)
	}
	var imports strings.Builder
	var kept []byte
	last := 0
	for _, e := range elements(doc) {
		spec := ""
		switch {
		case e.name == "script" && e.attributes["type"] == "module" && local(e.attributes["src"]):
			spec = e.attributes["src"]
		case e.name == "script" && tailwindCDN.MatchString(e.attributes["src"]):
			fmt.Fprintf(&imports, "import { start } from %q;\nstart();\n", tailwind)
			kept = append(append(kept, doc[last:e.start]...), tailwindGlobal...)
			last = e.close
			continue
		case e.name == "script" && e.attributes["type"] == "module" && e.attributes["src"] == "":
			fmt.Fprintf(&imports, "%s\n", e.text)
		case e.name == "link" && strings.EqualFold(e.attributes["rel"], "stylesheet") && local(e.attributes["href"]):
			spec = e.attributes["href"]
		default:
			kept = append(kept, doc[last:e.start]...)
			kept = append(kept, relative(doc[e.start:e.end], e)...)
			last = e.end
			continue
		}
		if spec != "" {
			if !strings.HasPrefix(spec, "/") {
				spec = "./" + strings.TrimPrefix(spec, "./")
			}
			fmt.Fprintf(&imports, "import %q;\n", spec)
		}
		kept = append(kept, doc[last:e.start]...)
		last = e.close
	}
	kept = append(kept, doc[last:]...)
	if imports.Len() == 0 {
		page, entry, problems := plainEntry(snap)
		if entry != "" {
			return Split(kept), entry, nil
		}
		return page, entry, problems
	}
	return Split(kept), imports.String(), nil
}

// plainEntry is for apps without an index.html that names a script.
func plainEntry(snap *snapshot) (*Page, string, []sys.Diagnostic) {
	for _, name := range []string{"src/main", "src/index", "main", "index"} {
		for _, ext := range extensions[:5] {
			if _, ok := snap.files[snap.folder+"/"+name+ext]; ok {
				return Split([]byte(plainPage)), fmt.Sprintf("import %q;\n", "./"+name+ext), nil
			}
		}
	}
	for _, name := range []string{"src/App.tsx", "src/App.jsx", "App.tsx", "App.jsx"} {
		if _, ok := snap.files[snap.folder+"/"+name]; ok {
			return Split([]byte(plainPage)), fmt.Sprintf("import { createRoot } from \"react-dom/client\";\nimport { createElement } from \"react\";\nimport App from %q;\ncreateRoot(document.getElementById(\"root\") ?? document.body).render(createElement(App));\n", "./"+name), nil
		}
	}
	return nil, "", []sys.Diagnostic{{
		Severity: "error", File: sys.Path(snap.folder + "/index.html"), Line: 1,
		Text: "the app has no entry", Hint: `write src/App.tsx with a default export, or an index.html with <script type="module" src="/src/main.tsx">`,
	}}
}

// relative rewrites addresses that begin at the root: an app's root is the folder
// of its document, wherever that is served.
func relative(tag []byte, e element) []byte { return below(tag, e, ".") }

// Below puts the addresses of a document that begin at the root below base.
func Below(doc []byte, base string) []byte { return addressed(doc, base) }

func below(tag []byte, e element, base string) []byte {
	for _, name := range []string{"src", "href", "poster", "action"} {
		v := e.attributes[name]
		if !strings.HasPrefix(v, "/") || strings.HasPrefix(v, "//") {
			continue
		}
		for _, q := range []string{`"`, `'`, ``} {
			tag = bytes.Replace(tag, []byte(name+"="+q+v), []byte(name+"="+q+base+v), 1)
		}
	}
	return tag
}

// static is an app that is served as it is. Its scripts are parsed all the same, so
// that a slip is found before the owner sees a dead page.
func static(snap *snapshot, libs *Libraries) *Result {
	r := &Result{Files: map[string][]byte{}}
	for name, raw := range snap.files {
		if rest, ok := strings.CutPrefix(name, snap.folder+"/"); ok {
			r.Files[rest] = raw
		}
	}
	index := snap.folder + "/index.html"
	doc, ok := snap.files[index]
	if !ok {
		r.Diagnostics = []sys.Diagnostic{{Severity: "error", File: sys.Path(index), Line: 1, Text: "the app has no index.html", Hint: "a static app begins there; an app with src/main.tsx has the runtime vite"}}
		return r
	}
	for name, raw := range r.Files {
		if ext := path.Ext(name); ext == ".html" || ext == ".htm" {
			r.Files[name] = libs.ownTailwind(rootless(raw), r)
		}
	}
	r.Page = Split(r.Files["index.html"])
	r.OK = true
	for _, e := range elements(doc) {
		d := judge(snap, index, doc, e)
		r.Diagnostics = append(r.Diagnostics, d...)
		for _, d := range d {
			r.OK = r.OK && d.Severity != "error"
		}
	}
	return r
}

func rootless(doc []byte) []byte { return addressed(doc, ".") }

func addressed(doc []byte, base string) []byte {
	var out []byte
	last := 0
	for _, e := range elements(doc) {
		out = append(out, doc[last:e.start]...)
		out = append(out, below(doc[e.start:e.end], e, base)...)
		last = e.end
	}
	return append(out, doc[last:]...)
}

// judge finds what will not work in one element of a static page.
func judge(snap *snapshot, index string, doc []byte, e element) []sys.Diagnostic {
	address := e.attributes["src"]
	if e.name == "link" && strings.EqualFold(e.attributes["rel"], "stylesheet") {
		address = e.attributes["href"]
	} else if e.name != "script" {
		return nil
	}
	line := 1 + bytes.Count(doc[:e.start], []byte{'\n'})
	at := func(severity, text, hint string) []sys.Diagnostic {
		return []sys.Diagnostic{{Severity: severity, File: sys.Path(index), Line: line, Text: text, Hint: hint, Source: strings.TrimSpace(string(doc[e.start:e.end]))}}
	}
	if tailwindCDN.MatchString(address) {
		return nil // ours is served in its place
	}
	if remote.MatchString(address) {
		return at("warning", fmt.Sprintf("%s will not load: apps have no network", address), "put a copy of the file beside index.html")
	}
	source, file, first := e.text, index, 1+bytes.Count(doc[:e.textAt], []byte{'\n'})
	if local(address) {
		clean, _, _ := strings.Cut(address, "?")
		file, first = path.Join(snap.folder, clean), 1
		raw, ok := snap.files[file]
		if !ok {
			return at("error", "there is no file "+shortPath(file, snap.folder)+" in this app", "")
		}
		source = string(raw)
	}
	if kind := e.attributes["type"]; e.name != "script" || kind != "" && kind != "module" && !strings.HasSuffix(kind, "javascript") {
		return nil
	}
	var out []sys.Diagnostic
	for _, m := range api.Transform(source, api.TransformOptions{Loader: api.LoaderJS, LogLevel: api.LogLevelSilent}).Errors {
		d := sys.Diagnostic{Severity: "error", Text: m.Text, File: sys.Path(file), Line: first}
		if l := m.Location; l != nil {
			d.Line, d.Column, d.Source, d.Hint = first+l.Line-1, l.Column+1, l.LineText, l.Suggestion
		}
		out = append(out, d)
	}
	return out
}
