package webhooks

import (
	"fmt"
	"strings"

	"rollcall/internal/account"
	"rollcall/internal/records"
	"rollcall/webhook"
)

// Commands returns the commands that Rollcall sends.
func Commands() []string {
	return []string{webhook.CommandStateChange, webhook.CommandPortraitSet, webhook.CommandOverLimit}
}

// Spellings of an iPhone in OptPlatform. The event's own page has the second one.
const (
	IOSGeneral = "iOS"
	IOSCapital = "IOS"
)

// commandOf returns the command that an event of a kind is sent as. imports says whether
// imports are sent. It returns "" for an event that is not sent.
func commandOf(kind account.EventKind, imports bool) string {
	switch kind {
	case account.EventState:
		return webhook.CommandStateChange
	case account.EventChanged:
		return webhook.CommandPortraitSet
	case account.EventImported:
		if imports {
			return webhook.CommandPortraitSet
		}
	case account.EventAlert:
		return webhook.CommandOverLimit
	}
	return ""
}

// sends reports whether w sends the events of a kind.
func sends(w *records.Webhook, kind account.EventKind) bool {
	command := commandOf(kind, w.ImportEvent)
	return command != "" && w.Ended.IsZero() && w.Wants(command)
}

// kinds are the kinds of events that can be sent.
var kinds = []account.EventKind{account.EventState, account.EventChanged, account.EventImported, account.EventAlert}

// items returns the number of messages of an event. An item can still have none.
func items(e *account.Event) int {
	if e.Kind == account.EventAlert {
		return 1
	}
	return len(e.Items)
}

// accountOf returns the account of an item of an event, whose events are sent in order.
func accountOf(e *account.Event, i int) account.UserID {
	if e.Kind == account.EventAlert {
		return ""
	}
	return e.Items[i].ID
}

// A tagger knows the tags of an app.
type tagger interface {
	Tag(account.Tag) (account.TagSpec, bool)
}

// newMessage returns the message of an item of an event, without an id. It returns nil if
// there is none, as of an import that sets no field. It keeps no memory of e.
func newMessage(w *records.Webhook, tags tagger, e *account.Event, i int) *message {
	body, query := bodyOf(w, tags, e, i)
	if body == nil {
		return nil
	}
	query.SDKAppID, query.Command = uint32(e.App), body.CallbackCommand()
	return &message{query: query, body: body.AppendJSON(nil)}
}

func bodyOf(w *records.Webhook, tags tagger, e *account.Event, i int) (webhook.Body, webhook.Query) {
	byREST := webhook.Query{ClientIP: e.Address, OptPlatform: webhook.RESTAPI}
	switch {
	case e.Kind == account.EventAlert && e.Alert != nil:
		a := e.Alert
		return webhook.OverLimit{ServiceName: a.Service, Command: a.Command, Request: a.Requests, Limit: a.Limit}, webhook.Query{OptPlatform: webhook.RESTAPI}
	case e.Kind == account.EventState && e.Items[i].State != nil:
		return stateBody(w, &e.Items[i])
	case (e.Kind == account.EventChanged || e.Kind == account.EventImported) && len(e.Items[i].Fields) > 0:
		return portraitBody(tags, e, i), byREST
	}
	return nil, webhook.Query{}
}

// stateBody returns the body of a change of a login session, and the device in the query.
func stateBody(w *records.Webhook, item *account.EventItem) (webhook.Body, webhook.Query) {
	st := item.State
	body := webhook.StateChange{
		EventTime: st.At,
		Info: webhook.StateInfo{
			Action: webhook.Action(st.Action), ToAccount: string(item.ID), Reason: webhook.Reason(st.Reason), CustomStatus: st.Status,
		},
	}
	for _, p := range st.Replaced {
		body.KickedDevice = append(body.KickedDevice, webhook.Device{Platform: webhook.Platform(p.InKicked())})
	}
	platform := webhook.Unknown
	switch {
	case st.Platform == account.IPhone && w.IOSSpelling != "":
		platform = webhook.Platform(w.IOSSpelling)
	case st.Platform != "":
		platform = webhook.Platform(st.Platform.InQuery())
	}
	return body, webhook.Query{ClientIP: st.Address, OptPlatform: platform}
}

func portraitBody(tags tagger, e *account.Event, i int) webhook.Body {
	item := &e.Items[i]
	body := webhook.PortraitSet{
		OperatorAccount: string(e.Operator), FromAccount: string(item.ID), EventTime: e.Time.UnixMilli(),
		ProfileItem: make([]webhook.Field, len(item.Fields)),
	}
	for j, f := range item.Fields {
		number := f.Value.IsNumber
		if spec, ok := tags.Tag(f.Tag); ok { // a field that is cleared has no type of its own
			number = spec.IsNumber
		}
		body.ProfileItem[j] = webhook.Field{Tag: string(f.Tag), Text: f.Value.Text, Number: f.Value.Number, IsNumber: number}
	}
	return body
}

// messageID returns the id of an item of the event with a key in the outbox. It consists of
// letters, digits and underscores, and is the same in each attempt.
func messageID(key string, item int) string {
	return fmt.Sprintf("evt_%s_%x", strings.ReplaceAll(key, "/", "_"), item)
}

// parseID returns the key and the item of an id.
func parseID(id string) (key string, item int, ok bool) {
	rest, ok := strings.CutPrefix(id, "evt_")
	parts := strings.Split(rest, "_")
	if !ok || len(parts) != 3 {
		return "", 0, false
	}
	key = parts[0] + "/" + parts[1]
	if _, err := fmt.Sscanf(parts[2], "%x", &item); err != nil || messageID(key, item) != id {
		return "", 0, false
	}
	return key, item, true
}
