import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';

import { startRollcall, type Rollcall } from 'rollcall-testkit';
import { ok } from './helpers.js';

let rollcall: Rollcall;
before(async () => { rollcall = await startRollcall(); });
beforeEach(() => rollcall.reset());
after(() => rollcall.stop());

test('a call is recorded with its bodies', async () => {
  const before = Date.now();
  await rollcall.call('account_import', { UserID: 'alice', Nick: '爱丽丝' });
  const [call, ...more] = await rollcall.calls();
  assert.deepEqual(more, []);
  assert.deepEqual(
    [call?.command, call?.identifier, call?.status, call?.code, call?.info, call?.advice, call?.failures, call?.fault, call?.rateShadow],
    ['account_import', 'administrator', 200, 0, '', '', [], undefined, undefined],
  );
  assert.deepEqual(call?.request?.json, { UserID: 'alice', Nick: '爱丽丝' });
  assert.deepEqual(call?.response?.json, ok);
  assert.equal(call?.request?.bytes, Buffer.byteLength(call!.request!.text));
  assert.ok(Math.abs(call!.time.getTime() - before) < 60_000 && call!.took > 0);
  assert.match(call!.requestID, /^[A-Z2-7]{16}$/);
});

test('calls are selected by command and code', async () => {
  await rollcall.call('account_import', { UserID: 'alice' });
  await rollcall.call('account_import', { UserID: '@bad' });
  await rollcall.call('multiaccount_import', { Accounts: ['bob', '@bad'] });
  const commands = async (filter: object) => (await rollcall.calls(filter)).map((call) => call.command);
  assert.deepEqual(await commands({}), ['account_import', 'account_import', 'multiaccount_import']);
  assert.deepEqual(await commands({ command: 'account_import' }), ['account_import', 'account_import']);
  assert.deepEqual(await commands({ code: 0 }), ['account_import', 'multiaccount_import']);
  const [refused] = await rollcall.calls({ command: 'account_import', code: 70402 });
  assert.equal(refused?.code, 70402);
  assert.ok(refused?.info && refused.advice);
  const [batch] = await rollcall.calls({ command: 'multiaccount_import' });
  assert.equal(batch?.items, 2);
  assert.deepEqual(batch?.failures.map(({ item, userID }) => [item, userID]), [[1, '@bad']]);
  assert.ok(batch?.failures[0]?.info && batch.failures[0].advice);
});

test('a fault is named', async () => {
  const id = await rollcall.fail({ cut: 'before' });
  await rollcall.call('account_import', { UserID: 'alice' }).catch(() => undefined);
  const [call] = await rollcall.calls();
  assert.deepEqual([call?.fault, call?.status], [id, 0]);
});

test('a long or malformed body is cut or has no JSON', async () => {
  await rollcall.call('account_import', { UserID: 'alice', Nick: 'x'.repeat(70_000) });
  const [long] = await rollcall.calls();
  assert.deepEqual([long?.request?.cut, long?.request?.text.length, long?.request?.json], [true, 65_536, undefined]);
  await rollcall.clearCalls();
  const query = `sdkappid=${rollcall.sdkAppID}&identifier=administrator&usersig=${rollcall.userSig('administrator')}&random=1&contenttype=json`;
  await fetch(`${rollcall.url}/v4/im_open_login_svc/account_import?${query}`, { method: 'POST', body: "{'UserID'" });
  const [malformed] = await rollcall.calls();
  assert.deepEqual([malformed?.request?.text, malformed?.request?.json], ["{'UserID'", undefined]);
});

test('all pages are read', async () => {
  const Nick = 'x'.repeat(60_000); // 50 of them are longer than the bodies of a page
  for (let i = 0; i < 50; i++) {
    await rollcall.call('account_import', { UserID: `user${i}`, Nick });
  }
  assert.deepEqual((await rollcall.calls()).map((call) => call.request?.json.UserID), Array.from({ length: 50 }, (_, i) => `user${i}`));
});

test('clearCalls forgets the calls', async () => {
  await rollcall.call('account_import', { UserID: 'alice' });
  await rollcall.clearCalls();
  assert.deepEqual(await rollcall.calls(), []);
});
