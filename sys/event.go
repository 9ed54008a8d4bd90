package sys

import (
	"encoding/json"
	"time"
)

// EventKind says what an event is about; Data holds the payload named beside it.
type EventKind string

// The events of a home. Durable ones are in the journal and carry a Seq;
// ephemeral ones (marked so) reach only whoever listens, have Seq 0, and may be
// dropped: what they said is contained in a later durable one.
const (
	EventRequest  EventKind = "request"  // RequestData: the owner asked
	EventProcess  EventKind = "process"  // Process: created, changed state, or ended
	EventMessage  EventKind = "message"  // MessageData: a whole message of a conversation
	EventDelta    EventKind = "delta"    // DeltaData, ephemeral: text as it streams
	EventCall     EventKind = "call"     // CallData: a system call begins
	EventResult   EventKind = "result"   // ResultData: a system call returned
	EventRetry    EventKind = "retry"    // RetryData, ephemeral: partial text is void
	EventLanding  EventKind = "landing"  // LandingInfo
	EventApp      EventKind = "app"      // AppData, ephemeral: an app appeared, changed or went
	EventData     EventKind = "data"     // TableData, ephemeral: rows, a key or a shared room of an app changed
	EventAnswer   EventKind = "answer"   // AnswerData: a request is finished
	EventQuestion EventKind = "question" // QuestionData: the system asks the owner
	EventApproval EventKind = "approval" // ApprovalData: only the owner may say yes
	EventAudit    EventKind = "audit"    // AuditData: what policy decided, or the owner
	EventNotice   EventKind = "notice"   // NoticeData: something to tell the owner
	EventOpen     EventKind = "open"     // OpenData, ephemeral: show an app's window
	EventSpeak    EventKind = "speak"    // SpeakData, ephemeral: the desktop says something aloud
	EventSettings EventKind = "settings" // SettingsData, ephemeral: theme or model changed
	EventTask     EventKind = "task"     // TaskData: a task was made or changed its state
	EventMail     EventKind = "mail"     // MailData: mail between processes was sent, read or expired
	EventEffect   EventKind = "effect"   // EffectData: an act on the outside world was decided, tried, done or given up
	EventDriver   EventKind = "driver"   // DriverData: an attached thing came, changed its state or its tools, or went
	EventConflict EventKind = "conflict" // ConflictInfo: refused work was kept, or its state changed
	EventHeal     EventKind = "heal"     // HealCase: something broken was found, or its state changed
	EventTrial    EventKind = "trial"    // TrialData, ephemeral: an open desktop is asked to play a scenario
	EventRoom     EventKind = "room"     // RoomData: somebody wrote in a room of the owner's, or (ephemeral) types
	EventDeal     EventKind = "deal"     // DealData: something that AIs agree on has come further
)

// Event is one thing that happened in a home.
type Event struct {
	Seq          Seq             `json:"seq"`
	Time         time.Time       `json:"time"`
	Kind         EventKind       `json:"kind"`
	PID          PID             `json:"pid,omitempty"`
	Conversation Conversation    `json:"conversation,omitempty"`
	Request      RequestID       `json:"request,omitempty"`
	Data         json.RawMessage `json:"data"`
}

// NewEvent makes an event of kind with payload data, which must marshal.
func NewEvent(kind EventKind, data any) Event {
	raw, err := json.Marshal(data)
	if err != nil {
		panic("sys: an event payload does not marshal: " + err.Error()) // only our own types come here
	}
	return Event{Kind: kind, Data: raw}
}

// RequestData is the payload of EventRequest.
type RequestData struct {
	Text  string `json:"text"`
	From  string `json:"from"` // "desktop", "cli", or a channel
	App   Slug   `json:"app,omitempty"`
	Model string `json:"model,omitempty"`
	Once  string `json:"once,omitempty"` // the message of a channel that it was
}

// MessageData is the payload of EventMessage.
type MessageData struct {
	Role string `json:"role"` // "user" or "assistant"
	Text string `json:"text"`
	Cost Cost   `json:"cost,omitzero"`
}

// DeltaData is the payload of EventDelta; exactly one field is set.
type DeltaData struct {
	Text     string `json:"text,omitempty"`
	Thinking string `json:"thinking,omitempty"`
	Writing  string `json:"writing,omitempty"` // a tool's input as it streams
}

// CallData is the payload of EventCall.
type CallData struct {
	ID    string          `json:"id"`
	Name  string          `json:"name"`  // "Read"
	Title string          `json:"title"` // what it does, for people: "Reading `App.tsx`"
	Input json.RawMessage `json:"input,omitempty"`
}

