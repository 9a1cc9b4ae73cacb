import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { chmod, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, test } from 'node:test';

import { startRollcall } from 'rollcall-testkit';
import { alive, binary, eventually, ok, says, statuses } from './helpers.js';

let dir: string;
before(async () => {
  dir = await mkdtemp(join(tmpdir(), 'start-'));
  process.env['TMPDIR'] = dir; // the directories of the servers of this file
});
after(() => rm(dir, { recursive: true }));

/** Returns the directories of servers that are there. */
function left(): string[] {
  return readdirSync(dir).filter((name) => name.startsWith('rollcall-'));
}

/** Returns the ids of the processes that name a directory of a server. */
function processes(): string[] {
  return readdirSync('/proc').filter((pid) => /^\d+$/.test(pid) && commandLine(pid).includes(join(dir, 'rollcall-')));
}

function commandLine(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return '';
  }
}

const linux = existsSync('/proc/self/cmdline');

test('stop leaves nothing', async () => {
  const rollcall = await startRollcall();
  assert.match(rollcall.url, /^http:\/\/127\.0\.0\.1:\d+$/);
  assert.equal(rollcall.admin, 'administrator');
  assert.match(rollcall.key, /^[0-9a-f]{64}$/);
  assert.ok(alive(rollcall.pid));
  assert.equal(left().length, 1);
  if (linux) {
    assert.equal(processes().length, 2, 'the server and its guard');
  }
  const about = await fetch(`${rollcall.url}/admin/v1`, { headers: { Authorization: `Bearer ${rollcall.adminToken}` } });
  assert.equal(about.status, 200);
  await Promise.all([rollcall.stop(), rollcall.stop()]);
  assert.ok(!alive(rollcall.pid));
  assert.deepEqual(left(), []);
  if (linux) {
    assert.deepEqual(processes(), []);
  }
  await rollcall.stop();
  await assert.rejects(rollcall.call('account_import', { UserID: 'alice' }), says('POST /v4/im_open_login_svc/account_import', 'rollcall was stopped; start another server'));
});

test('a stop does not wait for a call under way', async () => {
  const rollcall = await startRollcall();
  await rollcall.fail({ command: 'account_import', delay: { seconds: 60 } });
  const call = rollcall.call('account_import', { UserID: 'alice' }).catch(() => undefined); // the server may still answer it
  const imported = async () => statuses(await rollcall.call('account_check', { CheckItem: [{ UserID: 'alice' }] }))[0] === 'Imported';
  await eventually('import', imported);
  await rollcall.stop();
  await call;
  assert.ok(!alive(rollcall.pid));
});

test('await using stops', async () => {
  let pid = 0;
  {
    await using rollcall = await startRollcall();
    pid = rollcall.pid;
    assert.deepEqual(await rollcall.call('account_import', { UserID: 'alice' }), ok);
  }
  assert.ok(!alive(pid));
});

for (const [how, end] of Object.entries({
  'that is killed': 'setInterval(() => {}, 1000)',
  'that exits': 'process.exit(0)',
  'that forgets to stop': '',
})) {
  test(`a server ends with a process ${how}`, async (t) => {
    const script = `require('rollcall-testkit').startRollcall().then((r) => { console.log(r.pid); ${end} })`;
    const starter = spawn(process.execPath, ['-e', script], { cwd: __dirname, stdio: ['ignore', 'pipe', 'inherit'] });
    const pid = await new Promise<number>((resolve) => createInterface({ input: starter.stdout }).once('line', (line) => resolve(Number(line))));
    t.after(() => alive(pid) && process.kill(pid, 'SIGKILL'));
    if (how === 'that is killed') {
      starter.kill('SIGKILL');
    }
    await eventually('end of the starter', () => starter.exitCode !== null || starter.signalCode !== null);
    await eventually('end of the server', () => !alive(pid));
    await eventually('empty directory', () => left().length === 0);
    if (linux) {
      await eventually('end of the guard', () => processes().length === 0);
    }
  });
}

