// Sends one request with the library that is named, to the URL in TARGET, and prints the
// response. "worker" sends it from a worker whose code is an ES module.
'use strict';

const https = require('https');
const { Worker } = require('worker_threads');

const url = process.env.TARGET;
const body = process.env.BODY;
const axios = (name) => async () => JSON.stringify((await require(name).post(url, body)).data);

const libraries = {
  'axios 0.16': axios('axios'),
  'axios 0.21': axios('axios-0.21'),
  'axios 1': axios('axios-1'),
  fetch: async () => (await fetch(url, { method: 'POST', body })).text(),
  undici: async () => (await require('undici').request(url, { method: 'POST', body })).body.text(),
  https: () => new Promise((resolve, reject) => {
    https.request(url, { method: 'POST' }, (res) => {
      let text = '';
      res.on('data', (part) => { text += part; }).on('end', () => resolve(text));
    }).on('error', reject).end(body);
  }),
  worker: () => new Promise((resolve, reject) => {
    const code = `import { parentPort } from 'node:worker_threads';
      const res = await fetch(process.env.TARGET, { method: 'POST', body: process.env.BODY });
      parentPort.postMessage(await res.text());`;
    new Worker(new URL(`data:text/javascript,${encodeURIComponent(code)}`)).on('message', resolve).on('error', reject);
  }),
};

libraries[process.argv[2]]().then((text) => console.log(text), (err) => {
  console.error(err);
  process.exitCode = 1;
});
