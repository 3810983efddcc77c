// One application of @mastra/core on our store and on the peer's, each in processes and in a place of its own; the import
// is all that differs. Afterwards both places hold the same rows.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { assertEqual } from '../interop/support.mjs';
import { canonical } from './rows.mjs';

const here = path.dirname(fileURLToPath(import.meta.url));
const OURS = path.join(here, '../../bindings/node/lib/index.mjs');
const PARTS = ['talk', 'goOn', 'suspend', 'resume', 'others', 'upkeep'];
// How the exporter writes spans, where it shall not choose for itself.
const STRATEGIES = { goOn: 'batch-with-updates', others: 'insert-only' };
const TABLES = ['mastra_ai_spans', 'mastra_messages', 'mastra_resources', 'mastra_scorers', 'mastra_threads'];
TABLES.push('mastra_workflow_snapshot');

// Core's own objects that spans and a scorer's input hold; they show what is under way at the moment, such as whether a
// thread has its title yet.
const INSIDE = new Set(['loggerVNext', 'observabilityBus', 'MastraMemory']);

/** Ids of messages that no pattern tells from words, and what depends on the moment. */
function own(table, row) {
    const { attributes, ...rest } = row;
    const levelled = attributes?.messageId ? { ...attributes, messageId: '<id of a message>' } : attributes;
    return JSON.parse(JSON.stringify({ ...rest, attributes: levelled }, (key, value) => (INSIDE.has(key) ? '<inside>' : value)));
}

/**
 * Tests of the class `name`, the peer's from the package `peer`. `places` are the options of either side, `rows` reads
 * the tables of one, `level` may change a row first.
 */
export function compareApplications({ test, name, peer, places, rows, level = (table, row) => row }) {
    const modules = { ours: OURS, theirs: peer };

    async function runPart(side, part) {
        const args = [path.join(here, 'app.mjs'), modules[side], name, JSON.stringify(places[side]), part];
        const { stdout } = await promisify(execFile)(process.execPath, args, {
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

    const read = async (side) => canonical(await rows(places[side]), (table, row) => own(table, level(table, row)));
    let ours;
    let theirs;

    for (const table of TABLES) {
        test(`the same rows in ${table}`, async () => {
            ours ??= await read('ours');
            theirs ??= await read('theirs');
            assert.ok(theirs[table].length > 0, 'the application writes into it');
            assertEqual(ours[table], theirs[table], table);
        });
    }

    test('no other table of the peer has rows', () => {
        const used = Object.entries(theirs).filter(([, found]) => found.length > 0);
        assert.deepEqual(used.map(([table]) => table).sort(), TABLES);
    });
}
