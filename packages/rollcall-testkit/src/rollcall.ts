import { adminCall } from './admin.js';
import { App, TestApp, type Credentials } from './app.js';
import { findBinary } from './binary.js';
import { milliseconds, type Duration } from './duration.js';
import { RollcallError } from './errors.js';
import { ServerProcess } from './process.js';

/** Options of {@link startRollcall}. */
export interface StartOptions {
  /** Path of the program; `ROLLCALL_BIN` if absent, else the first `rollcall` in `PATH`. */
  binary?: string;
  /** Port of the loopback interface; a free one if absent. */
  port?: number;
  /** More arguments of `rollcall serve`, such as `['--seed', 'shop.yml']`. */
  args?: readonly string[];
  /** Receives the log of the server, line by line and with each call. */
  log?: (line: string) => void;
  /** How long the start may take; 30 seconds if absent. */
  startTimeout?: Duration;
}

/** Options of {@link Rollcall.newApp}. */
export interface NewAppOptions {
  /** The SDKAppID, for code with a fixed one; a free one if absent. */
  sdkAppID?: number;
  /** The secret key, for code with a fixed one; a random one if absent. */
  key?: string;
  /** An admin besides `administrator`, who makes the calls of the app. */
  admin?: string;
  /** The edition; `development` if absent. */
  edition?: 'trial' | 'development' | 'standard' | 'pro' | 'enterprise';
  /** Settings of the app, which docs/settings.md lists. Rate limits are only counted unless `rate_mode` says otherwise. */
  settings?: Record<string, unknown>;
  /** How long until the server removes the app, in whole seconds; never if absent. */
  ttl?: Duration;
}

/** A running server with its first app. */
export class Rollcall extends App {
  /** A token of the admin API with every scope. */
  readonly adminToken: string;
  /** The process id of the server. */
  readonly pid: number;

  private lastApp: number;

  /** @internal Servers come from startRollcall. */
  constructor(private readonly process: ServerProcess, url: string, adminToken: string, first: Credentials) {
    super({ url, adminToken, ended: () => process.ended() }, first);
    this.adminToken = adminToken;
    this.pid = process.pid;
    this.lastApp = first.sdkAppID;
  }

  /** Creates an app that shares nothing with the others, for tests that run in parallel. */
  async newApp(options: NewAppOptions = {}): Promise<TestApp> {
    for (;;) {
      const sdkAppID = options.sdkAppID ?? ++this.lastApp;
      try {
        return await this.createApp(sdkAppID, options);
      } catch (err) {
        const taken = err instanceof RollcallError && err.code === 'exists';
        if (!taken || options.sdkAppID !== undefined) {
          throw err;
        }
      }
    }
  }

  /**
   * Ends the server and removes its directory. It can be called more than once. It fails
   * if the server ended by itself before.
   */
  stop(): Promise<void> { return this.process.stop(); }

  /** Is {@link stop}, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> { return this.stop(); }

  private async createApp(sdkAppID: number, { key, admin = 'administrator', edition, settings, ttl }: NewAppOptions): Promise<TestApp> {
    const created = await adminCall<{ secret?: string }>(this.server, {
      method: 'POST',
      path: '/apps',
      body: {
        sdkappid: sdkAppID,
        test: true,
        settings: { rate_mode: 'shadow', ...settings },
        ...(admin !== 'administrator' && { admins: [admin] }),
        ...(edition !== undefined && { edition }),
        ...(key !== undefined && { secret: key }),
        ...(ttl !== undefined && { ttl_s: Math.ceil(milliseconds(ttl, 'ttl') / 1000) }),
      },
    });
    return new TestApp(this.server, { sdkAppID, admin, key: key ?? created.secret! });
  }
}

/**
 * Starts `rollcall serve` on a free port of the loopback interface, with accounts in
 * memory. The server ends with `stop`, with `await using`, and at the latest with the
 * process that started it, however that ends.
 */
export async function startRollcall(options: StartOptions = {}): Promise<Rollcall> {
  const { binary, port = 0, args = [], log, startTimeout = 30_000 } = options;
  const [process, context] = await ServerProcess.start({
    binary: findBinary(binary), port, args, log, startTimeout: milliseconds(startTimeout, 'startTimeout'),
  });
  const first = { sdkAppID: context.sdkappid, key: context.key, admin: context.admin };
  return new Rollcall(process, context.url, context.admin_token, first);
}
