// Package deal is how the AIs of two owners agree on something: a meeting, an
// answer to a question, a piece of work. What they say is a chain of signed moves;
// what a move may be is decided here, by a table and by signatures, never by a
// model and never by what a text claims.
//
// Every message carries the whole chain so far. So it does not matter which
// messages are lost, doubled, overtaken or replayed: Merge of two honest chains
// of one deal gives both sides the same chain, whatever arrived, and any one
// message lets either owner verify all that was said.
//
// One party may move at a time, but for taking back what is its own: who made the
// offer that stands may withdraw it until it is agreed. If that crosses an answer,
// the withdrawal counts. A meeting is agreed when who offered it confirms the
// acceptance, so that nobody relies on an answer that came too late.
//
// Slots are held in the owner's calendar from the offer to the end: Desk makes no
// move for which the Calendar does not hold them, checked against all other entries
// in one transaction there. Desk knows neither Matrix nor the kernel: it is given
// what arrived and a way to post, in the transaction that keeps the chain.
package deal
