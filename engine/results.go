package engine

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"matrixos/model"
)

// What a result may hold. The Host spills longer ones to a file and says where;
// this is the last resort, so that one result cannot fill the window.
const (
	maxLines = 2000
	maxBytes = 50 << 10
)

// Faulty says what is wrong with a call that cannot be run, or "": there is no such
// tool, or the arguments are not whole. The reply that made it ended with stop.
func Faulty(tools []model.Tool, b model.Block, stop model.Stop) string {
	text, malformed := model.Malformed(b.Input)
	switch {
	case !slices.ContainsFunc(tools, func(t model.Tool) bool { return t.Name == b.Name }):
		names := make([]string, 0, len(tools))
		for _, tool := range tools {
			names = append(names, tool.Name)
		}
		slices.Sort(names)
		return fmt.Sprintf("error: there is no tool %q; there are: %s", b.Name, strings.Join(names, ", "))
	case malformed && stop == model.StopMax:
		return "error: your reply was cut off at the output limit before this call was complete; it was not run. Write less in one call."
	case malformed:
		return fmt.Sprintf("error: the arguments of %s are not a JSON object; it was not run. You wrote: %s", b.Name, Head(text, 300))
	}
	return ""
}

// Bounded is the text of a result; it cuts one that is too long, between two lines where it can.
func Bounded(r Result) string {
	text := strings.ToValidUTF8(r.Text, "\uFFFD")
	cut := Head(text, maxBytes)
	if lines := strings.SplitAfterN(cut, "\n", maxLines+1); len(lines) > maxLines {
		cut = strings.Join(lines[:maxLines], "")
	}
	if len(cut) == len(text) {
		return text
	}
	if i := strings.LastIndexByte(cut, '\n'); i > len(cut)/2 {
		cut = cut[:i+1]
	}
	rest := text[len(cut):]
	return fmt.Sprintf("%s\n[cut here: %d more bytes in %d lines; ask for a smaller part]",
		cut, len(rest), strings.Count(rest, "\n")+1)
}

// Head is the beginning of s, at most n bytes of whole characters.
func Head(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}
