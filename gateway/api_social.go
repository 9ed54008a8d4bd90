package gateway

import (
	"context"
	"net/http"
	"time"

	"matrixos/sys"
)

// Feeds is what the owner reads and posts among those who follow each other.
type Feeds interface {
	Feed(ctx context.Context, q FeedQuery) (FeedPage, error)
	FeedThread(ctx context.Context, event string) (FeedThread, error)
	// Respond likes a post, or no longer, or comments on it.
	Respond(ctx context.Context, event string, r FeedResponse) error
	// Post has something posted for a circle, with a file if it has content, and
	// returns the name by which its event says it is it.
	Post(ctx context.Context, p NewPost, f RoomFile) (string, error)
	Following(ctx context.Context) ([]Followed, error)
	// Follow follows the public feed of somebody, or accepts an invitation to a circle;
	// or ends that.
	Follow(ctx context.Context, f FollowBody) (Followed, error)
}

// Circles are for whom the owner posts, and who they say they are.
type Circles interface {
	Circles(ctx context.Context) ([]CircleInfo, error)
	MakeCircle(ctx context.Context, name string) (CircleInfo, error)
	// Admit invites somebody to a circle, or takes them out.
	Admit(ctx context.Context, circle string, a CircleChange) error
	Profile(ctx context.Context, of sys.Handle) (ProfileInfo, error)
	OwnProfile(ctx context.Context) (OwnProfile, error)
	SaveProfile(ctx context.Context, p ProfileBody) error
	ProfilePicture(ctx context.Context, of sys.Handle) (RoomFile, error)
}

// FeedQuery says which posts are wanted.
type FeedQuery struct {
	Of     sys.Handle `query:"of" maxLength:"255" doc:"Of one person; else of all whom the owner follows, and their own"`
	Circle string     `query:"circle" maxLength:"32" doc:"Of one circle of the owner's"`
	Before string     `query:"before" maxLength:"300" doc:"As an earlier page named it"`
	Limit  int        `query:"limit" minimum:"1" maximum:"100" default:"30"`
}

// FeedPost is a post, or a comment on one.
type FeedPost struct {
	Of       sys.Handle   `json:"of" doc:"Whose feed it is in"`
	Circle   string       `json:"circle" doc:"For which circle of theirs it is"`
	Room     string       `json:"room"`
	Message  RoomMessage  `json:"message"`
	AI       bool         `json:"ai" doc:"An AI has written it"`
	Edited   bool         `json:"edited"`
	Likes    []sys.Handle `json:"likes"`
	Liked    bool         `json:"liked" doc:"The owner likes it"`
	Comments int          `json:"comments"`
}

// FeedPage is a part of a feed, newest first.
type FeedPage struct {
	Posts  []FeedPost `json:"posts"`
	Before string     `json:"before" doc:"Asks for what is older; empty at the end"`
	// Unsent is on the newest page.
	Unsent []FeedUnsent `json:"unsent" doc:"What is on its way, or was refused"`
}

// FeedUnsent is a post of the owner's that is not in its room yet.
type FeedUnsent struct {
	RoomUnsent
	Circle string `json:"circle"`
}

// FeedThread is a post with its comments, oldest first.
type FeedThread struct {
	Post     FeedPost   `json:"post"`
	Comments []FeedPost `json:"comments"`
}

// FeedResponse is what the owner says to a post; one of the two is set.
type FeedResponse struct {
	Like    *bool  `json:"like,omitempty"`
	Comment string `json:"comment,omitempty" maxLength:"20000"`
}

// NewPost is something to post.
type NewPost struct {
	Circle string `json:"circle" minLength:"1" maxLength:"32" doc:"Such as public, friends or family"`
	Text   string `json:"text" maxLength:"20000"`
}

// Followed is somebody whom the owner follows, or a circle to which they are invited.
type Followed struct {
	Of     sys.Handle `json:"of"`
	Circle string     `json:"circle"`
	Room   string     `json:"room"`
	State  string     `json:"state" enum:"following,invited,gone"`
}

