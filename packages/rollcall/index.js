'use strict';

// Each platform has a package of its own with the program. npm installs the one that fits.
const { platform, arch } = process;
const name = `rollcall-${platform}-${arch}`;

/** Returns the path of the program for this platform. */
function binaryPath() {
  try {
    return require.resolve(`${name}/bin/rollcall`);
  } catch {
    const others = Object.keys(require('./package.json').optionalDependencies ?? {}).join(', ');
    throw new Error(`rollcall: the package ${name} is not installed; if it is one of ${others || 'the packages of this release'}, install again without --omit=optional, else there is no program for this platform`);
  }
}

module.exports = { binaryPath };
