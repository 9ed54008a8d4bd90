// Package app runs the owner's apps: it finds them in a tree, judges their
// manifests, compiles them in process, keeps their data, and serves them to
// sandboxed frames.
//
// An app is a folder below apps/ with a matrix.json. Everything is read through
// an fs.FS, so a landing, a transaction's folder and a test tree work alike.
//
// # Data
//
// The rows of app "expenses" are in data/expenses/expenses.sqlite, one table per
// entry of storage.tables; its JSON keys are data/expenses/<key>.json. Both are
// the owner's to read and change with any tool: the database is closed and its
// write-ahead log folded in a few seconds after the last use.
//
// # Isolation
//
// An app runs in a frame with an opaque origin, a content security policy that
// lets it load nothing but itself, and no network. What it may do it does through
// the shell, over a message port, with a capability that was made for this one
// launch: the server derives the app from the capability and from nothing else.
// The shell must hold two ends of this: its own policy names only /app/ in
// frame-src (else an app could leak by navigating its frame), and it answers a
// frame's hello only if event.source and nonce are that frame's.
//
// The package opens no listener, knows no session, and asks no model.
//
// Lock order: Runtime.mu, then the locks of the store and the compiler; nothing
// is published while one is held.
package app
