/**
 * A length of time: a number of milliseconds, or the sum of its parts, such as
 * `{ days: 90 }` or `{ hours: 1, minutes: 30 }`.
 */
export type Duration = number | DurationParts;

/** The parts of a {@link Duration}. */
export interface DurationParts {
  /** Days of 24 hours. */
  days?: number;
  hours?: number;
  minutes?: number;
  seconds?: number;
  milliseconds?: number;
}

const units: Record<keyof DurationParts, number> = {
  days: 86_400_000, hours: 3_600_000, minutes: 60_000, seconds: 1000, milliseconds: 1,
};

/** Returns the whole milliseconds of a duration. The argument name is for the error. */
export function milliseconds(duration: Duration, name: string): number {
  const parts = typeof duration === 'object' && duration !== null ? duration : { milliseconds: duration };
  let sum = 0;
  for (const [part, n] of Object.entries(parts)) {
    const unit = Object.hasOwn(units, part) ? units[part as keyof DurationParts] : NaN;
    sum += n * unit;
  }
  if (!Number.isSafeInteger(Math.round(sum))) {
    throw new TypeError(`${name} is no duration; give milliseconds or an object such as { days: 90 } with ${Object.keys(units).join(', ')}`);
  }
  return Math.round(sum);
}
