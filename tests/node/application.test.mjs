// One application of @mastra/core on our store and on the peer's, each in processes and on files of its own; the import
// is all that differs. Afterwards both files hold the same rows.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import path from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { assertEqual, assertIntact, scratch } from '../interop/support.mjs';
import { canonical, tablesOf } from './rows.mjs';

const here = path.dirname(fileURLToPath(import.meta.url));
const MODULES = { ours: path.join(here, '../../bindings/node/lib/index.mjs'), theirs: '@mastra/libsql' };
const PARTS = ['talk', 'goOn', 'suspend', 'resume', 'others', 'upkeep'];
// How the exporter writes spans, where it shall not choose for itself.
const STRATEGIES = { goOn: 'batch-with-updates', others: 'insert-only' };
const TABLES = ['mastra_ai_spans', 'mastra_messages', 'mastra_resources', 'mastra_scorers', 'mastra_threads'];
TABLES.push('mastra_workflow_snapshot');

const folder = scratch({ after });
const files = { ours: path.join(folder, 'ours.db'), theirs: path.join(folder, 'theirs.db') };

async function runPart(side, part) {
    const run = promisify(execFile);
    const { stdout } = await run(process.execPath, [path.join(here, 'app.mjs'), MODULES[side], files[side], part], {
        timeout: 120_000,
        env: { ...process.env, STRATEGY: STRATEGIES[part] ?? 'auto' },
    });
    return JSON.parse(stdout);
}

for (const part of PARTS) {
    test(`the part "${part}" answers alike`, async () => {
        const [ours, theirs] = await Promise.all([runPart('ours', part), runPart('theirs', part)]);
        assertEqual(canonical({ answer: [ours] }), canonical({ answer: [theirs] }), part);
    });
}

let ours;
let theirs;

for (const table of TABLES) {
    test(`the same rows in ${table}`, async () => {
        ours ??= canonical(await tablesOf(files.ours), own);
        theirs ??= canonical(await tablesOf(files.theirs), own);
        assert.ok(theirs[table].length > 0, 'the application writes into it');
        assertEqual(ours[table], theirs[table], table);
    });
}

test('no other table of the peer has rows, and the files are whole', async () => {
    const used = Object.entries(theirs).filter(([, rows]) => rows.length > 0);
    assert.deepEqual(used.map(([name]) => name).sort(), TABLES);
    await assertIntact(files.ours);
    await assertIntact(files.theirs);
});

// Core's own objects that a scorer's input holds; they show what is under way at the moment.
const INSIDE = new Set(['loggerVNext', 'observabilityBus']);

/** Ids of messages that no pattern tells from words, and what depends on the moment. */
function own(table, row) {
    const { attributes, ...rest } = row;
    const levelled = attributes?.messageId ? { ...attributes, messageId: '<id of a message>' } : attributes;
    return JSON.parse(
        JSON.stringify({ ...rest, attributes: levelled }, (key, value) => (INSIDE.has(key) ? '<inside>' : value)),
    );
}
