package obedient

import (
	"context"

	"matrixos/egress"
)

// services are the providers of the owner's choice.
type services struct{}

func (services) Searcher() (egress.Searcher, error)       { return services{}, nil }
func (services) Painter() (egress.Painter, error)         { return services{}, nil }
func (services) Speaker() (egress.Speaker, error)         { return services{}, nil }
func (services) Transcriber() (egress.Transcriber, error) { return services{}, nil }

func (services) Search(context.Context, string, int) ([]egress.Hit, error) {
	return []egress.Hit{{Title: "Bread", URL: "https://bread.example/", Text: "About bread."}}, nil
}

func (services) Paint(context.Context, egress.Picture) (egress.File, error) {
	return egress.File{Type: "image/png", Data: []byte("png")}, nil
}

func (services) Speak(context.Context, string, string) (egress.File, error) {
	return egress.File{Type: "audio/mpeg", Data: []byte("mp3")}, nil
}

func (services) Transcribe(context.Context, egress.File) (string, error) {
	return "Buy milk.", nil
}
