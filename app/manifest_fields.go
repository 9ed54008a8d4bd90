package app

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"regexp"
	"slices"
	"strings"

	"matrixos/app/internal/compile"
	"matrixos/app/server"
	"matrixos/sys"
)

// Schema is the JSON Schema of a manifest.
//
//go:embed matrix.schema.json
var Schema []byte

// field is one field of a manifest. In its path, * stands for any name and [] for
// any item of a list; a field comes after the one that it lies in.
type field struct {
	path    string
	allowed string // what it may be, in words
	right   string // a value that is, as JSON
	ok      func(v any) bool
	mild    bool // a wrong value is no more than a warning
}

var (
	runtimes   = []string{RuntimeStatic, RuntimeVite, RuntimeNode}
	scopes     = []string{"personal", "shared"}
	categories = []string{"utility", "productivity", "social", "dev", "games", "entertainment", "education", "finance", "health", "communication"}
	semver     = regexp.MustCompile(`^\d+\.\d+\.\d+(?:[-+][0-9A-Za-z.+-]+)?$`)
	versions   = regexp.MustCompile(`^(?:[\^~]|[<>]=?|=)?\s*\d+(?:\.(?:\d+|x|\*)){0,2}`)
	hostForm   = regexp.MustCompile(`^[A-Za-z0-9.-]+(?::\d+)?$`)
	sumForm    = regexp.MustCompile(`^[0-9a-f]{64}$`)
)

const slugForm = "1 to 64 of a-z, 0-9 and -, beginning with a letter or digit"

