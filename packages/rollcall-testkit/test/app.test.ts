import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { startRollcall, type App, type Rollcall } from 'rollcall-testkit';
import { eventually, ok, says, statuses } from './helpers.js';

let rollcall: Rollcall;
before(async () => { rollcall = await startRollcall(); });
after(() => rollcall.stop());

const paid = { edition: 'standard', settings: { allow_delete: true } } as const;

const importOf = (app: App, UserID: string) => app.call('account_import', { UserID });

const check = async (app: App, ...ids: string[]) => statuses(await app.call('account_check', { CheckItem: ids.map((UserID) => ({ UserID })) }));

/** Reads from the admin API. */
async function admin(path: string): Promise<any> {
  const response = await fetch(`${rollcall.url}/admin/v1${path}`, { headers: { Authorization: `Bearer ${rollcall.adminToken}` } });
  return { status: response.status, ...(await response.json() as object) };
}

test('50 apps in parallel share nothing', async () => {
  await Promise.all(Array.from({ length: 50 }, async (_, i) => {
    await using app = await rollcall.newApp();
    const own = `user${i}`;
    assert.deepEqual(await importOf(app, own), ok);
    await app.snapshot('one');
    await app.reset();
    assert.deepEqual(await check(app, own), ['NotImported']);
    await app.fail({ code: 70500 + i, times: 1 });
    assert.equal((await importOf(app, 'lost')).ErrorCode, 70500 + i);
    await app.clock.advance({ days: i });
    await app.restore('one');
    assert.deepEqual(await check(app, own, `user${i + 1}`, 'lost'), ['Imported', 'NotImported', 'NotImported']);
    assert.equal((await app.calls()).length, 1, 'the calls since the restore');
  }));
  assert.equal((await admin('')).apps, 1, 'the first app is left');
});

test('a new app has what was asked for', async () => {
  await using app = await rollcall.newApp({ sdkAppID: 1400009999, key: 'a key of mine', admin: 'boss', edition: 'trial', settings: { quota: 3 }, ttl: { hours: 1 } });
  assert.deepEqual([app.sdkAppID, app.key, app.admin, app.url], [1400009999, 'a key of mine', 'boss', rollcall.url]);
  assert.deepEqual(await importOf(app, 'alice'), ok);
  assert.equal((await importOf(app, 'bob')).ErrorCode, 70398, 'administrator, boss and alice are the quota');
  const { created_at, expires_at, edition, test } = await admin('/apps/1400009999');
  assert.deepEqual([edition, test], ['trial', true]);
  assert.ok(Math.abs(Date.parse(expires_at) - Date.parse(created_at) - 3_600_000) < 1000, `${created_at} to ${expires_at}`);
});

test('a taken SDKAppID is refused if it was given, and else passed over', async () => {
  await using given = await rollcall.newApp();
  await assert.rejects(rollcall.newApp({ sdkAppID: given.sdkAppID }), says('409'));
  await using next = await rollcall.newApp({ sdkAppID: given.sdkAppID + 1 });
  await using free = await rollcall.newApp();
  assert.deepEqual([next.sdkAppID, free.sdkAppID], [given.sdkAppID + 1, given.sdkAppID + 2]);
});

test('the server removes an app after its time to live', async () => {
  const app = await rollcall.newApp({ ttl: 1 }); // rounded up to a second
  await eventually('end of the app', async () => (await admin(`/apps/${app.sdkAppID}`)).status === 404);
});

test('remove removes an app with its accounts', async () => {
  const app = await rollcall.newApp();
  await importOf(app, 'alice');
  await app.remove();
  assert.equal((await admin(`/apps/${app.sdkAppID}`)).status, 404);
});

test('reset makes an app as good as new', async () => {
  await using app = await rollcall.newApp(paid);
  await importOf(app, 'alice');
  await importOf(app, 'bob');
  await app.call('account_delete', { DeleteItem: [{ UserID: 'bob' }] });
  await app.clock.set('2040-01-01T00:00:00Z');
  await app.fail({ code: 70500 });
  await app.reset();
  assert.deepEqual(await app.calls(), []);
  assert.ok(Math.abs(app.clock.now().getTime() - Date.now()) < 60_000, 'real time');
  assert.deepEqual(await check(app, 'alice'), ['NotImported']);
  assert.deepEqual(await importOf(app, 'bob'), ok, 'the tombstone is gone');
});

