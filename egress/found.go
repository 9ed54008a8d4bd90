package egress

import (
	"context"
	"time"
)

// Page is a web page as text.
type Page struct {
	URL     string    // after redirects
	Title   string    //
	Text    string    // markdown, without navigation and advertisement where that could be told
	Fetched time.Time // when it was read; earlier than now if it comes from the cache
	Cut     bool      // the page is longer
}

// Pages reads web pages.
type Pages interface {
	Read(ctx context.Context, url string) (Page, error)
}

// Hit is one result of a web search.
type Hit struct {
	Title, URL, Text string
}

// Searcher searches the web.
type Searcher interface {
	Search(ctx context.Context, query string, most int) ([]Hit, error)
}

// File is what a media provider made or is given: its bytes and their media
// type, such as "image/png".
type File struct {
	Type string
	Data []byte
}

// Picture says what image to make.
type Picture struct {
	Prompt string
	Model  string // empty: the provider's usual one
	Aspect string // such as "16:9"; empty: square
}

// Painter makes images.
type Painter interface {
	Paint(ctx context.Context, p Picture) (File, error)
}

// Speaker speaks text. Voice is the provider's own id; empty is its usual one.
type Speaker interface {
	Speak(ctx context.Context, text, voice string) (File, error)
}

// Transcriber writes down what is said in a recording.
type Transcriber interface {
	Transcribe(ctx context.Context, recording File) (string, error)
}
