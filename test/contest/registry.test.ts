// Whether an image can be pulled by anybody, asked of a registry over real HTTP: each way in which
// a registry answers, and each in which it misbehaves, has its own verdict.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { askForPull, type Pull } from '../../tools/contest/submission/pull.ts';
import { RegistryStandIn, TOKEN, type Replies } from './registry-stand-in.ts';

const MANIFEST = '/v2/someone/repasse/manifests/0.1.0';
const [GET, HEAD] = [`GET ${MANIFEST}`, `HEAD ${MANIFEST}`];
/** Long enough for this machine's loopback, however busy. */
const ANSWERED_MS = 30_000;
const SILENT_MS = 200;

const platform = (os: string, architecture: string): object => ({ platform: { os, architecture } });
const list = (...manifests: readonly object[]): Replies => ({
  [GET]: { status: 200, body: { schemaVersion: 2, manifests } },
});
const BOTH = list(platform('linux', 'arm64'), platform('linux', 'amd64'));

async function asked(
  replies: Replies | ((registry: RegistryStandIn) => Replies),
  { wantsToken = true, timeoutMs = ANSWERED_MS } = {},
): Promise<Pull & { readonly requests: readonly string[] }> {
  const registry = await RegistryStandIn.open(wantsToken);
  try {
    registry.reply(typeof replies === 'function' ? replies(registry) : replies);
    const { host, requests } = registry;
    const pull = await askForPull(`${host}/someone/repasse:0.1.0`, timeoutMs);
    return { ...pull, verdict: pull.verdict.replaceAll(host, 'HOST'), requests };
  } finally {
    await registry.close();
  }
}

const PULLED = 'can be pulled by anybody, for linux/amd64';

test('an image for several platforms is found with a token that anybody gets', async () => {
  const { canBePulled, verdict, requests } = await asked(BOTH);
  assert.deepEqual([canBePulled, verdict], [true, PULLED]);
  assert.deepEqual(requests, [
    HEAD,
    'GET /token?service=stand-in&scope=repository%3Asomeone%2Frepasse%3Apull',
    HEAD,
    GET,
  ]);
});

test('a registry without tokens is asked without one', async () => {
  const { canBePulled, requests } = await asked(BOTH, { wantsToken: false });
  assert.equal(canBePulled, true);
  assert.deepEqual(requests, [HEAD, GET]);
});

test('the token may be named access_token, and the challenge written otherwise', async () => {
  const { canBePulled, requests } = await asked((registry) => {
    registry.challenge = `bearer  REALM="http://${registry.host}/other?of=us", service=x`;
    return { ...BOTH, 'GET /other': { status: 200, body: { access_token: TOKEN } } };
  });
  assert.equal(canBePulled, true);
  assert.equal(
    requests[1],
    'GET /other?of=us&service=x&scope=repository%3Asomeone%2Frepasse%3Apull',
  );
});

const CONFIGURATION = `sha256:${'a'.repeat(64)}`;
const SINGLE: Replies = {
  [GET]: { status: 200, body: { schemaVersion: 2, config: { digest: CONFIGURATION } } },
};
const blob = (body: unknown): Replies => ({
  [`GET /v2/someone/repasse/blobs/${CONFIGURATION}`]: { status: 200, body },
});

