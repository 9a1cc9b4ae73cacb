package server

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"

	"rollcall/internal/account"
	"rollcall/internal/wire"
)

// maxFaultsShown is the largest number of faults of one app in the log.
const maxFaultsShown = 3

// warnFaults logs one warning for each app whose stored record breaks a rule, with the
// remedy. A fault does not prevent the start, because the rule may be newer than the
// record.
func (s *Server) warnFaults(ctx context.Context) error {
	apps, err := s.dir.Apps(ctx)
	if err != nil {
		return err
	}
	for _, app := range apps {
		faults := s.openFaults(app)
		if len(faults) == 0 {
			continue
		}
		var wrong, mend []string
		for _, f := range faults[:min(len(faults), maxFaultsShown)] {
			wrong = append(wrong, f.Detail)
			if m := mendFault(app, f); !slices.Contains(mend, m) {
				mend = append(mend, m)
			}
		}
		if more := len(faults) - maxFaultsShown; more > 0 {
			wrong = append(wrong, fmt.Sprintf("and %d more", more))
		}
		s.o.Logger.Warn("the stored record of an app breaks a rule that may be newer; the app is served as it is",
			slog.Uint64("app", uint64(app.ID)), slog.String("wrong", strings.Join(wrong, "; ")), slog.String("mend", strings.Join(mend, "; ")))
	}
	return nil
}

// openFaults returns the faults of app without those of retired keys. Retired keys verify
// nothing, and their faults cannot be corrected.
func (s *Server) openFaults(app *account.App) []account.Fault {
	active := app.ActiveKeys(s.dir.Now(app.ID))
	return slices.DeleteFunc(app.Faults(wire.CommandNames()), func(f account.Fault) bool {
		return f.Part == account.PartKey && !slices.ContainsFunc(active, func(k account.Key) bool { return k.ID == f.ID })
	})
}

// mendFault returns the command that corrects f.
func mendFault(app *account.App, f account.Fault) string {
	id := shellWord(f.ID)
	switch f.Part {
	case account.PartKey:
		return fmt.Sprintf("add another key with \"rollcall app key add %d\", then \"rollcall app key retire %s %d\"", app.ID, id, app.ID)
	case account.PartAdmin:
		switch {
		case len(app.Admins) == 0:
			return fmt.Sprintf("\"rollcall app admin add USERID %d\"", app.ID)
		case f.ID == "":
			id = "USERID"
		}
		return fmt.Sprintf("\"rollcall app admin remove %s %d\"", id, app.ID)
	case account.PartName, account.PartEdition:
		return fmt.Sprintf("\"rollcall app set %d --%s VALUE\"", app.ID, f.Part)
	}
	return fmt.Sprintf("\"rollcall app set %d --setting %s=VALUE\", or --unset %s for the default", app.ID, f.Part, f.Part)
}

// shellWord quotes text as one word of a shell command.
func shellWord(text string) string {
	plain := func(c rune) bool {
		return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.ContainsRune("_-.@", c)
	}
	if text != "" && strings.IndexFunc(text, func(c rune) bool { return !plain(c) }) < 0 {
		return text
	}
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}
