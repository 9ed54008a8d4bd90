package syscalls

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"unicode"

	"matrixos/egress"
	"matrixos/kernel"
	"matrixos/policy"
	"matrixos/sys"
)

// mostRecording is the longest recording that is sent, in bytes.
const mostRecording = 25 << 20

type imageIn struct {
	Prompt string `json:"prompt"`
	Model  string `json:"model"`
	Aspect string `json:"aspect_ratio"`
}

func generateImage(o Options) kernel.Syscall {
	return define("generate_image", false, []string{"prompt"}, `
		"prompt":{"type":"string","minLength":1,"maxLength":4000},
		"model":{"type":"string"},
		"aspect_ratio":{"type":"string","enum":["1:1","3:2","4:3","16:9","2:3","3:4","9:16"]}`,
		func(imageIn) string { return "Making an image" },
		func(ctx context.Context, c *kernel.Call, in imageIn) (string, error) {
			painter, err := o.Services.Painter()
			if err != nil {
				return "", err
			}
			err = c.Effect(ctx, policy.Effect{Kind: policy.Media, Target: "image", Text: "Have an image made of “" + in.Prompt + "”", Args: args(in), Known: true})
			if err != nil {
				return "", err
			}
			f, err := painter.Paint(ctx, egress.Picture{Prompt: in.Prompt, Model: in.Model, Aspect: in.Aspect})
			if err != nil {
				return "", err
			}
			p, err := save(ctx, c, "data/pictures", in.Prompt, f)
			if err != nil {
				return "", err
			}
			return fmt.Sprintf("The image is in %s (%d KB).", p, len(f.Data)>>10), nil
		})
}

type speakIn struct {
	Text  string `json:"text"`
	Voice string `json:"voice_id"`
}

func speak(o Options) kernel.Syscall {
	return define("speak", false, []string{"text"}, `
		"text":{"type":"string","minLength":1,"maxLength":4000},
		"voice_id":{"type":"string","maxLength":100}`,
		func(speakIn) string { return "Speaking" },
		func(ctx context.Context, c *kernel.Call, in speakIn) (string, error) {
			c.Shows()
			speaker, err := o.Services.Speaker()
			if errors.Is(err, sys.NotFound) {
				c.Speak(sys.SpeakData{Text: in.Text})
				return "The desktop says it aloud with the browser's voice, if it is open.", nil
			}
			if err != nil {
				return "", err
			}
			err = c.Effect(ctx, policy.Effect{Kind: policy.Media, Target: "speech", Text: "Have “" + in.Text + "” spoken", Args: args(in), Known: true})
			if err != nil {
				return "", err
			}
			f, err := speaker.Speak(ctx, in.Text, in.Voice)
			if err != nil {
				return "", err
			}
			p, err := save(ctx, c, "data/speech", in.Text, f)
			if err != nil {
				return "", err
			}
			c.Speak(sys.SpeakData{Text: in.Text, Path: p})
			return "Spoken; the recording is in " + string(p) + ".", nil
		})
}

type transcribeIn struct {
	Path string `json:"audio_path"`
}

func transcribe(o Options) kernel.Syscall {
	return define("transcribe", true, []string{"audio_path"}, `"audio_path":{"type":"string","description":"a file of the home"}`,
		func(in transcribeIn) string { return "Listening to " + code(path.Base(in.Path)) },
		func(ctx context.Context, c *kernel.Call, in transcribeIn) (string, error) {
			p, err := sys.ParsePath(in.Path)
			if err != nil {
				return "", err
			}
			t, err := o.Services.Transcriber()
			if err != nil {
				return "", err
			}
			recording, err := loadRecording(ctx, c, p)
			if err != nil {
				return "", err
			}
			err = c.Effect(ctx, policy.Effect{Kind: policy.Media, Target: "recording", Text: "Have the recording " + string(p) + " written down", Args: args(string(p)), Known: true})
			if err != nil {
				return "", err
			}
			// Whoever is heard in it need not be the owner.
			c.Reads(outside)
			text, err := t.Transcribe(ctx, recording)
			if err != nil {
				return "", err
			}
			if text == "" {
				return "Nothing was said in it.", nil
			}
			return fence("the recording "+string(p), text), nil
		})
}

func loadRecording(ctx context.Context, c *kernel.Call, p sys.Path) (egress.File, error) {
	tree, err := c.Tree(ctx)
	if err != nil {
		return egress.File{}, err
	}
	info, err := fs.Stat(tree, string(p))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return egress.File{}, &sys.Error{Op: "read", Path: string(p), Kind: sys.NotFound, Hint: near(tree, p)}
	case err != nil:
		return egress.File{}, err
	case info.Size() > mostRecording:
		return egress.File{}, &sys.Error{Op: "write down", Path: string(p), Kind: sys.Invalid, Err: fmt.Errorf("it has %d MB", info.Size()>>20), Hint: "recordings up to 25 MB can be written down; split it"}
	}
	kind, ok := recordings[strings.ToLower(path.Ext(string(p)))]
	if !ok {
		return egress.File{}, &sys.Error{Op: "write down", Path: string(p), Kind: sys.Invalid, Err: errors.New("it is no recording"), Hint: "name an audio file, such as data/speech/note.mp3"}
	}
	data, err := fs.ReadFile(tree, string(p))
	return egress.File{Type: kind, Data: data}, err
}

// save writes a file that was made into a folder, under a name from its words.
func save(ctx context.Context, c *kernel.Call, folder, words string, f egress.File) (sys.Path, error) {
	name := c.State().Now.Format("20060102-150405") + "-" + slug(words) + ending(f.Type)
	p, root, err := target(ctx, c, folder+"/"+name)
	if err != nil {
		return "", err
	}
	defer root.Close()
	return p, put(root, p, f.Data)
}

// recordings are the files that can be written down.
var recordings = map[string]string{
	".mp3": "audio/mpeg", ".wav": "audio/wav", ".m4a": "audio/mp4", ".mp4": "audio/mp4", ".ogg": "audio/ogg", ".opus": "audio/ogg", ".webm": "audio/webm", ".flac": "audio/flac", ".aac": "audio/aac",
}

// endings are those of what providers make; mime knows several for some.
var endings = map[string]string{"image/png": ".png", "image/jpeg": ".jpg", "image/webp": ".webp", "audio/mpeg": ".mp3", "audio/wav": ".wav", "audio/ogg": ".ogg"}

func ending(kind string) string {
	kind, _, _ = strings.Cut(kind, ";")
	if e, ok := endings[strings.TrimSpace(kind)]; ok {
		return e
	}
	return ".bin"
}

// slug makes a short file name of words.
func slug(words string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(words) {
		switch {
		case r < unicode.MaxASCII && (unicode.IsLetter(r) || unicode.IsDigit(r)):
			b.WriteRune(r)
		case b.Len() > 0 && !strings.HasSuffix(b.String(), "-"):
			b.WriteByte('-')
		}
		if b.Len() >= 40 {
			break
		}
	}
	if s := strings.Trim(b.String(), "-"); s != "" {
		return s
	}
	return "file"
}
