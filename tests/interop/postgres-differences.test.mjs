// Where we differ from @mastra/pg on purpose, both answers pinned; and records of each kind that one writes and the other
// reads.
import assert from 'node:assert/strict';
import { after } from 'node:test';

import { Peer } from './peer.mjs';
import { available, query, schema, test } from './postgres.mjs';
import { SpanPeer, answered } from './spans.mjs';
import { assertEqual, openOurs, openPeerProcess, plain } from './support.mjs';

const at = (second) => new Date(Date.UTC(2024, 0, 1) + second * 1000).toISOString();
const thread = (id, more) => [
    'saveThread',
    { thread: { id, resourceId: 'r', title: 'T', createdAt: at(0), updatedAt: at(0), ...more } },
];
const message = (id, threadId, more) => ({
    id,
    threadId,
    resourceId: 'r',
    role: 'user',
    content: { format: 2, parts: [] },
    createdAt: at(1),
    ...more,
});
const save = (...messages) => ['saveMessages', { messages }];
const resource = (id, more) => ['saveResource', { resource: { id, createdAt: at(0), updatedAt: at(0), ...more } }];
const span = (traceId, more) => [
    'createSpan',
    {
        span: {
            traceId,
            spanId: 'root',
            name: 'n',
            spanType: 'agent_run',
            isEvent: false,
            startedAt: at(1),
            ...more,
        },
    },
];
const update = (traceId, updates) => ['updateSpan', { traceId, spanId: 'root', updates }];
const get = (traceId) => ['getSpan', { traceId, spanId: 'root' }];

const ids = (answer) => (answer.messages ?? answer.threads ?? answer).map((record) => record.id);
const traces = (answer) => answer.refused ?? answer.spans.map(({ traceId }) => traceId).toSorted();
const refused = (answer) => answer?.refused ?? 'answered';

