// Starts bin/rollcall as a developer's server with data of its own, for what is no test.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { World } from './world.mjs';

const binary = process.env.ROLLCALL_BIN || fileURLToPath(new URL('../../bin/rollcall', import.meta.url));
// The shell is the same browser without windows, and needs half of the processor's time.
export const chromium = process.env.ROLLCALL_CHROMIUM || ['/usr/bin/chromium-headless-shell', '/usr/bin/chromium'].find(existsSync);

// serve starts a server. The result is its World, with the id of the process, its output so
// far, the link that logs in once, and stop, which ends it and removes its data.
export async function serve(...flags) {
  const home = await mkdtemp(join(tmpdir(), 'rollcall-'));
  const data = join(home, 'data'), dir = join(home, 'files');
  await mkdir(dir);
  const server = spawn(binary, ['serve', '--data', data, '--import-dir', dir, '--listen', '127.0.0.1:0', ...flags], { stdio: ['ignore', 'pipe', 'pipe'] });
  server.on('error', (e) => { throw new Error(`${binary} does not start: ${e.message}; run make build`); });
  const stop = async () => {
    const ended = once(server, 'exit');
    if (server.exitCode === null && server.kill()) await ended;
    await rm(home, { recursive: true });
  };
  const output = [];
  let link;
  await new Promise((resolve, reject) => {
    server.on('exit', () => reject(new Error(`the server has ended:\n${output.join('\n')}`)));
    for (const stream of [server.stdout, server.stderr]) {
      createInterface(stream).on('line', (line) => {
        output.push(line);
        if (line.includes('/console/login?code=')) link = line;
        if (link && output.some((l) => l.includes('msg=ready'))) resolve();
      });
    }
  });
  const c = JSON.parse(await readFile(join(data, 'context.json'), 'utf8'));
  return Object.assign(new World({ url: c.url, token: c.admin_token, app: c.sdkappid, dir }), { pid: server.pid, output, link, stop });
}
