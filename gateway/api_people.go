package gateway

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"matrixos/sys"
)

// Rooms is the owner's place in the Matrix network: what they read and write there
// themselves, beside their AI.
type Rooms interface {
	Rooms(ctx context.Context) ([]RoomInfo, error)
	Timeline(ctx context.Context, room, before string, limit int) (RoomPage, error)
	// Write has something sent, and returns the name by which its event says it is it.
	Write(ctx context.Context, room string, w Writing) (string, error)
	MakeRoom(ctx context.Context, r NewRoom) (string, error)
	Attend(ctx context.Context, room string, a Attendance) error
	// SearchRooms finds words in the owner's own copy, in one room or all, newest first.
	SearchRooms(ctx context.Context, query, room string, limit int) ([]FoundMessage, error)
	Presence(ctx context.Context, who sys.Handle) (PersonPresence, error)
	Attachments
}

// Deals is what the owner's AI agrees on with those of others.
type Deals interface {
	Deals(ctx context.Context) ([]DealInfo, error)
	Deal(ctx context.Context, id string) (DealInfo, error)
	VerifyDeal(ctx context.Context, id string) (DealProof, error)
	MoveDeal(ctx context.Context, id string, m DealMove) (DealInfo, error)
	TrustPeer(ctx context.Context, who sys.Handle) error
}

// RoomInfo is one room of the owner's.
type RoomInfo struct {
	ID        string       `json:"id"`
	Name      string       `json:"name" doc:"Empty if nobody gave it one: then it is called by its members"`
	State     string       `json:"state" enum:"joined,invited"`
	Inviter   sys.Handle   `json:"inviter,omitempty"`
	Members   []sys.Handle `json:"members" doc:"Who is in it, or invited"`
	Invited   []sys.Handle `json:"invited,omitempty" doc:"Those of them who have not come in"`
	Encrypted bool         `json:"encrypted"`
	AI        bool         `json:"ai,omitempty" doc:"It is the owner and their AI, and nobody else"`
	HasAI     bool         `json:"has_ai,omitempty" doc:"The owner's AI is in it"`
	Direct    bool         `json:"direct,omitempty" doc:"A chat with one person"`
	Topic     string       `json:"topic,omitempty"`
	Space     bool         `json:"space,omitempty" doc:"It groups rooms"`
	Children  []string     `json:"children,omitempty" doc:"The rooms that a space groups"`
	App       *RoomApp     `json:"app,omitempty" doc:"An app shares in it: no room to write in"`
	Unread    int          `json:"unread" doc:"Messages of others that the owner has not read"`
	Meant     int          `json:"meant" doc:"Those of them that name the owner"`
	Muted     bool         `json:"muted,omitempty"`
	Newest    *RoomMessage `json:"newest,omitempty"`
}

// RoomApp is the app of a shared room.
type RoomApp struct {
	Slug    sys.Slug `json:"slug"`
	Name    string   `json:"name" doc:"As whoever made the room calls it"`
	Title   string   `json:"title" doc:"Of the room"`
	Version string   `json:"version" doc:"Of the app that made it"`
}

// RoomMessage is one thing said in a room.
type RoomMessage struct {
	ID        string          `json:"id"`
	Sender    sys.Handle      `json:"sender"`
	Time      time.Time       `json:"time"`
	Type      string          `json:"type" doc:"Such as m.room.message or m.reaction"`
	Kind      string          `json:"kind" doc:"Such as m.text; unreadable if its keys are missing"`
	Body      string          `json:"body"`
	Encrypted bool            `json:"encrypted"`
	Verified  bool            `json:"verified" doc:"Its device is signed by its owner"`
	Edits     string          `json:"edits,omitempty"`
	ReplyTo   string          `json:"reply_to,omitempty"`
	Thread    string          `json:"thread,omitempty"`
	Once      string          `json:"once,omitempty" doc:"As the call that sent it returned"`
	Content   json.RawMessage `json:"content" doc:"As Matrix has it"`
}

// RoomPage is a part of a timeline, oldest first.
type RoomPage struct {
	Messages []RoomMessage `json:"messages"`
	Before   string        `json:"before" doc:"Asks for what came before; empty at the beginning"`
	// Read and Unsent are of the room as it is now.
	Read   map[sys.Handle]string `json:"read" doc:"The newest event that somebody has read"`
	Unsent []RoomUnsent          `json:"unsent" doc:"On the newest page: what is on its way, or was refused"`
}

// RoomUnsent is something that the owner wrote and that is not in the room yet.
type RoomUnsent struct {
	Once string    `json:"once"`
	Body string    `json:"body"`
	Time time.Time `json:"time"`
	Why  string    `json:"why,omitempty" doc:"It cannot be sent"`
}

