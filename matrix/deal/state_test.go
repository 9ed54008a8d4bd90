package deal

import (
	"slices"
	"testing"
	"time"
)

// May says what the table allows, to each of the two, at every stage.
func TestMay(t *testing.T) {
	a, b, c := pair(t)
	for _, stage := range []struct {
		name          string
		do            func() error
		first, second []Act
	}{
		{"a meeting is offered", func() error {
			_, err := a.desk.Propose(t.Context(), lunch(b.me, at(2), at(3)))
			return err
		}, []Act{Withdraw}, []Act{Accept, Counter, Decline}},
		{"another time is suggested", func() error {
			_, err := b.desk.Act(t.Context(), only(t, b).ID, Answer{Counter, Terms{Title: "Lunch", Slots: []Slot{at(4)}}})
			return err
		}, []Act{Accept, Counter, Decline}, []Act{Withdraw}},
		{"it has run out", func() error {
			c.at = monday.Add(5 * time.Hour)
			return nil
		}, []Act{Decline}, []Act{Withdraw}},
		{"it is declined", func() error {
			_, err := a.desk.Act(t.Context(), only(t, a).ID, Answer{Act: Decline})
			return err
		}, nil, nil},
	} {
		if err := stage.do(); err != nil {
			t.Fatalf("%s: %v", stage.name, err)
		}
		deliver(t, a, b)
		if first, second := only(t, a).May, only(t, b).May; !slices.Equal(first, stage.first) || !slices.Equal(second, stage.second) {
			t.Errorf("%s: the first may %v, the second %v", stage.name, first, second)
		}
	}
}

// Whoever has taken a task over hands it over, and either calls it off.
func TestMayOfATask(t *testing.T) {
	a, b, _ := pair(t)
	b.judge = func(Deal) Verdict { return Verdict{Act: Accept} }
	if _, err := a.desk.Propose(t.Context(), Proposal{Kind: Task, To: b.me, Terms: Terms{Title: "Water the plants"}}); err != nil {
		t.Fatal(err)
	}
	deliver(t, a, b)
	if mine, theirs := only(t, a).May, only(t, b).May; !slices.Equal(mine, []Act{Cancel}) || !slices.Equal(theirs, []Act{Deliver, Cancel}) {
		t.Errorf("%v %v", mine, theirs)
	}
}
