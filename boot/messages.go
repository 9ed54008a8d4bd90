package boot

import (
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"io/fs"
	"log/slog"
	"sync"
	"time"

	"matrixos/disk"
	"matrixos/journal"
	"matrixos/kernel"
	"matrixos/keyring"
	"matrixos/matrix"
	"matrixos/matrix/deal"
	"matrixos/matrix/door"
	"matrixos/matrix/feed"
	"matrixos/matrix/talk"
	"matrixos/sys"
)

// messenger joins the owner's and the AI's clients of the homeserver with the kernel:
// what arrives goes past the door to the kernel, to the desk of deals, or to the call
// centre, and what comes of it is posted. It starts when it is first needed, and with
// a claimed handle at once.
type messenger struct {
	disk   *disk.Disk
	kernel *kernel.Kernel
	keys   *keyring.Keyring
	log    *slog.Logger
	server func(ctx context.Context) (matrix.Homeserver, error)
	quota  *door.Quota
	desk   *deal.Desk
	rooms  *shared
	diary  *calendar
	shelf  *feed.Shelf

	// introduce is set where the home is another device of the owner's: the AI is then
	// on the first device and nowhere else, and this has the owner's client believed
	// before it begins.
	introduce func(ctx context.Context, own *talk.Client) error

	mu       sync.Mutex
	ai, own  *talk.Client // nil until they are needed; ai stays so on another device
	over     error        // the clients are never started again
	stop     context.CancelFunc
	base     func() context.Context // of what waits for the owner
	group    sync.WaitGroup
	wake     chan struct{}
	wanted   chan struct{} // somebody uses the homeserver
	ownInbox *ownInbox
	waiting  map[string]bool // inbox rows whose answer is waited for, permissions that are asked for

	circling             sync.Mutex // one circle is made at a time
	newRooms, newProfile chan struct{}
}

var inboxTables = []string{
	// What reached the AI, until it is answered.
	`CREATE TABLE messenger_inbox (
		id INTEGER PRIMARY KEY AUTOINCREMENT,
		event TEXT NOT NULL UNIQUE,
		message TEXT NOT NULL,
		state TEXT NOT NULL, -- new, asking, asked, done
		request TEXT NOT NULL,
		what TEXT NOT NULL
	) STRICT`,
	`CREATE INDEX messenger_inbox_state ON messenger_inbox(state)`,
}

// openMessenger joins the home with its homeserver, which is started when somebody
// needs it; in safe mode nobody does.
func (s *System) openMessenger(ctx context.Context, p *parts) (err error) {
	if s.safe {
		return nil
	}
	server := p.o.homeserver
	if server == nil {
		server = func(context.Context) (matrix.Homeserver, error) { return s.matrix.Server() }
	}
	if s.people, err = newMessenger(ctx, s.disk, s.kernel, p.secrets, server, s.log); err != nil {
		return err
	}
	s.people.rooms.device = s.devices.number
	if s.devices.isSecond() {
		s.people.introduce = s.devices.introduce
	}
	s.matrix.anew, s.matrix.used = s.people.anew, s.people.want
	s.people.diary.make = func(ctx context.Context) error { return s.apps.makeTables(ctx, calendarApp) }
	p.people.at.Store(s.people)
	s.shared.at.Store(s.people)
	return nil
}

// claimedEvery is how often it is looked whether the handle is one that others reach.
const claimedEvery = time.Second

// want says that somebody uses the homeserver, with whatever client.
func (m *messenger) want() {
	select {
	case m.wanted <- struct{}{}:
	default:
	}
}

// tendClaimed starts the clients once others can reach the handle: what they write has
// to be received though nobody looks. Before that it starts them when any client of the
// owner's or their family's comes, which may write to the AI or ask to be verified.
func (m *messenger) tendClaimed(ctx context.Context) {
	for wanted := false; ctx.Err() == nil; {
		claimed := !matrix.IsLocal(m.owner())
		if (claimed || wanted) && m.introduce == nil {
			err := m.ready(ctx)
			switch {
			case err == nil && claimed:
				return
			case err == nil: // until it is claimed, which ends them
				wanted = false
			case !errors.Is(err, errClaiming):
				m.log.WarnContext(ctx, "the AI is not on Matrix yet, and is tried again", "error", err)
			}
		}
		select {
		case <-ctx.Done():
		case <-m.wanted:
			wanted = true
		case <-time.After(claimedEvery):
		}
	}
}

