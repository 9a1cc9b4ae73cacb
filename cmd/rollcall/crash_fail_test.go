package main

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestKillCanFail falsifies the ledgers in one point at a time. The check of TestKill must
// find each difference.
func TestKillCanFail(t *testing.T) {
	tr, s := newTrial(t, t.TempDir())
	w, apps, tokens := newAccountWorker("f", barredApp, false), newAppWorker(firstApp), newTokenWorker(t.TempDir())
	tr.workers = []worker{w, apps, tokens}
	do := func(w worker, c call) {
		t.Helper()
		w.book().pending = c.changes
		if err := c.send(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.book().acknowledge()
	}
	do(w, w.create(s.apps[barredApp]))
	do(w, w.remove(s.apps[barredApp], w.users[:5]))
	do(w, w.create(s.apps[barredApp]))
	do(w, w.kick(s.apps[barredApp], w.users[9]))
	do(w, w.profile(s.apps[barredApp], w.users[9]))
	do(apps, apps.create(s.admin, firstApp))
	do(apps, apps.addKey(s.admin, firstApp, 1))
	do(apps, apps.retireKey(s.admin, firstApp, 1))
	do(tokens, tokens.create(s.admin))
	if wrong := tr.check(t, s); len(wrong) > 0 {
		t.Fatalf("before any lie: %q", wrong)
	}
	for _, lie := range lies {
		t.Run(lie.name, func(t *testing.T) {
			defer restore(tr)()
			lie.tell(tr, w, apps, tokens)
			wrong := tr.check(t, s)
			if !slices.ContainsFunc(wrong, func(text string) bool { return strings.Contains(text, lie.want) }) {
				t.Fatalf("found %q, want one with %q", wrong, lie.want)
			}
		})
	}
}

// restore returns a function that resets the ledgers to their present content.
func restore(tr *trial) func() {
	var saved []facts
	for _, l := range tr.ledgers() {
		saved = append(saved, facts{maps.Clone(l.acked.accounts), maps.Clone(l.acked.apps), maps.Clone(l.acked.tokens), maps.Clone(l.acked.devices)})
	}
	born := maps.Clone(tr.born)
	apps := tr.workers[1].(*appWorker)
	secrets := maps.Clone(apps.secrets)
	return func() {
		apps.secrets = secrets
		for i, l := range tr.ledgers() {
			l.acked = saved[i]
		}
		tr.born = born
	}
}

// lies falsify ledgers. The last one leaves an account behind.
var lies = []struct {
	name string
	want string // in a difference that the check finds
	tell func(*trial, *accountWorker, *appWorker, *tokenWorker)
}{
	{"lost account", "1500000001/lost is", func(_ *trial, w *accountWorker, _ *appWorker, _ *tokenWorker) {
		w.acked.accounts[userKey{barredApp, "lost"}] = accountFact{Live: true}
	}},
	{"deleted account", "Live:false Deleted:true", changeAccount(func(f accountFact) accountFact { return f.removed() })},
	{"nick", "want {Live:true", changeAccount(func(f accountFact) accountFact { f.Nick += "!"; return f })},
	{"face", "want {Live:true", changeAccount(func(f accountFact) accountFact { f.FaceURL += "!"; return f })},
	{"text of a profile", "want {Live:true", changeAccount(func(f accountFact) accountFact { f.Signature += "!"; return f })},
	{"number of a profile", "want {Live:true", changeAccount(func(f accountFact) accountFact { f.Level++; return f })},
	{"InternalID", "want {Live:true", changeAccount(func(f accountFact) accountFact { f.Birth.internalID += "1"; return f })},
	{"watermark", "want {Live:true", changeAccount(func(f accountFact) accountFact {
		f.Kicked = span{time.Now().Add(time.Hour).Unix(), time.Now().Add(time.Hour).Unix()}
		return f
	})},
	{"watermark of a deleted account", "answers 70403, want 70052", func(_ *trial, w *accountWorker, _ *appWorker, _ *tokenWorker) {
		for key, f := range w.acked.accounts {
			if f.Deleted {
				f.Kicked = span{time.Now().Unix(), time.Now().Unix()}
				w.acked.accounts[key] = f
			}
		}
	}},
	{"InternalID given twice", "of somebody else", func(tr *trial, _ *accountWorker, _ *appWorker, _ *tokenWorker) {
		for internal := range tr.born {
			tr.born[internal] = "somebody else"
		}
	}},
	{"unknown account", "nobody has created the account", func(_ *trial, w *accountWorker, _ *appWorker, _ *tokenWorker) {
		delete(w.acked.accounts, userKey{barredApp, w.users[9]})
	}},
	{"lost app", "1600000001 is", func(_ *trial, _ *accountWorker, w *appWorker, _ *tokenWorker) {
		w.acked.apps[firstApp+1] = appFact{Exists: true}
	}},
	{"unknown app", "nobody has created the app", func(_ *trial, _ *accountWorker, w *appWorker, _ *tokenWorker) { delete(w.acked.apps, firstApp) }},
	{"name of an app", "Name:new!", changeApp(func(f *appFact) { f.Name += "!" })},
	{"admin", "boss-9", changeApp(func(f *appFact) { f.Admins += " boss-9" })},
	{"key", "want {Exists:true", changeApp(func(f *appFact) { f.Keys[0].Fingerprint = f.Keys[1].Fingerprint })},
	{"retired key", "want {Exists:true", changeApp(func(f *appFact) { f.Keys[1].Retired = false })},
	{"secret of a key", "answers 70009, want 0", swapSecrets},
	{"secret of a retired key", "answers 0, want 70009", swapSecrets},
	{"lost token", "lost is", func(_ *trial, _ *accountWorker, _ *appWorker, w *tokenWorker) {
		w.acked.tokens["lost"] = tokenFact{Exists: true}
	}},
	{"deleted token", "token-0 is", changeTokens(func(f *tokenFact) { f.Exists = false })},
	{"secret of a token", "the token token-0 answers", changeTokens(func(f *tokenFact) { f.Secret += "!" })},
	{"backup", "backup.json", func(_ *trial, _ *accountWorker, _ *appWorker, w *tokenWorker) { w.backups = []string{w.dir} }},
	{"tombstone", "never, which was deleted, answers 0", func(_ *trial, w *accountWorker, _ *appWorker, _ *tokenWorker) {
		w.acked.accounts[userKey{barredApp, "never"}] = accountFact{Deleted: true}
	}},
}

// changeAccount falsifies one account that exists.
func changeAccount(change func(accountFact) accountFact) func(*trial, *accountWorker, *appWorker, *tokenWorker) {
	return func(_ *trial, w *accountWorker, _ *appWorker, _ *tokenWorker) {
		key := userKey{barredApp, w.users[9]}
		w.acked.accounts[key] = change(w.acked.accounts[key])
	}
}

// swapSecrets swaps the secrets of two keys, one of which is retired.
func swapSecrets(_ *trial, _ *accountWorker, w *appWorker, _ *tokenWorker) {
	keys := w.acked.apps[firstApp].Keys
	a, b := keys[0].Fingerprint, keys[1].Fingerprint
	w.secrets[a], w.secrets[b] = w.secrets[b], w.secrets[a]
}

func changeApp(change func(*appFact)) func(*trial, *accountWorker, *appWorker, *tokenWorker) {
	return func(_ *trial, _ *accountWorker, w *appWorker, _ *tokenWorker) {
		f := w.acked.apps[firstApp]
		change(&f)
		w.acked.apps[firstApp] = f
	}
}

func changeTokens(change func(*tokenFact)) func(*trial, *accountWorker, *appWorker, *tokenWorker) {
	return func(_ *trial, _ *accountWorker, _ *appWorker, w *tokenWorker) {
		for name, f := range w.acked.tokens {
			change(&f)
			w.acked.tokens[name] = f
		}
	}
}

// TestKillFindsLosses runs the load of TestKill on a store in memory, which loses
// everything at the end. The check must find losses.
func TestKillFindsLosses(t *testing.T) {
	tr, s := newTrial(t, t.TempDir(), "--store", "mem:")
	tr.workers = slices.DeleteFunc(tr.workers, func(w worker) bool { // a store in memory makes no backups
		_, backups := w.(*tokenWorker)
		return backups
	})
	tr.loadUntilKilled(t, s, false)
	if wrong := tr.check(t, tr.start(t)); len(wrong) == 0 {
		t.Error("everything is lost, and nothing was found")
	}
}
