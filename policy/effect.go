package policy

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"matrixos/sys"
)

// EffectKind names a way in which something leaves the home.
type EffectKind string

// The kinds of effect. Fetch and Search only read, but what they ask for can
// carry something out; the others also change something out there.
const (
	Fetch    EffectKind = "fetch"    // a page is read
	Search   EffectKind = "search"   // the owner's search provider is asked
	Media    EffectKind = "media"    // the owner's provider makes an image or sound
	Message  EffectKind = "message"  // somebody gets a message
	Publish  EffectKind = "publish"  // something becomes readable for others
	Push     EffectKind = "push"     // the home goes to another device
	Service  EffectKind = "service"  // a connected service is called
	Network  EffectKind = "network"  // a command reaches a host
	Instruct EffectKind = "instruct" // words become instructions for later runs
	Attach   EffectKind = "attach"   // a server is attached: a program runs here, or somebody gets what its tools are given
	Identity EffectKind = "identity" // who the owner is to others
	Connect  EffectKind = "connect"  // a lasting way out: a remote, a service
	Install  EffectKind = "install"  // an app of somebody else comes in
	Revert   EffectKind = "revert"   // a landing of another conversation is taken back
	Erase    EffectKind = "erase"    // most of what an app keeps in a table goes
)

// lasting reports whether effects of the kind are for good, so that the owner is
// asked whoever wants them.
func (k EffectKind) lasting() bool {
	return k == Identity || k == Connect || k == Attach || k == Install
}

// changes reports whether effects of the kind change something out there, or, as
// Instruct does, what the system will do tomorrow.
func (k EffectKind) changes() bool {
	return k != Fetch && k != Search && k != Media
}

// Effect is one thing that a process wants to do outside, with everything that
// an owner has to know to decide about it.
type Effect struct {
	Kind   EffectKind      `json:"kind"`
	Target string          `json:"target"` // a host, a handle, a remote
	Text   string          `json:"text"`   // what will happen, for people, written by us: "Send “hi” to @bob:example.org"
	Args   json.RawMessage `json:"args"`   // exactly what will be done
	// Known says that nothing which the process has read can be in it: the
	// address, say, was given by the owner or found outside, letter by letter.
	Known bool `json:"known,omitempty"`
	// Named says that the owner has named the target, in a request.
	Named bool `json:"named,omitempty"`
}

// Hash identifies the exact effect; an approval is bound to it.
func (e Effect) Hash() string {
	e.Text, e.Known, e.Named = "", false, false // how it is shown and judged is not what is done
	raw, err := json.Marshal(e)
	if err != nil {
		panic("policy: " + err.Error()) // Args is valid JSON or absent
	}
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:])
}

// Verdict is what policy says to an effect.
type Verdict string

// The verdicts.
const (
	Allowed Verdict = "allow"
	Asks    Verdict = "ask"
	Refused Verdict = "refuse"
)

// Decision is a verdict with its reason, for people.
type Decision struct {
	Verdict Verdict `json:"verdict"`
	Why     string  `json:"why"`
}

// Decide says whether a process with this label may cause e. The owner's rules
// come first. Then, for a process that has read nothing untrusted, the owner's
// request is the consent: what it names may be reached; what only the model has
// thought of is asked, if the process knows private things or would change
// something out there. For one that has read untrusted text the Rule of Two holds:
// it may not, on its own, both know private things and reach outside, and what
// changes something outside needs a trusted process, whoever was named. Secrets go
// nowhere.
func Decide(s Subject, e Effect, rules Rules) Decision {
	if s.Label.Confidentiality == sys.Secret && e.Kind != Erase {
		return Decision{Refused, "it has read a secret, and secrets leave only through the keyring"}
	}
	if r, ok := rules.match(s, e); ok && (r.Then != Allowed || s.Label.Integrity != sys.Untrusted || r.Untrusted) {
		return Decision{r.Then, fmt.Sprintf("your rule %s in %s", r, RulesFile)}
	}
	trusted := s.Label.Integrity != sys.Untrusted
	switch {
	case e.Kind.lasting():
		return Decision{Asks, "it is for good, and yours to decide"}
	case e.Kind == Erase:
		return Decision{Asks, "no agent deletes that much of what you keep without your word"}
	case e.Kind == Revert && !e.Named:
		return Decision{Asks, "no agent has done it"}
	case e.Kind == Revert && !trusted:
		return Decision{Asks, "it has read text from outside, and this is not of its conversation"}
	case trusted && (e.Named || e.Kind == Instruct):
		return Decision{Allowed, "you have named it, and only you, and what is yours, has told it what to do"}
	case trusted && e.Kind.changes():
		return Decision{Asks, "you have not named " + e.Target + ", and this changes something outside"}
	case e.Kind.changes():
		return Decision{Asks, "it has read text from outside, and this changes something outside"}
	case e.Known, s.Label.Confidentiality == sys.Public:
		return Decision{Allowed, "nothing private can be in it"}
	}
	if trusted {
		return Decision{Asks, "you have not named " + e.Target + ", and this could carry things of yours out"}
	}
	return Decision{Asks, "it has read text from outside and things of yours, and this could carry them out"}
}

// instructions are the files whose text tells later runs what to do.
var instructions = []string{
	"agents/", "system/soul.md", "system/identity.md", "system/user.md", "system/config.json", "system/cron.json", "system/setup-plan.json", "system/bootstrap.md", "system/mcp/",
}

// own are files that only the owner's hand changes, or the system, whatever a program's
// definition allows: they say what programs may do, or how good their work is.
var own = []string{string(RulesFile), string(sys.StrengthFile), "system/grants.json", "system/packages.json", "system/publishers.json", "system/mcp/pins/", "system/privacy.json", "system/contacts.json", "system/profile.json", "system/profile-ai.json", "system/keys.json", "agents/kernel.md", "agents/builder.md", "agents/healer.md", "agents/receptionist.md", "agents/researcher.md", "agents/deployer.md", "agents/evolver.md"}

// Instructs returns the effect that a landing has on later runs, if a process
// that has read untrusted text wants to change what instructs them.
func Instructs(s Subject, changes []sys.Change) (Effect, bool) {
	if s.Label.Integrity != sys.Untrusted {
		return Effect{}, false
	}
	var paths []sys.Path
	for _, c := range changes {
		if IsInstruction(c.Path) {
			paths = append(paths, c.Path)
		}
	}
	if len(paths) == 0 {
		return Effect{}, false
	}
	args, err := json.Marshal(paths)
	if err != nil {
		panic("policy: " + err.Error())
	}
	return Effect{
		Kind: Instruct, Target: string(paths[0]), Args: args,
		Text: fmt.Sprintf("Change %s, which tells your agents what to do from now on. It has read text from outside before.", list(paths)),
	}, true
}

func list(paths []sys.Path) string {
	if len(paths) == 1 {
		return string(paths[0])
	}
	return fmt.Sprintf("%s and %d more files", paths[0], len(paths)-1)
}

// IsInstruction reports whether the file at p tells later runs what to do.
func IsInstruction(p sys.Path) bool {
	return under(p, instructions) && !under(p, []string{"agents/memory/"})
}
