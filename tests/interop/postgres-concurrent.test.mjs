// Several processes write one schema at the same time, see concurrent.mjs.
import assert from 'node:assert/strict';

import { OURS, PEER, beginTogether, writeTogether } from './concurrent.mjs';
import { query, schema, test } from './postgres.mjs';

async function run(t, kinds, rounds) {
    const place = schema('shared');
    const expected = await writeTogether(t, place, kinds, rounds);
    const [{ n }] = await query(place, 'SELECT count(*)::int AS n FROM mastra_messages');
    assert.equal(n, expected);
}

test('the peer and we write one schema at the same time', (t) => run(t, [PEER, OURS], 10));

test('two of ours and two peers write one schema at the same time', (t) => run(t, [PEER, OURS, PEER, OURS], 4));

test('all may be the first in a schema', async (t) => {
    for (let round = 0; round < 3; round++) {
        await beginTogether(t, schema('first'));
    }
});