// FollowBody says whom, or which circle.
type FollowBody struct {
	Act    string     `json:"act" enum:"follow,unfollow"`
	Handle sys.Handle `json:"handle,omitempty" maxLength:"255" doc:"Whose public feed; to unfollow, all that the owner follows of them"`
	Room   string     `json:"room,omitempty" maxLength:"255" doc:"Or one circle, as an invitation names it"`
}

// CircleInfo is a circle of the owner's.
type CircleInfo struct {
	Name   string       `json:"name"`
	Room   string       `json:"room" doc:"Empty until something is posted there or somebody invited"`
	Alias  string       `json:"alias,omitempty" doc:"Under which any Matrix client finds it"`
	People []sys.Handle `json:"people" doc:"Who follows it or is invited"`
}

// NewCircle names a circle to make.
type NewCircle struct {
	Name string `json:"name" minLength:"1" maxLength:"32"`
}

// CircleChange is what the owner does about somebody in a circle.
type CircleChange struct {
	Act    string     `json:"act" enum:"add,remove"`
	Person sys.Handle `json:"person" minLength:"1" maxLength:"255"`
}

// ProfileLink leads to somewhere else.
type ProfileLink struct {
	Title string `json:"title" maxLength:"100"`
	URL   string `json:"url" maxLength:"500"`
}

// ProfileShown is what somebody says about themselves.
type ProfileShown struct {
	Name  string        `json:"name"`
	About string        `json:"about"`
	Links []ProfileLink `json:"links"`
}

// ProfileInfo is somebody, as the owner may see them.
type ProfileInfo struct {
	Handle  sys.Handle `json:"handle"`
	Picture bool       `json:"picture"`
	ProfileShown
	AIHandle sys.Handle    `json:"ai_handle"`
	AI       *ProfileShown `json:"ai,omitempty" doc:"What their AI is said to be"`
	Follows  []string      `json:"follows" doc:"The circles of theirs that the owner follows"`
	Me       bool          `json:"me"`
}

// ProfileMore is what only a circle sees.
type ProfileMore struct {
	About string        `json:"about,omitempty" maxLength:"2000"`
	Links []ProfileLink `json:"links,omitempty" maxItems:"20"`
}

// ProfileFile is system/profile.json, or system/profile-ai.json.
type ProfileFile struct {
	Name    string                 `json:"name,omitempty" maxLength:"100"`
	About   string                 `json:"about,omitempty" maxLength:"2000"`
	Picture sys.Path               `json:"picture,omitempty" maxLength:"500" doc:"A file of the home"`
	Links   []ProfileLink          `json:"links,omitempty" maxItems:"20"`
	Circles map[string]ProfileMore `json:"circles,omitempty" doc:"What a circle sees beside that"`
}

// OwnProfile is what the owner says of themselves and of their AI.
type OwnProfile struct {
	Me ProfileFile `json:"me"`
	AI ProfileFile `json:"ai"`
}

// ProfileBody is a profile to save and to publish.
type ProfileBody struct {
	AI      bool        `json:"ai,omitempty" doc:"It is the AI's"`
	Profile ProfileFile `json:"profile"`
}

// PostIn names a post.
type PostIn struct {
	Event string `path:"event" maxLength:"255"`
}

