// Creates clients of imsdk-restapi-nodejs-es6-sdk. ROLLCALL_SIGNER selects the signer:
// "own" is the client itself (version 1, with the private key in ROLLCALL_KEY_FILE),
// "vendor" is tls-sig-api-v2 instead (version 2, with ROLLCALL_SECRET).
'use strict';

const Client = require('imsdk-restapi-nodejs-es6-sdk');
const { Api: Signer } = require('tls-sig-api-v2');

const { ROLLCALL_SDKAPPID, ROLLCALL_SIGNER, ROLLCALL_KEY_FILE, ROLLCALL_SECRET } = process.env;
const sdkAppid = Number(ROLLCALL_SDKAPPID);

exports.newClient = function (identifier) {
  const client = new Client({
    sdkAppid, identifier, accountType: 0, privateKeyPath: ROLLCALL_KEY_FILE, expireAfter: 24 * 3600,
  });
  if (ROLLCALL_SIGNER === 'vendor') {
    const signer = new Signer(sdkAppid, ROLLCALL_SECRET);
    client._reSign = function () {
      this._usersig = signer.genUserSig(identifier, 24 * 3600);
      this._expireUntil = Infinity;
    };
  }
  client.init();
  return client;
};
