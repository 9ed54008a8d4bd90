package backup

import (
	"bytes"
	"errors"
	"io"

	"filippo.io/age"
	"golang.org/x/sys/unix"
)

// seal encrypts b with age.
func seal(b []byte, to age.Recipient) ([]byte, error) {
	var out bytes.Buffer
	w, err := age.Encrypt(&out, to)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(b); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// unseal decrypts and authenticates b.
func unseal(b []byte, with age.Identity) ([]byte, error) {
	r, err := age.Decrypt(bytes.NewReader(b), with)
	if err != nil {
		return nil, err
	}
	return io.ReadAll(r)
}

func isFull(err error) bool { return errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EDQUOT) }
