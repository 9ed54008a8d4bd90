package engine

import (
	"context"
	"encoding/json"
)

// Workplace is a Host that has a folder for a program with tools of its own: what
// such a program changes there is what the process lands. An engine that runs one
// looks for it when a conversation is opened.
type Workplace interface {
	Host
	// Work is the folder, with the databases of apps. All of it counts as read from
	// then on. The folder may be another one in the next turn.
	Work(ctx context.Context) (Place, error)
	// Began records that the program is about to do what the model asked of a tool of
	// its own. An error ends the turn.
	Began(ctx context.Context, id, name string, input json.RawMessage) error
	// Ended records what came of it, and returns that as the model may read it. Each
	// Began is followed by one Ended.
	Ended(ctx context.Context, id, name, text string) string
}

// Place is where a command finds a process's folder.
type Place struct {
	Dir   string
	Enter []string // a command line that runs another where Dir is; empty if that is here
}

// Own begins the names under which calls are kept that a program has made of a tool
// of its own. No system call has such a name.
const Own = "own__"

// Command is a program that works in a folder and decides by itself what to do
// next. In Run, Again, and the values of Env and Files these stand for themselves:
// {prompt}, what it is told; {url}, where it reaches the model; {model}, its name;
// {private}, the folder for all that is its own, which is its HOME. Without {prompt}
// in Run, it is told on its standard input.
type Command struct {
	Run   []string          // the name of a program that is installed, and its arguments
	Again []string          // its arguments to go on in the same conversation; empty if it cannot
	Env   map[string]string // of its environment
	Files map[string]string // written into its private folder, by their paths there
}