const CASES: readonly (readonly [string, Replies, boolean, string])[] = [
  [
    'an image for one platform, which its configuration names',
    { ...SINGLE, ...blob({ os: 'linux', architecture: 'amd64' }) },
    true,
    PULLED,
  ],
  [
    'a configuration that the registry keeps elsewhere',
    {
      ...SINGLE,
      [`GET /v2/someone/repasse/blobs/${CONFIGURATION}`]: {
        status: 307,
        headers: { Location: '/elsewhere' },
      },
      'GET /elsewhere': { status: 200, body: { os: 'linux', architecture: 'amd64' } },
    },
    true,
    PULLED,
  ],
  [
    'an image for another platform alone',
    { ...SINGLE, ...blob({ os: 'linux', architecture: 'arm64' }) },
    false,
    'is there, and not for linux/amd64: HOST has linux/arm64',
  ],
  [
    'a list without our platform',
    list(platform('linux', 'arm64'), platform('windows', 'amd64'), platform('unknown', 'unknown')),
    false,
    'is there, and not for linux/amd64: HOST has linux/arm64, windows/amd64',
  ],
  ['an empty list', list(), false, 'is there, and not for linux/amd64: HOST has no platform'],
  ['an image that is not there', {}, false, 'not found or private: HOST answered 404'],
  [
    'an image that a token for anybody does not open',
    { [HEAD]: { status: 403 } },
    false,
    'not found or private: HOST answered 403',
  ],
  [
    'a registry that gives nobody a token',
    { 'GET /token': { status: 403 } },
    false,
    'not found or private: HOST answered 403 to the request for a token',
  ],
  [
    'a registry that wants a password',
    { [HEAD]: { status: 401, headers: { 'WWW-Authenticate': 'Basic realm="x"' } } },
    false,
    'not found or private: HOST answered 401, Basic scheme',
  ],
  [
    'a 401 that says nothing',
    { [HEAD]: { status: 401 } },
    false,
    'not found or private: HOST answered 401, no scheme',
  ],
  [
    'a realm that is no address',
    { [HEAD]: { status: 401, headers: { 'WWW-Authenticate': 'Bearer realm="file:///etc/x"' } } },
    false,
    'not known: the registry HOST answered 401 with the realm "file:///etc/x", which is no ' +
      'address for a token',
  ],
  [
    'a token that is none',
    { 'GET /token': { status: 200, body: { token: 7 } } },
    false,
    'not known: the registry HOST answered 200 without a token to the request for one',
  ],
  [
    'a token that no header can have',
    { 'GET /token': { status: 200, body: { token: 'a\r\nHost: elsewhere' } } },
    false,
    'not known: the registry HOST answered 200 without a token to the request for one',
  ],
  [
    'too many requests, with the time of the next',
    { [HEAD]: { status: 429, headers: { 'Retry-After': '30' } } },
    false,
    'not known: the registry HOST answered 429 to the request for the manifest: ' +
      'too many requests, try again in 30 s',
  ],
  [
    'too many requests for a token',
    { 'GET /token': { status: 429 } },
    false,
    'not known: the registry HOST answered 429 to the request for a token: ' +
      'too many requests, try again later',
  ],
  [
    'a registry that is broken',
    { [HEAD]: { status: 502, body: '<html>' } },
    false,
    'not known: the registry HOST answered 502 to the request for the manifest',
  ],
  [
    'a page in place of the manifest',
    { [GET]: { status: 200, body: '<html>Welcome to the hotel</html>' } },
    false,
    'not known: the registry HOST answered 200 with a manifest that is not JSON',
  ],
  [
    'JSON that is no manifest',
    { [GET]: { status: 200, body: [{ config: 'sha256:../../etc' }] } },
    false,
    'not known: the registry HOST answered 200 with a text that is no manifest',
  ],
  [
    'a configuration at a path of its own choice',
    { [GET]: { status: 200, body: { config: { digest: '../../../elsewhere' } } } },
    false,
    'not known: the registry HOST answered 200 with a text that is no manifest',
  ],
  [
    'a manifest without an end',
    { [HEAD]: { status: 200 }, [GET]: 'endless' },
    false,
    'not known: the registry HOST answered 200 with an endless body',
  ],
];

for (const [what, replies, canBePulled, verdict] of CASES) {
  test(`registry: ${what}`, async () => {
    const pull = await asked(replies);
    assert.deepEqual([pull.verdict, pull.canBePulled], [verdict, canBePulled]);
  });
}

const SILENT: readonly (readonly [string, Replies])[] = [
  ['silent from the start', { [HEAD]: 'silence' }],
  ['silent when it is asked for a token', { 'GET /token': 'silence' }],
  ['silent in the middle', { [HEAD]: { status: 200 }, [GET]: 'silence' }],
];

for (const [what, replies] of SILENT) {
  test(`a registry that is ${what} is given up`, async () => {
    const { canBePulled, verdict } = await asked(replies, { timeoutMs: SILENT_MS });
    assert.equal(canBePulled, false);
    assert.equal(verdict, "not known: the registry HOST can't be reached (no answer within 0.2 s)");
  });
}

test('a registry that is away is said to be', async () => {
  const registry = await RegistryStandIn.open(true);
  const { host } = registry;
  await registry.close();
  const { canBePulled, verdict } = await askForPull(`${host}/someone/repasse:1`, ANSWERED_MS);
  assert.equal(canBePulled, false);
  assert.equal(verdict, `not known: the registry ${host} can't be reached (ECONNREFUSED)`);
});

test('a text that is no name of an image is not asked about', async () => {
  const { canBePulled, verdict } = await askForPull('Someone/Repasse:1', ANSWERED_MS);
  assert.deepEqual([canBePulled, verdict], [false, 'is no name of an image']);
});