// FoundMessage is a message that has the words of a search.
type FoundMessage struct {
	Room    string      `json:"room"`
	Message RoomMessage `json:"message"`
}

// PersonPresence is whether somebody is there.
type PersonPresence struct {
	State   string `json:"state" enum:"online,unavailable,offline,unknown"`
	Seconds int    `json:"seconds" doc:"Since they did something"`
}

// Writing is something to send; one of Text, React and Redact is set.
type Writing struct {
	Text    string `json:"text,omitempty" maxLength:"50000"`
	ReplyTo string `json:"reply_to,omitempty" maxLength:"255"`
	Thread  string `json:"thread,omitempty" maxLength:"255"`
	Edits   string `json:"edits,omitempty" maxLength:"255" doc:"The event whose text this replaces"`
	React   string `json:"react,omitempty" maxLength:"64" doc:"A reaction such as 👍, to reply_to"`
	Redact  string `json:"redact,omitempty" maxLength:"255" doc:"The event to take back"`
}

// NewRoom is a room to make. One person without a name is a direct chat, and is found
// if it is there.
type NewRoom struct {
	Name   string       `json:"name,omitempty" maxLength:"200"`
	People []sys.Handle `json:"people" maxItems:"50"`
	Space  bool         `json:"space,omitempty" doc:"It groups rooms, and nobody is invited"`
}

// Attendance is what the owner does about a room.
type Attendance struct {
	Act    string     `json:"act" enum:"join,leave,invite,read,typing,still,mute,unmute,group,ungroup"`
	Person sys.Handle `json:"person,omitempty" maxLength:"255" doc:"For invite"`
	Event  string     `json:"event,omitempty" maxLength:"255" doc:"For read"`
	Space  string     `json:"space,omitempty" maxLength:"255" doc:"For group and ungroup"`
}

// DealSlot is a span of time.
type DealSlot struct {
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
}

// DealInfo is one deal.
type DealInfo struct {
	ID         string          `json:"id"`
	Kind       string          `json:"kind" enum:"meeting,query,task"`
	Status     string          `json:"status" enum:"open,accepted,agreed,done,declined,withdrawn,expired,cancelled"`
	Peer       sys.Handle      `json:"peer"`
	Mine       bool            `json:"mine" doc:"The owner made the first offer"`
	MyTurn     bool            `json:"my_turn" doc:"The other side waits for an answer"`
	May        []string        `json:"may" enum:"accept,counter,decline,withdraw,cancel,answer,deliver" doc:"The moves that the owner can make now"`
	Title      string          `json:"title"`
	Text       string          `json:"text,omitempty"`
	Slots      []DealSlot      `json:"slots"`
	Chosen     *DealSlot       `json:"chosen,omitempty"`
	Result     string          `json:"result,omitempty"`
	Until      time.Time       `json:"until,omitzero" doc:"Until when the offer that stands can be answered"`
	Updated    time.Time       `json:"updated"`
	Steps      []DealStep      `json:"steps" doc:"The moves, the first one first"`
	Words      []string        `json:"words" doc:"What was said, a sentence for each move"`
	Transcript json.RawMessage `json:"transcript" doc:"The signed moves; see doc/ai-to-ai.md"`
}

// DealStep is one signed move of a deal.
type DealStep struct {
	By    sys.Handle `json:"by"`
	Act   string     `json:"act" enum:"offer,counter,accept,confirm,answer,deliver,decline,withdraw,expire,cancel"`
	At    time.Time  `json:"at"`
	Text  string     `json:"text,omitempty"`
	Slots []DealSlot `json:"slots,omitempty" doc:"That are offered, or the one that is accepted"`
	Due   time.Time  `json:"due,omitzero" doc:"By when a task is wanted"`
}

// DealProof is what a check of a transcript has found.
type DealProof struct {
	ID     string                `json:"id"`
	Moves  int                   `json:"moves"`
	Status string                `json:"status"`
	Keys   map[sys.Handle]string `json:"keys"`
	Head   string                `json:"head" doc:"The hash of the newest move: both owners have the same"`
}

// DealMove is a move of the owner's.
type DealMove struct {
	Act  string    `json:"act" enum:"accept,counter,decline,withdraw,cancel,answer,deliver"`
	Text string    `json:"text,omitempty" maxLength:"2000"`
	At   time.Time `json:"at,omitzero" doc:"The time that is accepted or suggested"`
}

// RoomIn names a room.
type RoomIn struct {
	Room string `path:"room" maxLength:"255"`
}

// DealIn names a deal.
type DealIn struct {
	ID string `path:"id" maxLength:"26"`
}