func (g *Gateway) socialAPI() {
	register(g, http.MethodGet, "/api/feed", "read-feed", "Read what those post whom the owner follows, newest first", func(ctx context.Context, in *FeedQuery) (*reply[FeedPage], error) {
		page, err := g.o.Feeds.Feed(ctx, *in)
		return &reply[FeedPage]{page}, err
	})
	register(g, http.MethodPost, "/api/feed", "post", "Post something for a circle", func(ctx context.Context, in *reply[NewPost]) (*reply[Written], error) {
		once, err := g.o.Feeds.Post(ctx, in.Body, RoomFile{})
		return &reply[Written]{Written{once}}, err
	})
	register(g, http.MethodGet, "/api/feed/{event}", "read-post", "Read a post with its comments", func(ctx context.Context, in *PostIn) (*reply[FeedThread], error) {
		t, err := g.o.Feeds.FeedThread(ctx, in.Event)
		return &reply[FeedThread]{t}, err
	})
	register(g, http.MethodPost, "/api/feed/{event}", "respond-to-post", "Like a post, or comment on it", func(ctx context.Context, in *struct {
		PostIn
		Body FeedResponse
	},
	) (*struct{}, error) {
		return nil, g.o.Feeds.Respond(ctx, in.Event, in.Body)
	})
	register(g, http.MethodGet, "/api/following", "list-following", "List whom the owner follows, and invitations to circles", func(ctx context.Context, _ *struct{}) (*reply[[]Followed], error) {
		list, err := g.o.Feeds.Following(ctx)
		return &reply[[]Followed]{all(list)}, err
	})
	register(g, http.MethodPost, "/api/following", "follow", "Follow somebody, accept an invitation to a circle, or end that", func(ctx context.Context, in *reply[FollowBody]) (*reply[Followed], error) {
		f, err := g.o.Feeds.Follow(ctx, in.Body)
		return &reply[Followed]{f}, err
	})
	g.circlesAPI()
	g.profileAPI()
}

func (g *Gateway) circlesAPI() {
	register(g, http.MethodGet, "/api/circles", "list-circles", "List the owner's circles, and who is in them", func(ctx context.Context, _ *struct{}) (*reply[[]CircleInfo], error) {
		list, err := g.o.Circles.Circles(ctx)
		return &reply[[]CircleInfo]{all(list)}, err
	})
	register(g, http.MethodPost, "/api/circles", "make-circle", "Make a circle, or find it", func(ctx context.Context, in *reply[NewCircle]) (*reply[CircleInfo], error) {
		c, err := g.o.Circles.MakeCircle(ctx, in.Body.Name)
		return &reply[CircleInfo]{c}, err
	})
	register(g, http.MethodPost, "/api/circles/{circle}/people", "change-circle", "Invite somebody to a circle, or take them out", func(ctx context.Context, in *struct {
		Circle string `path:"circle" maxLength:"32"`
		Body   CircleChange
	},
	) (*struct{}, error) {
		return nil, g.o.Circles.Admit(ctx, in.Circle, in.Body)
	})
}

func (g *Gateway) profileAPI() {
	register(g, http.MethodGet, "/api/profile", "show-profile", "Show who somebody says they are", func(ctx context.Context, in *struct {
		Of sys.Handle `query:"of" maxLength:"255" doc:"Empty is the owner"`
	},
	) (*reply[ProfileInfo], error) {
		p, err := g.o.Circles.Profile(ctx, in.Of)
		return &reply[ProfileInfo]{p}, err
	})
	register(g, http.MethodGet, "/api/profile/own", "read-own-profile", "Read the owner's profile and their AI's, as the files have them", func(ctx context.Context, _ *struct{}) (*reply[OwnProfile], error) {
		p, err := g.o.Circles.OwnProfile(ctx)
		return &reply[OwnProfile]{p}, err
	})
	register(g, http.MethodPut, "/api/profile/own", "save-profile", "Save the owner's profile, or their AI's, and publish it", func(ctx context.Context, in *reply[ProfileBody]) (*struct{}, error) {
		return nil, g.o.Circles.SaveProfile(ctx, in.Body)
	})
}

// postFile posts the body of a request as a file: circle, text, name and type are in
// the query.
func (g *Gateway) postFile(w http.ResponseWriter, r *http.Request) {
	g.upload(w, r, "post file", func(f RoomFile) (string, error) {
		q := r.URL.Query()
		return g.o.Feeds.Post(r.Context(), NewPost{Circle: q.Get("circle"), Text: q.Get("text")}, f)
	})
}

// pictureFor is how long a picture may be shown without asking again.
const pictureFor = 10 * time.Minute

// picture gives somebody's picture.
func (g *Gateway) picture(w http.ResponseWriter, r *http.Request) {
	f, err := g.o.Circles.ProfilePicture(r.Context(), sys.Handle(r.URL.Query().Get("of")))
	if err != nil {
		problemOf(g.failed(r.Context(), "picture", err)).write(w)
		return
	}
	showFile(w, r, f, pictureFor)
}
