package media

import (
	"bytes"
	"cmp"
	"context"
	"encoding/base64"
	"encoding/binary"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"matrixos/egress"
	"matrixos/egress/internal/api"
)

// Gemini makes images, speaks and listens.
type Gemini struct{ api.Provider }

var (
	_ egress.Painter     = Gemini{}
	_ egress.Speaker     = Gemini{}
	_ egress.Transcriber = Gemini{}
)

// NewGemini makes an adapter; base is GeminiBase if empty.
func NewGemini(client *http.Client, key Key, base string) Gemini {
	return Gemini{api.Provider{Name: "Gemini", Base: cmp.Or(base, GeminiBase), Client: client, Key: key, Header: "x-goog-api-key"}}
}

// part is one piece of a request or an answer.
type part struct {
	Text   string `json:"text,omitempty"`
	Inline *blob  `json:"inlineData,omitempty"`
}

type blob struct {
	Type string `json:"mimeType"`
	Data string `json:"data"` // base64
}

// generate asks a model and returns the parts of its first candidate.
func (g Gemini) generate(ctx context.Context, op, model string, config map[string]any, parts ...part) ([]part, error) {
	var out struct {
		Candidates []struct {
			Content struct{ Parts []part }
		}
	}
	body := map[string]any{"contents": []any{map[string]any{"parts": parts}}}
	if config != nil {
		body["generationConfig"] = config
	}
	err := g.JSON(ctx, api.Call{Op: op, Path: "/v1beta/models/" + url.PathEscape(model) + ":generateContent", Body: body}, &out)
	if err != nil {
		return nil, err
	}
	if len(out.Candidates) == 0 {
		return nil, empty(op, g.Name)
	}
	return out.Candidates[0].Content.Parts, nil
}

// inline returns the first file of parts.
func (g Gemini) inline(op string, parts []part, err error) (egress.File, error) {
	if err != nil {
		return egress.File{}, err
	}
	for _, p := range parts {
		if p.Inline != nil {
			return decoded(op, g.Name, p.Inline.Type, p.Inline.Data)
		}
	}
	return egress.File{}, empty(op, g.Name)
}

// Paint implements egress.Painter.
func (g Gemini) Paint(ctx context.Context, p egress.Picture) (egress.File, error) {
	if _, ok := sizes[p.Aspect]; !ok {
		return egress.File{}, badAspect(p.Aspect)
	}
	config := map[string]any{"responseModalities": []string{"IMAGE"}, "imageConfig": map[string]any{"aspectRatio": cmp.Or(p.Aspect, "1:1")}}
	parts, err := g.generate(ctx, painting, cmp.Or(p.Model, "gemini-2.5-flash-image"), config, part{Text: p.Prompt})
	return g.inline(painting, parts, err)
}

// Speak implements egress.Speaker. The provider answers with bare samples, which
// get the header of a WAV file.
func (g Gemini) Speak(ctx context.Context, text, voice string) (egress.File, error) {
	config := map[string]any{
		"responseModalities": []string{"AUDIO"},
		"speechConfig":       map[string]any{"voiceConfig": map[string]any{"prebuiltVoiceConfig": map[string]any{"voiceName": cmp.Or(voice, "Kore")}}},
	}
	parts, err := g.generate(ctx, speaking, "gemini-2.5-flash-preview-tts", config, part{Text: text})
	f, err := g.inline(speaking, parts, err)
	if err != nil {
		return f, err
	}
	kind, params, err := mime.ParseMediaType(f.Type)
	if err != nil || !strings.EqualFold(kind, "audio/L16") {
		return audio(f, "audio/wav", g.Name, err)
	}
	rate, err := strconv.ParseUint(cmp.Or(params["rate"], "24000"), 10, 32)
	if err != nil {
		return egress.File{}, empty(speaking, g.Name)
	}
	return egress.File{Type: "audio/wav", Data: wav(f.Data, uint32(rate))}, nil
}

// Transcribe implements egress.Transcriber.
func (g Gemini) Transcribe(ctx context.Context, recording egress.File) (string, error) {
	parts, err := g.generate(ctx, writingOut, "gemini-2.5-flash", nil,
		part{Text: "Write down word by word what is said in this recording, in its language. Answer with nothing else."},
		part{Inline: &blob{recording.Type, base64.StdEncoding.EncodeToString(recording.Data)}})
	if err != nil {
		return "", err
	}
	var b strings.Builder
	for _, p := range parts {
		b.WriteString(p.Text)
	}
	return strings.TrimSpace(b.String()), nil
}

// wav puts the header of a WAV file before 16-bit samples of one channel.
func wav(samples []byte, rate uint32) []byte {
	var b bytes.Buffer
	word := func(v any) {
		if err := binary.Write(&b, binary.LittleEndian, v); err != nil {
			panic("media: " + err.Error()) // only numbers come here, and memory takes them
		}
	}
	b.WriteString("RIFF")
	word(uint32(36 + len(samples)))
	b.WriteString("WAVEfmt ")
	word(uint32(16))
	word([2]uint16{1, 1})
	word([2]uint32{rate, 2 * rate})
	word([2]uint16{2, 16})
	b.WriteString("data")
	word(uint32(len(samples)))
	b.Write(samples)
	return b.Bytes()
}
