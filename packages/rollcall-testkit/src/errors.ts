/**
 * An error of this package. Its message says what is wrong and what to do.
 */
export class RollcallError extends Error {
  override readonly name = 'RollcallError';

  /** The HTTP status of the response; undefined if there was none. */
  readonly status: number | undefined;

  /** The kind of problem that the admin API reports, such as `not-found`; undefined for other errors. */
  readonly code: string | undefined;

  constructor(message: string, details: { status?: number; code?: string | undefined; cause?: unknown } = {}) {
    super(message, 'cause' in details ? { cause: details.cause } : undefined);
    this.status = details.status;
    this.code = details.code;
  }
}

/** Returns the message of an error with those of its causes, of which fetch has many. */
export function textOf(err: unknown): string {
  if (!(err instanceof Error)) {
    return String(err);
  }
  return err.cause === undefined ? err.message : `${err.message}: ${textOf(err.cause)}`;
}
