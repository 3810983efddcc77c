// Beside Mastra 0.x: a database of its adapter is taken over with nothing lost, and evals and traces, which later
// versions do not have, go both ways.
import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';

import {
    AI_SPAN,
    EVAL,
    EVALS,
    MEMORY_READS,
    MESSAGES,
    RESOURCE,
    SCORE,
    SNAPSHOT,
    TABLES,
    THREADS,
    TRACE,
    TRACES,
    at,
    fill,
} from './legacy.mjs';
import { Peer } from './peer.mjs';
import { Refusal, assertEqual, assertIntact, openLegacyPeer, openOurs, query, scratch, sorted } from './support.mjs';

const columns = (file, table) => query(file, `SELECT name, type, "notnull", pk FROM pragma_table_info('${table}')`);

/** Every row of every table, by the columns that 0.x knows. */
async function contents(file, known) {
    const rows = {};
    for (const table of TABLES) {
        const names = known[table].map(({ name }) => `"${name}"`).join(', ');
        rows[table] = await query(file, `SELECT ${names} FROM ${table} ORDER BY rowid`);
    }
    return rows;
}

test('a database of 0.x is opened: all is read, nothing is lost, every version goes on using it', async (t) => {
    const file = path.join(scratch(t), 'app.db');
    let legacy = openLegacyPeer(t, file);
    await fill(legacy);
    await legacy.close();
    const known = Object.fromEntries(await Promise.all(TABLES.map(async (table) => [table, await columns(file, table)])));
    const before = await contents(file, known);
    for (const table of TABLES) {
        assert.ok(before[table].length > 0, `${table} has rows`);
    }

    const ours = openOurs(t, file);
    await ours.call('init');
    assertEqual(await contents(file, known), before, 'every row of every table');
    const added = {};
    for (const table of TABLES) {
        const now = await columns(file, table);
        assertEqual(now.slice(0, known[table].length), known[table], `the columns of ${table}`);
        added[table] = now.slice(known[table].length).map(({ name }) => name);
        assert.ok(now.slice(known[table].length).every((column) => !column.notnull), table);
    }
    assert.deepEqual(added.mastra_threads, []);
    assert.deepEqual(added.mastra_messages, []);
    assert.deepEqual(added.mastra_evals, []);
    assert.deepEqual(added.mastra_traces, []);
    for (const name of ['requestContext', 'organizationId', 'projectId', 'batchId', 'datasetId', 'datasetItemId']) {
        assert.ok(added.mastra_scorers.includes(name), name);
    }
    assert.ok(added.mastra_ai_spans.includes('organizationId') && added.mastra_ai_spans.includes('requestContext'));
    const declared = Object.fromEntries(known.mastra_traces.map(({ name, type }) => [name, type]));
    assert.deepEqual([declared.attributes, declared.startTime], ['JSONB', 'BIGINT']);

    // Saving the messages has moved the thread.
    const { updatedAt: moved, ...thread } = await ours.call('getThreadById', { threadId: 't1' });
    const { updatedAt: given, ...rest } = THREADS[0];
    assertEqual(sorted(thread), sorted(rest), 'the thread');
    assert.ok(moved > given);
    const { messages } = await ours.call('listMessages', { threadId: 't1' });
    assertEqual(
        sorted(messages),
        sorted(MESSAGES.map(({ type, ...rest }) => rest)),
        'the messages',
    );
    assertEqual(sorted(await ours.call('getResourceById', { resourceId: 'r1' })), sorted(RESOURCE), 'the resource');
    const { scores } = await ours.call('listScores');
    const { id, createdAt, updatedAt, ...score } = scores[0];
    const { runtimeContext, ...columnsOfToday } = SCORE;
    assert.equal(scores.length, 1);
    assertEqual(sorted(score), sorted(columnsOfToday), 'the score');
    assert.deepEqual(JSON.parse(before.mastra_scorers[0].runtimeContext), runtimeContext);
    assert.equal((await ours.call('getEvals')).total, EVALS.length);
    assert.equal((await ours.call('getTraces')).length, TRACES.length);

    // The adapter of today reads what we read, and writes.
    const peer = await Peer.open(file);
    for (const [op, args] of MEMORY_READS) {
        assertEqual(sorted(await ours.call(op, args)), await peer.call(op, args), op);
    }
    assertEqual(sorted(await ours.call('getScoreById', { id })), await peer.call('getScoreById', { id }), 'the score');
    await peer.call('saveThread', { thread: { ...THREADS[0], id: 't3' } });
    await peer.call('saveScore', { ...columnsOfToday, id: 'new', requestContext: { r: 1 }, organizationId: 'org' });
    assertEqual(
        sorted(await ours.call('getScoreById', { id: 'new' })),
        await peer.call('getScoreById', { id: 'new' }),
        'the new score',
    );
    const workflows = await peer.store.getStore('workflows');
    assert.deepEqual(await workflows.loadWorkflowSnapshot({ workflowName: 'w', runId: 'run-1' }), SNAPSHOT);
    const observability = await peer.store.getStore('observability');
    const { span } = await observability.getSpan({ traceId: 'trace', spanId: 'span' });
    assert.deepEqual([span.input, span.metadata, span.isEvent], [AI_SPAN.input, AI_SPAN.metadata, false]);

    // So does that of 0.x, while we have the file open.
    legacy = openLegacyPeer(t, file);
    await ours.call('saveThread', { thread: { ...THREADS[1], id: 't4', title: 'ours' } });
    await ours.call('saveScore', { ...columnsOfToday, id: 'ours' });
    assert.equal((await legacy.call('getThreadById', { threadId: 't4' })).title, 'ours');
    assert.equal((await legacy.call('getScoreById', { id: 'ours' })).score, SCORE.score);
    assert.deepEqual((await legacy.call('getScoreById', { id })).runtimeContext, runtimeContext);
    await legacy.call('saveThread', { thread: { ...THREADS[0], id: 't5' } });
    await legacy.call('saveScore', SCORE);
    await legacy.call('createAISpan', { ...AI_SPAN, spanId: 'span-2', parentSpanId: 'span' });
    assert.equal((await legacy.call('getAITrace', { traceId: 'trace' })).spans.length, 2);
    assert.equal((await ours.call('listThreads', {})).total, 5);
    assert.equal((await ours.call('listScores')).pagination.total, 4);
    const after = await contents(file, known);
    for (const table of TABLES) {
        assertEqual(after[table].slice(0, before[table].length), before[table], `the first rows of ${table}`);
    }
    await ours.close();
    await legacy.close();
    peer.close();
    await assertIntact(file);
});

