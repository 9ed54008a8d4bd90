// Package offline is the built-in model: rules and a lexicon, no network, no
// randomness, no cost. It is not a language model and says so when asked for
// something that only one could do.
//
// It works as every model.Model does: it reads the transcript of a Request,
// decides the next step, and answers with text and tool calls. It keeps nothing
// between requests, so the same transcript always gets the same reply. Two
// programs are played: the kernel (understands the owner, delegates, answers)
// and the builder (writes and changes apps). The contract between them is a
// Spec or a list of Changes, written as JSON into the builder's task under the
// owner's own words, so that any other builder can work from it too.
//
// The path of a sentence: words.go normalises it, intent*.go says what is
// wanted, fields.go and types.go read fields, views.go reads how to show them,
// spec*.go settles the contract, write.go and change*.go turn it into files.
// What is known about the world is data in lexicon/; what apps look like is in
// templates/.
//
// It must not run tools, touch files, or claim what a tool result does not say.
package offline
