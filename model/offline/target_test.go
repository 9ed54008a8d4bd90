package offline

import "testing"

// "add a field" means the owner's own app, whatever a home came with.
func TestTheOwnersAppIsMeant(t *testing.T) {
	apps := []stateApp{{Slug: "chess", Shipped: true}, {Slug: "notes", Shipped: true}, {Slug: "secret", Hidden: true}}
	l := &lexicon{}
	if _, ambiguous := l.target(nil, state{Apps: apps}, ""); !ambiguous {
		t.Error("one of two shipped apps was chosen")
	}
	apps = append(apps, stateApp{Slug: "expenses"})
	if got, _ := l.target(nil, state{Apps: apps}, ""); got == nil || got.Slug != "expenses" {
		t.Errorf("%v, want the owner's", got)
	}
	if got, _ := l.target(nil, state{Apps: apps}, "chess"); got == nil || got.Slug != "chess" {
		t.Errorf("%v, want the one last dealt with", got)
	}
	if _, ambiguous := l.target(nil, state{Apps: append(apps, stateApp{Slug: "shop"})}, ""); !ambiguous {
		t.Error("one of two own apps was chosen")
	}
}