// name: what is asked. why: our reason. first: what is stored before. call: the operation. see: what is looked at in
// the answer. ours, theirs: what is seen then.
const DIFFERENCES = [
    {
        name: 'messages of equal time',
        why: 'they come in the order in which they were saved, as from every other store of ours',
        first: [thread('d1'), save(message('d1-b', 'd1'), message('d1-a', 'd1'))],
        call: ['listMessages', { threadId: 'd1' }],
        see: ids,
        ours: ['d1-b', 'd1-a'],
        theirs: ['d1-a', 'd1-b'],
    },
    {
        name: 'a new time for a message',
        why: 'both of its columns get it; the peer reads the one that it has not changed',
        first: [
            thread('d2'),
            save(message('d2', 'd2')),
            ['updateMessages', { messages: [{ id: 'd2', createdAt: at(9) }] }],
        ],
        call: ['listMessages', { threadId: 'd2' }],
        see: ({ messages }) => messages[0].createdAt,
        ours: at(9),
        theirs: at(1),
    },
    {
        name: 'the type v2 in the answer of an update',
        why: 'it is the default, and no list shows it',
        first: [thread('d3'), save(message('d3', 'd3'))],
        call: ['updateMessages', { messages: [{ id: 'd3', role: 'assistant' }] }],
        see: ([{ type }]) => type ?? 'none',
        ours: 'none',
        theirs: 'v2',
    },
    {
        name: 'plain text with U+0000',
        why: 'it can be stored as its JSON literal, so it need not fail',
        first: [thread('d4')],
        call: save(message('d4', 'd4', { content: 'a\u0000b' })),
        see: (answer) => answer.refused ?? 'answered',
        ours: 'answered',
        theirs: /invalid byte sequence/,
    },
    {
        name: 'a resource saved again',
        why: 'it is replaced, as by every other store',
        first: [resource('d5', { workingMemory: 'first' })],
        call: resource('d5', { workingMemory: 'second' }),
        see: refused,
        ours: 'answered',
        theirs: /duplicate key/,
    },
    {
        name: 'a thread that is not there, updated',
        why: 'the id of the error is that of our other stores; code and message are the same',
        call: ['updateThread', { id: 'd6', title: 'x' }],
        see: refused,
        ours: 'Thread d6 not found',
        theirs: 'Thread d6 not found',
    },
    {
        name: 'an include among messages of equal time',
        why: 'the message asked for is always in its window',
        first: [thread('d7'), save(...['z', 'b', 'y', 'a'].map((id) => message(`d7-${id}`, 'd7')))],
        call: ['listMessages', { threadId: 'd7', perPage: 0, include: [{ id: 'd7-b', withNextMessages: 1 }] }],
        see: ids,
        ours: ['d7-b', 'd7-y'],
        theirs: ['d7-z'],
    },
    {
        name: 'the end of a span, told by an update',
        why: 'both of its columns get it; the peer leaves one empty, by which it looks for spans',
        first: [span('s1', { userId: 's1' }), update('s1', { endedAt: at(5) })],
        call: ['listTraces', { filters: { userId: 's1', endedAt: { start: at(0) } } }],
        see: traces,
        ours: ['s1'],
        theirs: [],
    },
    {
        name: 'a span that is created again',
        why: 'it is replaced, as by every other store; in the peer it keeps what the second one has not got',
        first: [span('s2', { userId: 'u', input: { a: 1 } }), span('s2')],
        call: get('s2'),
        see: (answer) => [answer.span.userId, answer.span.input],
        ours: [null, null],
        theirs: ['u', { a: 1 }],
    },
    {
        name: 'a text that looks like JSON in a span',
        why: 'it is a text',
        first: [span('s3', { input: '{"a":1}' })],
        call: get('s3'),
        see: (answer) => answer.span.input,
        ours: '{"a":1}',
        theirs: { a: 1 },
    },
    {
        name: 'columns of a span that the peer does not read',
        why: 'what was given is returned',
        first: [span('s4', { experimentId: 'x', requestContext: { a: 1 } })],
        call: get('s4'),
        see: (answer) => [answer.span.experimentId ?? 'none', answer.span.requestContext ?? 'none'],
        ours: ['x', { a: 1 }],
        theirs: ['none', 'none'],
    },
    {
        name: 'no traces to delete',
        why: 'there is nothing to do',
        call: ['batchDeleteTraces', { traceIds: [] }],
        see: refused,
        ours: 'answered',
        theirs: /syntax error/,
    },
    {
        name: 'an object in a filter on metadata',
        why: 'objects compare by value; the peer finds those that contain it',
        first: [span('s5', { metadata: { s5: { a: 1, b: 2 } } })],
        call: ['listTraces', { filters: { metadata: { s5: { a: 1 } } } }],
        see: traces,
        ours: [],
        theirs: ['s5'],
    },
    {
        name: 'threads by a part of an object in their metadata',
        why: 'likewise',
        first: [thread('d8', { metadata: { d8: { a: 1, b: 2 } } })],
        call: ['listThreads', { filter: { metadata: { d8: { a: 1 } } } }],
        see: ids,
        ours: [],
        theirs: ['d8'],
    },
    {
        name: 'a negative page of workflow runs',
        why: 'it is refused by every other list',
        call: ['listWorkflowRuns', { page: -1, perPage: 1 }],
        see: refused,
        ours: 'page must be >= 0',
        theirs: /OFFSET must not be negative/,
    },
];

function assertSeen(seen, expected, whose) {
    if (expected instanceof RegExp) {
        assert.match(String(seen), expected, whose);
    } else {
        assert.deepEqual(plain(seen), plain(expected), whose);
    }
}

async function open() {
    const place = schema('theirs');
    const memory = await Peer.open(place);
    memory.asStored = true;
    const spans = await SpanPeer.open(place);
    after(() => Promise.all([memory.close(), spans.close()]));
    const isSpan = (op) => /Span|Trace/.test(op);
    return {
        ours: openOurs({ after }, schema('ours')),
        theirs: { call: (op, args) => (isSpan(op) ? spans : memory).call(op, args) },
    };
}

const both = available ? await open() : {};

for (const { name, why, first = [], call, see, ours, theirs } of DIFFERENCES) {
    test(`${name}: ${why}`, async () => {
        for (const [op, args] of first) {
            await answered(both.ours, op, args);
            await answered(both.theirs, op, args);
        }
        assertSeen(see(await answered(both.ours, ...call)), ours, 'ours');
        assertSeen(see(await answered(both.theirs, ...call)), theirs, 'theirs');
    });
}

// Records that one writes and both read. The adapter's jsonb columns have neither U+0000 nor lone surrogates.