// fields are all fields of a manifest, in the order of doc/apps.md.
var fields = []field{
	{path: "name", allowed: "text of at most 120 bytes", right: `"Habits"`, ok: text(120)},
	{path: "slug", allowed: slugForm, right: `"habits"`, ok: textThat(func(s string) bool { return sys.Slug(s).Valid() })},
	{path: "version", allowed: "three numbers such as 1.0.0", right: `"1.0.0"`, ok: matches(semver)},
	{path: "runtime", allowed: strings.Join(runtimes, ", "), right: `"vite"`, ok: oneOf(runtimes)},
	{path: "runtimeVersion", allowed: "a range such as ^1.0.0", right: `"^1.0.0"`, ok: matches(versions)},
	{path: "description", allowed: "text of at most 2000 bytes", right: `"What I do every day."`, ok: text(2000)},
	{path: "category", allowed: strings.Join(categories, ", "), right: `"health"`, ok: oneOf(categories), mild: true},
	{path: "icon", allowed: "the name of a lucide icon such as dumbbell, or an emoji", right: `"dumbbell"`, ok: text(64 << 10)},
	{path: "author", allowed: "text of at most 200 bytes", right: `"Ada"`, ok: text(200)},
	{path: "scope", allowed: strings.Join(scopes, ", "), right: `"personal"`, ok: oneOf(scopes)},
	{path: "permissions", allowed: "a list of texts", right: `["net:api.example.org"]`, ok: list},
	{path: "permissions[]", allowed: "text such as net:api.example.org (a host to read from), service:NAME, or room (to share with other people)", right: `"net:api.example.org"`, ok: permission},
	{path: "hidden", allowed: "true or false", right: `true`, ok: boolean},
	{path: "designs", allowed: "a list of texts", right: `["paper"]`, ok: list, mild: true},
	{path: "designs[]", allowed: "text", right: `"paper"`, ok: text(200), mild: true},
	{path: "forkedFrom", allowed: "an object with slug, and landing or sha256", right: `{"slug": "habits", "landing": 3}`, ok: object},
	{path: "forkedFrom.slug", allowed: slugForm, right: `"habits"`, ok: textThat(func(s string) bool { return sys.Slug(s).Valid() })},
	{path: "forkedFrom.landing", allowed: "the number of a landing, from 1", right: `3`, ok: whole(1, 1<<53)},
	{path: "forkedFrom.sha256", allowed: "64 of 0-9 and a-f", right: `"` + strings.Repeat("0f", 32) + `"`, ok: matches(sumForm)},
	{path: "dev", allowed: "anything", right: `{"port": 5173}`, ok: anything, mild: true},
	{path: "listingTrust", allowed: "anything", right: `"community"`, ok: anything, mild: true},
	{path: "build", allowed: "an object with install, command, output, timeout, sourceGlobs", right: `{"command": "pnpm build"}`, ok: object, mild: true},
	{path: "build.install", allowed: "text", right: `"pnpm install"`, ok: text(2000), mild: true},
	{path: "build.command", allowed: "text", right: `"pnpm build"`, ok: text(2000), mild: true},
	{path: "build.output", allowed: "text", right: `"dist"`, ok: text(2000), mild: true},
	{path: "build.timeout", allowed: "a number of seconds, from 0", right: `120`, ok: number(0, math.MaxInt32), mild: true},
	{path: "build.sourceGlobs", allowed: "a list of texts", right: `["src/**"]`, ok: list, mild: true},
	{path: "build.sourceGlobs[]", allowed: "text", right: `"src/**"`, ok: text(2000), mild: true},
	{path: "serve", allowed: "an object with start, healthCheck, startTimeout, idleShutdown", right: `{"start": "node server.js"}`, ok: object},
	{path: "serve.start", allowed: "a command line of at most 1000 bytes", right: `"node server.js"`, ok: text(1000)},
	{path: "serve.healthCheck", allowed: "a path such as /health", right: `"/health"`, ok: textThat(func(s string) bool { return strings.HasPrefix(s, "/") && !strings.ContainsAny(s, " \n") })},
	{path: "serve.startTimeout", allowed: "1 to 300 seconds", right: `20`, ok: number(1, 300)},
	{path: "serve.idleShutdown", allowed: "1 to 86400 seconds", right: `300`, ok: number(1, 86400)},
	{path: "resources", allowed: "an object with memoryMb, cpuShares, maxFileHandles", right: `{"memoryMb": 256}`, ok: object},
	{path: "resources.memoryMb", allowed: fmt.Sprintf("64 to %d", server.MostMemory>>20), right: `256`, ok: number(64, server.MostMemory>>20)},
	{path: "resources.cpuShares", allowed: "1 to 262144", right: `512`, ok: number(1, 1<<18)},
	{path: "resources.maxFileHandles", allowed: "16 to 1048576", right: `1024`, ok: number(16, 1<<20)},
	{path: "storage", allowed: "an object with tables", right: `{"tables": {}}`, ok: object},
	{path: "storage.tables", allowed: "an object of at most 64 tables, by name", right: `{"entries": {"columns": {"day": "text"}}}`, ok: object},
	{path: "storage.tables.*", allowed: "an object with columns and indexes; its name has 1 to 63 of a-z, 0-9 and _, beginning with a letter", right: `{"columns": {"day": "text"}}`, ok: object},
	{path: "storage.tables.*.columns", allowed: "an object of at most 128 columns, by name", right: `{"day": "text", "done": "boolean"}`, ok: object},
	{path: "storage.tables.*.columns.*", allowed: "text, integer, float, boolean, timestamptz, uuid, jsonb", right: `"integer"`, ok: text(64)},
	{path: "storage.tables.*.indexes", allowed: "a list of columns", right: `["day", ["done", "day"]]`, ok: list},
	{path: "storage.tables.*.indexes[]", allowed: "a column, a list of columns, or an object with columns and unique", right: `{"columns": ["day"], "unique": true}`, ok: index},
}

func anything(any) bool { return true }

func object(v any) bool { _, ok := v.(map[string]any); return ok }

func list(v any) bool { _, ok := v.([]any); return ok }

func boolean(v any) bool { _, ok := v.(bool); return ok }

// textThat is text that fits; what is empty counts as left out.
func textThat(fits func(string) bool) func(any) bool {
	return func(v any) bool { s, ok := v.(string); return ok && (s == "" || fits(s)) }
}

