package keyring

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"

	"filippo.io/age"

	"matrixos/sys"
)

// sealed is the file: secrets encrypted for a key that only this file's keyring
// uses. Key is that key, itself encrypted by the passphrase, if that keeps it; so
// that the slow work of a passphrase is done once.
type sealed struct {
	Version   int    `json:"version"`
	Keeper    Keeper `json:"keeper"`
	Recipient string `json:"recipient"`
	Key       []byte `json:"key,omitempty"`
	Secrets   []byte `json:"secrets"`
}

const sealedVersion = 1

// lock is an open lock: what encrypts and decrypts a file.
type lock struct {
	keeper Keeper
	id     *age.X25519Identity
	key    []byte // id by passphrase
}

// newLock makes a key and keeps it.
func newLock(o Options) (*lock, error) {
	id, err := age.GenerateX25519Identity()
	if err != nil {
		return nil, err
	}
	words, err := o.passphrase()
	if err != nil {
		return nil, err
	}
	if words == "" {
		keeper, err := o.keep(id)
		return &lock{keeper: keeper, id: id}, err
	}
	to, err := age.NewScryptRecipient(words)
	if err != nil {
		return nil, err
	}
	to.SetWorkFactor(16) // a quarter of a second; and 64 MB for each guess
	key, err := encrypt([]byte(id.String()), to)
	return &lock{Passphrase, id, key}, err
}

// open finds the key of a file.
func (f sealed) open(path string, o Options) (*lock, error) {
	locked := func(err error, hint string) (*lock, error) {
		return nil, &sys.Error{
			Op: "unlock the keyring", Path: path, Kind: sys.Unavailable, Err: err,
			Hint: hint + "; or move the file away and enter the keys again",
		}
	}
	if _, err := age.ParseX25519Recipient(f.Recipient); err != nil { // it becomes part of a path
		return locked(errors.New("it does not say for which key it is encrypted"), "bring it back from a backup")
	}
	l := &lock{keeper: f.Keeper, key: f.Key}
	var text string
	if f.Keeper == Passphrase {
		words, err := o.passphrase()
		if err != nil {
			return locked(err, "make the credential readable")
		}
		const hint = "start with MATRIXOS_KEYRING_PASSPHRASE set to the passphrase it was made with"
		if words == "" {
			return locked(errors.New("it is protected by a passphrase, and none was given"), hint)
		}
		by, err := age.NewScryptIdentity(words)
		if err != nil {
			return locked(err, hint)
		}
		by.SetMaxWorkFactor(18)
		b, err := decrypt(f.Key, by)
		if err != nil {
			return locked(errors.New("the passphrase is not the one it was made with"), hint)
		}
		text = string(b)
	} else {
		var err error
		if text, err = o.find(f.Keeper, f.Recipient); err != nil {
			hint := "bring back the key's file from the machine that made it"
			if f.Keeper == OSKeyring {
				hint = "start in the desktop session that made it, with its keyring unlocked"
			}
			return locked(errors.Join(errors.New("its key is not there"), err), hint)
		}
	}
	id, err := age.ParseX25519Identity(text)
	if err != nil || id.Recipient().String() != f.Recipient {
		return locked(errors.New("its key is damaged"), "bring back the key from a copy") // the parser's message may quote it
	}
	l.id = id
	return l, nil
}

// seal makes the file's content.
func (l *lock) seal(values map[string]string) ([]byte, error) {
	text, err := json.Marshal(values)
	if err != nil {
		return nil, err
	}
	secrets, err := encrypt(text, l.id.Recipient())
	if err != nil {
		return nil, err
	}
	return json.MarshalIndent(sealed{sealedVersion, l.keeper, l.id.Recipient().String(), l.key, secrets}, "", "  ")
}

// secrets reads the file's content.
func (l *lock) secrets(f sealed) (map[string]string, error) {
	text, err := decrypt(f.Secrets, l.id)
	if err != nil {
		return nil, err
	}
	var values map[string]string
	if json.Unmarshal(text, &values) != nil {
		return nil, errors.New("it holds no JSON object of strings")
	}
	return values, nil
}

func encrypt(text []byte, to age.Recipient) ([]byte, error) {
	var out bytes.Buffer
	w, err := age.Encrypt(&out, to)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(text); err != nil {
		return nil, err
	}
	err = w.Close()
	return out.Bytes(), err
}

func decrypt(b []byte, by age.Identity) ([]byte, error) {
	r, err := age.Decrypt(bytes.NewReader(b), by)
	if err != nil {
		return nil, err
	}
	return io.ReadAll(r)
}
