package client_test

import (
	"errors"
	"testing"
	"time"

	"rollcall/client"
	"rollcall/rollcalltest"
)

func TestMutes(t *testing.T) {
	srv := rollcalltest.NewServer(t)
	c, ctx := srv.Client, t.Context()
	if err := c.ImportAccount(ctx, client.Account{UserID: "alice"}); err != nil {
		t.Fatal(err)
	}
	muted := func(want client.Mute) {
		t.Helper()
		if got, err := c.GetMute(ctx, "alice"); err != nil || got != want {
			t.Errorf("GetMute = %+v, %v; want %+v", got, err, want)
		}
	}
	set := func(m client.MuteChange) {
		t.Helper()
		if err := c.SetMute(ctx, "alice", m); err != nil {
			t.Errorf("SetMute(%+v): %v", m, err)
		}
	}
	muted(client.Mute{})
	srv.FreezeClock()
	set(client.MuteChange{C2C: new(client.MutedForEver), Group: new(uint32(7200))})
	srv.AdvanceClock(4 * time.Second)
	muted(client.Mute{C2C: client.MutedForEver, Group: 7196})
	set(client.MuteChange{C2C: new(uint32(0))})
	muted(client.Mute{Group: 7196})

	if err := c.SetMute(ctx, "nobody", client.MuteChange{C2C: new(uint32(1))}); codeOf(err) != client.CodeMuteBadAccount {
		t.Errorf("SetMute of nobody: %v, want %d", err, client.CodeMuteBadAccount)
	}
	_, err := c.GetMute(ctx, "nobody")
	e, ok := errors.AsType[*client.Error](err)
	if !ok || e.Code != client.CodeMuteBadAccount || e.Advice == "" || e.Retryable || e.Command != "getnospeaking" {
		t.Errorf("GetMute of nobody: %#v", err)
	}
	if err := c.SetMute(ctx, "alice", client.MuteChange{}); codeOf(err) != 130008 {
		t.Errorf("SetMute without a time: %v, want 130008", err)
	}
}

// TestMutesOfOtherServers calls servers whose answers are not those of the command.
func TestMutesOfOtherServers(t *testing.T) {
	c, _ := scripted(t, client.Options{}, body(200, `{"status":"ok"}`))
	if _, err := c.GetMute(t.Context(), "alice"); err == nil || codeOf(err) != 0 {
		t.Errorf("an answer without a code: %v, want a TransportError", err)
	}
	c, _ = scripted(t, client.Options{}, body(200, `{"ActionStatus":"FAIL","ErrorCode":0,"ErrorInfo":""}`))
	if _, err := c.GetMute(t.Context(), "alice"); err == nil {
		t.Error("an answer with FAIL is no error")
	}
}
