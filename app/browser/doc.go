// Package browser runs the scenarios of contracts in a headless Chromium, for every
// machine that has one. It is the only place that knows of a browser: it starts one
// when it is first needed, keeps it warm for a while, and serves it, on a loopback
// address with a secret in it, the apps on trial and the page around them
// (web/runtime/trial).
//
// The browser is reached over a pipe and no port, and it ends when the pipe does, so
// that none outlives us. It resolves no names: an app on trial has no network, as it
// has none in the desktop.
//
// What a scenario says of the window is observed by a script in that window, beside
// the app's own: it comes first, but an app that set out to deceive it could. What a
// scenario says of the data is asked of the database and cannot be pretended.
package browser
