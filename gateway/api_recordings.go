package gateway

import (
	"context"
	"encoding/json"
	"net/http"

	"matrixos/sys"
)

// Recordings turn what the owner shows in a window of an app into checks of its contract.
// Only a session of the owner's begins, ends and keeps one; what a window says is judged.
type Recordings interface {
	// Begin remembers the app's data as they are; at is the owner's local time.
	Begin(ctx context.Context, slug sys.Slug, at string) (sys.Recording, error)
	// End makes a draft of what the window says was done, and tries it.
	End(ctx context.Context, id string, use []byte) (sys.RecordingDraft, error)
	// Keep tries the draft twice more, without some steps, and makes it part of the contract.
	Keep(ctx context.Context, id, name string, without []int) (sys.RecordingKept, error)
	Drop(id string)
}

// recordingAPI registers the recording of uses.
func (g *Gateway) recordingAPI() {
	register(g, http.MethodPost, "/api/apps/{slug}/recordings", "begin-recording", "The owner begins to show what an app has to do: its data are remembered as they are", func(ctx context.Context, in *struct {
		SlugIn
		Body struct {
			At string `json:"at" maxLength:"19" doc:"The owner's local time, such as 2026-03-11T09:30:00"`
		}
	}) (*reply[sys.Recording], error,
	) {
		return replyOf(g.o.Recordings.Begin(ctx, in.Slug, in.Body.At))
	})
	register(g, http.MethodPost, "/api/recordings/{id}/end", "end-recording", "The owner has shown it: make a scenario of it, play it back, and say it in words; nothing is kept yet", func(ctx context.Context, in *struct {
		ID   string `path:"id" maxLength:"64"`
		Body struct {
			Use json.RawMessage `json:"use" doc:"What the window says was done: steps, seen, gone, secret. It is not believed: see doc/contract.md"`
		}
	}) (*reply[sys.RecordingDraft], error,
	) {
		return replyOf(g.o.Recordings.End(ctx, in.ID, in.Body.Use))
	})
	register(g, http.MethodPost, "/api/recordings/{id}/keep", "keep-recording", "Make a recorded use part of the app's contract, if it holds twice: a landing of the owner's", func(ctx context.Context, in *struct {
		ID   string `path:"id" maxLength:"64"`
		Body struct {
			Name    string `json:"name" maxLength:"200"`
			Without []int  `json:"without,omitempty" maxItems:"200" doc:"Steps to leave out, by their place in the draft"`
		}
	}) (*reply[sys.RecordingKept], error,
	) {
		return replyOf(g.o.Recordings.Keep(ctx, in.ID, in.Body.Name, in.Body.Without))
	})
	register(g, http.MethodDelete, "/api/recordings/{id}", "drop-recording", "Forget what was recorded", func(_ context.Context, in *struct {
		ID string `path:"id" maxLength:"64"`
	}) (*struct{}, error,
	) {
		g.o.Recordings.Drop(in.ID)
		return nil, nil
	})
}
