import { RollcallError } from './errors.js';

/** The service of each command of the account API. */
export const services = {
  account_import: 'im_open_login_svc',
  multiaccount_import: 'im_open_login_svc',
  account_check: 'im_open_login_svc',
  account_delete: 'im_open_login_svc',
  kick: 'im_open_login_svc',
  query_online_status: 'openim',
  querystate: 'openim',
  portrait_set: 'profile',
  portrait_get: 'profile',
  setnospeaking: 'openconfigsvr',
  getnospeaking: 'openconfigsvr',
  getappinfo: 'openconfigsvr',
  create_robot: 'openim_robot_http_svc',
  delete_robot: 'openim_robot_http_svc',
  get_all_robots: 'openim_robot_http_svc',
  GetIPList: 'ConfigSvc',
} as const;

/** The name of a command, such as `account_import`. */
export type Command = keyof typeof services;

/** Returns the path of a command: `account_import`, or with its service, `im_open_login_svc/account_import`. */
export function pathOf(command: string): string {
  if (/^\w+\/\w+$/.test(command)) {
    return `/v4/${command}`;
  }
  if (!Object.hasOwn(services, command)) {
    throw new RollcallError(`${command} is no known command; give one of ${Object.keys(services).join(', ')}, or SERVICE/COMMAND`);
  }
  return `/v4/${services[command as Command]}/${command}`;
}
