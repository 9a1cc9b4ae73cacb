// Package config reads the configuration of "rollcall serve" into one struct. The
// sources are a YAML file, the environment and the command line. A later source
// overrides an earlier one.
//
// A setting has one name in three spellings: admin_host in the file,
// ROLLCALL_CFG_ADMIN_HOST in the environment, --admin-host on the command line.
// Secrets are not settings: a setting names the file that contains one. The exception is
// a password in a URL, which no output shows.
//
// Every [Error] is one sentence that says where the error is and what to do. The files
// testdata/bad_*.yml contain an example of each.
package config

import (
	"log/slog"
	"time"
)

// AdminOff is the value of admin_listen for a server without the admin API.
const AdminOff = "off"

// Uploads is the name of the directory of uploaded files in the data directory.
const Uploads = "uploads"

// Config contains every setting. The command line reads these tags too:
//   - name is the name of the flag.
//   - default is the value of a setting that is not given.
//   - help is one line for --help.
//
// The comment of a field is the paragraph about the setting in docs/configuration.md.
type Config struct {
	// Directory of all data of the server: the accounts, the keys that seal the apps'
	// secrets, and the context file for clients. If it does not exist, the server
	// creates it without access for other users. Set it to an absolute path for a
	// service.
	Data string `name:"data" default:"./rollcall-data" placeholder:"DIR" help:"Directory of all data (default: ${default})."`

	// Where accounts are stored. "pebble:DIR" is the embedded store in a directory.
	// "mem:" is a store in memory, which is lost when the server ends.
	// "postgres://USER@HOST/DATABASE" is a database of PostgreSQL 15 or newer, or of
	// Citus, which any number of servers may use at once. By default it is
	// pebble in the directory "accounts" of data. Set this to keep accounts on a
	// separate disk, in a database, or to use the in-memory store in tests.
	// The URL of a database may name several hosts, and takes the parameters of
	// PostgreSQL's own programs, such as sslmode, sslrootcert, sslcert and sslkey. A server
	// uses at most 16 connections; pool_max_conns changes that. Behind a pooler in
	// transaction mode, add default_query_exec_mode=exec. The variables that begin with PG
	// complete the URL. Put the password into PGPASSWORD, or into the file that PGPASSFILE
	// names, by default .pgpass in the home directory. A password in the URL works, too;
	// no output shows it.
	Store string `name:"store" placeholder:"SPEC" help:"Where accounts are stored: pebble:DIR, postgres://USER@HOST/DATABASE, or mem: to lose them at the end (default: pebble in the data directory)."`

	// Bring the schema of the database to the version of this program before serving, as
	// "rollcall migrate" does. It has no effect on other stores, which need no migration.
	// The user of the database must then own the schema. Several servers may start at
	// once; one of them migrates, and the others wait for it. Set it where no separate
	// step of a deployment can run "rollcall migrate".
	Migrate bool `name:"migrate" help:"Bring the schema of the database to the version of this program before serving."`

	// Address of the account API, "host:port". ":port" stands for every address of the
	// machine, and port 0 for any free port. An address that can be reached from outside
	// needs tls_cert and tls_key, tls_local, or insecure_listen. Set it on every server that other
	// machines call.
	Listen string `name:"listen" default:"127.0.0.1:7580" placeholder:"ADDR" help:"Address of the account API (default: ${default})."`

	// File with the certificate in PEM, followed by the intermediate certificates.
	// With it the account API is HTTPS, with HTTP/1.1 and HTTP/2. It requires
	// tls_key. A server that is reached from outside needs both, unless a proxy
	// in front of it terminates TLS. A renewed certificate needs no restart. Both files are
	// checked for changes during handshakes, at most every five seconds, and on
	// SIGHUP. Existing connections are not affected. While certificate and key do not
	// belong together, the old certificate is served, with a warning in the log.
	TLSCert string `name:"tls-cert" placeholder:"FILE" file:"exists" help:"Certificate in PEM; serves HTTPS and HTTP/2."`

	// File with the private key of the certificate in PEM. It requires tls_cert.
	TLSKey string `name:"tls-key" placeholder:"FILE" file:"exists" help:"Private key of the certificate."`

	// Serve HTTPS with a certificate of a local CA, for unmodified clients of the vendor,
	// which have the vendor's host as a constant. The certificate is for the hosts of the
	// vendor's data centres, localhost, 127.0.0.1 and ::1. The CA is created on the first
	// start; its certificate is local-ca.pem in data, which clients must trust. It is
	// limited to the vendor's domains and to this machine, its key is not kept, and it is
	// valid for 90 days. A new CA replaces it 14 days before its end, with a warning in
	// the log. Set it on a machine of a developer or of tests. Other servers need tls_cert
	// and tls_key.
	TLSLocal bool `name:"tls-local" help:"Serve HTTPS under the vendor's host names, with a certificate of a local CA."`

	// Further host names under which clients of the vendor call this server, such as
	// "api.example.com". It is a list; in the environment, commas separate the names. The
	// certificate of tls_local is valid for them too, and paths outside of the vendor's
	// protocol respond as the vendor's do. It is needed for clients that call another host
	// than those of the vendor's data centres. A name that the current local CA does not
	// have makes a new one necessary.
	Intercept []string `name:"intercept" placeholder:"NAME" help:"A further host name under which clients of the vendor call this server; may be repeated."`

	// Serve an address that can be reached from outside without TLS. Set it only if
	// a proxy in front of the server terminates TLS, because signatures cross the
	// network in the clear.
	InsecureListen bool `name:"insecure-listen" help:"Serve an address that can be reached from outside in the clear."`

	// A second address for the admin API, the console, metrics and
	// health, or "off" for none. It must be a loopback address. Without this setting, a
	// developer's server (on a loopback address without tls_cert) serves them on the address
	// of the account API, and other servers do not serve them. Every server that is
	// reached from outside needs this setting. That includes a server on a loopback
	// address behind a proxy on the same machine, where all calls seem to come from this
	// machine. With this setting the server is not a developer's server: it creates no
	// demo app and allows no test apps.
	AdminListen string `name:"admin-listen" placeholder:"ADDR" help:"A second, loopback address for the admin API, the console, metrics and health, or off for none; a developer's server needs none."`

	// Names that the admin API accepts in the Host header, besides localhost and
	// loopback addresses. It is a list; in the environment, commas separate the names.
	// It is needed if a proxy in front of admin_listen passes its own name on.
	AdminHost []string `name:"admin-host" placeholder:"NAME" help:"A name by which the admin API may be called, besides localhost; may be repeated."`

	// File with a token of the admin API that has every scope. If there is no such
	// file, the server creates one with mode 0600. On any server other than a local
	// development server, this is the only way to get the first token. Give all servers of
	// one database the same token: a start replaces the token of an earlier file. If the
	// other servers of a database have a token, a server without the file does not start.
	AdminTokenFile string `name:"admin-token-file" placeholder:"FILE" file:"created" help:"A token of the admin API with every scope; created if there is no such file."`

	// File with the keys that seal the apps' secrets in the store. By default it is
	// seal.keys in data, created on the first start. All servers of one database need the
	// same keys: copy the file of the first server. Set it to keep the file
	// on a different disk than the store.
	SealKeys string `name:"seal-keys" placeholder:"FILE" file:"created" help:"Keys that seal the apps' secrets in the store (default: seal.keys in the data directory)."`

	// A loopback address for profiles of the process (net/http/pprof). Set it to
	// examine the speed or the memory of a server.
	PprofListen string `name:"pprof-listen" placeholder:"ADDR" help:"A loopback address for profiles of the process (default: none)."`

	// Allow apps to be created as test apps. A test app accepts any well-formed
	// signature if its any_signature is set, and the admin API creates UserSigs for
	// it. By default only a developer's server allows test apps: a server on a loopback
	// address without tls_cert and without admin_listen. Set it for test systems on a
	// network. Do not set it on a server with real accounts.
	AllowTestApps *bool `name:"allow-test-apps" negatable:"" help:"Allow test apps, which may accept any signature (default: only on a developer's server)."`

	// Files with test apps, accounts and devices that the server creates at its start, or
	// changes where they differ. It is a list; in the environment, commas separate the
	// names. A file is YAML or JSON; docs/testing.md describes it. Nothing is ever removed,
	// and only test apps are changed. It requires a server that allows test apps. Set it for
	// tests that need a known state.
	Seed []string `name:"seed" placeholder:"FILE" help:"Test apps, accounts and devices to create at the start, in YAML or JSON; may be repeated."`

	// The app to serve, a number from 1 to 4294967295, instead of a developer's demo
	// app. If the store does not have the app, the server creates it, never as a test
	// app. It requires key_file. Set it for programs that already have the credentials
	// of an app.
	SDKAppID uint32 `name:"sdkappid" placeholder:"N" help:"Serve this app instead of a demo app; needs --key-file."`

	// File with the secret key of that app, as the vendor's console shows it, or
	// with its ECDSA public key in PEM. Give all servers of one database the same key.
	KeyFile string `name:"key-file" placeholder:"FILE" file:"exists" help:"Secret key of the app, or its ECDSA public key in PEM."`

	// The UserID of an admin of that app, besides administrator.
	Admin string `name:"admin" placeholder:"USERID" help:"An admin of the app besides administrator."`

	// Limit of account API requests that are served at the same time, from 1 to
	// 65536. Other requests wait for less than half a second. One app uses at most seven
	// eighths of the limit. The default keeps two cores busy with room to spare.
	// Raise it on machines with many cores and a slow store.
	MaxInFlight int `name:"max-in-flight" default:"1024" placeholder:"N" help:"Limit of account API requests served at the same time (default: ${default})."`

	// Limit of the links of one app on this server, from 1 to 1000000. A link is the
	// WebSocket of a device that is logged in; docs/links.md describes them. All links
	// together have at most half of the connections that the process can accept. Lower it
	// so that no app takes the places of others.
	LinkAppLimit int `name:"link-app-limit" default:"100000" placeholder:"N" help:"Limit of the links of one app on this server (default: ${default})."`

	// Limit of the links from one IPv4 address, or from one IPv6 network of 64 bits, from 1
	// to 1000000. Raise it if many devices share an address: behind a proxy all links come
	// from the proxy.
	LinkAddressLimit int `name:"link-address-limit" default:"100" placeholder:"N" help:"Limit of the links from one address (default: ${default})."`

	// Time between two pings of a link, from 1s to 5m. A device that does not answer
	// within ten seconds has lost its link. Lower it if a proxy closes idle connections
	// earlier; raise it to spare the batteries of telephones.
	LinkPing time.Duration `name:"link-ping" default:"25s" placeholder:"DURATION" help:"Time between two pings of a link (default: ${default})."`

	// Origins of web pages that may use links, such as "https://app.example.com", or "*"
	// for all. It is a list; in the environment, commas separate the origins. Pages of the
	// address of the server itself may always use them, and so may all pages for a test
	// app with the setting cors. Set it for an app in the browser.
	LinkOrigins []string `name:"link-origins" placeholder:"ORIGIN" help:"An origin of web pages that may use links, or *; may be repeated."`

	// URL of a Redis that counts calls for the rate limits of all nodes of a service:
	// redis://HOST:PORT, or rediss://HOST:PORT with TLS; with a password
	// redis://:PASSWORD@HOST:PORT, and with a user redis://USER:PASSWORD@HOST:PORT. A number
	// at the end, as in redis://HOST:PORT/1, selects a database. For sentinels add
	// ?master_set=NAME, and for further nodes of a cluster &addr=HOST:PORT. By default each
	// node counts its own calls. Set it if several nodes serve one database. While Redis does
	// not respond, each node applies the whole limits to its own calls; no call fails. The
	// password is not shown anywhere. Keep it out of the command line, which other users of
	// the machine can see: give the URL in the environment or in a file, or use
	// redis_password_file.
	Redis string `name:"redis" placeholder:"URL" help:"A Redis that counts rate limits for all nodes (default: each node counts its own)."`

	// File with the password of that Redis. It replaces a password in the URL.
	RedisPasswordFile string `name:"redis-password-file" placeholder:"FILE" file:"exists" help:"Password of the Redis, instead of one in its URL."`

	// Directory of files that jobs may import. A token with the scope write can then let
	// the server import any file below it; a link that leads out of it is refused. By
	// default jobs read only files that were uploaded. Set it to import files that are too
	// large to send.
	ImportDir string `name:"import-dir" placeholder:"DIR" help:"Directory of files that jobs of the admin API may import (default: none)."`

	// Limit of the size of a file that is uploaded for a job, in MiB, from 1 to 1048576.
	// The file lies in the data directory until its job has ended, and an upload leaves
	// 1 GiB of the disk free. Raise it for larger files, or lower it on a small disk.
	MaxUploadMiB int `name:"max-upload-mib" default:"10240" placeholder:"N" help:"Limit of an uploaded file of a job, in MiB (default: ${default})."`

	// Ranges of addresses of the server's own network that webhooks may reach, such as
	// "10.1.2.0/24". It is a list; in the environment, commas separate the ranges. By default
	// webhooks reach addresses of the internet only: who may set a webhook could otherwise
	// call servers that trust their network. A developer's server also reaches its own machine
	// and private addresses. Set it if the receivers are in the same network.
	WebhookAllowNetworks []string `name:"webhook-allow-networks" placeholder:"RANGE" help:"A range of the server's own network that webhooks may reach, as 10.1.2.0/24; may be repeated."`

	// Where the server keeps its backups: a directory, which the server creates if it does
	// not exist, or a bucket of a storage that speaks the protocol of S3, as
	// "s3://BUCKET/PREFIX?endpoint=HOST:PORT&region=REGION". The prefix and the parameters may
	// be absent; "insecure=true" stands for HTTP. Each backup is whole, and files that do
	// not change between two backups are stored once. Put a directory on another disk than
	// the data, or copy it to one. Set it for every store in a directory; a database has its
	// own tools. docs/backups.md describes the rest.
	BackupTo string `name:"backup-to" placeholder:"PLACE" help:"Where the server keeps its backups: a directory, or s3://BUCKET/PREFIX (default: none)."`

	// File with the credentials of that storage, in the form of ~/.aws/credentials. Without
	// it the server uses the variables AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY. It
	// requires backup_to with a bucket.
	BackupS3CredentialsFile string `name:"backup-s3-credentials-file" placeholder:"FILE" file:"exists" help:"Credentials of the storage of backups (default: those in the environment)."`

	// Public keys of age ("age1…") for which the server encrypts its backups. It is a list;
	// in the environment, commas separate the keys. The owner of any of the secret keys can
	// restore a backup. The server has none of them, so it cannot try its backups: use
	// "rollcall backup drill" on another machine. After a change of the keys the next backup
	// stores all files again. It requires backup_to. Set it if others can read the place of
	// the backups.
	BackupAgeRecipients []string `name:"backup-age-recipients" placeholder:"KEY" help:"A public key of age for which backups are encrypted; may be repeated."`

	// When the server makes a backup: the five fields of cron, such as "15 3 * * *", or
	// "@hourly", "@daily", "@weekly" or "@monthly". Times are those of UTC; begin with
	// "CRON_TZ=Asia/Shanghai " for another zone. A time that was missed is made up for at the
	// start. A backup that fails is tried again, first after a minute and then less and
	// less often, up to its next time. It requires backup_to. Without it the server makes
	// backups on request only.
	BackupSchedule string `name:"backup-schedule" placeholder:"TIMES" help:"When the server makes a backup, as cron or as @daily (default: on request only)."`

	// Which backups stay: "last=N" for the newest ones, "daily=N", "weekly=N" and
	// "monthly=N" for the newest one of each of the last days, weeks and months that have
	// backups, with commas between the rules. The server removes the others after each
	// backup. The newest one always stays. It requires backup_to. Without it all backups
	// stay until "rollcall backup prune" removes some.
	BackupKeep string `name:"backup-keep" placeholder:"RULES" help:"Which backups stay, as last=3,daily=7,weekly=4,monthly=12 (default: all)."`

	// When the server restores the newest backup for a trial, in the form of
	// backup_schedule. It restores the backup into the data directory, reads the whole
	// store, compares it with what was stored, and removes it. The result is in the log and in
	// the metrics. It requires backup_to, and room for the restored store.
	// It excludes backup_age_recipients.
	BackupDrillSchedule string `name:"backup-drill-schedule" placeholder:"TIMES" help:"When the server restores the newest backup for a trial (default: never)."`

	// How long the server goes on after a signal to stop before it begins to shut down, from
	// 0s to 5m. Meanwhile it serves calls, but /readyz responds with 503, so that a proxy
	// sends no further ones. In the second half each response ends its connection. A second
	// signal ends the wait. By default there is no wait. Set it on a node behind a proxy to a
	// few seconds more than the proxy needs to notice; docs/operations.md has an example.
	Drain time.Duration `name:"drain" default:"0s" placeholder:"DURATION" help:"How long to serve calls after a signal to stop while /readyz says 503 (default: ${default})."`

	// How long requests in flight may take after a signal to stop, from 1s to 10m. It is
	// a number with its unit, such as "10s". Requests that take longer are cut off, and
	// the process ends within five more seconds. Set this five seconds below the kill
	// timeout of your supervisor (for systemd, TimeoutStopSec), less the time of drain.
	ShutdownTimeout time.Duration `name:"shutdown-timeout" default:"10s" placeholder:"DURATION" help:"How long requests in flight may take at the end (default: ${default})."`

	// URL of a collector of OpenTelemetry (OTLP over HTTP), such as
	// "http://127.0.0.1:4318", to which the server sends traces of requests and of their
	// calls of the store. By default there are no traces. A trace has no UserSig, body,
	// UserID or nick. The variables OTEL_EXPORTER_OTLP_HEADERS and
	// OTEL_EXPORTER_OTLP_CERTIFICATE have headers and the CA of the collector. Set it to
	// find out where a slow call spends its time. A collector that is away delays no call.
	TraceTo string `name:"trace-to" placeholder:"URL" help:"A collector of OpenTelemetry, OTLP over HTTP, that gets traces of requests (default: none)."`

	// Part of the requests that are traced, from 0 to 1, if trace_to is set. Requests
	// whose header Traceparent says that their caller samples them are traced too.
	TraceSample float64 `name:"trace-sample" default:"0.01" placeholder:"PART" help:"Part of the requests that are traced, from 0 to 1 (default: ${default})."`

	// Form of the log on standard error: "text" for people, "json" for programs that
	// collect logs. On a terminal "text" has short lines in colours; the variable NO_COLOR
	// turns colours off. With "json", an error that prevents the start is a JSON object,
	// too.
	LogFormat string `name:"log-format" enum:"text,json" default:"text" placeholder:"FORMAT" help:"Form of the log on standard error: text or json (default: ${default})."`

	// Lowest level that is logged: "debug", "info", "warn" or "error". Each request
	// is one line of level "info"; a successful request for health or metrics is
	// "debug". Set "warn" on a busy server that counts requests by /metrics.
	LogLevel slog.Level `name:"log-level" default:"info" values:"debug,info,warn,error" placeholder:"LEVEL" help:"Lowest level that is logged: debug, info, warn or error (default: ${default})."`
}
