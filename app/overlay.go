package app

import (
	"bytes"
	"html/template"

	"matrixos/sys"
)

// overlay is the page in place of an app that is wrong: what, where, and the way
// out, in the owner's theme.
func overlay(m Manifest, found []sys.Diagnostic, loader []byte) []byte {
	var errors []sys.Diagnostic
	for _, d := range found {
		if d.Severity == "error" {
			errors = append(errors, d)
		}
	}
	more := 0
	if len(errors) > 8 {
		errors, more = errors[:8], len(errors)-8
	}
	var b bytes.Buffer
	err := overlayPage.Execute(&b, map[string]any{"Name": m.Name, "Errors": errors, "More": more, "Loader": template.HTML(loader)}) //nolint:gosec // our own script
	if err != nil {
		return []byte("<!doctype html><title>Error</title><p>The app has errors, and the page that shows them failed: " + template.HTMLEscapeString(err.Error()))
	}
	return b.Bytes()
}

var overlayPage = template.Must(template.New("overlay").Parse(`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{.Name}}</title>
{{.Loader}}<style>
body{margin:0;background:var(--matrix-bg,#FAF9F6);color:var(--matrix-fg,#1C1B19);font:15px/22px var(--matrix-font-sans,system-ui,sans-serif)}
main{max-width:760px;margin:0 auto;padding:32px 24px}
h1{font-size:18px;line-height:24px;font-weight:600;margin:0 0 4px}
.sub{color:var(--matrix-muted-fg,#5F5C55);margin:0 0 24px;max-width:68ch}
article{border-top:1px solid var(--matrix-border,#E4E1D9);padding:16px 0}
h2{font-size:15px;line-height:22px;font-weight:600;margin:0;overflow-wrap:anywhere}
h2::first-letter,.hint::first-letter{text-transform:uppercase}
.at{font:13px/20px var(--matrix-font-mono,monospace);color:var(--matrix-muted-fg,#5F5C55);margin:2px 0 8px;overflow-wrap:anywhere}
pre{font:13px/20px var(--matrix-font-mono,monospace);background:var(--matrix-card,#fff);border-left:2px solid var(--matrix-destructive,#B3261E);margin:0 0 8px;padding:8px 12px;overflow-x:auto}
.hint::before{content:"→ ";color:var(--matrix-primary,#1F7A4D)}
.hint{margin:0;max-width:68ch}
</style>
</head>
<body>
<main id="root" role="alert">
<h1>{{.Name}} cannot run as it is</h1>
<p class="sub">Its files have {{if eq (len .Errors) 1}}an error{{else}}errors{{end}}. Correct {{if eq (len .Errors) 1}}it{{else}}them{{end}} or ask for it; this page follows by itself.</p>
{{range .Errors}}<article>
<h2>{{.Text}}</h2>
{{if .File}}<p class="at">{{.File}}{{if .Line}}:{{.Line}}{{if .Column}}:{{.Column}}{{end}}{{end}}</p>{{end}}
{{if .Source}}<pre>{{.Source}}</pre>{{end}}
{{if .Hint}}<p class="hint">{{.Hint}}</p>{{end}}
</article>
{{end}}{{if .More}}<p class="sub">And {{.More}} more.</p>{{end}}
</main>
</body>
</html>
`))
