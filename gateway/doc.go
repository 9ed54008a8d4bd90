// Package gateway is the door of a home: HTTP, the event socket, sign-in, the
// desktop's own files, and the operator's pages. It knows who is asking and
// from where; what is asked it passes to the kernel, the disk, the journal and
// the app runtime, whose rules hold whether or not a request came through here.
//
// Everything is refused unless it is allowed:
//
//   - The Host header must be one the listener was given, so that a name that
//     an attacker points at this machine (DNS rebinding) reaches nothing.
//   - An Origin header must be this very origin. A request that changes
//     something needs one, or a bearer token, so that no page of another site
//     can act for the owner. Browsers' Sec-Fetch headers are checked as well.
//   - Only documents and files of apps, under a ticket in their path, may be
//     read from the opaque origin of an app's frame, and only read.
//   - /mcp, for agents of others, needs a token that the owner has made for one of
//     them, which opens nothing else.
//   - /_matrix and /.well-known/matrix belong to the homeserver, which has tokens of its
//     own and takes them from any origin. No cookie of ours reaches it, no token of its
//     opens anything here, and its answers are sandboxes in which nothing runs.
//   - Everything else but sign-in, health, the API document and the desktop's static
//     files needs a session cookie or the bearer token. Neither is ever taken
//     from an address.
//
// Cookies know no ports: another server on the same host name and user agent is
// sent this cookie as well when the owner opens it. The Origin and Sec-Fetch
// checks keep its pages out; whoever runs servers of strangers on the machine
// should give the home a host name of its own.
//
// Events are delivered in order. Durable ones arrive exactly once per
// connection and resume after a sequence number without a gap; a slow reader is
// served from the journal and never holds up a process. Ephemeral ones may be
// dropped.
//
// Lock order: sessions.mu, tokens.mu, codes.mu and shell.mu are leaves; none is held
// while another is taken or while anything outside the package is called.
package gateway