// dealKeyName is where the key that signs deals is in the keyring.
const dealKeyName = "matrix/deal-key"

// newMessenger opens what needs no network.
func newMessenger(ctx context.Context, d *disk.Disk, k *kernel.Kernel, keys *keyring.Keyring, server func(context.Context) (matrix.Homeserver, error), log *slog.Logger) (*messenger, error) {
	if err := errors.Join(talk.Migrate(ctx, d.Journal()), d.Journal().Migrate(ctx, "messenger", inboxTables...), d.Journal().Migrate(ctx, "messenger-own", ownTables...)); err != nil {
		return nil, err
	}
	quota, err := door.OpenQuota(ctx, d.Journal(), time.Now)
	if err != nil {
		return nil, err
	}
	m := &messenger{
		disk: d, kernel: k, keys: keys, log: log, server: server, quota: quota,
		diary: &calendar{disk: d, now: time.Now, zone: time.Local}, wake: make(chan struct{}, 1), wanted: make(chan struct{}, 1), waiting: map[string]bool{},
		newRooms: make(chan struct{}, 1), newProfile: make(chan struct{}, 1),
	}
	m.ownInbox = &ownInbox{m: m}
	if m.shelf, err = feed.OpenShelf(ctx, d.Journal(), time.Now); err != nil {
		return nil, err
	}
	key, err := dealKey(keys)
	if err != nil {
		return nil, err
	}
	if m.rooms, err = newShared(ctx, m, key); err != nil {
		return nil, err
	}
	m.desk, err = deal.Open(ctx, deal.Options{
		Journal: d.Journal(), Owner: m.owner, Key: key, Calendar: m.diary, Judge: m.judge, Post: m.postDeal, Tell: m.tellDeal, Now: time.Now, Log: log,
	})
	return m, err
}

// dealKey lends the key that signs deals, and makes it the first time. With a keyring
// that does not open it is one of this run, and nothing is signed that lasts.
func dealKey(keys *keyring.Keyring) (ed25519.PrivateKey, error) {
	kept, err := keys.Get(dealKeyName)
	if err == nil {
		seed, err := base64.StdEncoding.DecodeString(kept.Reveal())
		if err != nil || len(seed) != ed25519.SeedSize {
			return nil, &sys.Error{Op: "read key", Path: dealKeyName, Kind: sys.Invalid, Hint: "bring the keyring back from a backup"}
		}
		return ed25519.NewKeyFromSeed(seed), nil
	}
	_, key, made := ed25519.GenerateKey(nil)
	if made != nil || !errors.Is(err, sys.NotFound) {
		return key, made
	}
	return key, keys.Set(dealKeyName, keyring.NewSecret(packKey(key)))
}

// packKey is a key as it is kept.
func packKey(key ed25519.PrivateKey) string { return base64.StdEncoding.EncodeToString(key.Seed()) }

func (m *messenger) owner() sys.Handle { return readHandle(m.disk).Handle }

// ready starts the clients, unless they run.
func (m *messenger) ready(ctx context.Context) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.stop != nil || m.over != nil {
		return m.over
	}
	hs, err := m.server(ctx)
	if err != nil {
		return err
	}
	local, domain := m.owner().Parts()
	if domain != hs.Domain() {
		return &sys.Error{Op: "sign in to", Path: hs.Domain(), Kind: sys.Conflict, Err: errors.New("the owner's handle is of another domain: " + domain)}
	}
	if m.introduce != nil {
		return m.readySecond(ctx, hs, local)
	}
	ai, err := m.client(ctx, hs, matrix.User{Local: local + "_ai", Label: "Matrix OS"}, &aiInbox{m}, nil)
	if err != nil {
		return err
	}
	own, err := m.client(ctx, hs, matrix.User{Local: local, Label: "Matrix OS"}, m.ownInbox, m.ownInbox.away)
	if err != nil {
		return errors.Join(err, ai.Close())
	}
	m.ai, m.own = ai, own
	m.runLocked(ctx, ai.Run, own.Run, m.work, m.tend, m.vouch, m.rooms.tend, m.tendFeeds, m.tendProfile)
	return nil
}

