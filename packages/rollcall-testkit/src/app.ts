import { adminCall, send, type AdminRequest, type Connection } from './admin.js';
import { readCalls, type Call, type CallFilter } from './calls.js';
import { Clock } from './clock.js';
import { pathOf, type Command } from './commands.js';
import { RollcallError } from './errors.js';
import { wireFault, type Fault } from './faults.js';
import { signUserSig } from './usersig.js';

/** The credentials of an app. */
export interface Credentials {
  sdkAppID: number;
  key: string;
  admin: string;
}

/** Options of {@link App.userSig}. */
export interface UserSigOptions {
  /** Validity in seconds, as the vendor's signers count it; a day if absent. Below zero the UserSig has expired. */
  expire?: number;
  /** Time of the signature; that of the app's clock if absent. */
  issuedAt?: Date;
}

/** Options of {@link App.call}. */
export interface CallOptions {
  /** The caller; the admin of the app if absent. */
  userID?: string;
  /** The UserSig to send; one of `userID` if absent. */
  userSig?: string;
}

/** The response of a command. */
export interface Answer {
  /** Absent in the responses of openconfigsvr. */
  ActionStatus?: 'OK' | 'FAIL';
  ErrorCode: number;
  /** Absent in a response of GetIPList that is OK. */
  ErrorInfo?: string;
  /** The fields of the command. */
  [field: string]: any;
}

/** A saved state of an app. */
export interface Snapshot {
  name: string;
  createdAt: Date;
  /** Number of accounts. */
  accounts: number;
}

/** An app of a server, with everything that a test can do to it. */
export class App {
  /** Base URL of the server, such as `http://127.0.0.1:54321`. */
  readonly url: string;
  readonly sdkAppID: number;
  /** The secret key of the app. */
  readonly key: string;
  /** User id of the admin who calls the account API. */
  readonly admin: string;
  /** The clock of the app. */
  readonly clock: Clock;

  /** @internal Apps come from startRollcall and newApp. */
  constructor(protected readonly server: Connection, { sdkAppID, key, admin }: Credentials) {
    this.url = server.url;
    this.sdkAppID = sdkAppID;
    this.key = key;
    this.admin = admin;
    this.clock = new Clock(server, `/apps/${sdkAppID}/clock`);
  }

  /** Returns a UserSig of a user, with the time of the app. */
  userSig(userID: string, { expire = 86_400, issuedAt = this.clock.now() }: UserSigOptions = {}): string {
    return signUserSig({ sdkAppID: this.sdkAppID, key: this.key, userID, issuedAt, expire });
  }

  /**
   * Calls a command of the account API, such as `account_import`. Another one than this
   * package knows is called with its service, as `SERVICE/COMMAND`. A response with an
   * ErrorCode is returned; an HTTP status besides 200 and a cut connection are errors.
   */
  async call(command: Command | `${string}/${string}`, body: object = {}, options: CallOptions = {}): Promise<Answer> {
    const { userID = this.admin, userSig = this.userSig(userID) } = options;
    const path = pathOf(command);
    const query = new URLSearchParams({
      sdkappid: String(this.sdkAppID), identifier: userID, usersig: userSig, random: String(random()), contenttype: 'json',
    });
    const { status, text } = await send(this.server, `POST ${path}`, `${this.url}${path}?${query}`, {
      method: 'POST', body: JSON.stringify(body), signal: AbortSignal.timeout(callTimeout),
    });
    if (status !== 200) {
      throw new RollcallError(`POST ${path} was answered with HTTP status ${status}: ${text.slice(0, 200)}`, { status });
    }
    return JSON.parse(text) as Answer;
  }

  /**
   * Makes the app as good as new: removes its accounts, robots, tombstones, kicks, mutes, faults and
   * recorded calls, and lets its clock show real time. Its admins get new accounts. Its
   * key, settings and snapshots stay.
   */
  async reset(): Promise<void> {
    await this.request('POST', '/reset');
    await this.clock.read();
  }

  /**
   * Keeps the accounts, settings and clock of the app under a name, for {@link restore}.
   * It replaces a snapshot of the same name. Faults and recorded calls are no part of it: a restoration ends and forgets them.
   */
  async snapshot(name: string): Promise<Snapshot> {
    const { created_at, accounts } = await this.request<{ created_at: string; accounts: number }>('POST', '/snapshots', { name });
    return { name, createdAt: new Date(created_at), accounts };
  }

  /** Returns the app to the state of a snapshot. The snapshot stays. */
  async restore(name: string): Promise<void> {
    await this.request('POST', `/snapshots/${encodeURIComponent(name)}/restore`);
    await this.clock.read();
  }

  /**
   * Lets calls fail on purpose, after the faults that were added before, and returns the
   * id of the fault. Two failures and then success are
   * `fail({ command: 'account_import', code: 70500, times: 2 })`.
   */
  async fail(fault: Fault): Promise<string> {
    return (await this.request<{ id: string }>('POST', '/faults', wireFault(fault))).id;
  }

  /** Ends all faults of the app. */
  async clearFaults(): Promise<void> {
    await this.request('DELETE', '/faults');
  }

  /**
   * Returns the newest calls of the app, at most 1000, oldest first and with their bodies.
   * A call whose path names no command is none of the app.
   */
  calls(filter: CallFilter = {}): Promise<Call[]> {
    return readCalls(this.server, `/apps/${this.sdkAppID}/requests`, filter);
  }

  /** Forgets the recorded calls of the app. */
  async clearCalls(): Promise<void> {
    await this.request('DELETE', '/requests');
  }

  /** Calls the admin API on a path of the app. */
  protected request<T>(method: AdminRequest['method'], path: string, body?: object): Promise<T> {
    return adminCall<T>(this.server, { method, path: `/apps/${this.sdkAppID}${path}`, ...(body && { body }) });
  }
}

/** An app besides the first one of a server, for one test. */
export class TestApp extends App {
  /** Removes the app with its accounts. */
  async remove(): Promise<void> {
    await this.request('POST', '/reset');
    await this.request('DELETE', '');
  }

  /** Is {@link remove}, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> { return this.remove(); }
}

/** Milliseconds that a call may take: the longest delay of a fault and time to spare. */
const callTimeout = 90_000;

function random(): number { return Math.floor(Math.random() * 2 ** 32); }