// ResultData is the payload of EventResult.
type ResultData struct {
	ID     string  `json:"id"`
	Name   string  `json:"name"`
	Text   string  `json:"text"` // cut to a few lines
	Failed bool    `json:"failed,omitempty"`
	Millis float64 `json:"millis"`
}

// RetryData is the payload of EventRetry.
type RetryData struct {
	Attempt int    `json:"attempt"`
	Millis  int64  `json:"millis"` // until the next attempt
	Reason  string `json:"reason"`
}

// AppData is the payload of EventApp.
type AppData struct {
	App     AppInfo `json:"app"`
	Removed bool    `json:"removed,omitempty"`
}

// TableData is the payload of EventData; Table, Key or Room is set.
type TableData struct {
	App   Slug   `json:"app"`
	Table string `json:"table,omitempty"`
	Key   string `json:"key,omitempty"`
	Room  string `json:"room,omitempty"` // one that the app shares with others
}

// AnswerData is the payload of EventAnswer.
type AnswerData struct {
	OK       bool        `json:"ok"`
	Text     string      `json:"text"`
	Kind     Kind        `json:"kind,omitempty"` // of the failure
	Hint     string      `json:"hint,omitempty"` // the way out
	Landings []LandingID `json:"landings,omitempty"`
	Open     []Slug      `json:"open,omitempty"` // apps worth showing now
	Verified string      `json:"verified,omitempty"`
	Cost     Cost        `json:"cost"`
	Millis   int64       `json:"millis"`
}

// MostQuestions is how many questions agents may put to the owner in one request.
const MostQuestions = 3

// NewApp stands for an app that has no name yet.
const NewApp Slug = "new-app"

// QuestionData is the payload of EventQuestion. The choices are ready answers; any
// other is as good, and an empty one leaves it to who asks.
type QuestionData struct {
	ID      string   `json:"id"`
	Text    string   `json:"text"`
	Choices []string `json:"choices,omitempty"`
	Number  int      `json:"number,omitempty"` // of MostQuestions in its request; 0 if the kernel itself asks
	App     Slug     `json:"app,omitempty"`    // the app that is to be made, if it is about what it has to do
}

// Asked is a question that was put to the owner, and the answer; an empty one leaves
// it to who asked.
type Asked struct {
	Question string `json:"question"`
	Answer   string `json:"answer"`
	App      Slug   `json:"app,omitempty"`
}

// ApprovalData is the payload of EventApproval.
type ApprovalData struct {
	ID      string          `json:"id"`
	Text    string          `json:"text"` // what will happen
	Why     string          `json:"why"`  // why it is asked
	Kind    string          `json:"kind"`
	Target  string          `json:"target"`
	Args    json.RawMessage `json:"args"` // exactly what will be done
	Expires time.Time       `json:"expires"`
}

// AuditData is the payload of EventAudit.
type AuditData struct {
	What    string `json:"what"` // the kind of effect, or "approval", "trust"
	Target  string `json:"target"`
	Verdict string `json:"verdict"` // allow, ask, refuse
	Why     string `json:"why"`
	Hash    string `json:"hash,omitempty"`  // of the exact effect
	By      string `json:"by"`              // the program, or "owner:" and the channel
	Label   string `json:"label,omitempty"` // what the program had been in touch with
}

// NoticeData is the payload of EventNotice.
type NoticeData struct {
	Level string `json:"level"` // "info", "waiting" or "error"
	Title string `json:"title"`
	Text  string `json:"text,omitempty"`
	App   Slug   `json:"app,omitempty"`
}

// OpenData is the payload of EventOpen.
type OpenData struct {
	App  Slug   `json:"app"`
	Path string `json:"path,omitempty"`
}

// SpeakData is the payload of EventSpeak. With a Path the desktop plays that file;
// without one it speaks the text with a voice of its own.
type SpeakData struct {
	Text string `json:"text"`
	Path Path   `json:"path,omitempty"`
}

// SettingsData is the payload of EventSettings.
type SettingsData struct {
	Path Path `json:"path"` // system/theme.json, system/config.json, …
}

// RoomData is the payload of EventRoom. It says where to look, not what was said.
type RoomData struct {
	Room   string   `json:"room"`
	Event  string   `json:"event,omitempty"`
	Sender Handle   `json:"sender,omitempty"`
	Typing []Handle `json:"typing,omitempty"` // who types now; with no Event
	// Read are receipts: who has read up to which event; with no Event.
	Read   map[Handle]string `json:"read,omitempty"`
	Notify bool              `json:"notify,omitempty"` // the owner wants to be told: they are meant, or it is a direct chat
}

// DealData is the payload of EventDeal. It says where to look, not what was said.
type DealData struct {
	Deal string `json:"deal"`
}
