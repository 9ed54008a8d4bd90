package kernel

import "testing"

func TestContradictions(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want bool
	}{
		{"My dog is called Rex", "My dog is called Max", true},
		{"I live in Berlin", "I live in Paris", true},
		{"I like coffee", "I hate coffee", true},
		{"I eat meat", "I don't eat meat", true},
		{"I drink coffee in the morning", "I no longer drink coffee in the morning", true},
		{"Anna's birthday is 3 May", "Anna's birthday is 4 May", true},
		{"I get up at 7", "I get up at 8", true},
		{"Ich esse Fleisch", "Ich esse kein Fleisch", true},
		{"My dog is called Rex", "My cat is called Max", false},
		{"I like coffee", "I like tea", false},
		{"I like coffee", "I hate queues", false},
		{"My dog is called Rex", "My dog is called Rex", false},
		{"Always answer in German", "The garden has twelve trees", false},
		{"", "No", false},
	} {
		if got := contradicts(c.a, c.b); got != c.want || contradicts(c.b, c.a) != got {
			t.Errorf("%q and %q: %v", c.a, c.b, got)
		}
	}
}

func TestIndexFollowsItsSources(t *testing.T) {
	var x index
	defer x.close()
	read := 0
	src := func(name, text string) source {
		return source{name, text, func() ([]passage, error) { read++; return []passage{{name, text}}, nil }}
	}
	find := func(query string, sources ...source) (out []string) {
		t.Helper()
		hits, err := x.search(t.Context(), sources, query, 10)
		if err != nil {
			t.Fatal(err)
		}
		for _, h := range hits {
			out = append(out, h.source)
		}
		return out
	}
	a, b := src("a", "The dog sleeps. The dog eats dogs' food."), src("b", "A dog, once, among many other words about gardens and their trees")
	if got := find("what dogs?", a, b); len(got) != 2 || got[0] != "a" {
		t.Errorf("ranked %v", got)
	}
	find("dog", a, b)
	if read != 2 {
		t.Errorf("%d reads of two files that did not change", read)
	}
	if got := find("dog", b, src("a", "The cat")); len(got) != 1 || got[0] != "b" {
		t.Errorf("after an edit: %v", got)
	}
	if got := find("dog"); len(got) != 0 {
		t.Errorf("after both were deleted: %v", got)
	}
	for _, odd := range []string{`"`, "NEAR(", "a AND", "", "* OR", "source:x"} {
		find(odd, a)
	}
}
