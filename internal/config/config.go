// Package config is the configuration of "rollcall serve": one struct, read from
// a YAML file, then from the environment, then from the command line, of which
// the later wins.
//
// A setting has one name in three spellings: admin_host in the file,
// ROLLCALL_CFG_ADMIN_HOST in the environment, --admin-host on the command line.
// Secrets are never settings: a setting names the file that holds one.
//
// Every mistake is one sentence that says where it is and what to do; see
// testdata/bad_*.yml for all of them.
package config

import (
	"log/slog"
	"time"
)

// AdminOff is the value of admin_listen that opens no address for the admin API.
const AdminOff = "off"

// Config is every setting. Its tags are read by the command line too: name is the
// flag, default the value of a setting that nobody gave, help one line for
// --help. A comment below is the manual's paragraph about the setting.
type Config struct {
	// Directory of everything that the server keeps: the accounts, the keys that
	// seal the apps' secrets, the context file for clients. It is created, closed to
	// other users, if it does not exist. Set it to an absolute path for a service.
	Data string `name:"data" default:"./rollcall-data" placeholder:"DIR" help:"Folder of everything that is kept (default: ${default})."`

	// Where accounts live: "pebble:DIR" is the embedded store in a folder, "mem:"
	// forgets everything at the end. By default it is pebble in the folder
	// "accounts" of data. Set this to keep accounts on a separate disk, or to use
	// the in-memory store in tests.
	Store string `name:"store" placeholder:"SPEC" help:"Where accounts live: pebble:DIR, or mem: to forget them at the end (default: pebble in the data folder)."`

	// Address of the account API, "host:port"; ":port" is every address of the
	// machine, port 0 a free one. One that can be reached from outside needs
	// tls_cert and tls_key, or insecure_listen. Set it on every server that other
	// machines call.
	Listen string `name:"listen" default:"127.0.0.1:7580" placeholder:"ADDR" help:"Address of the account API (default: ${default})."`

	// File with the certificate in PEM, followed by the intermediate certificates.
	// With it the account API is HTTPS, with HTTP/1.1 and HTTP/2. It goes together
	// with tls_key. A server that is reached from outside needs both, unless a proxy
	// in front of it ends TLS. A renewed certificate needs no restart. Both files are
	// checked for changes during handshakes, at most every five seconds, and on
	// SIGHUP. Existing connections are not affected. While certificate and key do not
	// belong together, the old certificate is served, with a warning in the log.
	TLSCert string `name:"tls-cert" placeholder:"FILE" file:"exists" help:"Certificate in PEM; serves HTTPS and HTTP/2."`

	// File with the private key of the certificate in PEM. It goes together with
	// tls_cert.
	TLSKey string `name:"tls-key" placeholder:"FILE" file:"exists" help:"Private key of the certificate."`

	// Serve an address that can be reached from outside without TLS. Set it only if
	// a proxy in front of the server ends TLS: signatures cross the network in the
	// clear.
	InsecureListen bool `name:"insecure-listen" help:"Serve an address that can be reached from outside in the clear."`

	// A second address, which must be a loopback one, for the admin API, the
	// interactive page at /docs, metrics and health; "off" for none. Without it
	// these are on the address of the account API if that is a loopback one without
	// TLS, as a developer's is, and nowhere otherwise. Every server that is reached
	// from outside needs it, also one on a loopback address behind a proxy on the
	// same machine: everybody seems to call from this machine there. With it the
	// server is no developer's: it creates no demo app and allows no test apps.
	AdminListen string `name:"admin-listen" placeholder:"ADDR" help:"A second, loopback address, for the admin API, /docs, metrics and health, or off for none; a developer's server has them on its own."`

	// Names that the Host header of a call of the admin API may hold, besides
	// localhost and loopback addresses; a list, in the environment with commas
	// between. A proxy before admin_listen that passes a name of its own on needs
	// it.
	AdminHost []string `name:"admin-host" placeholder:"NAME" help:"A name by which the admin API may be called, besides localhost; may be repeated."`

	// File with a token of the admin API that has every scope. If there is no such
	// file, the server creates one with mode 0600. On any server other than a local
	// development server, this is the only way to get the first token.
	AdminTokenFile string `name:"admin-token-file" placeholder:"FILE" file:"made" help:"A token of the admin API with every scope; made if there is no such file."`

	// File with the keys that seal the apps' secrets in the store. By default it is
	// seal.keys in data, created on the first start. Set it if the nodes of a cluster
	// share the file, or to keep it on another disk than the store.
	SealKeys string `name:"seal-keys" placeholder:"FILE" file:"made" help:"Keys that seal the apps' secrets in the store (default: seal.keys in the data folder)."`

	// A loopback address for profiles of the process (net/http/pprof). Set it to
	// examine the speed or the memory of a server.
	PprofListen string `name:"pprof-listen" placeholder:"ADDR" help:"A loopback address for profiles of the process (default: none)."`

	// Let apps be created as test apps. Such an app accepts any well-formed
	// signature if its any_signature is set, and the admin API makes UserSigs for
	// it. By default that is so on a developer's server alone: on a loopback address
	// without TLS and without admin_listen. Test systems on a network need it; a
	// server with real accounts never does.
	AllowTestApps *bool `name:"allow-test-apps" negatable:"" help:"Allow test apps, which may accept any signature (default: only on a developer's server)."`

	// The app to serve, a number from 1 to 4294967295, instead of a developer's demo
	// app. It is created if the store lacks it, never as a test app, and goes
	// together with key_file. A program that already holds the credentials of an app
	// needs it.
	SDKAppID uint32 `name:"sdkappid" placeholder:"N" help:"Serve this app instead of a demo app; needs --key-file."`

	// File with the secret key of that app, as the vendor's console shows it, or
	// with its ECDSA public key in PEM.
	KeyFile string `name:"key-file" placeholder:"FILE" file:"exists" help:"Secret key of the app, or its ECDSA public key in PEM."`

	// The UserID of an admin of that app, besides administrator.
	Admin string `name:"admin" placeholder:"USERID" help:"An admin of the app besides administrator."`

	// Limit of account API requests that are served at the same time, from 1 to
	// 65536. Other requests wait for less than half a second. One app takes seven
	// eighths of them at most. The default keeps two cores busy with room to spare.
	// Raise it on machines with many cores and a slow store.
	MaxInFlight int `name:"max-in-flight" default:"1024" placeholder:"N" help:"Limit of account API requests served at the same time (default: ${default})."`

	// How long the requests in flight may take after a signal to stop, a number with
	// its unit such as "10s"; from 1s to 10m. Then they are cut off, and the process
	// ends within five seconds. Set it that much below your supervisor's kill timeout
	// (for systemd, TimeoutStopSec).
	ShutdownTimeout time.Duration `name:"shutdown-timeout" default:"10s" placeholder:"DURATION" help:"How long requests in flight may take at the end (default: ${default})."`

	// Form of the log on standard error: "text" for people, "json" for programs that
	// collect logs. With "json", an error that prevents the start is a JSON object,
	// too.
	LogFormat string `name:"log-format" enum:"text,json" default:"text" placeholder:"FORMAT" help:"Form of the log on standard error: text or json (default: ${default})."`

	// Lowest level that is logged: "debug", "info", "warn" or "error". Each request
	// is one line of level "info"; a successful request for health or metrics is
	// "debug". Set "warn" on a busy server that counts requests by /metrics.
	LogLevel slog.Level `name:"log-level" default:"info" values:"debug,info,warn,error" placeholder:"LEVEL" help:"Lowest level that is logged: debug, info, warn or error (default: ${default})."`
}