test('a server that ended by itself is an error', async () => {
  const rollcall = await startRollcall();
  process.kill(rollcall.pid, 'SIGKILL');
  await eventually('end', () => !alive(rollcall.pid));
  await assert.rejects(rollcall.calls(), says('GET /admin/v1/apps/1400000001/requests', 'rollcall ended by itself with signal SIGKILL; start another server'));
  await assert.rejects(rollcall.stop(), says('rollcall ended by itself with signal SIGKILL; find out who ended it'));
  assert.deepEqual(left(), []);
});

test('a port that is taken is an error', async () => {
  const other = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => other.once('listening', resolve));
  const { port } = other.address() as AddressInfo;
  try {
    await assert.rejects(startRollcall({ port }), says('ended before it was ready, with exit code 1', `127.0.0.1:${port} cannot be opened: end what listens there, or choose another address`));
  } finally {
    other.close();
  }
  assert.deepEqual(left(), []);
});

test('a given port is used', async () => {
  const probe = await startRollcall();
  const port = Number(new URL(probe.url).port);
  await probe.stop();
  await using rollcall = await startRollcall({ port });
  assert.equal(rollcall.url, `http://127.0.0.1:${port}`);
});

test('arguments reach the server, and their errors the caller', async () => {
  const lines: string[] = [];
  await using rollcall = await startRollcall({ args: ['--log-format', 'json'], log: (line) => lines.push(line) });
  await rollcall.call('account_import', { UserID: 'alice' });
  await eventually('log line of the call', () => lines.some((line) => JSON.parse(line).command === 'account_import'));
  await assert.rejects(startRollcall({ args: ['--nonsense'] }), says('with exit code 2', '--nonsense'));
  assert.equal(left().length, 1);
});

test('the environment of another server does not matter', async (t) => {
  process.env['ROLLCALL_CFG_TLS_CERT'] = '/nonexistent';
  t.after(() => delete process.env['ROLLCALL_CFG_TLS_CERT']);
  await (await startRollcall()).stop();
});

test('the program is the option, else ROLLCALL_BIN, else in PATH', async (t) => {
  const { PATH, ROLLCALL_BIN } = process.env;
  t.after(() => Object.assign(process.env, { PATH, ROLLCALL_BIN }));
  const bin = await mkdtemp(join(dir, 'bin-'));
  process.env['ROLLCALL_BIN'] = '/nonexistent/one';
  await assert.rejects(startRollcall(), says('/nonexistent/one, which ROLLCALL_BIN names', 'make build'));
  await assert.rejects(startRollcall({ binary: '/nonexistent/two' }), says('/nonexistent/two, which the option binary names'));
  await (await startRollcall({ binary })).stop();
  delete process.env['ROLLCALL_BIN'];
  process.env['PATH'] = `${bin}:${PATH}`;
  await symlink(binary, join(bin, 'rollcall'));
  await (await startRollcall()).stop();
  process.env['PATH'] = '';
  await assert.rejects(startRollcall(), says('rollcall was not found', 'make build', 'set ROLLCALL_BIN'));
});

test('a program that is not rollcall is an error', async () => {
  const write = async (name: string, text: string) => {
    await writeFile(join(dir, name), text);
    await chmod(join(dir, name), 0o700);
    return join(dir, name);
  };
  const silent = await write('silent', '#!/bin/sh\ntrap "" TERM\nexec sleep 600\n'); // has to be killed
  await assert.rejects(startRollcall({ binary: silent, startTimeout: 50 }), says(`${silent} was not ready after 50 ms`, 'startTimeout'));
  const other = await write('other', '#!/bin/sh\necho "what is serve?" >&2\nexit 3\n');
  await assert.rejects(startRollcall({ binary: other }), says('with exit code 3: what is serve?'));
  const broken = await write('broken', '#!/nonexistent/interpreter\n');
  await assert.rejects(startRollcall({ binary: broken }), says(`${broken} cannot be started`, 'make build'));
  assert.deepEqual(left(), []);
});