func text(most int) func(any) bool {
	return textThat(func(s string) bool { return len(s) <= most })
}

func matches(form *regexp.Regexp) func(any) bool { return textThat(form.MatchString) }

func oneOf(all []string) func(any) bool {
	return textThat(func(s string) bool { return slices.Contains(all, s) })
}

func number(least, most float64) func(any) bool {
	return func(v any) bool { n, ok := v.(float64); return ok && n >= least && n <= most }
}

func whole(least, most float64) func(any) bool {
	in := number(least, most)
	return func(v any) bool { n, ok := v.(float64); return ok && in(v) && n == math.Trunc(n) }
}

func permission(v any) bool {
	s, ok := v.(string)
	host, net := strings.CutPrefix(s, "net:")
	name, service := strings.CutPrefix(s, "service:")
	return ok && s != "" && len(s) <= 300 && (!net || hostForm.MatchString(host)) && (!service || name != "")
}

func index(v any) bool {
	switch v := v.(type) {
	case string:
		return true
	case []any:
		return !slices.ContainsFunc(v, func(c any) bool { return !text(64)(c) })
	case map[string]any:
		unique, there := v["unique"]
		columns, ok := v["columns"].([]any)
		return ok && index(columns) && (!there || boolean(unique))
	}
	return false
}

// walkFields looks at every value of tree that a field speaks of, drops those that
// are wrong, and tells of them.
func walkFields(tree map[string]any, wrong func(f field, place string, v any)) {
	for _, f := range fields {
		visit(tree, "", f.path, func(place string, v any) bool {
			if v == nil || f.ok(v) {
				return true
			}
			wrong(f, place, v)
			return false
		})
	}
}

// visit calls keep for each value at path below v, and removes those it refuses.
func visit(v any, at, path string, keep func(place string, v any) bool) {
	name, rest, _ := strings.Cut(path, ".")
	name, item := strings.CutSuffix(name, "[]")
	in, ok := v.(map[string]any)
	if !ok {
		return
	}
	names := []string{name}
	if name == "*" {
		names = slices.Sorted(maps.Keys(in))
	}
	for _, n := range names {
		child, there := in[n]
		place := strings.TrimPrefix(at+"."+n, ".")
		items, isList := child.([]any)
		switch {
		case !there:
		case rest != "":
			visit(child, place, rest, keep)
		case item && isList:
			kept := []any{}
			for i, c := range items {
				if keep(fmt.Sprintf("%s[%d]", place, i), c) {
					kept = append(kept, c)
				}
			}
			in[n] = kept
		case item:
		case !keep(place, child):
			delete(in, n)
		}
	}
}

// known lists the names that stand directly below at.
func known(at string) (names []string, open bool) {
	for _, f := range fields {
		parent, name := "", f.path
		if i := strings.LastIndexByte(f.path, '.'); i >= 0 {
			parent, name = f.path[:i], f.path[i+1:]
		}
		if parent != at || strings.HasSuffix(name, "[]") {
			continue
		}
		names, open = append(names, name), open || name == "*"
	}
	return names, open
}

// strangers tells of names that no field has and that look like a slip; others are
// somebody else's, and left alone.
func strangers(v any, at, pattern string, tell func(place, meant string)) {
	in, _ := v.(map[string]any)
	names, open := known(pattern)
	for _, name := range slices.Sorted(maps.Keys(in)) {
		place, below := strings.TrimPrefix(at+"."+name, "."), strings.TrimPrefix(pattern+"."+name, ".")
		if open {
			below = strings.TrimPrefix(pattern+".*", ".")
		} else if !slices.Contains(names, name) {
			if meant := compile.Nearest(name, names); meant != "" {
				tell(place, meant)
			}
			continue
		}
		strangers(in[name], place, below, tell)
	}
}

func shown(v any) string {
	raw, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	if len(raw) > 60 {
		return strings.ToValidUTF8(string(raw[:60]), "") + "…"
	}
	return string(raw)
}
