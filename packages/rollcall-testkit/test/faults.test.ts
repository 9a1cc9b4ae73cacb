import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';

import { startRollcall, type Rollcall } from 'rollcall-testkit';
import { ok, says, statuses } from './helpers.js';

let rollcall: Rollcall;
before(async () => { rollcall = await startRollcall(); });
beforeEach(() => rollcall.reset());
after(() => rollcall.stop());

const alice = { UserID: 'alice' };
const batch = { Accounts: ['a', 'b', 'c'] };

/** Imports an account n times and returns the codes. */
async function codes(n: number): Promise<number[]> {
  const all: number[] = [];
  for (let i = 0; i < n; i++) {
    all.push((await rollcall.call('account_import', alice)).ErrorCode);
  }
  return all;
}

test('a code, twice, then success', async () => {
  await rollcall.fail({ command: 'account_import', code: 70500, times: 2 });
  assert.deepEqual(await codes(3), [70500, 70500, 0]);
});

test('a script of several faults', async () => {
  await rollcall.fail({ code: 70500, info: 'a text of mine', after: 1, times: 1 });
  await rollcall.fail({ code: 60007, after: 1, times: 1 });
  assert.deepEqual(await codes(4), [0, 70500, 60007, 0]);
  assert.equal((await rollcall.calls({ code: 70500 }))[0]?.info, 'a text of mine');
});

test('other commands pass', async () => {
  await rollcall.fail({ command: 'kick', code: 70500 });
  assert.deepEqual(await codes(1), [0]);
});

test('an HTTP status', async () => {
  await rollcall.fail({ status: 502, times: 1 });
  await assert.rejects(rollcall.call('account_import', alice), (err: any) => err.status === 502 && says('502 Bad Gateway')(err));
  await rollcall.fail({ status: 503, code: 70500, times: 1 });
  await assert.rejects(rollcall.call('account_import', alice), says('status 503', '70500'));
});

test('a delay', async () => {
  await rollcall.fail({ delay: { milliseconds: 100 }, times: 1 });
  const begin = performance.now();
  assert.deepEqual(await rollcall.call('account_import', alice), ok);
  assert.ok(performance.now() - begin >= 99, 'the delay is missing');
});

test('a cut connection', async () => {
  await rollcall.fail({ cut: 'before', times: 1 });
  await assert.rejects(rollcall.call('account_import', alice), says('got no whole response'));
  assert.deepEqual(statuses(await rollcall.call('account_check', { CheckItem: [alice] })), ['NotImported']);
  await rollcall.fail({ cut: 'before', run: true, times: 1 });
  await assert.rejects(rollcall.call('account_import', alice), says('got no whole response'));
  assert.deepEqual(statuses(await rollcall.call('account_check', { CheckItem: [alice] })), ['Imported']);
  await rollcall.fail({ cut: 'middle', times: 1 });
  await assert.rejects(rollcall.call('account_import', alice), says('got no whole response'));
});

test('items by number and by name', async () => {
  await rollcall.fail({ command: 'multiaccount_import', items: 2, itemCode: 70398, times: 1 });
  assert.deepEqual((await rollcall.call('multiaccount_import', batch))['FailAccounts'], ['a', 'b']);
  await rollcall.fail({ command: 'multiaccount_import', items: ['c'], times: 1 });
  assert.deepEqual((await rollcall.call('multiaccount_import', batch))['FailAccounts'], ['c']);
  const [first, second] = await rollcall.calls();
  assert.deepEqual(first?.failures.map(({ item, userID, code }) => [item, userID, code]), [[0, 'a', 70398], [1, 'b', 70398]]);
  assert.deepEqual(second?.failures.map(({ userID, code }) => [userID, code]), [['c', 70500]]);
});

test('the same seed makes the same choices', async () => {
  const runs: number[][] = [];
  for (let i = 0; i < 2; i++) {
    await rollcall.fail({ code: 70500, probability: 0.5, seed: 42 });
    runs.push(await codes(20));
    await rollcall.clearFaults();
  }
  assert.deepEqual(runs[0], runs[1]);
  assert.deepEqual(new Set(runs[0]), new Set([0, 70500]));
});

test('clearFaults ends all faults', async () => {
  await rollcall.fail({ code: 70500 });
  await rollcall.fail({ code: 60007 });
  await rollcall.clearFaults();
  assert.deepEqual(await codes(1), [0]);
});

test('mistakes are named', async () => {
  await assert.rejects(rollcall.fail({}), says('POST /admin/v1/apps/1400000001/faults', '400', 'the fault does nothing'));
  await assert.rejects(rollcall.fail({ delay: {} as number, status: 'x' as any }), says('400'));
  await assert.rejects(rollcall.fail({ delay: 'long' as any }), says('delay is no duration'));
});
