import { createHmac } from 'node:crypto';
import { deflateSync } from 'node:zlib';

/** What a UserSig says. */
export interface UserSigClaims {
  sdkAppID: number;
  /** The secret key of the app. */
  key: string;
  userID: string;
  /** The time of the signature. */
  issuedAt: Date;
  /** The validity in seconds from `issuedAt`. */
  expire: number;
}

/** Signs a UserSig of version 2 (HMAC-SHA256), as the vendor's tls-sig-api-v2 does. */
export function signUserSig(claims: UserSigClaims): string {
  const { sdkAppID, key, userID, expire } = claims;
  check(claims);
  const time = Math.floor(claims.issuedAt.getTime() / 1000);
  const text = `TLS.identifier:${userID}\nTLS.sdkappid:${sdkAppID}\nTLS.time:${time}\nTLS.expire:${expire}\n`;
  const payload = JSON.stringify({
    'TLS.ver': '2.0',
    'TLS.identifier': userID,
    'TLS.sdkappid': sdkAppID,
    'TLS.expire': expire,
    'TLS.time': time,
    'TLS.sig': createHmac('sha256', key).update(text).digest('base64'),
  });
  return escape(deflateSync(payload).toString('base64'));
}

/** Refuses claims that no verifier can read back. */
function check({ userID, issuedAt, expire }: UserSigClaims): void {
  if (typeof userID !== 'string' || userID === '' || userID.includes('\n')) {
    throw new TypeError('userID is empty or holds a line feed; give the id of a user as a string');
  }
  if (!Number.isSafeInteger(expire)) {
    throw new TypeError(`expire is ${expire}; give a whole number of seconds, below zero for a UserSig that has expired`);
  }
  if (Number.isNaN(issuedAt.getTime())) {
    throw new TypeError('issuedAt is no valid date; give a Date');
  }
}

/** Replaces the three characters of base64 that a URL cannot carry by those of the vendor. */
function escape(base64: string): string {
  return base64.replace(/\+/g, '*').replace(/\//g, '-').replace(/=/g, '_');
}
