package media_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"matrixos/egress"
	"matrixos/egress/media"
	"matrixos/keyring"
	"matrixos/sys"
)

const canary = "key-canary-9911"

func key() (keyring.Secret, error) { return keyring.NewSecret(canary), nil }

var (
	png   = []byte("\x89PNG picture")
	sound = []byte("ID3 sound")
	b64   = base64.StdEncoding.EncodeToString
)

// providers serves the wire formats, as the documentation of each gives them.
func providers(t *testing.T) *httptest.Server {
	t.Helper()
	mux := http.NewServeMux()
	handle := func(pattern, header, want string, fn func(w http.ResponseWriter, r *http.Request, body string)) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get(header) != want {
				t.Errorf("%s: %s is %q", pattern, header, r.Header.Get(header))
			}
			if strings.HasPrefix(r.Header.Get("Content-Type"), "multipart/") {
				fn(w, r, "")
				return
			}
			body, err := io.ReadAll(r.Body)
			if err != nil || !json.Valid(body) {
				t.Errorf("%s: body %q %v", pattern, body, err)
			}
			fn(w, r, string(body))
		})
	}
	has := func(body string, words ...string) {
		for _, w := range words {
			if !strings.Contains(body, w) {
				t.Errorf("no %s in %s", w, body)
			}
		}
	}
	upload := func(w http.ResponseWriter, r *http.Request, field, model string) {
		f, h, err := r.FormFile("file")
		if err != nil {
			t.Error(err)
			return
		}
		data, err := io.ReadAll(f)
		if err != nil || !bytes.Equal(data, sound) || h.Filename != "recording.mp3" || r.FormValue(field) != model {
			t.Errorf("uploaded %q %s %s %v", data, h.Filename, r.FormValue(field), err)
		}
		_, _ = w.Write([]byte(`{"text":" Buy rye. "}`))
	}
	handle("POST /v1/images/generations", "Authorization", "Bearer "+canary, func(w http.ResponseWriter, _ *http.Request, body string) {
		has(body, `"model":"gpt-image-1"`, `"size":"1536x1024"`, `"prompt":"a cat"`)
		_, _ = fmt.Fprintf(w, `{"created":1,"data":[{"b64_json":%q}]}`, b64(png))
	})
	handle("POST /v1/audio/speech", "Authorization", "Bearer "+canary, func(w http.ResponseWriter, _ *http.Request, body string) {
		has(body, `"input":"hello"`, `"voice":"alloy"`)
		w.Header().Set("Content-Type", "audio/mpeg")
		_, _ = w.Write(sound)
	})
	handle("POST /v1/audio/transcriptions", "Authorization", "Bearer "+canary, func(w http.ResponseWriter, r *http.Request, _ string) { upload(w, r, "model", "whisper-1") })
	handle("POST /v1/text-to-speech/{voice}", "xi-api-key", canary, func(w http.ResponseWriter, r *http.Request, body string) {
		has(body, `"text":"hello"`, `"model_id"`)
		has(r.PathValue("voice"), "../deep")
		w.Header().Set("Content-Type", "audio/mpeg")
		_, _ = w.Write(sound)
	})
	handle("POST /v1/speech-to-text", "xi-api-key", canary, func(w http.ResponseWriter, r *http.Request, _ string) { upload(w, r, "model_id", "scribe_v1") })
	handle("POST /v1beta/models/{what}", "x-goog-api-key", canary, func(w http.ResponseWriter, r *http.Request, body string) {
		answer := part{Text: "Buy rye."}
		switch r.PathValue("what") {
		case "gemini-2.5-flash-image:generateContent":
			has(body, `"aspectRatio":"16:9"`, `"a cat"`)
			answer = part{Inline: &blob{"image/png", b64(png)}}
		case "gemini-2.5-flash-preview-tts:generateContent":
			has(body, `"voiceName":"Kore"`)
			answer = part{Inline: &blob{"audio/L16;codec=pcm;rate=24000", b64([]byte{1, 2, 3, 4})}}
		default:
			has(body, b64(sound), `"audio/mpeg"`)
		}
		raw, _ := json.Marshal(map[string]any{"candidates": []any{map[string]any{"content": map[string]any{"parts": []part{answer}}}}})
		_, _ = w.Write(raw)
	})
	srv := httptest.NewServer(mux)
	t.Cleanup(srv.Close)
	return srv
}