const SCORE = {
    scorerId: 'tone',
    runId: 'run',
    entityId: 'agent',
    scorer: { id: 'tone', prompts: ['a', { b: null }] },
    entity: { name: 'Helper' },
    source: 'LIVE',
    score: 0.1 + 0.2,
    output: { text: 'Hello!', list: [1, [2, null]] },
};
const SCORES = [
    {},
    { input: [{ role: 'user', content: 'Hi' }], metadata: { deep: { er: [true] } }, requestContext: { u: 1 } },
    { preprocessStepResult: { a: 1 }, extractStepResult: { l: [1] }, analyzeStepResult: { '': '' }, reason: 'it "was" 🙂' },
    { output: 'plain text', additionalContext: { c: {} }, traceId: 't', spanId: 's' },
    { output: 0, organizationId: 'org', score: 1e-300 },
    { output: [], score: 1.7976931348623157e308, entityType: 'AGENT' },
].map((more, n) => ({ ...SCORE, ...more, id: `score-${n}` }));

const RESOURCES = [
    { id: 'a', workingMemory: '# Memory\n"quoted"', metadata: { n: 1, deep: { list: [1, { b: null }] } } },
    { id: 'b', metadata: {} },
    { id: 'c', workingMemory: '{"a": 1}' },
].map((more) => ({ createdAt: at(1), updatedAt: at(2), ...more }));

const RUNS = [
    { status: 'running', context: { input: { n: 1 } }, value: {} },
    { status: 'suspended', context: { step: { status: 'suspended', suspendPayload: { a: ['x'] } } } },
].map((snapshot, n) => ({
    workflowName: "w'1",
    runId: `run ${n}`,
    resourceId: 'r',
    snapshot,
    createdAt: at(n),
    updatedAt: at(n + 10),
}));

async function write(store) {
    for (const score of SCORES) {
        await store.call('saveScore', score);
    }
    for (const given of RESOURCES) {
        await store.call('saveResource', { resource: given });
    }
    for (const run of RUNS) {
        await store.call('persistWorkflowSnapshot', run);
        await store.call('updateWorkflowResults', { ...run, stepId: 's', result: { output: [1] }, requestContext: { c: 1 } });
    }
    await store.call('updateResource', { resourceId: 'a', metadata: { added: true } });
}

// updatedAt of what was updated is each store's own clock; an input that is absent is '' in the adapter.
function level({ updatedAt, input, ...rest }) {
    return { ...rest, ...(input === undefined || input === '' ? {} : { input }) };
}

async function read(store) {
    const answers = {};
    for (const { id } of SCORES) {
        answers[id] = level(await store.call('getScoreById', { id }));
    }
    for (const { id } of RESOURCES) {
        const { metadata, ...rest } = level(await store.call('getResourceById', { resourceId: id }));
        answers[`resource ${id}`] = { ...rest, metadata: metadata ?? {} };
    }
    for (const { workflowName, runId } of RUNS) {
        answers[runId] = level(await store.call('getWorkflowRunById', { workflowName, runId }));
    }
    const list = await store.call('listWorkflowRuns', { workflowName: "w'1", status: 'suspended' });
    answers.suspended = list.runs.map(({ runId }) => runId);
    return answers;
}

for (const own of [true, false]) {
    test(`scores, resources and runs written by ${own ? 'us' : 'the peer'} are read alike by both`, async (t) => {
        const place = schema('records');
        const ours = openOurs(t, place);
        await ours.call('init');
        const peer = await Peer.open(place);
        await write(own ? ours : peer);
        const answers = await read(ours);
        assertEqual(plain(answers), await read(peer), 'read');
        for (const score of SCORES) {
            const { createdAt, ...rest } = answers[score.id];
            assertEqual(plain(rest), plain(level(score)), score.id);
        }
        assert.deepEqual(answers['resource a'].metadata, { n: 1, deep: { list: [1, { b: null }] }, added: true });
        assert.deepEqual(answers.suspended, ['run 1']);
        await ours.close();
        await peer.close();
    });
}

test('the time of a run that a peer far from UTC has written', async (t) => {
    const place = schema('zones');
    const peer = openPeerProcess(t, place, { TZ: 'America/New_York' });
    await peer.call('persistWorkflowSnapshot', RUNS[0]);
    const ours = openOurs(t, place);
    const key = { workflowName: RUNS[0].workflowName, runId: RUNS[0].runId };
    assert.equal((await ours.call('getWorkflowRunById', key)).createdAt, RUNS[0].createdAt);
    const [row] = await query(place, `SELECT "createdAt"::text AS local, "createdAtZ" AS instant FROM mastra_workflow_snapshot`);
    assert.equal(row.local, '2023-12-31 19:00:00');
    assert.equal(row.instant.toISOString(), RUNS[0].createdAt);
    await ours.close();
    await peer.close();
});
