import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

import { RollcallError, textOf } from './errors.js';

/** How a server is started. */
export interface ProcessOptions {
  binary: string;
  port: number;
  args: readonly string[];
  log: ((line: string) => void) | undefined;
  startTimeout: number;
}

/** What a server says about itself in its context file. */
export interface Context {
  url: string;
  sdkappid: number;
  key: string;
  admin: string;
  admin_token: string;
}

/** Milliseconds that a server has to end after SIGTERM. It waits a second for calls under way. */
const endTimeout = 5000;

/** Number of lines of the log that are kept for errors. */
const keptLines = 20;

/**
 * Ends a server whose starter is gone, however that ended: its standard input is a pipe
 * from the starter, which the system closes.
 */
const guardScript = 'trap "" INT HUP TERM; read -r _; kill -KILL "$1"; rm -rf -- "$2"';

/** A running `rollcall serve` with a data directory of its own. */
export class ServerProcess {
  private readonly child: ChildProcess;
  private readonly exited: Promise<void>;
  private guard: ChildProcess | undefined;
  private readonly lines: string[] = [];
  private failure: Error | undefined; // of the start of the program
  private stopping: Promise<void> | undefined;

  private constructor(private readonly options: ProcessOptions, private readonly dir: string) {
    this.child = spawn(options.binary, serveArgs(options, dir), { env: environment(), stdio: ['ignore', 'pipe', 'pipe'] });
    this.child.on('error', (err) => { this.failure = err; });
    this.exited = once(this.child, 'close').then(() => undefined, () => undefined);
    createInterface({ input: this.child.stderr! }).on('line', (line) => this.keep(line));
    if (this.child.pid !== undefined) {
      this.guard = spawn('sh', ['-c', guardScript, 'rollcall-guard', String(this.child.pid), dir], { stdio: ['pipe', 'ignore', 'ignore'] });
      this.guard.on('error', (err) => { this.failure = err; });
      this.child.on('exit', () => this.guard!.kill('SIGKILL'));
    }
  }

  /** Starts a server and waits until it is ready. */
  static async start(options: ProcessOptions): Promise<[ServerProcess, Context]> {
    const dir = await mkdtemp(join(tmpdir(), 'rollcall-'));
    let server: ServerProcess | undefined;
    try {
      server = new ServerProcess(options, dir);
      await server.ready();
      const context = JSON.parse(await readFile(join(dir, 'context.json'), 'utf8')) as Context;
      server.unref();
      return [server, context];
    } catch (err) {
      await server?.end();
      await rm(dir, { recursive: true, force: true });
      throw err;
    }
  }

  /** The id of the process. */
  get pid(): number { return this.child.pid!; }

  /** Says that the server has ended, and how; undefined while it runs. */
  ended(): string | undefined {
    if (this.stopping !== undefined) {
      return 'rollcall was stopped';
    }
    return this.running ? undefined : `rollcall ended by itself with ${this.status}`;
  }

  /** Ends the process and removes its directory. It fails if the server ended earlier. */
  stop(): Promise<void> {
    this.stopping ??= this.finish(this.ended());
    return this.stopping;
  }

  private async finish(early: string | undefined): Promise<void> {
    await this.end();
    if (early !== undefined) {
      throw new RollcallError(`${early}; find out who ended it, or why it failed`);
    }
  }

  private get running(): boolean {
    return this.child.pid !== undefined && this.child.exitCode === null && this.child.signalCode === null;
  }

  /** The exit code or the signal, and the end of the log. */
  private get status(): string {
    const { exitCode, signalCode } = this.child;
    return (signalCode === null ? `exit code ${exitCode}` : `signal ${signalCode}`) + this.lastLines();
  }

  /** Waits for the line that says that the server is ready. */
  private async ready(): Promise<void> {
    const output = createInterface({ input: this.child.stdout! });
    let timer: NodeJS.Timeout | undefined;
    const outcome = await Promise.race([
      new Promise<'ready'>((resolve) => output.on('line', (line) => line.includes(' is ready on ') && resolve('ready'))),
      this.exited.then(() => 'ended' as const),
      new Promise<'late'>((resolve) => { timer = setTimeout(resolve, this.options.startTimeout, 'late'); }),
    ]);
    clearTimeout(timer);
    if (outcome !== 'ready' || this.failure !== undefined) {
      throw this.startError(outcome);
    }
  }

  private startError(outcome: string): RollcallError {
    const { binary, startTimeout } = this.options;
    if (this.failure !== undefined) {
      return new RollcallError(`${binary} cannot be started: ${textOf(this.failure)}; build it for this machine with "make build"`, { cause: this.failure });
    }
    if (outcome === 'late') {
      return new RollcallError(`${binary} was not ready after ${startTimeout} ms${this.lastLines()}; check that it is rollcall, or set a longer startTimeout`);
    }
    return new RollcallError(`${binary} ended before it was ready, with ${this.status}`);
  }

  private async end(): Promise<void> {
    this.child.ref();
    this.guard?.ref();
    if (this.running) {
      const timer = setTimeout(() => this.child.kill('SIGKILL'), endTimeout);
      this.child.kill('SIGTERM');
      await this.exited;
      clearTimeout(timer);
    }
    await this.endGuard();
    await rm(this.dir, { recursive: true, force: true });
  }

  private async endGuard(): Promise<void> {
    const guard = this.guard;
    if (guard?.pid === undefined || guard.exitCode !== null || guard.signalCode !== null) {
      return;
    }
    guard.kill('SIGKILL');
    await once(guard, 'exit');
  }

  /** Lets the process of the tests end without stop. */
  private unref(): void {
    this.child.unref();
    this.guard!.unref();
    for (const pipe of [this.child.stdout, this.child.stderr, this.guard!.stdin]) {
      (pipe as Socket).unref();
    }
  }

  private keep(line: string): void {
    this.lines.push(line);
    if (this.lines.length > keptLines) {
      this.lines.shift();
    }
    this.options.log?.(line);
  }

  private lastLines(): string {
    return this.lines.length === 0 ? '' : `: ${this.lines.join('\n')}`;
  }
}

function serveArgs({ port, args, log }: ProcessOptions, dir: string): string[] {
  const level = log === undefined ? 'warn' : 'info';
  return ['serve', '--store', 'mem:', '--listen', `127.0.0.1:${port}`, '--data', dir, '--shutdown-timeout', '1s', '--log-level', level, ...args];
}

/** Returns the environment without the settings of other servers. */
function environment(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('ROLLCALL_')));
}
