import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';

import { startRollcall, type AccountDevices, type Rollcall } from 'rollcall-testkit';
import { ok, says } from './helpers.js';

let rollcall: Rollcall;
before(async () => { rollcall = await startRollcall(); });
beforeEach(() => rollcall.reset());
after(() => rollcall.stop());

/** Returns the state of an account from the account API. */
async function status(userID: string): Promise<string> {
  return (await rollcall.call('query_online_status', { To_Account: [userID] }))['QueryResult'][0].Status;
}

const platforms = ({ devices }: AccountDevices) => devices.map(({ platform, state }) => `${platform} ${state}`);

test('a device from its login to its end', async () => {
  await rollcall.clock.freeze('2030-01-31T00:00:00Z');
  const phone = await rollcall.login('alice', 'Android', { address: '192.0.2.7', instance: 'phone' });
  assert.deepEqual([phone.userID, phone.platform, phone.replaced], ['alice', 'Android', []]);
  assert.equal(await status('alice'), 'Online');
  const silent = await phone.silence();
  assert.deepEqual(silent, {
    userID: 'alice', state: 'Online', customStatus: '',
    devices: [{
      id: phone.id, platform: 'Android', state: 'Online', instance: 'phone', address: '192.0.2.7', loginAt: new Date('2030-01-31T00:00:00Z'),
      lostAt: undefined, silentTo: new Date('2030-01-31T00:06:40Z'), expiresAt: undefined,
    }],
  });
  await rollcall.clock.advance({ seconds: 400 });
  assert.equal(await status('alice'), 'PushOnline');
  assert.deepEqual((await rollcall.devices('alice')).devices[0]?.lostAt, new Date('2030-01-31T00:06:40Z'));
  assert.deepEqual(platforms(await phone.reconnect()), ['Android Online']);
  assert.deepEqual(platforms(await phone.drop()), ['Android PushOnline']);
  await rollcall.clock.advance({ days: 7 });
  assert.deepEqual(await rollcall.devices('alice'), { userID: 'alice', state: 'Offline', customStatus: '', devices: [] });
});

test('logout, end and a kick', async () => {
  const [phone, page] = [await rollcall.login('alice', 'iPhone'), await rollcall.login('alice', 'Web')];
  await rollcall.login('alice', 'Mac');
  assert.deepEqual(platforms(await phone.logout()), ['Web Online', 'Mac Online']);
  assert.deepEqual(platforms(await page.end()), ['Mac Online']);
  assert.deepEqual(await rollcall.call('kick', { UserID: 'alice' }), ok);
  assert.equal(await status('alice'), 'Offline');
  await assert.rejects(page.drop(), says('404', 'no such device'));
});

test('a device takes the place of another one, which comes back', async () => {
  const first = await rollcall.login('alice', 'Android');
  const second = await rollcall.login('alice', 'Android');
  assert.deepEqual(second.replaced.map(({ id }) => id), [first.id]);
  const [back] = (await first.reconnect()).devices;
  assert.ok(back !== undefined && back.id !== first.id && back.id !== second.id, 'another id');
});

test('a mini-program in the background', async () => {
  await rollcall.clock.freeze('2030-01-31T00:00:00Z');
  const device = await rollcall.login('alice', 'MiniProgram');
  assert.deepEqual((await device.silence('background')).devices[0]?.silentTo, new Date('2030-01-31T00:00:30Z'));
});

test('the custom status', async () => {
  await rollcall.login('alice', 'Web');
  assert.equal((await rollcall.setCustomStatus('alice', 'busy')).customStatus, 'busy');
  assert.equal((await rollcall.setCustomStatus('alice', '')).customStatus, '');
});

test('a UserSig is checked, and its end ends the link', async () => {
  await assert.rejects(rollcall.login('alice', 'Web', { userSig: rollcall.userSig('bob') }), says('400', '70013'));
  await rollcall.login('alice', 'Web', { userSig: rollcall.userSig('alice', { expire: 60 }) });
  assert.ok((await rollcall.devices('alice')).devices[0]?.expiresAt instanceof Date);
  await rollcall.clock.advance({ minutes: 2 });
  assert.equal((await rollcall.devices('alice')).state, 'Offline');
});

test('mistakes are named', async () => {
  await assert.rejects(rollcall.login('alice', 'tv' as 'Web'), says('400', 'the platform "tv" is unknown'));
  await assert.rejects(rollcall.devices('nobody'), says('404'));
  await assert.rejects(rollcall.setCustomStatus('administrator', 'busy'), says('404', 'no device of the account is online'));
});
