package offline

import (
	"strings"
	"testing"
)

// signature writes an intent in one line, as testdata/sentences.txt has it.
func signature(in intent) string {
	var b strings.Builder
	b.WriteString(string(in.verb))
	if in.app != "" {
		b.WriteString(" @" + in.app)
	}
	if in.arg != "" {
		b.WriteString(" “" + in.arg + "”")
	}
	if in.again {
		b.WriteString(" again")
	}
	if s := in.spec; s != nil {
		b.WriteString(" " + string(s.Kind) + " “" + s.Name + "”")
		for _, f := range s.Fields {
			b.WriteString(" " + fieldSignature(f))
		}
		for _, p := range []struct{ key, value string }{
			{"view", s.View},
			{"sort", s.Sort},
			{"group", strings.TrimSuffix(s.Group+"/"+s.GroupEvery, "/")},
			{"filters", strings.Join(s.Filters, "+")},
			{"totals", strings.Join(s.Totals, "+")},
			{"done", s.Done},
			{"ask", s.Question},
			{"items", strings.Join(s.Items, "+")},
			{"date", s.Date},
			{"unmet", strings.Join(s.Unmet, "+")},
		} {
			if p.value != "" && p.value != "table" {
				b.WriteString(" " + p.key + "=" + p.value)
			}
		}
		if s.Search {
			b.WriteString(" search")
		}
		for _, c := range s.Charts {
			b.WriteString(" chart=" + chartSignature(c))
		}
		for _, p := range s.Pairs {
			b.WriteString(" card=" + p.Front + "/" + p.Back)
		}
		for _, m := range s.Minutes {
			b.WriteString(" min=" + itoa(m))
		}
	}
	for _, c := range in.changes {
		b.WriteString(" [" + string(c.Op))
		for _, v := range []string{c.Of, c.To, strings.Join(c.Values, "+")} {
			if v != "" {
				b.WriteString(" “" + v + "”")
			}
		}
		if c.Field != nil {
			b.WriteString(" " + fieldSignature(*c.Field))
		}
		if c.Chart != nil {
			b.WriteString(" " + chartSignature(*c.Chart))
		}
		if c.Off {
			b.WriteString(" off")
		}
		b.WriteString("]")
	}
	return b.String()
}

func fieldSignature(f Field) string {
	s := f.Label + ":" + string(f.Type)
	if len(f.Options) > 0 {
		s += "(" + strings.Join(f.Options, "/") + ")"
	}
	s += f.Unit + f.Currency
	if f.Max != nil {
		s += "≤" + strings.TrimSuffix(compactJSON(*f.Max), ".0")
	}
	return strings.ReplaceAll(s, " ", "_")
}

func chartSignature(c Chart) string {
	return strings.Trim(strings.Join([]string{c.Kind, c.Agg, c.Y, c.X, c.Every, c.Series}, ","), ",")
}

// sampleState is a home with three apps and none in front.
func sampleState() state {
	return state{Now: "2026-11-23T12:00:00+01:00", Apps: []stateApp{
		{Slug: "expenses", Name: "Expenses", Tables: map[string]map[string]string{"expenses": {"amount": "float", "category": "text", "date": "text"}}},
		{Slug: "books", Name: "Books", Tables: map[string]map[string]string{"books": {"title": "text", "author": "text", "rating": "integer", "status": "text"}}},
		{Slug: "weight", Name: "Weight", Tables: map[string]map[string]string{"weigh_ins": {"date": "text", "weight": "float"}}},
	}}
}

func lexiconForTest(t testing.TB) *lexicon {
	t.Helper()
	m, err := New()
	if err != nil {
		t.Fatal(err)
	}
	return m.words
}
