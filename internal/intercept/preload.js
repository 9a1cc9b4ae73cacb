// Loaded by Node before a program, and in each of its workers. Connections to the hosts
// of the vendor go to Rollcall. The program still asks for its own host, by TLS and by
// HTTP, and checks the certificate for it.
'use strict';

const net = require('net');

const hosts = new Set(HOSTS);
const port = PORT;
const subtrees = SUBTREES;
const connect = net.Socket.prototype.connect;

const listed = (host) => typeof host === 'string' && hosts.has(host.toLowerCase());

// A host of the vendor that is not listed is the real service.
const refused = (host) => typeof host === 'string' && !listed(host) && subtrees.some((tree) => ('.' + host.toLowerCase()).endsWith('.' + tree));

// The arguments are (options, callback), (port, host, callback), or one array of them,
// which net.connect passes.
net.Socket.prototype.connect = function (...args) {
  const list = Array.isArray(args[0]) ? args[0] : args;
  const [first, second] = list;
  const host = first !== null && typeof first === 'object' ? first.host : second;
  if (refused(host)) {
    process.nextTick(() => this.destroy(new Error(`rollcall exec: ${host} is a host of the vendor that is not intercepted: add --intercept ${host}`)));
    return this;
  }
  if (first !== null && typeof first === 'object' && listed(host)) {
    list[0] = { ...first, host: '127.0.0.1', port, family: 4, lookup: undefined };
  } else if (listed(host)) {
    list[0] = port;
    list[1] = '127.0.0.1';
  }
  return connect.apply(this, args);
};
