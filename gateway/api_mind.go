package gateway

import (
	"bytes"
	"context"
	"net/http"

	"matrixos/kernel"
	"matrixos/sys"
)

// Mind is what the system remembers and what it has learnt to do.
type Mind interface {
	Memories(ctx context.Context, q MemoryQuery) ([]Memory, error)
	ForgetMemory(ctx context.Context, id string) (Memory, error)
	Agents(ctx context.Context) ([]Agent, error)
	Skills(ctx context.Context) ([]Skill, error)
}

// MemoryQuery is kernel.MemoryQuery, by the name that the gateway's own API uses;
// so are the following.
type MemoryQuery = kernel.MemoryQuery

// Memory is one thing that is remembered.
type Memory = kernel.Memory

// Agent is a program.
type Agent = kernel.Agent

// Skill is a skill.
type Skill = kernel.Skill

// Forgot says what was forgotten, and what still has it.
type Forgot struct {
	ID   string `json:"id"`
	Left string `json:"left" doc:"What still holds the words, in a sentence"`
}

// mindAPI registers memories, programs and skills.
func (g *Gateway) mindAPI() {
	register(g, http.MethodGet, "/api/memories", "list-memories", "What is remembered; ranked if words are given", func(ctx context.Context, in *struct {
		Query    string `query:"query" maxLength:"1000"`
		Category string `query:"category" maxLength:"40"`
	}) (*reply[[]Memory], error,
	) {
		list, err := g.o.Kernel.Memories(ctx, MemoryQuery{Text: in.Query, Category: in.Category})
		return &reply[[]Memory]{all(list)}, err
	})
	register(g, http.MethodDelete, "/api/memories/{id}", "forget-memory", "Forget: the file, and its words in the journal", func(ctx context.Context, in *struct {
		ID string `path:"id" maxLength:"200"`
	}) (*reply[Forgot], error,
	) {
		m, err := g.o.Kernel.ForgetMemory(ctx, in.ID)
		return &reply[Forgot]{Forgot{m.ID, kernel.StillHeld(m)}}, err
	})
	register(g, http.MethodGet, "/api/agents", "list-agents", "Programs, with what each may do", func(ctx context.Context, _ *struct{}) (*reply[[]Agent], error) {
		list, err := g.o.Kernel.Agents(ctx)
		return &reply[[]Agent]{all(list)}, err
	})
	register(g, http.MethodGet, "/api/skills", "list-skills", "Skills, and what is wrong with the bad ones", func(ctx context.Context, _ *struct{}) (*reply[[]Skill], error) {
		list, err := g.o.Kernel.Skills(ctx)
		return &reply[[]Skill]{all(list)}, err
	})
}

// readable makes events whose content was forgotten fit to be shown: what was
// asked is said to be forgotten, the others are left out.
func readable(events []sys.Event) []sys.Event {
	out := []sys.Event{}
	for _, e := range events {
		if bytes.Equal(e.Data, []byte(`{"forgotten":true}`)) {
			if e.Kind != sys.EventRequest {
				continue
			}
			gone := sys.NewEvent(e.Kind, sys.RequestData{Text: "(forgotten)"})
			e.Data = gone.Data
		}
		out = append(out, e)
	}
	return out
}
