#!/usr/bin/env node
// Verifies one request: WEBHOOK_SECRET=... node verify.mjs scalr|standard HEADERS_FILE BODY_FILE
// Exit code 0: valid, 1: refused, 2: wrong usage. WEBHOOK_TOLERANCE is in seconds: 300 unless set, 0 takes any time.
// In a server call verify() with the bytes of the body as they came (Express: express.raw({type: '*/*'})).
import {createHmac, timingSafeEqual} from 'node:crypto';
import {readFileSync} from 'node:fs';

class Refused extends Error {}

// The value of a header that must be there exactly once; headers is a list of [name, value].
function theOnly(headers, name) {
  const values = headers.filter(([key]) => key.toLowerCase() === name).map(([, value]) => value);
  if (values.length !== 1) throw new Refused(`${name} is not there exactly once`);
  return values[0].replace(/^[ \t]+|[ \t]+$/g, '');
}

function same(a, b) {
  const x = Buffer.from(a), y = Buffer.from(b);
  return x.length === y.length && timingSafeEqual(x, y);
}

// Checks Date and X-Signature; returns when the request was sent, in seconds.
function checkScalr(secret, headers, body) {
  const date = theOnly(headers, 'date');
  const signature = theOnly(headers, 'x-signature');
  // Body and date are signed without anything between them: only this exact form tells where the date begins.
  const match = /^([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2})\+0000$/.exec(date);
  if (!match) throw new Refused('the date is malformed');
  const sent = Date.parse(match[1] + 'Z');
  // Some parsers turn February 30 into March 2.
  if (Number.isNaN(sent) || new Date(sent).toISOString().slice(0, 19) !== match[1]) {
    throw new Refused('there is no such date');
  }
  const expected = createHmac('sha256', secret).update(body).update(date).digest('hex');
  if (!same(expected, signature)) throw new Refused('the signature does not fit');
  return sent / 1000;
}

// Checks the three webhook-* headers; returns when the request was sent, in seconds.
function checkStandard(secret, headers, body) {
  const id = theOnly(headers, 'webhook-id');
  const timestamp = theOnly(headers, 'webhook-timestamp');
  const signatures = theOnly(headers, 'webhook-signature');
  if (!id || id.includes('.')) throw new Refused('the id is malformed');
  if (!/^[1-9][0-9]{0,10}$/.test(timestamp)) throw new Refused('the timestamp is malformed');
  const key = secret.startsWith('whsec_') ? Buffer.from(secret.slice('whsec_'.length), 'base64') : Buffer.from(secret);
  if (key.length === 0) throw new Refused('the secret is not whsec_ and base64');
  const digest = createHmac('sha256', key).update(`${id}.${timestamp}.`).update(body).digest('base64');
  const fits = signatures.split(' ').filter((entry) => same(`v1,${digest}`, entry));
  if (fits.length === 0) throw new Refused('no signature fits');
  return Number(timestamp);
}

// Throws Refused unless `body` (a Buffer) and `headers` come from whoever holds the secret, and just now.
function verify(scheme, secret, headers, body, tolerance = 300) {
  if (!secret) throw new Refused('there is no secret');
  const sent = (scheme === 'scalr' ? checkScalr : checkStandard)(secret, headers, body);
  const age = Date.now() / 1000 - sent;
  if (tolerance > 0 && Math.abs(age) > tolerance) throw new Refused(`sent ${age.toFixed(0)} seconds ago`);
}

function main([scheme, headersFile, bodyFile]) {
  const secret = process.env.WEBHOOK_SECRET;
  if (!['scalr', 'standard'].includes(scheme) || !bodyFile || !secret) {
    console.error('usage: WEBHOOK_SECRET=... node verify.mjs scalr|standard HEADERS_FILE BODY_FILE');
    return 2;
  }
  const headers = readFileSync(headersFile, 'latin1').split(/\r?\n/).filter((line) => line.includes(':'))
    .map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1)]);
  try {
    verify(scheme, secret, headers, readFileSync(bodyFile), Number(process.env.WEBHOOK_TOLERANCE ?? 300));
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    console.error(`refused: ${error.message}`);
    return 1;
  }
  console.log('valid');
  return 0;
}

process.exitCode = main(process.argv.slice(2));
