package media

import (
	"cmp"
	"context"
	"net/http"
	"net/url"

	"matrixos/egress"
	"matrixos/egress/internal/api"
)

// ElevenLabs speaks and listens.
type ElevenLabs struct{ api.Provider }

var (
	_ egress.Speaker     = ElevenLabs{}
	_ egress.Transcriber = ElevenLabs{}
)

// NewElevenLabs makes an adapter; base is ElevenLabsBase if empty.
func NewElevenLabs(client *http.Client, key Key, base string) ElevenLabs {
	return ElevenLabs{api.Provider{Name: "ElevenLabs", Base: cmp.Or(base, ElevenLabsBase), Client: client, Key: key, Header: "xi-api-key"}}
}

// usualVoice is the one that the provider's own documentation uses.
const usualVoice = "JBFqnCBsd6RMkjVDRZzb"

// Speak implements egress.Speaker.
func (e ElevenLabs) Speak(ctx context.Context, text, voice string) (egress.File, error) {
	f, err := e.Do(ctx, api.Call{
		Op: speaking, Path: "/v1/text-to-speech/" + url.PathEscape(cmp.Or(voice, usualVoice)) + "?output_format=mp3_44100_128",
		Body: map[string]any{"text": text, "model_id": "eleven_multilingual_v2"},
	})
	return audio(f, "audio/mpeg", e.Name, err)
}

// Transcribe implements egress.Transcriber.
func (e ElevenLabs) Transcribe(ctx context.Context, recording egress.File) (string, error) {
	return written(ctx, e.Provider, "/v1/speech-to-text", "model_id", "scribe_v1", recording)
}
