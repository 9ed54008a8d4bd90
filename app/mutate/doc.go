// Package mutate makes an app wrong on purpose, in small ways that still compile: a
// flipped sort, a dropped save, another column. A contract is as strong as it is able
// to tell such apps from the right one; what it lets pass is listed in words.
//
// It edits tokens of TypeScript and JSX and understands no more of it than where
// they are: text between tags, strings and comments are left alone. It compiles and
// runs nothing; a mutant that does not compile is for the caller to drop.
package mutate
