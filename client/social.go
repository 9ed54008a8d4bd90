package client

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"matrixos/sys"
)

// Post is something posted, or a comment on it.
type Post struct {
	Of      sys.Handle `json:"of"`
	Circle  string     `json:"circle"`
	Room    string     `json:"room"`
	Message struct {
		ID     string     `json:"id"`
		Sender sys.Handle `json:"sender"`
		Time   time.Time  `json:"time"`
		Kind   string     `json:"kind"`
		Body   string     `json:"body"`
	} `json:"message"`
	AI       bool         `json:"ai"`
	Edited   bool         `json:"edited"`
	Likes    []sys.Handle `json:"likes"`
	Liked    bool         `json:"liked"`
	Comments int          `json:"comments"`
}

// PostPage is a part of a feed, newest first.
type PostPage struct {
	Posts  []Post `json:"posts"`
	Before string `json:"before"`
	Unsent []struct {
		Circle string    `json:"circle"`
		Body   string    `json:"body"`
		Time   time.Time `json:"time"`
		Why    string    `json:"why,omitempty"`
	} `json:"unsent"`
}

// PostThread is a post with its comments.
type PostThread struct {
	Post     Post   `json:"post"`
	Comments []Post `json:"comments"`
}

// Followed is somebody whom the owner follows, or an invitation to a circle.
type Followed struct {
	Of     sys.Handle `json:"of"`
	Circle string     `json:"circle"`
	Room   string     `json:"room"`
	State  string     `json:"state"`
}

// Circle is one of the owner's.
type Circle struct {
	Name   string       `json:"name"`
	Room   string       `json:"room"`
	Alias  string       `json:"alias,omitempty"`
	People []sys.Handle `json:"people"`
}

// ProfileLink leads to somewhere else.
type ProfileLink struct {
	Title string `json:"title"`
	URL   string `json:"url"`
}

// ProfileShown is what somebody says about themselves.
type ProfileShown struct {
	Name  string        `json:"name"`
	About string        `json:"about"`
	Links []ProfileLink `json:"links"`
}

// Profile is somebody, as the owner may see them.
type Profile struct {
	Handle  sys.Handle `json:"handle"`
	Picture bool       `json:"picture"`
	ProfileShown
	AIHandle sys.Handle    `json:"ai_handle"`
	AI       *ProfileShown `json:"ai,omitempty"`
	Follows  []string      `json:"follows"`
	Me       bool          `json:"me"`
}

// ProfileFile is a profile of the owner's, as its file has it.
type ProfileFile struct {
	Name    string        `json:"name,omitempty"`
	About   string        `json:"about,omitempty"`
	Picture sys.Path      `json:"picture,omitempty"`
	Links   []ProfileLink `json:"links,omitempty"`
	Circles map[string]struct {
		About string        `json:"about,omitempty"`
		Links []ProfileLink `json:"links,omitempty"`
	} `json:"circles,omitempty"`
}

// Feed reads what those post whom the owner follows, newest first; of one person or
// one circle of the owner's, if that is not empty.
func (c *Client) Feed(ctx context.Context, of sys.Handle, circle, before string, limit int) (p PostPage, err error) {
	q := url.Values{}
	for name, value := range map[string]string{"of": string(of), "circle": circle, "before": before} {
		if value != "" {
			q.Set(name, value)
		}
	}
	q.Set("limit", strconv.Itoa(limit))
	err = c.call(ctx, "read feed", http.MethodGet, "/api/feed?"+q.Encode(), nil, &p)
	return p, err
}

// post is the path of a post; events may be named without the $ that shells take for
// something else.
func post(event string) string {
	return "/api/feed/" + url.PathEscape("$"+strings.TrimPrefix(event, "$"))
}

// PostThread reads a post with its comments.
func (c *Client) PostThread(ctx context.Context, event string) (t PostThread, err error) {
	err = c.call(ctx, "read post", http.MethodGet, post(event), nil, &t)
	return t, err
}

// Like likes a post, or no longer.
func (c *Client) Like(ctx context.Context, event string, on bool) error {
	return c.call(ctx, "like", http.MethodPost, post(event), map[string]any{"like": on}, nil)
}

// Comment says something about a post.
func (c *Client) Comment(ctx context.Context, event, text string) error {
	return c.call(ctx, "comment", http.MethodPost, post(event), map[string]any{"comment": text}, nil)
}

// Post posts words for a circle.
func (c *Client) Post(ctx context.Context, circle, text string) error {
	return c.call(ctx, "post", http.MethodPost, "/api/feed", map[string]any{"circle": circle, "text": text}, nil)
}

// PostFile posts a file for a circle, with words that may be empty.
func (c *Client) PostFile(ctx context.Context, circle, text, name, kind string, content []byte) error {
	q := url.Values{"circle": {circle}, "text": {text}, "name": {name}, "type": {kind}}
	return c.call(ctx, "post", http.MethodPost, "/api/feed/media?"+q.Encode(), fileBody(content), nil)
}

// Following lists whom the owner follows, and invitations to circles.
func (c *Client) Following(ctx context.Context) (list []Followed, err error) {
	err = c.call(ctx, "list whom you follow", http.MethodGet, "/api/following", nil, &list)
	return list, err
}

// FollowPerson follows somebody, or accepts an invitation to a circle by its room; or ends that.
func (c *Client) FollowPerson(ctx context.Context, who string, on bool) (f Followed, err error) {
	in := map[string]any{"act": "follow"}
	if !on {
		in["act"] = "unfollow"
	}
	if strings.HasPrefix(who, "!") {
		in["room"] = who
	} else {
		in["handle"] = who
	}
	err = c.call(ctx, "follow", http.MethodPost, "/api/following", in, &f)
	return f, err
}

// Circles lists the owner's circles.
func (c *Client) Circles(ctx context.Context) (list []Circle, err error) {
	err = c.call(ctx, "list circles", http.MethodGet, "/api/circles", nil, &list)
	return list, err
}

// MakeCircle makes a circle, or finds it.
func (c *Client) MakeCircle(ctx context.Context, name string) (made Circle, err error) {
	err = c.call(ctx, "make circle", http.MethodPost, "/api/circles", map[string]any{"name": name}, &made)
	return made, err
}

// Admit invites somebody to a circle, or takes them out.
func (c *Client) Admit(ctx context.Context, circle, who string, in bool) error {
	act := "remove"
	if in {
		act = "add"
	}
	return c.call(ctx, "change circle", http.MethodPost, "/api/circles/"+url.PathEscape(circle)+"/people", map[string]any{"act": act, "person": who}, nil)
}

// Profile shows who somebody says they are; empty is the owner.
func (c *Client) Profile(ctx context.Context, of sys.Handle) (p Profile, err error) {
	err = c.call(ctx, "show profile", http.MethodGet, "/api/profile?of="+url.QueryEscape(string(of)), nil, &p)
	return p, err
}

// OwnProfile reads the owner's profile, or their AI's, as its file has it.
func (c *Client) OwnProfile(ctx context.Context, ai bool) (ProfileFile, error) {
	var both struct{ Me, AI ProfileFile }
	err := c.call(ctx, "read profile", http.MethodGet, "/api/profile/own", nil, &both)
	if ai {
		return both.AI, err
	}
	return both.Me, err
}

// SaveProfile saves and publishes it.
func (c *Client) SaveProfile(ctx context.Context, ai bool, p ProfileFile) error {
	return c.call(ctx, "save profile", http.MethodPut, "/api/profile/own", map[string]any{"ai": ai, "profile": p}, nil)
}
