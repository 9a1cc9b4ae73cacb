import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';

import { RollcallError, type Answer } from 'rollcall-testkit';

/** The root of the repository. */
export const repository = resolve(__dirname, '../../..');

process.env['ROLLCALL_BIN'] ??= join(repository, 'bin/rollcall');

/** The program under test. */
export const binary = process.env['ROLLCALL_BIN'];

export const run = promisify(execFile);

export const ok = { ActionStatus: 'OK', ErrorInfo: '', ErrorCode: 0 };

/** Returns the AccountStatus of each account of a response of account_check. */
export function statuses(answer: Answer): string[] {
  return answer['ResultItem'].map((item: { AccountStatus: string }) => item.AccountStatus);
}

/** Waits until a condition is true. A minute is enough for any machine. */
export async function eventually(what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
  for (const end = Date.now() + 60_000; !await condition(); await sleep(5)) {
    assert.ok(Date.now() < end, `no ${what} after a minute`);
  }
}

/** Reports whether a process runs. */
export function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** Returns a check of an error's message, for assert.rejects and assert.throws. */
export function says(...parts: (string | RegExp)[]): (err: unknown) => true {
  return (err) => {
    assert.ok(err instanceof RollcallError || err instanceof TypeError, String(err));
    for (const part of parts) {
      assert.match(err.message, typeof part === 'string' ? new RegExp(part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')) : part);
    }
    return true;
  };
}
