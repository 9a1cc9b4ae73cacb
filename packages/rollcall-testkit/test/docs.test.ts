import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';

import * as testkit from 'rollcall-testkit';
import { services } from '../dist/commands.js';
import { repository, run } from './helpers.js';

const folder = join(__dirname, '..');

/** Returns the examples of a README in JavaScript. */
function examples(readme: string): string[] {
  return [...readFileSync(join(folder, readme), 'utf8').matchAll(/^```js\n(.*?)^```/gms)].map((match) => match[1]!);
}

/** Runs a program, with Node's runner of tests if it is one, inside the package. */
async function runProgram(text: string, ...flags: string[]): Promise<string> {
  const dir = await mkdtemp(join(__dirname, 'example-'));
  try {
    await writeFile(join(dir, 'example.test.mjs'), text);
    const { NODE_TEST_CONTEXT, ...env } = process.env; // is there if a test runs this
    const { stdout } = await run(process.execPath, [...flags, join(dir, 'example.test.mjs')], { env });
    return stdout;
  } finally {
    await rm(dir, { recursive: true });
  }
}

for (const readme of ['README.md', 'README.zh-CN.md']) {
  test(`the examples of ${readme} work`, async () => {
    const [nodeTest, , , faults, devices, parallel] = examples(readme);
    assert.match(await runProgram(nodeTest!, '--test'), /pass 1$/m);
    const rest = parallel!.replace('await using app', 'const app');
    const output = await runProgram(`import { startRollcall } from 'rollcall-testkit'; const rollcall = await startRollcall();\n${faults}\n{ ${devices} }\n${rest}\nawait rollcall.stop();`);
    assert.match(output, /^Offline Offline$/m);
  });

  test(`${readme} names every method`, () => {
    const text = readFileSync(join(folder, readme), 'utf8');
    for (const [prefix, type] of [['', testkit.App], ['', testkit.Rollcall], ['clock.', testkit.Clock], ['device.', testkit.Device]] as const) {
      const internal = ['constructor', 'request', 'createApp', 'now', 'devicesPath', 'change'];
      for (const name of Object.getOwnPropertyNames(type.prototype).filter((name) => !internal.includes(name))) {
        assert.ok(text.includes(`${prefix}${name}(`), `${prefix}${name} is missing`);
      }
    }
  });
}

test('both kinds of modules can load the package', async () => {
  const names = Object.keys(testkit).sort();
  assert.deepEqual(names, ['App', 'Clock', 'Device', 'Rollcall', 'RollcallError', 'TestApp', 'startRollcall']);
  const script = "import * as all from 'rollcall-testkit'; console.log(Object.keys(all).filter((name) => !/^default$|^module.exports$|^__/.test(name)).sort().join())";
  assert.equal((await runProgram(script)).trim(), names.join());
});

test('the commands are those of the server', () => {
  const { paths } = JSON.parse(readFileSync(join(repository, 'docs/openapi/wire.json'), 'utf8')) as { paths: object };
  const served = Object.keys(paths).filter((path) => path.startsWith('/v4/'));
  assert.deepEqual(Object.entries(services).map(([name, service]) => `/v4/${service}/${name}`).sort(), served.sort());
});

test('the package holds what it needs and has no dependencies', async () => {
  const { stdout } = await run('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], { cwd: folder });
  const files = (JSON.parse(stdout)[0].files as { path: string }[]).map(({ path }) => path);
  for (const file of ['README.md', 'README.zh-CN.md', 'dist/index.js', 'dist/index.d.ts', 'package.json']) {
    assert.ok(files.includes(file), `${file} is missing`);
  }
  assert.deepEqual(files.filter((file) => !/^(dist\/|README|package\.json$)/.test(file)), []);
  assert.equal(JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')).dependencies, undefined);
});
