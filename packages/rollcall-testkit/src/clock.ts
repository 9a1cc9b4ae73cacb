import { adminCall, type Connection } from './admin.js';
import { milliseconds, type Duration } from './duration.js';

/** What the clock of an app shows. */
export interface ClockState {
  /** The time of the app. */
  now: Date;
  /** Milliseconds from real time to the time of the app. */
  offset: number;
  frozen: boolean;
}

interface WireClock {
  now: string;
  offset_ms: number;
  frozen: boolean;
}

/**
 * The clock of an app. Tombstones, the expiry of UserSigs and kicks follow it; rate
 * limits follow real time. Every method returns what the clock shows afterwards.
 */
export class Clock {
  private state: ClockState = { now: new Date(0), offset: 0, frozen: false };

  /** @internal */
  constructor(private readonly server: Connection, private readonly path: string) {}

  /** Reads the clock. Call it after somebody else changed it, so that UserSigs have its time. */
  read(): Promise<ClockState> { return this.request('GET'); }

  /** Sets the time, from 1970 to 2199. A clock that runs goes on from it. */
  set(time: Date | string | number): Promise<ClockState> { return this.request('PATCH', { now: rfc3339(time) }); }

  /** Advances the time, or turns it back if the duration is below zero. */
  async advance(duration: Duration): Promise<ClockState> {
    const advance_ms = milliseconds(duration, 'the time to advance');
    return advance_ms === 0 ? this.read() : this.request('PATCH', { advance_ms }); // the server refuses a change of nothing
  }

  /** Stops the clock, at a time if there is one. It can be set and advanced meanwhile. */
  freeze(at?: Date | string | number): Promise<ClockState> {
    return this.request('PATCH', { ...(at !== undefined && { now: rfc3339(at) }), frozen: true });
  }

  /** Lets the clock run on from the time that it shows. */
  unfreeze(): Promise<ClockState> { return this.request('PATCH', { frozen: false }); }

  /** Lets the clock show real time again. */
  reset(): Promise<ClockState> { return this.request('DELETE'); }

  /** Returns the time of the app from the newest state that was read. */
  now(): Date {
    const { now, offset, frozen } = this.state;
    return frozen ? now : new Date(Date.now() + offset);
  }

  private async request(method: 'GET' | 'PATCH' | 'DELETE', body?: object): Promise<ClockState> {
    const wire = await adminCall<WireClock>(this.server, { method, path: this.path, ...(body && { body }) });
    this.state = { now: new Date(wire.now), offset: wire.offset_ms, frozen: wire.frozen };
    return { ...this.state };
  }
}

/** Returns a time as the admin API reads it. */
function rfc3339(time: Date | string | number): string {
  const date = new Date(time);
  if (Number.isNaN(date.getTime())) {
    throw new TypeError(`${String(time)} is no time; give a Date, milliseconds since 1970, or a text such as 2030-01-31T00:00:00Z`);
  }
  return date.toISOString();
}
