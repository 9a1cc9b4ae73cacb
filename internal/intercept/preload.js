// Loaded by Node before a program, and in each of its workers. Connections to the hosts
// of the vendor go to Rollcall. The program still asks for its own host, by TLS and by
// HTTP, and checks the certificate for it.
'use strict';

const net = require('net');

const hosts = new Set(HOSTS);
const port = PORT;
const connect = net.Socket.prototype.connect;

const listed = (host) => typeof host === 'string' && hosts.has(host.toLowerCase());

// The arguments are (options, callback), (port, host, callback), or one array of them,
// which net.connect passes.
net.Socket.prototype.connect = function (...args) {
  const list = Array.isArray(args[0]) ? args[0] : args;
  const [first, host] = list;
  if (first !== null && typeof first === 'object' && listed(first.host)) {
    list[0] = { ...first, host: '127.0.0.1', port, family: 4, lookup: undefined };
  } else if (listed(host)) {
    list[0] = port;
    list[1] = '127.0.0.1';
  }
  return connect.apply(this, args);
};