test('text that 0.x has stored without quotes is read as that text', async (t) => {
    const file = path.join(scratch(t), 'app.db');
    const legacy = openLegacyPeer(t, file);
    const { score } = await legacy.call('saveScore', { ...SCORE, output: 'plain "words"', input: '' });
    await legacy.close();
    const ours = openOurs(t, file);
    const { output, input } = await ours.call('getScoreById', { id: score.id });
    assert.deepEqual([output, input], ['plain "words"', '']);
    await ours.close();
    // The adapter of today cannot read such a row.
    const peer = await Peer.open(file);
    await assert.rejects(peer.call('getScoreById', { id: score.id }), /malformed JSON/);
    peer.close();
});

const EVAL_READS = [
    ['getEvals', {}],
    ['getEvals', { agentName: 'agent' }],
    ['getEvals', { agentName: '', type: 'other' }],
    ['getEvals', { type: 'test' }],
    ['getEvals', { type: 'live' }],
    ['getEvals', { agentName: 'agent', type: 'live', page: 1, perPage: 1 }],
    ['getEvals', { page: 1, perPage: 2 }],
    ['getEvals', { page: 9, perPage: 2 }],
    ['getEvals', { dateRange: { start: at(2), end: at(3) } }],
    ['getEvals', { dateRange: { start: at(99) } }],
    ['getEvalsByAgentName', { agentName: 'agent' }],
    ['getEvalsByAgentName', { agentName: 'agent', type: 'test' }],
    ['getEvalsByAgentName', { agentName: 'agent', type: 'live' }],
    ['getEvalsByAgentName', { agentName: 'none' }],
];

