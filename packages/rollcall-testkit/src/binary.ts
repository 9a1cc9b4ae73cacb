import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, join, resolve } from 'node:path';

import { RollcallError } from './errors.js';

const build = 'run "make build" in a clone of Rollcall, which writes bin/rollcall';

/** Returns the path of the program: the option, else `ROLLCALL_BIN`, else the first `rollcall` in `PATH`. */
export function findBinary(option: string | undefined): string {
  if (option !== undefined) {
    return given(option, 'the option binary');
  }
  const { ROLLCALL_BIN: variable, PATH: path = '' } = process.env;
  if (variable) {
    return given(variable, 'ROLLCALL_BIN');
  }
  const found = path.split(delimiter).filter(Boolean).map((dir) => join(dir, 'rollcall')).find(isProgram);
  if (found === undefined) {
    throw new RollcallError(`rollcall was not found: ROLLCALL_BIN is not set and PATH has no rollcall; ${build}, and set ROLLCALL_BIN to its path`);
  }
  return found;
}

function given(path: string, by: string): string {
  if (!isProgram(path)) {
    throw new RollcallError(`${resolve(path)}, which ${by} names, is no file that can be executed; correct it, or ${build}`);
  }
  return resolve(path);
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
