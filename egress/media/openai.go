// Package media makes images, speaks text and writes down speech through the
// providers that do so: any endpoint that speaks OpenAI's API (also one on the
// owner's own machine), ElevenLabs, and Gemini. It asks once: a second try may
// cost a second time, and is the owner's to decide.
package media

import (
	"cmp"
	"context"
	"encoding/base64"
	"errors"
	"net/http"
	"strings"

	"matrixos/egress"
	"matrixos/egress/internal/api"
	"matrixos/keyring"
	"matrixos/sys"
)

// The addresses of the providers that have one of their own.
const (
	OpenAIBase     = "https://api.openai.com/v1"
	ElevenLabsBase = "https://api.elevenlabs.io"
	GeminiBase     = "https://generativelanguage.googleapis.com"
)

// What is asked for, in errors.
const (
	painting   = "make an image"
	speaking   = "speak"
	writingOut = "write down speech"
)

// Key lends a provider's key.
type Key func() (keyring.Secret, error)

// OpenAI speaks OpenAI's API at its base, which includes the version.
type OpenAI struct{ api.Provider }

var (
	_ egress.Painter     = OpenAI{}
	_ egress.Speaker     = OpenAI{}
	_ egress.Transcriber = OpenAI{}
)

// NewOpenAI makes an adapter; base is OpenAIBase if empty. A nil key is for a
// server that needs none.
func NewOpenAI(client *http.Client, key Key, base string) OpenAI {
	return OpenAI{api.Provider{Name: "OpenAI", Base: strings.TrimRight(cmp.Or(base, OpenAIBase), "/"), Client: client, Key: key, Header: "Authorization", Prefix: "Bearer "}}
}

// sizes are the pictures that the API makes, by shape.
var sizes = map[string]string{"": "1024x1024", "1:1": "1024x1024", "3:2": "1536x1024", "16:9": "1536x1024", "4:3": "1536x1024", "2:3": "1024x1536", "9:16": "1024x1536", "3:4": "1024x1536"}

// Paint implements egress.Painter.
func (o OpenAI) Paint(ctx context.Context, p egress.Picture) (egress.File, error) {
	size, ok := sizes[p.Aspect]
	if !ok {
		return egress.File{}, badAspect(p.Aspect)
	}
	var out struct {
		Data []struct {
			B64 string `json:"b64_json"`
		}
		Format string `json:"output_format"`
	}
	body := map[string]any{"model": cmp.Or(p.Model, "gpt-image-1"), "prompt": p.Prompt, "size": size, "n": 1}
	if strings.HasPrefix(p.Model, "dall-e") { // the others refuse the word and always answer so
		body["response_format"] = "b64_json"
	}
	if err := o.JSON(ctx, api.Call{Op: painting, Path: "/images/generations", Body: body}, &out); err != nil {
		return egress.File{}, err
	}
	if len(out.Data) == 0 {
		return egress.File{}, empty(painting, o.Name)
	}
	return decoded(painting, o.Name, "image/"+cmp.Or(out.Format, "png"), out.Data[0].B64)
}

// Speak implements egress.Speaker.
func (o OpenAI) Speak(ctx context.Context, text, voice string) (egress.File, error) {
	f, err := o.Do(ctx, api.Call{Op: speaking, Path: "/audio/speech", Body: map[string]any{
		"model": "gpt-4o-mini-tts", "input": text, "voice": cmp.Or(voice, "alloy"), "response_format": "mp3",
	}})
	return audio(f, "audio/mpeg", o.Name, err)
}

// Transcribe implements egress.Transcriber.
func (o OpenAI) Transcribe(ctx context.Context, recording egress.File) (string, error) {
	return written(ctx, o.Provider, "/audio/transcriptions", "model", "whisper-1", recording)
}

// written uploads a recording and reads the answer that OpenAI and ElevenLabs
// share.
func written(ctx context.Context, p api.Provider, path, field, model string, recording egress.File) (string, error) {
	var out struct {
		Text *string `json:"text"`
	}
	if err := p.JSON(ctx, api.Call{Op: writingOut, Path: path, Form: map[string]string{field: model}, Upload: &recording}, &out); err != nil {
		return "", err
	}
	if out.Text == nil {
		return "", empty(writingOut, p.Name)
	}
	return strings.TrimSpace(*out.Text), nil
}

// audio makes sure that what came back is sound.
func audio(f egress.File, usual, name string, err error) (egress.File, error) {
	if err != nil {
		return egress.File{}, err
	}
	if len(f.Data) == 0 || strings.HasPrefix(f.Type, "application/json") || strings.HasPrefix(f.Type, "text/") {
		return egress.File{}, empty(speaking, name)
	}
	if !strings.HasPrefix(f.Type, "audio/") {
		f.Type = usual
	}
	return f, nil
}

func decoded(op, name, kind, b64 string) (egress.File, error) {
	data, err := base64.StdEncoding.DecodeString(b64)
	if err != nil || len(data) == 0 {
		return egress.File{}, empty(op, name)
	}
	return egress.File{Type: kind, Data: data}, nil
}

func empty(op, name string) error {
	return &sys.Error{Op: op, Path: name, Kind: sys.Unavailable, Err: errors.New("its answer holds none"), Hint: "say it differently, or choose another provider"}
}

func badAspect(s string) error {
	return &sys.Error{Op: painting, Path: s, Kind: sys.Invalid, Hint: "the shapes are 1:1, 3:2, 4:3, 16:9, 2:3, 3:4 and 9:16"}
}
