// Random operations by the methods of the domains on our PostgresStore and on the peer's, as in differential.test.mjs.
// Here only sound arguments: what is made of others does not depend on the database.
import assert from 'node:assert/strict';

import { PostgresStore as PeerStore } from '@mastra/pg';

import { PostgresStore } from '../../bindings/node/lib/index.mjs';
import { schema, test } from '../interop/postgres.mjs';
import { Differences, POSTGRES } from './differences.mjs';
import { MemorySequence, ScoreSequence, WorkflowSequence, show } from './sequences.mjs';
import { openSides, revived } from './sides.mjs';

// What the adapter does another way is pinned by the interop tests: equal times, a resource saved again, messages of a
// thread that is not there, new times of messages.
const habits = { distinctTimes: true, newResources: true, threadsFirst: true, fixedTimes: true };
const SEQUENCES = { memory: MemorySequence, workflows: WorkflowSequence, scores: ScoreSequence };
const SEEDS = (process.env.SEEDS ?? '2,6').split(',').map(Number);
const STEPS = 250;

const differences = new Differences(POSTGRES);
const nextMillisecond = () => new Promise((resolve) => setTimeout(resolve, 2));

function storeIn({ url: connectionString, schema: schemaName }, Store) {
    return () => new Store({ id: schemaName, connectionString, schemaName, max: 4 });
}

async function compare(t, sequence, seed) {
    const sides = await openSides(t, {
        ours: storeIn(schema('ours'), PostgresStore),
        theirs: storeIn(schema('theirs'), PeerStore),
    });
    let answered = 0;
    for (let step = 1; step <= STEPS; step++) {
        const { op, args } = sequence.next();
        await nextMillisecond();
        const ours = await sides.ours.call(op, args);
        const theirs = await sides.theirs.call(op, args);
        differences.compare({ op, args, ours, theirs, sides, about: `seed ${seed}, step ${step}: ${op} ${show(args)}` });
        sequence.learn(op, args, revived(theirs.answer), theirs.answer?.thread?.id);
        answered += 'answer' in ours;
    }
    assert.ok(answered > STEPS / 2, `most operations succeed: ${answered}`);
}

for (const [domain, Kind] of Object.entries(SEQUENCES)) {
    for (const seed of SEEDS) {
        test(`${domain}: random operations answer alike, seed ${seed}`, (t) => compare(t, new Kind(seed, habits), seed));
    }
}

test('each difference of the table has occurred', () => differences.assertAllSeen());
