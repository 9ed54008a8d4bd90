// Package room holds the rules of shared rooms: what an entry of one is, and what all
// entries together come to. An app of one home and the same app of others write
// entries; each home replays those that have reached it. What comes of it depends on
// which entries there are and on nothing else: not on the order in which they came, not
// on how often, not on any clock. So all homes that have the same entries show the same.
//
// Nothing here trusts an entry: Parse refuses what is malformed, too large or signed
// wrongly, and Replay leaves out what does not fit. The package does no I/O and knows no
// network; doc/room.md has the rules for those who write another program.
package room
