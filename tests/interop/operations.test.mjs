// Random operations on files, see operations.mjs.
import path from 'node:path';
import { test } from 'node:test';

import { compareOperations } from './operations.mjs';
import { assertIntact, query, scratch } from './support.mjs';

const SEEDS = [1, 20, 300, 4000, 117, 136];
const STEPS = 300;

function open(t) {
    const folder = scratch(t);
    return { ours: path.join(folder, 'ours.db'), theirs: path.join(folder, 'theirs.db') };
}

/** The rows as they stand in the file, in their order, messages without a thread among them. */
async function rows(file) {
    const threads = await query(file, 'SELECT *, json(metadata) AS metadata FROM mastra_threads ORDER BY id');
    const messages = await query(
        file,
        `SELECT id, thread_id, content, role, type, createdAt, resourceId FROM mastra_messages ORDER BY rowid`,
    );
    return { threads: threads.map((row) => ({ ...row, metadata: JSON.parse(row.metadata) })), messages };
}

for (const seed of SEEDS) {
    test(`${STEPS} random operations answer alike, seed ${seed}`, (t) =>
        compareOperations(t, seed, STEPS, { open, rows, intact: assertIntact }));
}
