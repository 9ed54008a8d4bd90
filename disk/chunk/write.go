package chunk

import (
	"bufio"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// Writer stores contents, all of them durable with Commit or none. It is used by
// one goroutine, and must be closed.
type Writer struct {
	s      *Store
	file   *os.File
	out    *bufio.Writer
	at     int64
	fresh  int64 // bytes of leaves that were not there
	order  []Hash
	chunks map[Hash]place
	closed bool
}

// Begin starts to write. Until Close no sweep runs. One goroutine may have several
// writers: a sweep that waits holds no writer off.
func (s *Store) Begin() *Writer {
	s.mu.Lock()
	for s.sweeping {
		s.turn.Wait()
	}
	s.writers++
	s.mu.Unlock()
	return &Writer{s: s, chunks: map[Hash]place{}}
}

// Cost is what a content has cost: the bytes of it that no other content shares, and
// how many bytes were written for them.
type Cost struct{ Fresh, Stored int64 }

// Put stores what r gives. It is durable only after Commit.
func (w *Writer) Put(ctx context.Context, r io.Reader) (root Root, cost Cost, err error) {
	before := Cost{w.fresh, w.at}
	var levels [][]byte // the hashes that wait for a node, by level
	var push func(level int, h Hash) error
	push = func(level int, h Hash) error {
		if level == len(levels) {
			levels = append(levels, nil)
		}
		if len(levels[level]) == fan*len(h) {
			node, err := w.chunk(level+1, levels[level])
			if err != nil {
				return err
			}
			levels[level] = levels[level][:0]
			if err := push(level+1, node); err != nil {
				return err
			}
		}
		levels[level] = append(levels[level], h[:]...)
		return nil
	}
	buf := make([]byte, Size)
	for {
		if err := ctx.Err(); err != nil {
			return Root{}, Cost{}, err
		}
		n, err := io.ReadFull(r, buf)
		end := errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
		if err != nil && !end {
			return Root{}, Cost{}, err
		}
		if n > 0 || root.Size == 0 {
			h, err := w.chunk(0, buf[:n])
			if err != nil {
				return Root{}, Cost{}, err
			}
			root.Size += int64(n)
			if err := push(0, h); err != nil {
				return Root{}, Cost{}, err
			}
		}
		if end {
			break
		}
	}
	for level := 0; level < len(levels); level++ {
		if level == len(levels)-1 && len(levels[level]) == len(Hash{}) {
			break
		}
		node, err := w.chunk(level+1, levels[level])
		if err != nil {
			return Root{}, Cost{}, err
		}
		if err := push(level+1, node); err != nil {
			return Root{}, Cost{}, err
		}
	}
	root.Hash = Hash(levels[len(levels)-1])
	return root, Cost{w.fresh - before.Fresh, w.at - before.Stored}, nil
}

// chunk stores one chunk if it is not there yet.
func (w *Writer) chunk(level int, data []byte) (Hash, error) {
	h := hashOf(level, data)
	if _, ours := w.chunks[h]; ours {
		return h, nil
	}
	if _, there := w.s.find(h); there {
		return h, nil
	}
	stored := data
	if packed := w.s.encode.EncodeAll(data, nil); len(packed) < len(data) {
		stored = packed
	}
	if level == 0 {
		w.fresh += int64(len(data))
	}
	return h, w.add(h, stored, uint32(len(data)))
}

func (w *Writer) add(h Hash, stored []byte, size uint32) error {
	if w.file == nil {
		f, err := os.OpenFile(filepath.Join(w.s.dir, rand.Text()[:16]+packSuffix+unfinished), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
		if err != nil {
			return err
		}
		w.file, w.out, w.at = f, bufio.NewWriterSize(f, 256<<10), int64(len(packMagic))
		if _, err := w.out.WriteString(packMagic); err != nil {
			return err
		}
	}
	if _, err := w.out.Write(stored); err != nil {
		return err
	}
	w.chunks[h] = place{offset: w.at, stored: uint32(len(stored)), size: size}
	w.order = append(w.order, h)
	w.at += int64(len(stored))
	return nil
}

// Commit makes everything that was put durable and readable.
func (w *Writer) Commit() error {
	if w.file == nil {
		return nil // all of it was there
	}
	_, err := w.out.Write(appendTable(nil, w.at, w.order, w.chunks))
	err = errors.Join(err, w.out.Flush())
	if err == nil {
		err = w.file.Sync()
	}
	if err != nil {
		return fmt.Errorf("write a pack: %w", err)
	}
	from := w.file.Name()
	to := from[:len(from)-len(unfinished)]
	if err := os.Rename(from, to); err != nil {
		return err
	}
	if err := syncFolder(w.s.dir); err != nil {
		return err
	}
	p, err := openPack(to)
	if err != nil {
		return err
	}
	w.s.mu.Lock()
	w.s.addLocked(p)
	w.s.mu.Unlock()
	err = w.file.Close()
	w.file = nil
	return err
}

// Close ends the writer; what was not committed is gone. Closing twice does no
// harm.
func (w *Writer) Close() error {
	if w.closed {
		return nil
	}
	w.closed = true
	defer func() {
		w.s.mu.Lock()
		w.s.writers--
		w.s.turn.Broadcast()
		w.s.mu.Unlock()
	}()
	if w.file == nil {
		return nil
	}
	err := w.file.Close()
	if e := os.Remove(w.file.Name()); !errors.Is(e, fs.ErrNotExist) {
		err = errors.Join(err, e)
	}
	return err
}

func syncFolder(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