// readySecond starts the owner's client alone: the AI answers on the first device, and
// nothing here could sign in as it.
func (m *messenger) readySecond(ctx context.Context, hs matrix.Homeserver, local string) error {
	own, err := m.client(ctx, hs, matrix.User{Local: local, Label: "Matrix OS"}, m.ownInbox, m.ownInbox.away)
	if err != nil {
		return err
	}
	if err := m.introduce(ctx, own); err != nil {
		return errors.Join(err, own.Close())
	}
	m.own = own
	m.runLocked(ctx, own.Run, m.rooms.tend, m.tendFeeds)
	return nil
}

func (m *messenger) runLocked(ctx context.Context, list ...func(context.Context)) {
	base, cancel := context.WithCancel(context.WithoutCancel(ctx))
	m.stop, m.base = cancel, func() context.Context { return base }
	for _, run := range list {
		m.group.Go(func() { run(base) })
	}
}

// aiClient is the AI's, started if need be.
func (m *messenger) aiClient(ctx context.Context) (*talk.Client, error) {
	if m.introduce != nil {
		return nil, errAIElsewhere
	}
	ai, _, err := m.clients(ctx)
	return ai, err
}

// errAIElsewhere is why the AI says nothing to others from here.
var errAIElsewhere = &sys.Error{Op: "reach others", Kind: sys.Unavailable, Err: errors.New("your AI speaks from your first device alone, so that nothing is said twice"), Hint: "ask there, or write to your AI in Messages"}

func (m *messenger) client(ctx context.Context, hs matrix.Homeserver, u matrix.User, h talk.Handler, away func() bool) (*talk.Client, error) {
	dir := clientDir(m.disk, u.Local)
	var err error
	if u.Device, err = clientDevice(dir); err != nil {
		return nil, err
	}
	account, err := matrix.SignIn(ctx, hs, m.keys, u)
	if err != nil {
		return nil, err
	}
	return talk.Open(ctx, talk.Options{
		Base: hs.BaseURL(), HTTP: matrix.Client(hs), Account: account, Keys: m.keys, Journal: m.disk.Journal(), Handler: h, Log: m.log, Away: away,
		Dir: dir,
	})
}

