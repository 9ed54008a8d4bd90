// Package modeltest judges models without a model. It holds a scripted server
// that speaks both wire protocols (Anthropic Messages and OpenAI chat
// completions), with every way in which a real one is known to fail, and a
// conformance suite, Run, that any model.Model for a remote server has to pass.
//
// What the server says comes from a Player: a Script that plays its turns in
// order, Rules that choose by who asks and how far the conversation is, App,
// which plays a whole "build me an app" request, or a function. The server
// checks what it receives as strictly as the real ones do, so that a request
// that would be rejected there is rejected here.
//
// It is for tests and for development; no product code may import it.
package modeltest