async function sameAnswers(ours, legacy, reads) {
    for (const [op, args] of reads) {
        assertEqual(sorted(await ours.call(op, args)), sorted(await legacy.call(op, args)), `${op} ${JSON.stringify(args)}`);
    }
}

for (const own of [true, false]) {
    test(`evals written by ${own ? 'us' : '0.x'} are read alike by both`, async (t) => {
        const file = path.join(scratch(t), 'app.db');
        const ours = openOurs(t, file);
        const legacy = openLegacyPeer(t, file);
        await legacy.call('getEvals', {});
        for (const record of EVALS) {
            await (own ? ours.call('saveEval', record) : legacy.call('insert', { tableName: 'mastra_evals', record }));
        }
        assert.equal((await ours.call('getEvals')).total, EVALS.length);
        await sameAnswers(ours, legacy, EVAL_READS);
        await ours.close();
        await legacy.close();
        await assertIntact(file);
    });
}

const TRACE_READS = [
    {},
    { name: 'agent.' },
    { name: 'tool.call' },
    { name: 'nope' },
    { scope: 'agent' },
    { scope: '', name: '' },
    { attributes: { model: 'm1' } },
    { attributes: { model: 'm1', n: 1 } },
    { attributes: { n: '1' } },
    { attributes: { model: 'nope' } },
    { filters: { traceId: 'trace-1' } },
    { filters: { traceId: "o'neil", scope: 'agent' } },
    { filters: { kind: 3 } },
    { filters: { kind: '3' } },
    { filters: { kind: 'x' } },
    { filters: { startTime: TRACE.startTime } },
    { filters: { createdAt: at(2) } },
    { fromDate: at(2), toDate: at(3) },
    { fromDate: at(3) },
    { page: 1, perPage: 3 },
    { page: 7, perPage: 3 },
].map((args) => ['getTraces', args]);

for (const own of [true, false]) {
    test(`traces written by ${own ? 'us' : '0.x'} are read alike by both`, async (t) => {
        const file = path.join(scratch(t), 'app.db');
        const ours = openOurs(t, file);
        const legacy = openLegacyPeer(t, file);
        await legacy.call('getTraces', {});
        await (own ? ours : legacy).call('batchTraceInsert', { records: TRACES });
        const listed = await ours.call('getTraces');
        assertEqual(
            sorted(listed),
            sorted([3, 1, 0, 2].map((n) => TRACES[n])),
            'the traces as they were given',
        );
        await sameAnswers(ours, legacy, TRACE_READS);
        // Replaced by the other side.
        await (own ? legacy : ours).call('batchTraceInsert', { records: [{ ...TRACE, name: 'again' }] });
        await sameAnswers(ours, legacy, [['getTraces', {}]]);
        assert.equal((await ours.call('getTraces')).length, TRACES.length);
        await ours.close();
        await legacy.close();
        await assertIntact(file);
    });
}

const ids = (records) => records.map(({ id }) => id);
const refusal = ({ refused }) => refused;

