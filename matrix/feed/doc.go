// Package feed reads rooms as feeds: who posts there, who likes and comments, and
// which circle of whom it is for. A feed is an ordinary room, a post an ordinary
// message, a like a reaction and a comment an answer in a thread, so that any Matrix
// client takes part (doc/social.md).
//
// It keeps what the owner's client receives of such rooms in tables of the journal,
// within bounds, since anybody may write to a public feed. What others write is data:
// the package gives it to nobody but who asks, and follows no instruction in it.
//
// It sends nothing and joins nothing, and decides nothing about who may see or say
// what: the rooms do that, and boot joins the two.
package feed
