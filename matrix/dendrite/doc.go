// Package dendrite runs Dendrite, a Matrix homeserver of others, in this process:
// configuration from values, no files or flags of its own; accounts without HTTP;
// and corrections, without which it may not be left alone (guard.go, turn.go, crash.go,
// gap.go, prompt.go, resume.go, search.go; config.go: WAL).
//
// Its folder is a module of its own whose path begins with Dendrite's, because
// only then Go lets it import Dendrite's internal packages, without which it cannot
// be joined. It knows nothing of Matrix OS; matrix/embedded makes a
// matrix.Homeserver of it. It opens no port: whoever starts it serves Handler.
//
// Dendrite logs through one global logger and holds one global hook, so that all
// servers of a process share their log and a failure of one counts for each.
package dendrite
