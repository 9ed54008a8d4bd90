// Package talk is one user's client of a homeserver: the AI's, or the owner's own.
// It receives each event once and sends each message once, also when the process or
// the server is killed between any two steps, and does so in encrypted rooms.
//
// What a /sync brings is handed to the Handler in one transaction of the journal
// that also keeps the position: both are, or neither. What is to be sent is a row in
// the same journal, written in the transaction of whatever wants it sent; a message
// is looked for in its room before it is sent again. Events whose keys have not come
// yet wait in a table.
//
// The device's keys and the state of rooms are in an SQLite file of their own, with
// what is secret in it encrypted; the key to that, the cross-signing keys and the
// recovery key are in the keyring.
//
// The package decides nothing about whom to believe or answer: it says who wrote, by
// the word of the server, and whether the device that encrypted it was signed by its
// owner.
package talk
