import { adminCall, type Connection } from './admin.js';

/** The kind of a device. A mini-program counts as Web in all responses of the account API, and its link ends after other times. */
export type Platform = 'iPhone' | 'iPad' | 'Android' | 'Web' | 'MiniProgram' | 'Windows' | 'Mac' | 'Linux';

/** The state of an account. `PushOnline` has no link, and push can reach it. */
export type Presence = 'Online' | 'PushOnline' | 'Offline';

/** Why nothing is heard of a device. After the last two, only the link of a mini-program ends later. */
export type SilenceReason = 'network' | 'background' | 'left';

/** Options of {@link App.login}. */
export interface LoginOptions {
  /** The IP address of the device. */
  address?: string;
  /** What the device calls itself, at most 64 bytes; a device with the same instance and platform is the same device. */
  instance?: string;
  /** A UserSig, which the server checks; the link ends with it. Without one the link has no end. */
  userSig?: string;
}

/** A device that is logged in, as the server describes it. Times are those of the app's clock. */
export interface DeviceState {
  /** The `Instid` of `query_online_status`. */
  id: number;
  platform: Platform;
  state: 'Online' | 'PushOnline';
  /** Empty if the device has none. */
  instance: string;
  /** The IP address; undefined if it is not known. */
  address: string | undefined;
  loginAt: Date;
  /** When the link ended; undefined if the device is online. */
  lostAt: Date | undefined;
  /** When the link of a silent device ends; undefined if the device is not silent. */
  silentTo: Date | undefined;
  /** When the UserSig of the device ends, and with it the link; undefined without a UserSig. */
  expiresAt: Date | undefined;
}

/** The devices of an account. */
export interface AccountDevices {
  userID: string;
  state: Presence;
  /** Empty if the account has none. */
  customStatus: string;
  /** By platform, then by the time of the login. */
  devices: DeviceState[];
}

interface WireDevice {
  id: number;
  platform: Platform;
  state: 'Online' | 'PushOnline';
  instance?: string;
  address?: string;
  login_at: string;
  lost_at?: string;
  silent_to?: string;
  expires_at?: string;
}

interface WireDevices {
  userid: string;
  state: Presence;
  custom_status: string;
  devices: WireDevice[];
}

/**
 * A virtual device. It follows the rules of a real one: other devices of its account can
 * take its place, and a kick ends its login session. Every method returns the devices of
 * the account afterwards.
 */
export class Device {
  /** The `Instid` of `query_online_status`. */
  readonly id: number;
  readonly platform: Platform;

  /** @internal Devices come from login. */
  constructor(
    private readonly server: Connection,
    private readonly path: string,
    readonly userID: string,
    { id, platform }: DeviceState,
    /** The devices that gave way to this one. */
    readonly replaced: readonly DeviceState[],
  ) {
    this.id = id;
    this.platform = platform;
  }

  /** Ends the login session, as the user of the device does. */
  logout(): Promise<AccountDevices> { return this.change('logout'); }

  /** Ends the link, as a killed process or a closed page does. */
  drop(): Promise<AccountDevices> { return this.change('drop'); }

  /** Lets the device fall silent. Its link ends when the time of its platform has passed on the app's clock. */
  silence(reason: SilenceReason = 'network'): Promise<AccountDevices> { return this.change('silence', { reason }); }

  /** Gives the device a link again. A device that gave way to another one logs in again, with another id. */
  reconnect(): Promise<AccountDevices> { return this.change('reconnect'); }

  /** Ends the login session, as an operator does. The account can log in again at once. */
  end(): Promise<AccountDevices> { return changeDevices(this.server, `${this.path}:end`, { userid: this.userID, device: this.id }); }

  private change(action: string, more: object = {}): Promise<AccountDevices> {
    return changeDevices(this.server, `${this.path}:change`, { userid: this.userID, device: this.id, action, ...more });
  }
}

/** Logs in a device. */
export async function login(to: Connection, path: string, userID: string, platform: Platform, options: LoginOptions): Promise<Device> {
  const { userSig, ...same } = options;
  const wire = await adminCall<{ device: WireDevice; replaced: WireDevice[] }>(to, {
    method: 'POST', path: `${path}:login`, body: { userid: userID, platform, ...same, ...(userSig !== undefined && { usersig: userSig }) },
  });
  return new Device(to, path, userID, device(wire.device), wire.replaced.map(device));
}

/** Reads the devices of an account. */
export async function readDevices(to: Connection, path: string, userID: string): Promise<AccountDevices> {
  return account(await adminCall<WireDevices>(to, { method: 'GET', path: `${path}:get`, query: { userid: userID } }));
}

/** Makes a change and returns the devices of the account. */
export async function changeDevices(to: Connection, path: string, body: object): Promise<AccountDevices> {
  return account(await adminCall<WireDevices>(to, { method: 'POST', path, body }));
}

function account({ userid, state, custom_status, devices }: WireDevices): AccountDevices {
  return { userID: userid, state, customStatus: custom_status, devices: devices.map(device) };
}

function device({ id, platform, state, instance = '', address, ...times }: WireDevice): DeviceState {
  return {
    id, platform, state, instance, address,
    loginAt: new Date(times.login_at),
    lostAt: date(times.lost_at),
    silentTo: date(times.silent_to),
    expiresAt: date(times.expires_at),
  };
}

function date(text: string | undefined): Date | undefined { return text === undefined ? undefined : new Date(text); }
