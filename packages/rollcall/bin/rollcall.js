#!/usr/bin/env node
'use strict';

// Runs the program with the arguments, streams and signals of this process.
const { spawn } = require('node:child_process');
const os = require('node:os');

let file;
try {
  file = require('..').binaryPath();
} catch (err) {
  console.error(err.message);
  process.exit(1);
}
const child = spawn(file, process.argv.slice(2), { stdio: 'inherit' });
// A terminal sends its signals to the program, too. A second one would end it at once.
const terminal = process.stdin.isTTY || process.stdout.isTTY || process.stderr.isTTY;
const fromKeyboard = ['SIGINT', 'SIGQUIT'];
for (const signal of [...fromKeyboard, 'SIGTERM', 'SIGHUP']) {
  process.on(signal, () => {
    if (!terminal || !fromKeyboard.includes(signal)) child.kill(signal);
  });
}
child.on('error', (err) => {
  console.error(`rollcall: ${err.message}`);
  process.exit(1);
});
child.on('exit', (code, signal) => process.exit(code ?? 128 + os.constants.signals[signal]));
