// Correlation ids: from text to four words and back, who owns them, and how they hash.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { hashId, hexDigit, idToText, ownerOf, readId } from '../../src/payment.ts';
import { AGAIN, Random, SEED } from '../buffer/seed.ts';

const UUID = /^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$/;

test('every UUID of any version and case is read and written back in lower case', () => {
  fc.assert(
    fc.property(fc.uuid(), fc.boolean(), fc.nat(5), (id, upper, before) => {
      const words = new Uint32Array(4);
      const text = upper ? id.toUpperCase() : id;
      assert.ok(readId(Buffer.from(`${'x'.repeat(before)}${text}"`), before, words));
      assert.equal(idToText(words), id.toLowerCase());
    }),
    { seed: SEED, numRuns: 2_000 },
  );
});

test('an id is written from its own place among others', () => {
  const words = Uint32Array.from([9, 9, 9, 9, 0, 1, 0xffffffff, 0x80000000]);
  assert.equal(idToText(words, 4), '00000000-0000-0001-ffff-ffff80000000');
});

test('what differs from a UUID in one byte is refused, or is another UUID', () => {
  const id = '0a1b2c3d-4e5f-6789-abcd-ef0123456789';
  for (let at = 0; at < 36; at++) {
    for (let byte = 0; byte < 256; byte++) {
      const bytes = Buffer.from(id);
      bytes[at] = byte;
      const text = bytes.toString('latin1');
      const words = new Uint32Array(4);
      assert.equal(readId(bytes, 0, words), UUID.test(text), text);
      if (UUID.test(text)) assert.equal(idToText(words), text.toLowerCase());
    }
  }
});

test('an id that is cut short is refused, however far it goes', () => {
  const bytes = Buffer.from('0a1b2c3d-4e5f-6789-abcd-ef0123456789');
  for (let length = 0; length < 36; length++) {
    assert.equal(readId(bytes.subarray(0, length), 0, new Uint32Array(4)), false);
  }
  assert.equal(readId(bytes, 1, new Uint32Array(4)), false);
});

test('a hexadecimal digit has its value and nothing else has one', () => {
  for (let code = 0; code < 256; code++) {
    const character = String.fromCharCode(code);
    const value = /^[0-9a-fA-F]$/.test(character) ? Number.parseInt(character, 16) : -1;
    assert.equal(hexDigit(code), value, character);
  }
});

test('each id has exactly one owner, by its last digit, among 1 to 16 instances', () => {
  for (let instances = 1; instances <= 16; instances++) {
    const owners = new Set<number>();
    for (let digit = 0; digit < 16; digit++) {
      const owner = ownerOf(Uint32Array.of(0, 0, 0, 0, 7, 7, 7, 0xfffffff0 + digit), instances, 4);
      assert.equal(owner, digit % instances);
      owners.add(owner);
    }
    assert.equal(owners.size, instances);
  }
});

/** Ids in `count` places; how many share the fullest one. */
function fullestPlace(ids: Iterable<Uint32Array>, places: number, seed: number): number {
  const counts = new Uint32Array(places);
  for (const id of ids) {
    const place = hashId(id, 0, seed) % places;
    counts[place] = (counts[place] as number) + 1;
  }
  return Math.max(...counts);
}

test('ids that count in any word spread as well as random ones', () => {
  const seed = new Random().word();
  for (let word = 0; word < 4; word++) {
    for (const step of [1, 0x100, 0x10000]) {
      const ids = Array.from({ length: 4096 }, (_, n) =>
        new Uint32Array(4).fill(n * step, word, word + 1),
      );
      // 4,096 random ids in 4,096 places: 13 in one has odds below 1 in 10 million.
      assert.ok(fullestPlace(ids, 4096, seed) < 13, `word ${word} by ${step} ${AGAIN}`);
    }
  }
});

test('ids can not be chosen to collide without knowing the seed', () => {
  const random = new Random();
  // The first word cancels the second one: with a hash that only joins them by xor, all of these
  // collide.
  const ids = Array.from({ length: 4096 }, (_, n) =>
    Uint32Array.of(Math.imul(n, 0x9e3779b1), n, 0, 0),
  );
  for (let run = 0; run < 5; run++) {
    assert.ok(fullestPlace(ids, 4096, random.word()) < 13, AGAIN);
  }
});