type part struct {
	Text   string `json:"text,omitempty"`
	Inline *blob  `json:"inlineData,omitempty"`
}

type blob struct {
	Type string `json:"mimeType"`
	Data string `json:"data"`
}

func TestProviders(t *testing.T) {
	srv := providers(t)
	openai := media.NewOpenAI(srv.Client(), key, srv.URL+"/v1/")
	eleven := media.NewElevenLabs(srv.Client(), key, srv.URL)
	gemini := media.NewGemini(srv.Client(), key, srv.URL)
	for name, p := range map[string]egress.Painter{"OpenAI": openai, "Gemini": gemini} {
		f, err := p.Paint(t.Context(), egress.Picture{Prompt: "a cat", Aspect: "16:9"})
		if err != nil || f.Type != "image/png" || !bytes.Equal(f.Data, png) {
			t.Errorf("%s painted %s %q %v", name, f.Type, f.Data, err)
		}
		if _, err := p.Paint(t.Context(), egress.Picture{Prompt: "a cat", Aspect: "7:1"}); !errors.Is(err, sys.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, s := range map[string]egress.Transcriber{"OpenAI": openai, "ElevenLabs": eleven, "Gemini": gemini} {
		text, err := s.Transcribe(t.Context(), egress.File{Type: "audio/mpeg", Data: sound})
		if err != nil || text != "Buy rye." {
			t.Errorf("%s wrote %q %v", name, text, err)
		}
	}
	if f, err := openai.Speak(t.Context(), "hello", ""); err != nil || f.Type != "audio/mpeg" || !bytes.Equal(f.Data, sound) {
		t.Errorf("OpenAI spoke %s %q %v", f.Type, f.Data, err)
	}
	if f, err := eleven.Speak(t.Context(), "hello", "../deep"); err != nil || f.Type != "audio/mpeg" {
		t.Errorf("ElevenLabs spoke %s %v", f.Type, err)
	}
	f, err := gemini.Speak(t.Context(), "hello", "")
	want := append([]byte("RIFF\x28\x00\x00\x00WAVEfmt \x10\x00\x00\x00\x01\x00\x01\x00\xc0\x5d\x00\x00\x80\xbb\x00\x00\x02\x00\x10\x00data\x04\x00\x00\x00"), 1, 2, 3, 4)
	if err != nil || f.Type != "audio/wav" || !bytes.Equal(f.Data, want) {
		t.Errorf("Gemini spoke %s %q %v", f.Type, f.Data, err)
	}
}

// A provider that answers without what was asked for is an error, not an empty
// file.
func TestEmptyAnswers(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{}`))
	}))
	defer srv.Close()
	openai, gemini := media.NewOpenAI(srv.Client(), nil, srv.URL), media.NewGemini(srv.Client(), key, srv.URL)
	check := func(what string, err error) {
		if !errors.Is(err, sys.Unavailable) {
			t.Errorf("%s: %v", what, err)
		}
	}
	_, err := openai.Paint(t.Context(), egress.Picture{Prompt: "x"})
	check("paint", err)
	_, err = gemini.Paint(t.Context(), egress.Picture{Prompt: "x"})
	check("paint", err)
	_, err = openai.Speak(t.Context(), "x", "")
	check("speak", err)
	_, err = openai.Transcribe(t.Context(), egress.File{Type: "audio/mpeg"})
	check("transcribe", err)
}
