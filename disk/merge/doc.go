// Package merge joins two edits of one text that started from the same base.
//
// It is a ladder. Equal results need no joining. JSON, YAML and the front matter
// of markdown are merged by structure: key by key, element by element, and
// record by record where the records of a list have an id; the structure decides
// whether there is a conflict, and the text keeps its layout, order and comments.
// All else goes by lines in the manner of diff3, and within a region of lines
// that both have changed, by tokens: words, numbers, strings, blanks and
// punctuation of the language that the file's name tells. Two edits that changed
// the same token differently never merge, nor do two additions in one place, for
// which there is no order to choose. Binary files have no rungs.
//
// It also takes an edit apart into hunks that can be taken back one by one
// (Hunks), and writes unified patches. It is pure: bytes in, bytes out; it knows
// no files, no history and no owner.
//
// Laws that hold for all inputs: Three(b, x, b) = x, Three(b, b, x) = x,
// Three(b, x, x) = x, and Three(b, x, y) succeeds if and only if Three(b, y, x)
// does, with the same bytes.
package merge
