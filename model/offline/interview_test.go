package offline

import (
	"strings"
	"testing"
)

// Failure mode 38: what is not clear is asked before it is built, and the answers are
// part of what is built and of its contract.
func TestMode38WhatIsNotClearIsAsked(t *testing.T) {
	for _, c := range []struct {
		words     string
		says      []string
		questions []string
		name      string // of the app that is built then; "" for none
		promised  string // in its contract
	}{
		{"Create an app", []string{"llamas", "name, weight in kg"}, []string{"for?", "each llama"}, "llamas", `"weight"`},
		{"Create an app", []string{"Expenses"}, []string{"for?"}, "expenses", "Amount"},
		{"create an app", nil, []string{"for?"}, "", ""},
		{"Make me a game", []string{"Snake"}, []string{"Which game"}, "snake", ""},
		{"make a planner", []string{"Kanban board"}, []string{"kind of planner"}, "board", ""},
		{"make a planner", nil, []string{"kind of planner"}, "calendar", ""},
		{"an app for my bees", nil, []string{"each bee"}, "bees", ""},
		{"an app for my bees", []string{"name and hive"}, []string{"each bee"}, "bees", `"Hive"`},
		{"Erstelle eine App", []string{"Lamas", "Name und Gewicht"}, []string{"Wofür", "festhalten"}, "lamas", "Gewicht"},
	} {
		h := newHost(t)
		h.says = c.says
		said := h.ask(c.words)
		if len(h.questions) != len(c.questions) {
			t.Errorf("%s: asked %q, then said %q", c.words, h.questions, said)
			continue
		}
		for i, q := range c.questions {
			if !strings.Contains(h.questions[i], q) {
				t.Errorf("%s: question %d is %q, want %q", c.words, i+1, h.questions[i], q)
			}
		}
		built := ""
		for f := range h.files {
			if slug, ok := strings.CutSuffix(f, "/matrix.json"); ok {
				built += strings.TrimPrefix(slug, "apps/")
			}
		}
		if c.name == "" && built != "" || !strings.Contains(built, c.name) {
			t.Errorf("%s: built %q, want %q; said %q", c.words, built, c.name, said)
		}
		if !strings.Contains(h.contract, c.promised) {
			t.Errorf("%s: the contract says nothing of %s: %s", c.words, c.promised, h.contract)
		}
	}
}

// A clear request is never asked about.
func TestWhatIsClearIsNotAsked(t *testing.T) {
	for _, words := range []string{
		"Track my expenses by category", "make a calendar", "build a to-do list", "make 2048", "Track my plants with room and last watered", "a tip calculator", "Verfolge meine Ausgaben",
		"make it nicer", "open notes", "what can you do?",
	} {
		h := newHost(t)
		if h.ask(words); len(h.questions) > 0 {
			t.Errorf("%s: asked %q", words, h.questions)
		}
	}
}
