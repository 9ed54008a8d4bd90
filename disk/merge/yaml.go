package merge

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// mostYAML bounds what is read as YAML; above it, lines have to do.
const mostYAML = 1 << 20

// parseYAML reads one document with its comments. It refuses anchors, aliases
// and keys that stand twice, which have no structure to merge by.
func parseYAML(data []byte) (v *value, ok bool) {
	defer func() { // the library is known to panic on some broken texts
		if recover() != nil {
			v, ok = nil, false
		}
	}()
	if len(data) > mostYAML || bytes.Contains(data, []byte("\n---")) || bytes.Contains(data, []byte("\n...")) {
		return nil, false
	}
	d := yaml.NewDecoder(bytes.NewReader(data))
	var doc, more yaml.Node
	if d.Decode(&doc) != nil || !errors.Is(d.Decode(&more), io.EOF) || len(doc.Content) != 1 {
		return nil, false
	}
	v, err := fromNode(doc.Content[0], 0)
	if err != nil {
		return nil, false
	}
	v.note += notes(&doc)
	v.key = &doc
	return v, true
}

// notes are the comments of a node.
func notes(n *yaml.Node) string {
	if n.HeadComment == "" && n.LineComment == "" && n.FootComment == "" {
		return ""
	}
	return n.HeadComment + "\x00" + n.LineComment + "\x00" + n.FootComment + "\x01"
}

func fromNode(n *yaml.Node, depth int) (*value, error) {
	if depth > mostNesting || n.Anchor != "" {
		return nil, errStructure
	}
	v := &value{node: n, note: notes(n)}
	switch n.Kind {
	case yaml.MappingNode:
		v.kind, v.fields, v.text = '{', map[string]*value{}, n.ShortTag()
		for i := 0; i+1 < len(n.Content); i += 2 {
			k := n.Content[i]
			key := k.ShortTag() + " " + k.Value
			if k.Kind != yaml.ScalarNode || k.Anchor != "" || k.ShortTag() == "!!merge" || v.fields[key] != nil {
				return nil, errStructure
			}
			f, err := fromNode(n.Content[i+1], depth+1)
			if err != nil {
				return nil, err
			}
			f.key = k
			f.note += notes(k)
			v.keys = append(v.keys, key)
			v.fields[key] = f
		}
	case yaml.SequenceNode:
		v.kind, v.text = '[', n.ShortTag()
		for _, c := range n.Content {
			item, err := fromNode(c, depth+1)
			if err != nil {
				return nil, err
			}
			v.items = append(v.items, item)
		}
	case yaml.ScalarNode:
		v.text = n.ShortTag() + " " + n.Value
	default:
		return nil, errStructure
	}
	return v, nil
}

// threeYAML merges by structure; see threeJSON. Comments count as content: none
// is lost, and two that differ are a conflict.
func threeYAML(base, ours, theirs []byte) (out []byte, known, ok bool) {
	ours, theirs = inOrder(ours, theirs)
	b, okB := parseYAML(base)
	o, okO := parseYAML(ours)
	t, okT := parseYAML(theirs)
	if !okB || !okO || !okT {
		return nil, false, false
	}
	merged, ok := threeValues(b, o, t)
	if !ok || merged == nil {
		return nil, true, false
	}
	if out, ok := spelled("a.yaml", base, ours, theirs, merged, parseYAML); ok {
		return out, true, true
	}
	// Comments go with what they stand beside. Where one moved, the written text
	// says something else than was merged, and is not used.
	out, ok = writeYAML(merged, ours)
	if got, parsed := parseYAML(out); !ok || !parsed || !equal(got, merged) {
		return nil, true, false
	}
	return out, true, true
}

// writeYAML prints v in the indentation of like.
func writeYAML(v *value, like []byte) (out []byte, ok bool) {
	defer func() {
		if recover() != nil {
			out, ok = nil, false
		}
	}()
	doc := *v.key
	doc.Content = []*yaml.Node{toNode(v)}
	var w bytes.Buffer
	e := yaml.NewEncoder(&w)
	e.SetIndent(yamlIndent(like))
	if e.Encode(&doc) != nil || e.Close() != nil {
		return nil, false
	}
	if !bytes.HasSuffix(like, []byte("\n")) {
		return bytes.TrimRight(w.Bytes(), "\n"), true
	}
	return w.Bytes(), true
}

// toNode gives a merged value the nodes of what it was merged from.
func toNode(v *value) *yaml.Node {
	if v.node != nil {
		return v.node
	}
	n, comments := *v.like.origin(), v.noted.origin()
	n.HeadComment, n.LineComment, n.FootComment = comments.HeadComment, comments.LineComment, comments.FootComment
	n.Content = nil
	for _, k := range v.keys {
		f := v.fields[k]
		n.Content = append(n.Content, f.key, toNode(f))
	}
	for _, item := range v.items {
		n.Content = append(n.Content, toNode(item))
	}
	return &n
}

func (v *value) origin() *yaml.Node {
	for v.node == nil {
		v = v.like
	}
	return v.node
}

// yamlIndent is the indentation of the first indented line that is not a
// comment.
func yamlIndent(text []byte) int {
	for l := range bytes.Lines(text) {
		inner := bytes.TrimLeft(l, " ")
		if n := len(l) - len(inner); n > 1 && n < 9 && !slices.Contains([]byte("#-\r\n"), inner[0]) {
			return n
		}
	}
	return 2
}

// threeFront merges markdown whose three texts all begin with front matter: that
// by structure, the rest as text.
func threeFront(name string, base, ours, theirs []byte) (out []byte, known, ok bool) {
	var front, body [3][]byte
	for i, text := range [][]byte{base, ours, theirs} {
		if front[i], body[i], ok = cutFront(text); !ok {
			return nil, false, false
		}
	}
	head, ok := Three("front.yaml", front[0], front[1], front[2])
	if !ok {
		return nil, true, false
	}
	rest, ok, done := trivial(body[0], body[1], body[2])
	if !done {
		rest, ok = threeText(name, body[0], body[1], body[2])
	}
	if !ok {
		return nil, true, false
	}
	return slices.Concat([]byte(frontMark), head, rest), true, true
}

const frontMark = "---\n"

// cutFront splits markdown behind its front matter; the closing mark belongs to
// the rest.
func cutFront(text []byte) (front, rest []byte, ok bool) {
	if !bytes.HasPrefix(text, []byte(frontMark)) {
		return nil, nil, false
	}
	inner := text[len(frontMark):]
	at := 0
	for l := range bytes.Lines(inner) {
		if strings.TrimRight(string(l), " \t\r\n") == "---" {
			return inner[:at], inner[at:], true
		}
		at += len(l)
	}
	return nil, nil, false
}