// What is answered otherwise by design.
const DIFFERENCES = [
    {
        name: 'JSON that a trace has not got',
        why: 'absent is null, everywhere',
        first: [['batchTraceInsert', { records: [{ ...TRACE, id: 'd1', status: null, other: null }] }]],
        call: ['getTraces', { filters: { id: 'd1' } }],
        see: ([{ status, other }]) => [status, other],
        ours: [null, null],
        theirs: [{}, {}],
    },
    {
        name: 'the beginning of a name in other letters, and one with a sign of LIKE',
        why: 'a prefix is a text, not a pattern',
        first: [['batchTraceInsert', { records: [{ ...TRACE, id: 'd2', name: 'Deux.run' }] }]],
        call: ['getTraces', { name: 'dEux_' }],
        see: ids,
        ours: [],
        theirs: ['d2'],
    },
    {
        name: 'an attribute with a dot in its name',
        why: 'a name is a name, not a path',
        first: [
            [
                'batchTraceInsert',
                {
                    records: [
                        { ...TRACE, id: 'd3-a', attributes: { 'd3.a': 1 } },
                        { ...TRACE, id: 'd3-b', attributes: { d3: { a: 1 } } },
                    ],
                },
            ],
        ],
        call: ['getTraces', { attributes: { 'd3.a': 1 } }],
        see: ids,
        ours: ['d3-a'],
        theirs: ['d3-b'],
    },
    {
        name: 'an attribute that is an object',
        why: 'objects compare by value',
        first: [['batchTraceInsert', { records: [{ ...TRACE, id: 'd4', attributes: { d4: { a: 1, b: 2 } } }] }]],
        call: ['getTraces', { attributes: { d4: { b: 2, a: 1 } } }],
        see: (answer) => answer.refused ?? ids(answer),
        ours: ['d4'],
        theirs: /can only bind/,
    },
    {
        name: 'a column that is null',
        why: 'null can be asked for',
        first: [['batchTraceInsert', { records: [{ ...TRACE, id: 'd5', traceId: 'd5' }] }]],
        call: ['getTraces', { filters: { traceId: 'd5', parentSpanId: null } }],
        see: ids,
        ours: ['d5'],
        theirs: [],
    },
    {
        name: 'a filter on a column that is not there',
        why: 'the error names it',
        call: ['getTraces', { filters: { nope: 1 } }],
        see: refusal,
        ours: /filters\.nope is not a column/,
        theirs: /no such column: nope/,
    },
    {
        name: 'an eval of someone else whose result has no score',
        why: 'one odd row must not hide all others',
        raw: `INSERT INTO mastra_evals (input, output, result, agent_name, metric_name, instructions, global_run_id, run_id,
            created_at) VALUES ('i', 'o', '[1]', 'd7', 'm', '', 'g', 'r', '${at(0)}')`,
        call: ['getEvalsByAgentName', { agentName: 'd7' }],
        see: (answer) => answer.refused ?? answer.map(({ result }) => result),
        ours: [[1]],
        theirs: /Invalid MetricResult format/,
    },
    {
        name: 'an eval that is saved without a score in its result',
        why: 'nothing is stored that cannot be read',
        own: ['saveEval', { ...EVAL, agent_name: 'd8', result: {} }],
        call: ['getEvals', { agentName: 'd8' }],
        see: ({ total }) => total,
        ours: 0,
        theirs: 0,
    },
    {
        name: 'times beyond 2^53',
        why: 'whole numbers of 64 bits come back exactly',
        raw: `INSERT INTO mastra_traces (id, name, traceId, scope, kind, startTime, endTime, createdAt) VALUES
            ('d9', 'n', 'd9', 's', 0, 9007199254740993, 9223372036854775807, '${at(0)}')`,
        call: ['getTraces', { filters: { traceId: 'd9' } }],
        see: (answer) => answer.refused ?? ids(answer),
        ours: ['d9'],
        theirs: /cannot be safely represented/,
    },
];

test('where the answers differ from those of 0.x', async (t) => {
    const file = path.join(scratch(t), 'app.db');
    const ours = openOurs(t, file);
    await ours.call('init');
    const legacy = openLegacyPeer(t, file);
    const answer = (store, [op, args]) =>
        store.call(op, args).catch((error) => {
            if (!(error instanceof Refusal)) {
                throw error;
            }
            return { refused: error.message };
        });
    for (const { name, why, first = [], own, raw, call, see, ours: mine, theirs } of DIFFERENCES) {
        await t.test(`${name}: ${why}`, async () => {
            for (const request of first) {
                await legacy.call(...request);
            }
            if (own) {
                await assert.rejects(ours.call(...own), Refusal);
            }
            if (raw) {
                await query(file, raw);
            }
            for (const [store, expected] of [
                [ours, mine],
                [legacy, theirs],
            ]) {
                const seen = see(await answer(store, call));
                if (expected instanceof RegExp) {
                    assert.match(String(seen), expected);
                } else {
                    assert.deepEqual(seen, expected);
                }
            }
        });
    }
    assert.match(
        await ours.line('{"id":0,"op":"getTraces","args":{"filters":{"traceId":"d9"}}}'),
        /"startTime":9007199254740993,"endTime":9223372036854775807/,
    );
    await ours.close();
    await legacy.close();
});
