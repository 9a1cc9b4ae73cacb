import { adminCall, type Connection } from './admin.js';
import type { Command } from './commands.js';

/** Selects recorded calls. Without a member it selects all. */
export interface CallFilter {
  /** Only calls of this command. */
  command?: Command;
  /** Only calls with this code, or with an item that failed with it; 0 for success. */
  code?: number;
}

/** One call that the server served. */
export interface Call {
  /** Increases with every call. */
  seq: number;
  /** The value of the response header Rollcall-Request-Id, for `rollcall why`. */
  requestID: string;
  /** Real time at which the response was ready. */
  time: Date;
  /** Empty if the path names no command. */
  command: string;
  /** The user id that the caller sent. */
  identifier: string;
  /** The HTTP status; 0 if a fault cut the connection before the response. */
  status: number;
  /** The ErrorCode of the response; 0 for success. */
  code: number;
  /** The ErrorInfo of the response; empty after success. */
  info: string;
  /** What was wrong and what to do; empty after success. */
  advice: string;
  /** Milliseconds until the response, without the delay of a fault. */
  took: number;
  /** Number of items of a batch. */
  items: number;
  /** The items that failed. */
  failures: CallFailure[];
  /** The id of the fault that changed the response; undefined if none did. */
  fault: string | undefined;
  /** The code that would have refused the call if the app enforced rate limits; undefined if none. */
  rateShadow: number | undefined;
  /** The body of the request; undefined if there was none. */
  request: CallBody | undefined;
  /** The body of the response; undefined if there was none. */
  response: CallBody | undefined;
}

/** An item of a batch that failed. */
export interface CallFailure {
  /** Its index in the request. */
  item: number;
  userID: string;
  code: number;
  info: string;
  advice: string;
}

/** The body of a request or a response. */
export interface CallBody {
  /** At most the first 65536 bytes. */
  text: string;
  /** Length of the whole body in bytes. */
  bytes: number;
  /** Whether the end of the text is missing. */
  cut: boolean;
  /** The value of the text in JSON; undefined if it is none, or cut. */
  json: any;
}

interface WireBody {
  text: string;
  bytes: number;
  cut?: boolean;
}

interface WireCall {
  seq: number;
  request_id: string;
  time: string;
  command: string;
  identifier: string;
  status: number;
  code: number;
  info?: string;
  advice?: string;
  took_us: number;
  items: number;
  failures?: { item: number; userid: string; code: number; info: string; advice: string }[];
  fault?: string;
  rate_shadow?: number;
  request?: WireBody;
  response?: WireBody;
}

/** Reads the recorded calls of an app, oldest first. */
export async function readCalls(to: Connection, path: string, { command, code }: CallFilter): Promise<Call[]> {
  const query: Record<string, string> = {
    bodies: 'true', limit: '1000', after: '0', ...(command !== undefined && { command }), ...(code !== undefined && { code: String(code) }),
  };
  const all: Call[] = [];
  for (;;) {
    const page = await adminCall<{ calls: WireCall[]; last: number }>(to, { method: 'GET', path, query });
    if (page.calls.length === 0) {
      return all;
    }
    all.push(...page.calls.map(call));
    query['after'] = String(page.last);
  }
}

function call(wire: WireCall): Call {
  const { seq, command, identifier, status, code, info = '', advice = '', items, fault, failures = [] } = wire;
  return {
    seq, command, identifier, status, code, info, advice, items, fault,
    requestID: wire.request_id,
    time: new Date(wire.time),
    took: wire.took_us / 1000,
    failures: failures.map(({ userid, ...rest }) => ({ ...rest, userID: userid })),
    rateShadow: wire.rate_shadow,
    request: body(wire.request),
    response: body(wire.response),
  };
}

function body(wire: WireBody | undefined): CallBody | undefined {
  return wire && { text: wire.text, bytes: wire.bytes, cut: wire.cut ?? false, json: wire.cut ? undefined : parsed(wire.text) };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