func (g *Gateway) peopleAPI() {
	register(g, http.MethodGet, "/api/rooms", "list-rooms", "List the owner's rooms", func(ctx context.Context, _ *struct{}) (*reply[[]RoomInfo], error) {
		list, err := g.o.Rooms.Rooms(ctx)
		return &reply[[]RoomInfo]{all(list)}, err
	})
	register(g, http.MethodPost, "/api/rooms", "make-room", "Make a room, or find the direct chat with somebody", func(ctx context.Context, in *struct{ Body NewRoom }) (*reply[RoomMade], error) {
		id, err := g.o.Rooms.MakeRoom(ctx, in.Body)
		return &reply[RoomMade]{RoomMade{id}}, err
	})
	register(g, http.MethodGet, "/api/rooms/{room}/messages", "read-room", "Read a room, newest part first", func(ctx context.Context, in *struct {
		RoomIn
		Before string `query:"before" maxLength:"500"`
		Limit  int    `query:"limit" minimum:"1" maximum:"200" default:"50"`
	},
	) (*reply[RoomPage], error) {
		page, err := g.o.Rooms.Timeline(ctx, in.Room, in.Before, in.Limit)
		return &reply[RoomPage]{page}, err
	})
	register(g, http.MethodPost, "/api/rooms/{room}/messages", "write-room", "Send a message, an edit, a reaction; or take one back", func(ctx context.Context, in *struct {
		RoomIn
		Body Writing
	},
	) (*reply[Written], error) {
		once, err := g.o.Rooms.Write(ctx, in.Room, in.Body)
		return &reply[Written]{Written{once}}, err
	})
	register(g, http.MethodPost, "/api/rooms/{room}/attend", "attend-room", "Join, leave, invite, mark read, show that one types", func(ctx context.Context, in *struct {
		RoomIn
		Body Attendance
	},
	) (*struct{}, error) {
		return nil, g.o.Rooms.Attend(ctx, in.Room, in.Body)
	})
	register(g, http.MethodGet, "/api/messages", "search-rooms", "Find words in the owner's rooms, encrypted ones too", func(ctx context.Context, in *struct {
		Query string `query:"q" required:"true" maxLength:"200"`
		Room  string `query:"room" maxLength:"255"`
		Limit int    `query:"limit" minimum:"1" maximum:"100" default:"30"`
	},
	) (*reply[[]FoundMessage], error) {
		list, err := g.o.Rooms.SearchRooms(ctx, in.Query, in.Room, in.Limit)
		return &reply[[]FoundMessage]{all(list)}, err
	})
	register(g, http.MethodGet, "/api/presence", "show-presence", "Whether somebody is there", func(ctx context.Context, in *struct {
		Of sys.Handle `query:"of" required:"true" maxLength:"255"`
	},
	) (*reply[PersonPresence], error) {
		p, err := g.o.Rooms.Presence(ctx, in.Of)
		return &reply[PersonPresence]{p}, err
	})
	g.dealAPI()
}

// RoomMade names a room that was made or found.
type RoomMade struct {
	Room string `json:"room"`
}

// Written names what was sent.
type Written struct {
	Once string `json:"once" doc:"The event that carries it has the same"`
}

func (g *Gateway) dealAPI() {
	register(g, http.MethodGet, "/api/deals", "list-deals", "List what AIs agree on, the newest first", func(ctx context.Context, _ *struct{}) (*reply[[]DealInfo], error) {
		list, err := g.o.Deals.Deals(ctx)
		return &reply[[]DealInfo]{all(list)}, err
	})
	register(g, http.MethodGet, "/api/deals/{id}", "show-deal", "Show a deal with its transcript", func(ctx context.Context, in *DealIn) (*reply[DealInfo], error) {
		d, err := g.o.Deals.Deal(ctx, in.ID)
		return &reply[DealInfo]{d}, err
	})
	register(g, http.MethodGet, "/api/deals/{id}/verify", "verify-deal", "Check every signature and move of a deal anew", func(ctx context.Context, in *DealIn) (*reply[DealProof], error) {
		p, err := g.o.Deals.VerifyDeal(ctx, in.ID)
		return &reply[DealProof]{p}, err
	})
	register(g, http.MethodPost, "/api/deals/{id}", "move-deal", "Answer a deal, or take it back", func(ctx context.Context, in *struct {
		DealIn
		Body DealMove
	},
	) (*reply[DealInfo], error) {
		d, err := g.o.Deals.MoveDeal(ctx, in.ID, in.Body)
		return &reply[DealInfo]{d}, err
	})
	register(g, http.MethodPost, "/api/deals/trust", "trust-peer", "Believe the next key that somebody signs deals with", func(ctx context.Context, in *struct {
		Body struct {
			Handle sys.Handle `json:"handle" maxLength:"255"`
		}
	},
	) (*struct{}, error) {
		return nil, g.o.Deals.TrustPeer(ctx, in.Body.Handle)
	})
}
