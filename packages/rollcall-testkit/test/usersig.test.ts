import assert from 'node:assert/strict';
import { writeFile, mkdtemp, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { inflateSync } from 'node:zlib';

import { startRollcall, type App } from 'rollcall-testkit';
import { binary, ok, repository, run, says } from './helpers.js';

/** Runs `rollcall sig verify` and returns its result. */
async function verify(app: App, userID: string, sig: string): Promise<{ valid: boolean; code: number }> {
  const dir = await mkdtemp(join(tmpdir(), 'usersig-'));
  try {
    const key = join(dir, 'key.txt');
    await writeFile(key, app.key, { mode: 0o600 });
    const args = ['sig', 'verify', '--sdkappid', String(app.sdkAppID), '--identifier', userID, '--key-file', key, '--output', 'json'];
    const { stdout } = await run(binary, [...args, sig]).catch((err) => err as { stdout: string });
    return JSON.parse(stdout);
  } finally {
    await rm(dir, { recursive: true });
  }
}

test('the program verifies UserSigs', async () => {
  await using rollcall = await startRollcall();
  for (const userID of ['alice', '用户', 'a"b\\c', `<&> ${'x'.repeat(20)}`, ...'0123456789']) {
    assert.equal((await verify(rollcall, userID, rollcall.userSig(userID))).valid, true, userID);
  }
  const sig = rollcall.userSig('alice');
  assert.equal((await verify(rollcall, 'bob', sig)).valid, false);
  assert.equal((await verify(rollcall, 'alice', rollcall.userSig('alice', { expire: -1 }))).valid, false);
  assert.equal((await verify(rollcall, 'alice', rollcall.userSig('alice', { expire: 60, issuedAt: new Date(Date.now() - 61_000) }))).valid, false);
});

test('the vendor signs the same', async () => {
  const fromConformance = createRequire(join(repository, 'conformance/npm/package.json'));
  const { Api } = fromConformance('tls-sig-api-v2') as { Api: new (sdkAppID: number, key: string) => { genUserSig(userID: string, expire: number): string } };
  await using rollcall = await startRollcall();
  const theirs = new Api(rollcall.sdkAppID, rollcall.key).genUserSig('administrator', 3600);
  const issuedAt = new Date(payload(theirs)['TLS.time'] * 1000);
  assert.deepEqual(payload(rollcall.userSig('administrator', { expire: 3600, issuedAt })), payload(theirs));
  assert.deepEqual(await rollcall.call('account_import', { UserID: 'alice' }, { userSig: theirs }), ok);
});

/** Returns what a UserSig says. */
function payload(sig: string): any {
  const base64 = sig.replace(/\*/g, '+').replace(/-/g, '/').replace(/_/g, '=');
  return JSON.parse(inflateSync(Buffer.from(base64, 'base64')).toString());
}

test('the server accepts and refuses UserSigs', async () => {
  await using rollcall = await startRollcall();
  assert.equal((await rollcall.call('account_check', { CheckItem: [{ UserID: 'x' }] }, { userID: 'alice' })).ErrorCode, 70403);
  assert.equal((await rollcall.call('account_import', { UserID: 'x' }, { userSig: rollcall.userSig('administrator', { expire: -60 }) })).ErrorCode, 70001);
  assert.equal((await rollcall.call('account_import', { UserID: 'x' }, { userSig: rollcall.userSig('alice') })).ErrorCode, 70013);
});

test('mistakes are named', async () => {
  await using rollcall = await startRollcall();
  assert.throws(() => rollcall.userSig(''), says('userID'));
  assert.throws(() => rollcall.userSig('a\nb'), says('userID'));
  assert.throws(() => rollcall.userSig('alice', { expire: 0.5 }), says('expire is 0.5'));
  assert.throws(() => rollcall.userSig('alice', { issuedAt: new Date('?') }), says('issuedAt'));
});
