/**
 * A real Rollcall server for the tests of Node programs.
 *
 * @packageDocumentation
 */
export { App, TestApp } from './app.js';
export type { Answer, CallOptions, Snapshot, UserSigOptions } from './app.js';
export type { Call, CallBody, CallFailure, CallFilter } from './calls.js';
export { Clock } from './clock.js';
export type { ClockState } from './clock.js';
export type { Command } from './commands.js';
export { Device } from './devices.js';
export type { AccountDevices, DeviceState, LoginOptions, Platform, Presence, SilenceReason } from './devices.js';
export type { Duration, DurationParts } from './duration.js';
export { RollcallError } from './errors.js';
export type { Fault } from './faults.js';
export { Rollcall, startRollcall } from './rollcall.js';
export type { NewAppOptions, StartOptions } from './rollcall.js';
