// Several processes write one file at the same time, see concurrent.mjs.
import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';

import { OURS, PEER, beginTogether, writeTogether } from './concurrent.mjs';
import { assertIntact, query, scratch } from './support.mjs';

async function run(t, kinds, rounds) {
    const file = path.join(scratch(t), 'shared.db');
    const expected = await writeTogether(t, file, kinds, rounds);
    await assertIntact(file);
    const [{ n }] = await query(file, 'SELECT count(*) AS n FROM mastra_messages');
    assert.equal(n, expected);
}

test('the peer and we write one file at the same time', (t) => run(t, [PEER, OURS], 25));

test('two of ours and two peers write one file at the same time', (t) => run(t, [PEER, OURS, PEER, OURS], 10));

test('all may be the first to open a file', async (t) => {
    const folder = scratch(t);
    for (let round = 0; round < 3; round++) {
        const file = path.join(folder, `${round}.db`);
        await beginTogether(t, file);
        await assertIntact(file);
    }
});
