// Loaded before a client (node --require): connections of https go to the
// server under test, whatever host the client has built in. The client still
// asks for its own host, by TLS and by HTTP, and checks the certificate for it.
'use strict';

const https = require('https');

const port = Number(process.env.ROLLCALL_PORT);
const connect = https.globalAgent.createConnection;

https.globalAgent.createConnection = function (options, callback) {
  return connect.call(this, { ...options, host: '127.0.0.1', port }, callback);
};