// clients are the AI's and the owner's, started if need be.
func (m *messenger) clients(ctx context.Context) (ai, own *talk.Client, err error) {
	if err := m.ready(ctx); err != nil {
		return nil, nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.ai, m.own, nil
}

// close ends the clients; what is under way goes on with the next start.
func (m *messenger) close() error {
	return m.finish(&sys.Error{Op: "reach others", Kind: sys.Unavailable, Err: errors.New("the home is being closed")})
}

// errClaiming is why nobody is reached for a moment.
var errClaiming = &sys.Error{Op: "reach others", Kind: sys.Unavailable, Err: errors.New("your handle is being claimed"), Hint: "try again in a moment"}

// anew ends the clients while something changes; afterwards they start again when they
// are needed, as who the owner is then.
func (m *messenger) anew(change func() error) error {
	if err := m.finish(errClaiming); err != nil {
		m.log.Warn("the clients of the handle before did not end well", "error", err) // they have ended
	}
	defer func() {
		m.mu.Lock()
		m.over = nil
		m.mu.Unlock()
	}()
	return change()
}

// finish ends the clients for good; why is what everybody is told who wants one.
func (m *messenger) finish(why error) error {
	m.mu.Lock()
	stop, ai, own := m.stop, m.ai, m.own
	m.over, m.stop = why, nil
	m.mu.Unlock()
	if stop == nil {
		return nil
	}
	stop()
	m.group.Wait()
	if ai == nil {
		return own.Close()
	}
	return errors.Join(ai.Close(), own.Close())
}

// contacts and privacy are the owner's files as they have landed. One that cannot be
// read lets nobody in.
func (m *messenger) files() (c door.Contacts, p door.Privacy, err error) {
	view, err := m.disk.View(0)
	if err != nil {
		return c, p, err
	}
	read := func(path sys.Path) []byte {
		text, failed := fs.ReadFile(view, string(path))
		if failed != nil && !errors.Is(failed, fs.ErrNotExist) {
			err = errors.Join(err, failed)
		}
		return text
	}
	contacts, privacy := read(door.ContactsFile), read(door.PrivacyFile)
	if err != nil {
		return c, p, err
	}
	if c, err = door.ParseContacts(contacts); err != nil {
		return c, p, err
	}
	p, err = door.ParsePrivacy(privacy)
	return c, p, err
}

// pass is what the door says to somebody who writes to the AI alone.
func (m *messenger) pass(who sys.Handle) (door.Pass, door.Privacy, error) {
	c, p, err := m.files()
	if err != nil {
		return door.Pass{}, p, err
	}
	owner := m.owner()
	return door.Admit(owner, matrix.AI(owner), c, door.Visit{Sender: who, Members: []sys.Handle{who, matrix.AI(owner)}}), p, nil
}

// postDeal implements deal.Options.Post: from AI to AI, as a message that a person can
// read.
func (m *messenger) postDeal(ctx context.Context, tx *journal.Tx, to sys.Handle, once string, c deal.Chain) error {
	m.mu.Lock()
	ai := m.ai
	m.mu.Unlock()
	if m.introduce != nil {
		return errAIElsewhere
	}
	if ai == nil {
		return &sys.Error{Op: "send", Path: string(to), Kind: sys.Unavailable, Err: errors.New("the homeserver does not run"), Hint: "`matrixos handle` says how it is"}
	}
	content := talk.Text(c.Words(), true)
	content[deal.Key] = c.Raw()
	return ai.Post(ctx, tx, talk.Letter{Once: "deal-" + once, Person: matrix.AI(to), Content: content})
}

// judge implements deal.Options.Judge.
func (m *messenger) judge(ctx context.Context, d deal.Deal) (deal.Verdict, error) {
	pass, privacy, err := m.pass(d.Peer)
	if err != nil {
		return deal.Verdict{}, err
	}
	var busy []deal.Slot
	if d.Kind == deal.Meeting && len(d.Slots) > 0 {
		from := d.Slots[0].Start()
		if busy, err = m.diary.Busy(ctx, from.Add(-24*time.Hour), from.Add(9*24*time.Hour)); err != nil {
			return deal.Verdict{}, err
		}
	}
	return privacy.Deal(d, pass, busy, time.Local), nil
}

// tellDeal implements deal.Options.Tell.
func (m *messenger) tellDeal(ctx context.Context, d deal.Deal, asks bool) {
	events := []sys.Event{sys.NewEvent(sys.EventDeal, sys.DealData{Deal: string(d.ID)})}
	if n := dealNotice(d, asks); n.Title != "" {
		events = append(events, sys.NewEvent(sys.EventNotice, n))
	}
	if _, err := m.disk.Journal().Append(context.WithoutCancel(ctx), events...); err != nil {
		m.log.WarnContext(ctx, "that a deal has come further could not be written", "deal", d.ID, "error", err)
	}
	if asks {
		m.mu.Lock()
		base := m.base
		m.mu.Unlock()
		m.group.Go(func() { m.askAbout(base(), d) })
	}
}

// dealNotice is what the owner is told of a deal; without a title, nothing. What only
// wants a yes or a no is asked for as an approval.
func dealNotice(d deal.Deal, asks bool) sys.NoticeData {
	title, level := map[deal.Status]string{
		deal.Agreed: "Agreed: ", deal.Done: "Done: ", deal.Declined: "Declined: ", deal.Withdrawn: "Taken back: ", deal.Expired: "Not answered in time: ", deal.Cancelled: "Cancelled: ",
	}[d.Status], "info"
	text := "With " + string(d.Peer) + ". "
	switch {
	case asks && d.Kind == deal.Query:
		title, level = "You are asked: ", "waiting"
		text = string(d.Peer) + " waits for your answer. "
	case title == "":
		return sys.NoticeData{}
	case d.Chosen != nil && d.Status == deal.Agreed:
		text = d.Chosen.When(time.Local) + ", with " + string(d.Peer) + ". It is in your calendar. "
	case d.Result != "":
		text += d.Result + " "
	}
	return sys.NoticeData{Level: level, Title: title + "“" + d.Title + "”", Text: text + "Messages has every word, under Agreements; so has `matrixos deals show " + string(d.ID[:8]) + "`."}
}

// tendEvery is how often deals are looked at.
const tendEvery = 5 * time.Minute

// tend looks at deals from time to time, and asks the owner again what a restart has
// cut off.
func (m *messenger) tend(ctx context.Context) {
	list, err := m.desk.List(ctx)
	if err != nil {
		m.log.WarnContext(ctx, "deals could not be read", "error", err)
	}
	for _, d := range list {
		if d.MyTurn {
			m.group.Go(func() { m.askAbout(ctx, d) })
		}
	}
	for ctx.Err() == nil {
		if err := m.desk.Tend(ctx); err != nil && ctx.Err() == nil {
			m.log.WarnContext(ctx, "deals could not be looked at", "error", err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(tendEvery):
		}
	}
}
