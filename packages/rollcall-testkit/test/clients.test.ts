import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';

import { startRollcall } from 'rollcall-testkit';
import { repository, run } from './helpers.js';

/**
 * Leads the connections of https to a server without TLS. The client, whose host is built
 * in, is not changed.
 */
const redirect = `
  const { connect } = require('node:net');
  require('node:https').globalAgent.createConnection = (options, callback) => connect(Number(process.env.ROLLCALL_PORT), '127.0.0.1', callback);
`;

test('a published client passes, unmodified', async () => {
  await using rollcall = await startRollcall();
  const { stdout } = await run(process.execPath, ['-e', `${redirect} require('./scenario.js')`], {
    cwd: join(repository, 'conformance/npm'),
    env: {
      PATH: process.env['PATH'],
      NODE_NO_WARNINGS: '1',
      ROLLCALL_PORT: new URL(rollcall.url).port,
      ROLLCALL_SDKAPPID: String(rollcall.sdkAppID),
      ROLLCALL_SIGNER: 'vendor',
      ROLLCALL_SECRET: rollcall.key,
      ROLLCALL_KEY_FILE: __filename, // is read, but not used by the vendor's signer
    },
  });
  assert.match(stdout, /^25 steps passed$/m);
  assert.equal((await rollcall.calls()).length, 24, 'all but the one whose path names no command');
});
