package gateway

import (
	"encoding/json"
	"maps"
	"net/http"
	"reflect"
	"slices"

	"github.com/danielgtaylor/huma/v2"

	"matrixos/sys"
)

// payloads names the type of Data for every kind of event; durable or not is
// told by seq. It is what makes the event stream typed for clients.
var payloads = []struct {
	kind sys.EventKind
	data any
}{
	{sys.EventRequest, sys.RequestData{}},
	{sys.EventProcess, sys.Process{}},
	{sys.EventMessage, sys.MessageData{}},
	{sys.EventDelta, sys.DeltaData{}},
	{sys.EventCall, sys.CallData{}},
	{sys.EventResult, sys.ResultData{}},
	{sys.EventRetry, sys.RetryData{}},
	{sys.EventLanding, sys.LandingInfo{}},
	{sys.EventApp, sys.AppData{}},
	{sys.EventData, sys.TableData{}},
	{sys.EventAnswer, sys.AnswerData{}},
	{sys.EventQuestion, sys.QuestionData{}},
	{sys.EventApproval, sys.ApprovalData{}},
	{sys.EventAudit, sys.AuditData{}},
	{sys.EventNotice, sys.NoticeData{}},
	{sys.EventOpen, sys.OpenData{}},
	{sys.EventSpeak, sys.SpeakData{}},
	{sys.EventSettings, sys.SettingsData{}},
	{sys.EventTask, sys.TaskData{}},
	{sys.EventDriver, sys.DriverData{}},
	{sys.EventMail, sys.MailData{}},
	{sys.EventEffect, sys.EffectData{}},
	{sys.EventConflict, sys.ConflictInfo{}},
	{sys.EventHeal, sys.HealCase{}},
	{sys.EventRoom, sys.RoomData{}},
	{sys.EventDeal, sys.DealData{}},
	{sys.EventTrial, sys.TrialData{}},
}

// describe completes the document with what the library cannot know: the
// Problem type, the events and their payloads, the socket, and which calls are
// open to everybody.
func describe(doc *huma.OpenAPI) {
	schemas := doc.Components.Schemas
	ref := func(v any) *huma.Schema { return schemas.Schema(reflect.TypeOf(v), true, "") }
	ref(Problem{})
	schemas.Map()["ErrorModel"] = schemas.Map()["Problem"]

	ref(sys.Event{})
	plain := schemas.Map()["Event"]
	var kinds []*huma.Schema
	mapping := map[string]string{}
	for _, p := range payloads {
		s := &huma.Schema{Type: huma.TypeObject, Properties: map[string]*huma.Schema{}, Required: slices.Clone(plain.Required)}
		maps.Copy(s.Properties, plain.Properties)
		s.Properties["kind"] = &huma.Schema{Type: huma.TypeString, Enum: []any{string(p.kind)}}
		s.Properties["data"] = ref(p.data)
		name := eventName(p.kind)
		schemas.Map()[name] = s
		kinds = append(kinds, &huma.Schema{Ref: "#/components/schemas/" + name})
		mapping[string(p.kind)] = "#/components/schemas/" + name
	}
	schemas.Map()["Event"] = &huma.Schema{
		OneOf: kinds, Discriminator: &huma.Discriminator{PropertyName: "kind", Mapping: mapping},
		Description: "One thing that happened. Events with a seq are durable, in order, and come exactly once; seq 0 marks ephemeral ones, which may be left out.",
	}
	narrow(schemas)
	describeSocket(doc)
	for _, item := range doc.Paths {
		for _, op := range []*huma.Operation{item.Get, item.Put, item.Post, item.Delete} {
			tidy(op)
		}
	}
	doc.Paths["/api/signin"].Post.Security = []map[string][]string{}
}

func eventName(k sys.EventKind) string { return "Event" + string(k[0]-'a'+'A') + string(k[1:]) }

// tidy makes top-level lists what they are: never null.
func tidy(op *huma.Operation) {
	if op == nil {
		return
	}
	for _, r := range op.Responses {
		for _, m := range r.Content {
			if m.Schema != nil && m.Schema.Type == huma.TypeArray {
				m.Schema.Nullable = false
			}
		}
	}
}

func describeSocket(doc *huma.OpenAPI) {
	list := &huma.Schema{Type: huma.TypeArray, Items: &huma.Schema{Ref: "#/components/schemas/Event"}}
	if doc.Paths == nil {
		doc.Paths = map[string]*huma.PathItem{}
	}
	doc.Paths["/api/events"] = &huma.PathItem{Get: &huma.Operation{
		OperationID: "events", Summary: "The event socket (WebSocket)",
		Description: "Every text frame is a JSON array of at most 64 events. Connect again with the last seq seen to go on without loss.",
		Parameters: []*huma.Param{{
			Name: "after", In: "query", Description: "Start behind this event; absent: now",
			Schema: &huma.Schema{Type: huma.TypeInteger, Format: "int64"},
		}},
		Responses: map[string]*huma.Response{"101": {
			Description: "Switching protocols; the schema is that of one frame",
			Content:     map[string]*huma.MediaType{"application/json": {Schema: list}},
		}},
	}}
	doc.Paths["/api/export"] = &huma.PathItem{Post: &huma.Operation{
		OperationID: "export-home", Summary: "The whole home in one file",
		Description: "With keys and a passphrase in the body the keyring goes along, encrypted. A failure cuts the connection.",
		Responses:   map[string]*huma.Response{"200": {Description: "A tar archive, compressed with Zstandard"}},
	}}
	doc.Paths["/api/raw"] = &huma.PathItem{Get: &huma.Operation{
		OperationID: "get-raw-file", Summary: "A file as it is, to download or to show as a picture",
		Parameters: []*huma.Param{
			{Name: "path", In: "query", Required: true, Schema: &huma.Schema{Type: huma.TypeString}},
			{Name: "at", In: "query", Description: "As of this landing, snapshot or time; absent: the live file", Schema: &huma.Schema{Type: huma.TypeString}},
		},
		Responses: map[string]*huma.Response{"200": {Description: "The file's bytes"}},
	}}
}

// OpenAPI returns the API's document, OpenAPI 3.1 in JSON. It needs no home.
func OpenAPI(version string) ([]byte, error) {
	g := &Gateway{o: Options{Version: version}}
	g.api = newAPI(http.NewServeMux(), version)
	g.registerAPI()
	return json.MarshalIndent(g.api.OpenAPI(), "", "  ")
}

func (g *Gateway) openAPI(w http.ResponseWriter, _ *http.Request) {
	b, err := json.Marshal(g.api.OpenAPI())
	if err != nil {
		problemOf(err).write(w)
		return
	}
	w.Header().Set("Content-Type", "application/openapi+json")
	_, _ = w.Write(b) // the reader went away
}
