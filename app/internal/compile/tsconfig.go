package compile

import (
	"encoding/json"
	"path"
	"slices"
	"strings"
)

// alias maps imports that begin with prefix (and end with suffix) to targets,
// tried in order; a target holds one * for what stood between.
type alias struct {
	prefix, suffix string
	exact          bool
	targets        []string // paths in the tree
}

// aliases reads compilerOptions.paths of the app's tsconfig files. The alias "@/"
// for src/ is there without being declared, as Vite templates assume it.
func (s *snapshot) aliases() []alias {
	var out []alias
	for _, name := range []string{"tsconfig.json", "tsconfig.app.json", "jsconfig.json"} {
		raw, ok := s.files[s.folder+"/"+name]
		if !ok {
			continue
		}
		var config struct {
			CompilerOptions struct {
				BaseURL string              `json:"baseUrl"`
				Paths   map[string][]string `json:"paths"`
			} `json:"compilerOptions"`
		}
		if json.Unmarshal(plainJSON(raw), &config) != nil {
			continue // an editor's file; the compiler has its own settings
		}
		base := path.Join(s.folder, config.CompilerOptions.BaseURL)
		for pattern, targets := range config.CompilerOptions.Paths {
			a := alias{}
			prefix, suffix, star := strings.Cut(pattern, "*")
			a.prefix, a.suffix, a.exact = prefix, suffix, !star
			for _, t := range targets {
				a.targets = append(a.targets, path.Join(base, t))
			}
			out = append(out, a)
		}
	}
	slices.SortFunc(out, func(a, b alias) int { // the longest prefix wins, as in TypeScript
		if len(a.prefix) != len(b.prefix) {
			return len(b.prefix) - len(a.prefix)
		}
		return strings.Compare(a.prefix+a.suffix, b.prefix+b.suffix)
	})
	return append(out, alias{prefix: "@/", targets: []string{s.folder + "/src/*"}})
}

// match lists the paths that an import may mean under a, or nothing.
func (a alias) match(spec string) []string {
	if a.exact {
		if spec == a.prefix {
			return a.targets
		}
		return nil
	}
	if len(spec) < len(a.prefix)+len(a.suffix) || !strings.HasPrefix(spec, a.prefix) || !strings.HasSuffix(spec, a.suffix) {
		return nil
	}
	mid := spec[len(a.prefix) : len(spec)-len(a.suffix)]
	var out []string
	for _, t := range a.targets {
		out = append(out, path.Clean(strings.Replace(t, "*", mid, 1)))
	}
	return out
}

// plainJSON takes comments and trailing commas out of JSON as editors allow it.
func plainJSON(raw []byte) []byte { //nolint:gocognit // one case after another, best read in one piece
	out := make([]byte, 0, len(raw))
	for i := 0; i < len(raw); i++ {
		switch c := raw[i]; {
		case c == '"':
			end := i + 1
			for end < len(raw) && raw[end] != '"' {
				if raw[end] == '\\' {
					end++
				}
				end++
			}
			end = min(end+1, len(raw))
			out = append(out, raw[i:end]...)
			i = end - 1
		case c == '/' && i+1 < len(raw) && raw[i+1] == '/':
			for i < len(raw) && raw[i] != '\n' {
				i++
			}
			out = append(out, '\n')
		case c == '/' && i+1 < len(raw) && raw[i+1] == '*':
			end := strings.Index(string(raw[i+2:]), "*/")
			if end < 0 {
				return out
			}
			i += end + 3
		case c == '}' || c == ']':
			n := len(out)
			for n > 0 && strings.ContainsRune(" \t\r\n", rune(out[n-1])) {
				n--
			}
			if n > 0 && out[n-1] == ',' {
				out = append(out[:n-1], out[n:]...)
			}
			out = append(out, c)
		default:
			out = append(out, c)
		}
	}
	return out
}
