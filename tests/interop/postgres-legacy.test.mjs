// A schema of @mastra/pg 0.17 is taken over with nothing lost, and every version goes on using it.
import assert from 'node:assert/strict';

import {
    AI_SPAN,
    EVALS,
    MEMORY_READS,
    MESSAGES,
    RESOURCE,
    SCORE,
    SNAPSHOT,
    TABLES,
    THREADS,
    TRACES,
    fill,
} from './legacy.mjs';
import { Peer } from './peer.mjs';
import { query, schema, test } from './postgres.mjs';
import { assertEqual, openLegacyPeer, openOurs, plain, sorted } from './support.mjs';

const columns = (place, table) =>
    query(
        place,
        `SELECT column_name AS name, data_type AS type, is_nullable AS nullable FROM information_schema.columns
        WHERE table_schema = $1 AND table_name = $2 ORDER BY ordinal_position`,
        [place.schema, table],
    );

/** Every row of every table, by the columns that 0.x knows. */
async function contents(place, known) {
    const rows = {};
    for (const table of TABLES) {
        const names = known[table].map(({ name }) => `"${name}"`).join(', ');
        const found = plain(await query(place, `SELECT ${names} FROM ${table}`));
        rows[table] = found.map((row) => JSON.stringify(row)).toSorted();
    }
    return rows;
}

const runtimeContextOf = async (legacy, id) => (await legacy.call('getScoreById', { id })).runtimeContext;

test('a schema of 0.x is opened: all is read, nothing is lost, every version goes on using it', async (t) => {
    const place = schema('legacy');
    let legacy = openLegacyPeer(t, place);
    await fill(legacy);
    await legacy.close();
    const known = Object.fromEntries(await Promise.all(TABLES.map(async (table) => [table, await columns(place, table)])));
    const before = await contents(place, known);
    for (const table of TABLES) {
        assert.ok(before[table].length > 0, `${table} has rows`);
    }

    const ours = openOurs(t, place);
    await ours.call('init');
    assertEqual(await contents(place, known), before, 'every row of every table');
    for (const table of TABLES) {
        const now = await columns(place, table);
        assertEqual(now.slice(0, known[table].length), known[table], `the columns of ${table}`);
        assert.ok(now.slice(known[table].length).every(({ nullable }) => nullable === 'YES'), `${table} takes old rows`);
    }
    const scorers = (await columns(place, 'mastra_scorers')).map(({ name }) => name);
    for (const name of ['runtimeContext', 'requestContext', 'organizationId', 'datasetItemId']) {
        assert.ok(scorers.includes(name), name);
    }

    // Saving the messages has moved the thread.
    const { updatedAt: moved, ...thread } = await ours.call('getThreadById', { threadId: 't1' });
    const { updatedAt: given, ...rest } = THREADS[0];
    assertEqual(sorted(thread), sorted(rest), 'the thread');
    assert.ok(moved > given);
    const { messages } = await ours.call('listMessages', { threadId: 't1' });
    assertEqual(
        sorted(messages),
        sorted(MESSAGES.map(({ type, ...message }) => message)),
        'the messages',
    );
    assertEqual(sorted(await ours.call('getResourceById', { resourceId: 'r1' })), sorted(RESOURCE), 'the resource');
    assertEqual(
        sorted(await ours.call('loadWorkflowSnapshot', { workflowName: 'w', runId: 'run-1' })),
        sorted(SNAPSHOT),
        'the run',
    );
    assert.equal((await ours.call('listWorkflowRuns', { status: 'success' })).total, 1);
    const { scores } = await ours.call('listScores');
    const { id, createdAt, updatedAt, ...score } = scores[0];
    const { runtimeContext, ...columnsOfToday } = SCORE;
    assertEqual(sorted(score), sorted(columnsOfToday), 'the score');
    assert.equal((await ours.call('getEvals')).total, EVALS.length);
    assert.equal((await ours.call('getTraces')).length, TRACES.length);
    const { span } = await ours.call('getSpan', { traceId: 'trace', spanId: 'span' });
    assert.deepEqual([span.input, span.metadata, span.isEvent], [AI_SPAN.input, AI_SPAN.metadata, false]);

    // The adapter of today reads what we read, and writes.
    const peer = await Peer.open(place);
    for (const [op, args] of MEMORY_READS) {
        assertEqual(sorted(await ours.call(op, args)), await peer.call(op, args), op);
    }
    await peer.call('saveThread', { thread: { ...THREADS[0], id: 't3' } });
    await peer.call('saveScore', { ...columnsOfToday, id: 'new', requestContext: { r: 1 }, organizationId: 'org' });
    assert.deepEqual((await ours.call('getScoreById', { id: 'new' })).requestContext, { r: 1 });

    // So does that of 0.x, while we are there.
    legacy = openLegacyPeer(t, place);
    await ours.call('saveThread', { thread: { ...THREADS[1], id: 't4', title: 'ours' } });
    await ours.call('saveScore', { ...columnsOfToday, id: 'ours' });
    await ours.call('updateWorkflowResults', { workflowName: 'w', runId: 'run-1', stepId: 's', result: { a: 1 } });
    assert.equal((await legacy.call('getThreadById', { threadId: 't4' })).title, 'ours');
    assert.equal((await legacy.call('getScoreById', { id: 'ours' })).score, SCORE.score);
    assert.deepEqual(await runtimeContextOf(legacy, id), runtimeContext);
    const run = await legacy.call('loadWorkflowSnapshot', { workflowName: 'w', runId: 'run-1' });
    assert.deepEqual(run.context.s, { a: 1 });
    await legacy.call('saveThread', { thread: { ...THREADS[0], id: 't5' } });
    await legacy.call('createAISpan', { ...AI_SPAN, spanId: 'span-2', parentSpanId: 'span' });
    assert.equal((await ours.call('getTrace', { traceId: 'trace' })).spans.length, 2);
    assert.equal((await ours.call('listThreads', {})).total, 5);
    await ours.close();
    await legacy.close();
    await peer.close();
});
