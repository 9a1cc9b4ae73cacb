import type { Command } from './commands.js';
import { milliseconds, type Duration } from './duration.js';

/**
 * What goes wrong with which calls. It needs at least one of `code`, `status`, `delay`,
 * `cut` and `items`.
 */
export interface Fault {
  /** Only calls of this command; every command if absent. */
  command?: Command;
  /** The ErrorCode of the response. The command does not run. */
  code?: number;
  /** The ErrorInfo for `code`; its usual text if absent. */
  info?: string;
  /** The HTTP status of the response, 400 to 599. Without `code` the body is a page, as of a proxy. The command does not run. */
  status?: number;
  /** How long the response waits, at most 60 seconds. */
  delay?: Duration;
  /** Closes the connection before the response, and the command does not run, or in the middle of the response. */
  cut?: 'before' | 'middle';
  /** Items of the batch to fail: their number, or the ids of their users. Needs `command`. */
  items?: number | readonly string[];
  /** The code of failed items; 70500 if absent. */
  itemCode?: number;
  /** Runs the command nevertheless, so that it takes effect although its caller cannot know. */
  run?: boolean;
  /** Number of calls that pass first. */
  after?: number;
  /** Number of calls that fail, after which all pass; no limit if absent. */
  times?: number;
  /** Share of calls that fail, above 0 and at most 1; all if absent. */
  probability?: number;
  /** Choice of calls and items; the same seed makes the same choices. */
  seed?: number;
}

/** Returns the fault as the admin API reads it. */
export function wireFault(fault: Fault): object {
  const { delay, items, itemCode, ...same } = fault;
  return {
    ...same,
    ...(delay !== undefined && { delay_ms: milliseconds(delay, 'delay') }),
    ...(items !== undefined && (typeof items === 'number' ? { fail_items: items } : { fail_userids: items })),
    ...(itemCode !== undefined && { item_code: itemCode }),
  };
}
