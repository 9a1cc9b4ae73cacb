import { RollcallError, textOf } from './errors.js';

/** Milliseconds that a request of the admin API may take. */
const timeout = 30_000;

/** A request of the admin API. */
export interface AdminRequest {
  method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  /** The path below `/admin/v1`. */
  path: string;
  query?: Record<string, string>;
  body?: object;
}

/** The connection to a server. */
export interface Connection {
  readonly url: string;
  readonly adminToken: string;
  /** Says that the server has ended, and how; undefined while it runs. */
  readonly ended: () => string | undefined;
}

interface Problem {
  detail?: string;
  remedy?: string;
  code?: string;
}

/** Calls the admin API. It returns the body of the response, and undefined for an empty one. */
export async function adminCall<T>(to: Connection, request: AdminRequest): Promise<T> {
  const query = request.query === undefined ? '' : `?${new URLSearchParams(request.query)}`;
  const { status, text } = await send(to, `${request.method} /admin/v1${request.path}`, `${to.url}/admin/v1${request.path}${query}`, {
    method: request.method,
    headers: { Authorization: `Bearer ${to.adminToken}`, ...(request.body && { 'Content-Type': 'application/json' }) },
    ...(request.body && { body: JSON.stringify(request.body) }),
    signal: AbortSignal.timeout(timeout),
  });
  if (status >= 400) {
    throw problem(request, status, text);
  }
  return (text === '' ? undefined : JSON.parse(text)) as T;
}

/** Sends a request and reads the whole response. The argument what names the request in errors. */
export async function send(to: Connection, what: string, url: string, init: RequestInit): Promise<{ status: number; text: string }> {
  try {
    const response = await fetch(url, init);
    return { status: response.status, text: await response.text() };
  } catch (err) {
    const end = to.ended();
    const why = end === undefined ? `${textOf(err)}; look for a fault that cuts or delays it` : `${end}; start another server`;
    throw new RollcallError(`${what} got no whole response from ${to.url}: ${why}`, { cause: err });
  }
}

function problem(request: AdminRequest, status: number, text: string): RollcallError {
  let found: Problem = {};
  try {
    found = JSON.parse(text) as Problem;
  } catch {
    // It is no problem document; the text below is what there is.
  }
  const { detail = text.slice(0, 200), remedy = 'check that the program is a Rollcall of the same version as this package', code } = found;
  return new RollcallError(`${request.method} /admin/v1${request.path} was refused with ${status}: ${detail}. ${remedy}`, { status, code });
}