test('restore returns to a snapshot, with its clock', async () => {
  await using app = await rollcall.newApp();
  await importOf(app, 'alice');
  await app.clock.freeze('2030-01-01T00:00:00Z');
  const snapshot = await app.snapshot('one');
  assert.deepEqual([snapshot.name, snapshot.accounts], ['one', 2]);
  assert.ok(snapshot.createdAt instanceof Date);
  for (let i = 0; i < 2; i++) {
    await app.reset();
    await importOf(app, 'bob');
    await app.restore('one');
    assert.deepEqual(await check(app, 'alice', 'bob'), ['Imported', 'NotImported']);
    assert.equal(app.clock.now().toISOString(), '2030-01-01T00:00:00.000Z');
  }
  await assert.rejects(app.restore('two'), says('404', 'snapshot'));
  await assert.rejects(app.restore('a/b'), says('404'));
});

test('three months pass', async () => {
  await using app = await rollcall.newApp(paid);
  const internalID = async () => (await admin(`/apps/${app.sdkAppID}/accounts/alice`)).internal_id;
  await importOf(app, 'alice');
  const first = await internalID();
  await app.call('account_delete', { DeleteItem: [{ UserID: 'alice' }] });
  assert.equal((await importOf(app, 'alice')).ErrorCode, 70399);
  await app.clock.advance({ days: 89, hours: 23, minutes: 59 });
  assert.equal((await importOf(app, 'alice')).ErrorCode, 70399);
  await app.clock.advance({ minutes: 1 });
  assert.deepEqual(await importOf(app, 'alice'), ok);
  assert.notEqual(await internalID(), first);
});

test('the clock is set, advanced, frozen, unfrozen and reset', async () => {
  await using app = await rollcall.newApp();
  const { clock } = app;
  const time = Date.parse('2035-05-05T05:05:05Z');
  assert.deepEqual(await clock.freeze(new Date(time)).then(({ now, frozen }) => [now.getTime(), frozen]), [time, true]);
  assert.equal((await clock.advance({ hours: -1, milliseconds: 1 })).now.getTime(), time - 3_599_999);
  assert.equal((await clock.set(time)).now.getTime(), time);
  assert.equal(clock.now().getTime(), time);
  assert.equal((await clock.read()).now.getTime(), time);
  const sig = app.userSig(app.admin, { expire: 60 });
  const call = () => app.call('account_import', { UserID: 'alice' }, { userSig: sig });
  assert.deepEqual(await call(), ok);
  await clock.advance({ seconds: 61 });
  assert.equal((await call()).ErrorCode, 70001, 'the UserSig has expired');
  const running = await clock.unfreeze();
  assert.equal(running.frozen, false);
  assert.ok(running.now.getTime() - time >= 61_000);
  assert.equal((await clock.freeze()).frozen, true);
  assert.deepEqual(await clock.reset().then(({ offset, frozen }) => [offset, frozen]), [0, false]);
  assert.ok(Math.abs(clock.now().getTime() - Date.now()) < 60_000);
});

test('mistakes are named', async () => {
  await assert.rejects(rollcall.clock.advance({ weeks: 1 } as object), says('the time to advance is no duration', 'days'));
  await assert.rejects(rollcall.clock.advance(NaN), says('no duration'));
  assert.throws(() => rollcall.clock.set('soon'), says('soon is no time'));
  await assert.rejects(rollcall.clock.set('2500-01-01'), says('PATCH', '400'));
  await assert.rejects(rollcall.call('import' as 'kick'), says('import is no known command', 'account_import'));
  await assert.rejects(rollcall.snapshot('?'), says('400'));
  assert.equal((await rollcall.call('im_open_login_svc/account_list')).ErrorCode, 60009);
});
