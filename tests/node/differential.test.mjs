// The same random operations on our LibSQLStore and on the peer's, by the methods of their domains: every answer is
// compared, with its Dates, undefineds and errors. Where the two differ on purpose is listed in differences.mjs.
import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';

import { LibSQLStore as PeerStore } from '@mastra/libsql';

import { LibSQLStore } from '../../bindings/node/lib/index.mjs';
import { assertEqual, scratch } from '../interop/support.mjs';
import { Differences } from './differences.mjs';
import {
    BAD_TO_SAVE,
    MemorySequence,
    ScoreSequence,
    TraceSequence,
    WorkflowSequence,
    show,
    spoilt,
} from './sequences.mjs';
import { openSides, revived } from './sides.mjs';

const SEQUENCES = {
    memory: MemorySequence,
    workflows: WorkflowSequence,
    scores: ScoreSequence,
    observability: TraceSequence,
};
// The environment may ask for others, SEEDS=1,2; then rows of the table may be missed.
const SEEDS = (process.env.SEEDS ?? '2,6,11').split(',').map(Number);
const STEPS = 250;
const SPOILT = 250;

const differences = new Differences();
const nextMillisecond = () => new Promise((resolve) => setTimeout(resolve, 2));

async function both(sides, op, args) {
    // So that no two times of one store are equal, which would leave their order to chance.
    if (!/^(get|list|load)/.test(op)) {
        await nextMillisecond();
    }
    return [await sides.ours.call(op, args), await sides.theirs.call(op, args)];
}

function storesIn(folder) {
    return {
        ours: () => new LibSQLStore({ id: 'ours', url: `file:${path.join(folder, 'ours.db')}` }),
        theirs: () => new PeerStore({ id: 'theirs', url: `file:${path.join(folder, 'theirs.db')}` }),
    };
}

async function runGood(t, sequence, seed) {
    const sides = await openSides(t, storesIn(scratch(t)));
    let answered = 0;
    for (let step = 1; step <= STEPS; step++) {
        const { op, args } = sequence.next();
        const [ours, theirs] = await both(sides, op, args);
        differences.compare({
            op,
            args,
            ours,
            theirs,
            sides,
            about: `seed ${seed}, step ${step}: ${op} ${show(args)}`,
        });
        sequence.learn(op, args, revived(theirs.answer), theirs.answer?.thread?.id);
        answered += 'answer' in ours;
        // What is read, read in ways that nobody documented.
        if (sequence.reads.includes(op)) {
            const { args: bad, done, path: at, value } = spoilt(sequence, args);
            const [mine, other] = await both(sides, op, bad);
            const about = `seed ${seed}, step ${step}: ${op} ${show(args)}, with ${done}`;
            differences.compare({ op, args: bad, spoilt: { at, value }, sides, ours: mine, theirs: other, about });
        }
    }
    assert.ok(answered > STEPS / 2, `most operations succeed: ${answered}`);
}

/** What a domain holds, read the same way on both sides. */
const CONTENTS = {
    memory: [
        ['listThreads', { perPage: false }],
        ...['user-1', "o'neil", 'ümläut 🙂', 'r"q\\', 'none'].flatMap((resourceId) => [
            ['listMessagesByResourceId', { resourceId, perPage: false }],
            ['getResourceById', { resourceId }],
        ]),
    ],
    workflows: [['listWorkflowRuns', {}]],
    scores: ['tone', 'length'].map((scorerId) => [
        'listScoresByScorerId',
        { scorerId, pagination: { page: 0, perPage: 100 } },
    ]),
    observability: [['listTraces', { pagination: { perPage: 100 } }]],
};

async function contents(side, domain) {
    const all = [];
    for (const [op, args] of CONTENTS[domain]) {
        all.push((await side.call(op, args)).answer);
    }
    return all;
}

/** Writes with one argument spoilt, now and then. What is refused must not leave a trace. */
async function runSpoiltWrites(t, sequence, seed) {
    const sides = await openSides(t, storesIn(scratch(t)));
    for (let step = 1; step <= SPOILT; step++) {
        const { op, args } = sequence.next();
        if (sequence.reads.includes(op)) {
            continue;
        }
        const { args: bad, done, path: at, value } = spoilt(sequence, args, BAD_TO_SAVE);
        const about = `seed ${seed}, step ${step}: ${op} ${show(args)}, with ${done}`;
        const before = await contents(sides.ours, sequence.domain);
        const [ours, theirs] = await both(sides, op, bad);
        differences.compare({ op, args: bad, spoilt: { at, value, writes: true }, sides, ours, theirs, about });
        if (ours.refused) {
            assertEqual(
                await contents(sides.ours, sequence.domain),
                before,
                `${about}\nis refused, and has changed something`,
            );
        }
        if ('answer' in ours || 'answer' in theirs) {
            await sides.ours.clear();
            await sides.theirs.clear();
        }
        const [, good] = await both(sides, op, args);
        sequence.learn(op, args, revived(good.answer), good.answer?.thread?.id);
    }
}

for (const [domain, Kind] of Object.entries(SEQUENCES)) {
    for (const seed of SEEDS) {
        test(`${domain}: random operations answer alike, seed ${seed}`, (t) => runGood(t, new Kind(seed), seed));
        test(`${domain}: spoilt writes do alike, seed ${seed}`, (t) => runSpoiltWrites(t, new Kind(seed), seed));
    }
}

test('each difference of the table has occurred', () => differences.assertAllSeen());
