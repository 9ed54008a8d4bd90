package gateway

import (
	"context"
	"net/http"

	"matrixos/sys"
)

// Identity is how others know that the owner's devices are the owner's, and how what
// was said is read again after a loss.
type Identity interface {
	Security(ctx context.Context) (SecurityInfo, error)
	Verify(ctx context.Context, b VerifyBody) (SecurityInfo, error)
	// Recovery makes a recovery key, which is shown once. Those before it end.
	Recovery(ctx context.Context) (string, error)
	Recover(ctx context.Context, key string) error
	// AcceptIdentity takes somebody's new identity for theirs.
	AcceptIdentity(ctx context.Context, who sys.Handle) error
}

// SecurityInfo is how safe the owner's conversations are.
type SecurityInfo struct {
	Device        string             `json:"device" doc:"As which this home is signed in"`
	Identity      string             `json:"identity" enum:"here,elsewhere,replaced" doc:"Where the account's private keys are; replaced if another client has made new ones"`
	Verified      bool               `json:"verified" doc:"The identity has signed this home's device"`
	Backup        KeyBackupInfo      `json:"backup"`
	Devices       []DeviceInfo       `json:"devices" nullable:"false"`
	Verifications []VerificationInfo `json:"verifications" nullable:"false"`
	Changed       []sys.Handle       `json:"changed" nullable:"false" doc:"Whose identity has changed and waits for the owner"`
}

// KeyBackupInfo is how the keys of rooms are kept on the homeserver, encrypted.
type KeyBackupInfo struct {
	Version string `json:"version"`
	Keys    int    `json:"keys"`
	Foreign bool   `json:"foreign" doc:"Another client keeps it, and its key is not here"`
}

// DeviceInfo is one place where the owner is signed in.
type DeviceInfo struct {
	ID       string `json:"id"`
	Name     string `json:"name"`
	Verified bool   `json:"verified"`
	Encrypts bool   `json:"encrypts" doc:"It can read what is encrypted"`
}

// VerificationInfo is a comparison of emoji.
type VerificationInfo struct {
	ID      string      `json:"id"`
	As      sys.Handle  `json:"as" doc:"The owner, or their AI"`
	With    sys.Handle  `json:"with"`
	Device  string      `json:"device"`
	Stage   string      `json:"stage" enum:"asked,waiting,ready,compare,confirmed,done,cancelled"`
	Emoji   []EmojiInfo `json:"emoji" nullable:"false" doc:"Seven, to compare with those on the other side"`
	Numbers []int       `json:"numbers" nullable:"false" doc:"Three, for who cannot see the emoji"`
	Why     string      `json:"why,omitempty"`
}

// EmojiInfo is one of seven.
type EmojiInfo struct {
	Symbol string `json:"symbol"`
	Name   string `json:"name"`
}

// VerifyBody is the owner's next step.
type VerifyBody struct {
	Act  string     `json:"act" enum:"begin,accept,start,match,differ,cancel"`
	ID   string     `json:"id,omitempty" maxLength:"255" doc:"Of the comparison; not for begin"`
	With sys.Handle `json:"with,omitempty" maxLength:"255" doc:"For begin: somebody else; the owner's other devices if absent"`
}

// RecoveryReply is a recovery key, this once.
type RecoveryReply struct {
	Key string `json:"key"`
}

// RecoverBody has a recovery key.
type RecoverBody struct {
	Key string `json:"key" minLength:"1" maxLength:"200" writeOnly:"true"`
}

// HandleBody names somebody.
type HandleBody struct {
	Handle sys.Handle `json:"handle" minLength:"1" maxLength:"255"`
}

func (g *Gateway) securityAPI() {
	register(g, http.MethodGet, "/api/handle/security", "get-security", "Show the owner's devices, the backup of keys, and comparisons of emoji", func(ctx context.Context, _ *struct{}) (*reply[SecurityInfo], error) {
		s, err := g.o.Identity.Security(ctx)
		return &reply[SecurityInfo]{s}, err
	})
	register(g, http.MethodPost, "/api/handle/verify", "verify-device", "Compare emoji with another device of the owner's, or with somebody", func(ctx context.Context, in *reply[VerifyBody]) (*reply[SecurityInfo], error) {
		s, err := g.o.Identity.Verify(ctx, in.Body)
		return &reply[SecurityInfo]{s}, err
	})
	register(g, http.MethodPost, "/api/handle/recovery", "make-recovery-key", "Make a recovery key; those before it end", func(ctx context.Context, _ *struct{}) (*reply[RecoveryReply], error) {
		key, err := g.o.Identity.Recovery(ctx)
		return &reply[RecoveryReply]{RecoveryReply{key}}, err
	})
	register(g, http.MethodPost, "/api/handle/recover", "recover-keys", "Take over the account's identity and read its backup, by a recovery key", func(ctx context.Context, in *reply[RecoverBody]) (*struct{}, error) {
		return nil, g.o.Identity.Recover(ctx, in.Body.Key)
	})
	register(g, http.MethodPost, "/api/handle/identity", "accept-identity", "Take somebody's new identity for theirs", func(ctx context.Context, in *reply[HandleBody]) (*struct{}, error) {
		return nil, g.o.Identity.AcceptIdentity(ctx, in.Body.Handle)
	})
}
