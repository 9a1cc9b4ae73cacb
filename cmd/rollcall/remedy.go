package main

import (
	"crypto/tls"
	"errors"
	"strings"
	"syscall"

	"rollcall/client"
	"rollcall/internal/repository"
)

// remedies maps codes to their remedies in terms of this command line. The server's own
// advice speaks of requests and settings instead.
var remedies = map[client.Code]string{
	60016:                       "Enable it with \"rollcall app set --no-disabled\".",
	client.CodeDeletionRefused:  "Allow deletion with \"rollcall app set --setting allow_delete=true\".",
	client.CodeQuotaExceeded:    "Delete accounts, or raise the quota with \"rollcall app set --setting quota=N\" or another --edition.",
	client.CodeNotAdmin:         notAdmin,
	client.CodeGatewayNotAdmin:  notAdmin,
	90009:                       notAdmin,
	40004:                       notAdmin,
	client.CodeUnknownTag:       "Correct the tag, or declare a custom one with \"rollcall app set --setting custom_tags=…\"; \"rollcall account set --help\" has an example.",
	40610:                       "Write FIELD:=NUMBER for a custom tag that takes numbers, FIELD=TEXT for one that takes text.",
	client.CodeNoAccount:        "Import the account with \"rollcall account import\".",
	client.CodeProfileNoAccount: "Import the account with \"rollcall account import\".",
	client.CodeSensitiveWord:    "Choose another text; the app's setting words lists what it does not allow.",
}

const notAdmin = "Sign as an admin of the app with --admin, or make the user one with \"rollcall app admin add\"."

// remedyOf returns a remedy for err that its text does not contain, or "".
func remedyOf(err error) string {
	if e, ok := errors.AsType[*client.Error](err); ok {
		return remedies[e.Code]
	}
	if p, ok := errors.AsType[*client.Problem](err); ok && p.Slug == client.SlugUnauthorized {
		return "Give --admin-token-file or $" + tokenVariable + " with a token that the server knows."
	}
	if errors.Is(err, repository.ErrSealed) {
		return "Name that file with --age-identity."
	}
	if _, ok := errors.AsType[*client.TransportError](err); !ok {
		return ""
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return "Give --ca with the certificate to trust, or with that of its issuer, and name the server in --url as the certificate does."
	}
	if errors.Is(err, syscall.ECONNREFUSED) { // most often a server that was not started
		return "Is the server running? Start it with \"rollcall serve\", or correct --url."
	}
	return ""
}

// reason returns a code, its meaning, and the remedy.
func reason(c client.Code, info string) string {
	if c == client.CodeUnexplained {
		return info
	}
	text := strings.TrimSpace(c.String() + " " + info)
	if strings.Contains(info, "; ") { // a text of Rollcall's own, which contains the remedy
		return text
	}
	return strings.TrimSpace(text + " " + remedies[c])
}
