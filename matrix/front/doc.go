// Package front stands between the network and a homeserver. For clients it adds
// what they expect and Dendrite lacks: simplified sliding sync (MSC4186), the list of
// a room's threads, summaries of rooms, fields of profiles (MSC4133); and says so in
// /versions, where nothing stands that is not true. For other servers it lets
// through what they need and no more, and bounds how much and how often.
//
// It speaks with the homeserver as whoever asks: with their token, never one of its own,
// so that nobody sees here what the homeserver would not show. A cookie is taken
// away before anything else: who is signed in to the desktop is not thereby signed in
// here. It holds no policy of the home.
package front
