package offline

import (
	"encoding/json"
	"strings"
)

// promised settles the contract of an app that is to be changed. reads are its
// manifest, fields, source and contract, as they were read. Only a contract that we
// wrote ourselves, and that nobody has changed since, is written anew: any other is
// the owner's word and stays. nil leaves it as it is.
func (l *lexicon) promised(changes []Change, reads []call, words string, de bool) json.RawMessage {
	if len(reads) < 4 {
		return nil
	}
	var text [4]string
	for i, c := range reads[:4] {
		if c.failed {
			return nil
		}
		text[i] = fileText(c.result)
	}
	var old struct {
		Request string `json:"request"`
	}
	if json.Unmarshal([]byte(text[3]), &old) != nil {
		return nil
	}
	before, t := l.open(text[0], text[1], text[2], de)
	if t != nil {
		return nil
	}
	was := before.spec(de)
	if was == nil || !sameJSON(string(l.promise(was, old.Request)), text[3]) {
		return nil
	}
	after, _ := l.open(text[0], text[1], text[2], de)
	for _, ch := range changes {
		if _, t := after.apply(ch); t != nil {
			return nil // the builder will say why
		}
	}
	next := after.spec(de)
	if next == nil {
		return nil
	}
	return l.promise(next, old.Request+"\n"+words)
}

// spec reads back what an app made of records is, or nil.
func (s *source) spec(de bool) *Spec {
	if s.fields == nil || !s.hasApp {
		return nil
	}
	e, t := s.main()
	if t != nil {
		return nil
	}
	out := &Spec{Kind: KindTracker, Name: s.name, Fields: s.list(), View: "table"}
	for _, p := range []struct {
		attr string
		to   *string
	}{{"table", &out.Table}, {"noun", &out.Noun}, {"title", &out.Title}, {"sort", &out.Sort}, {"group", &out.Group}, {"done", &out.Done}} {
		*p.to, _ = e.text(p.attr)
	}
	if g, ok := e.get("group"); ok && out.Group == "" {
		out.Group = g // an object; that it groups is all that counts here
	}
	if v, ok := e.text("view"); ok {
		out.View = v
	}
	out.Filters, _ = e.strings("filters")
	out.Totals, _ = e.strings("totals")
	_, out.Search = e.get("search")
	if out.Title == "" {
		out.Title = out.titleColumn(nil)
	}
	for tag, view := range map[string]string{"Board": "board", "Calendar": "calendar"} {
		if len(elements(s.app, tag)) > 0 {
			out.View = view
		}
	}
	if len(elements(s.app, "Totals")) > 0 {
		out.Kind = KindCatalogue
	}
	if de || strings.Contains(s.app, quoteJS("Liste")) {
		out.Lang = "de"
	}
	for _, c := range elements(s.app, "Chart") {
		chart := Chart{}
		for _, p := range []struct {
			attr string
			to   *string
		}{{"kind", &chart.Kind}, {"x", &chart.X}, {"every", &chart.Every}, {"y", &chart.Y}, {"agg", &chart.Agg}, {"series", &chart.Series}} {
			*p.to, _ = c.text(p.attr)
		}
		if title, _ := c.text("title"); title == s.l.chartTitle(out.Fields, chart, out.Noun, out.german()) {
			out.Charts = append(out.Charts, chart)
		}
	}
	return out
}
