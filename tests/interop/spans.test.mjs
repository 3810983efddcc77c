// Spans and traces: the same calls on our store and on the peer's, each reading what the other wrote, and where we differ
// from the peer on purpose.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, test } from 'node:test';

import { SpanPeer, answered, compareSpans } from './spans.mjs';
import { assertEqual, assertIntact, fixture, openOurs, plain, query, scratch } from './support.mjs';

const SEEDS = [2, 31, 404];
const STEPS = 300;

function open(t) {
    const folder = scratch(t);
    return { ours: path.join(folder, 'ours.db'), theirs: path.join(folder, 'theirs.db') };
}

for (const seed of SEEDS) {
    test(`${STEPS} random operations on spans answer alike, seed ${seed}`, (t) =>
        compareSpans(t, seed, STEPS, { open, intact: assertIntact }));
}

// A database that a Mastra application wrote: an agent that echoed three messages, two workflow runs.

function copy(t) {
    const file = path.join(scratch(t), 'app.db');
    fs.copyFileSync(fixture, file);
    return file;
}

// The peer leaves the order of spans with equal starts open.
function tiesById(trace) {
    const place = (span) => `${span.startedAt} ${span.spanId}`;
    return trace && { ...trace, spans: trace.spans.toSorted((a, b) => (place(a) < place(b) ? -1 : 1)) };
}

test('five traces of an application, 32 spans in all, are read as the peer reads them', async (t) => {
    const file = copy(t);
    const ours = openOurs(t, file);
    const theirs = await SpanPeer.open(file);
    const ids = (await query(file, 'SELECT DISTINCT traceId FROM mastra_ai_spans')).map((row) => row.traceId);
    let spans = 0;
    assert.equal(ids.length, 5);
    for (const traceId of ids) {
        for (const op of ['getTrace', 'getTraceLight']) {
            const [a, b] = [plain(await ours.call(op, { traceId })), await theirs.call(op, { traceId })];
            assert.deepEqual(a, tiesById(a), 'ours has an order');
            assertEqual(a, tiesById(b), `${op} ${traceId}`);
            spans += op === 'getTrace' ? a.spans.length : 0;
            for (const { spanId } of a.spans) {
                const key = { traceId, spanId };
                assertEqual(plain(await ours.call('getSpan', key)), await theirs.call('getSpan', key), spanId);
            }
        }
        const root = plain(await ours.call('getRootSpan', { traceId }));
        assertEqual(root, await theirs.call('getRootSpan', { traceId }), 'the root');
    }
    assert.equal(spans, 32);
    for (const args of [
        {},
        { pagination: { perPage: 2, page: 1 } },
        { orderBy: { field: 'endedAt', direction: 'ASC' } },
        { filters: { spanType: 'agent_run', hasChildError: false, status: 'success' } },
        { filters: { entityType: 'workflow_run' } },
        { filters: { threadId: 'thread-A', startedAt: { start: '2026-11-21T05:01:49.030Z' } } },
        { filters: { endedAt: { end: '2026-11-21T05:01:49.083Z' }, tags: [] } },
    ]) {
        assertEqual(plain(await ours.call('listTraces', args)), await theirs.call('listTraces', args), JSON.stringify(args));
    }
    await ours.close();
    theirs.close();
});

test('spans that we change in a file of the peer are read by the peer, all else is left as it was', async (t) => {
    const file = copy(t);
    const traceId = 'a5af286a67cc7b01c2106cbfcd1196dd';
    const rows = () => query(file, `SELECT * FROM mastra_ai_spans WHERE traceId <> '${traceId}' ORDER BY rowid`);
    const before = await rows();
    const ours = openOurs(t, file);
    const spanId = '0559d6880a17bd6e';
    await ours.call('updateSpan', { traceId, spanId, updates: { output: { it: 'is "ours" 🙂' }, tags: ['new'] } });
    await ours.call('createSpan', { traceId, spanId: 'new', name: 'n', spanType: 'generic', isEvent: true, startedAt: 0 });
    await ours.close();
    assert.deepEqual(await rows(), before);

    const theirs = await SpanPeer.open(file);
    const { span } = await theirs.call('getSpan', { traceId, spanId });
    assert.deepEqual([span.output, span.tags, span.name], [{ it: 'is "ours" 🙂' }, ['new'], "workflow run: 'approval'"]);
    assert.equal((await theirs.call('getTrace', { traceId })).spans[0].spanId, 'new');
    const { pagination } = await theirs.call('listTraces', { filters: { tags: ['new'] } });
    assert.equal(pagination.total, 1);
    theirs.close();
    await assertIntact(file);
});

// Differences. Both answers are pinned, so that a change on either side shows.

const at = (second) => new Date(Date.UTC(2024, 0, 1, 0, 0, second)).toISOString();
const span = (traceId, more) => ({
    traceId,
    spanId: 'root',
    name: 'n',
    spanType: 'agent_run',
    isEvent: false,
    startedAt: at(1),
    ...more,
});
const create = (traceId, more) => ['createSpan', { span: span(traceId, more) }];
const list = (filters, more) => ['listTraces', { filters, ...more }];
const get = (traceId) => ['getSpan', { traceId, spanId: 'root' }];

const found = (answer) => answer.refused ?? answer.spans.map(({ traceId }) => traceId).toSorted();
const refused = (answer) => answer?.refused ?? 'answered';

// name: what is asked. why: our reason. first: what is stored before. call: the operation. see: what is looked at in
// the answer. ours, theirs: what is seen then.
const DIFFERENCES = [
    {
        name: 'traces filtered by experiment, version, parent, root or trace',
        why: 'the arguments know these filters; the peer takes them and lists every trace',
        first: [create('d1-a', { userId: 'd1', experimentId: 'x', rootEntityId: 'r' }), create('d1-b', { userId: 'd1' })],
        call: list({ userId: 'd1', experimentId: 'x', rootEntityId: 'r', traceId: 'd1-a' }),
        see: found,
        ours: ['d1-a'],
        theirs: ['d1-a', 'd1-b'],
    },
    {
        name: 'excluded ends of ranges',
        why: 'the arguments know them; the peer includes the ends all the same',
        first: [create('d2-a', { userId: 'd2' }), create('d2-b', { userId: 'd2', startedAt: at(2) })],
        call: list({ userId: 'd2', startedAt: { start: at(1), startExclusive: true } }),
        see: found,
        ours: ['d2-b'],
        theirs: ['d2-a', 'd2-b'],
    },
    {
        name: 'a number in a filter on metadata',
        why: 'equality is that of JSON values; the peer compares texts, which no number equals',
        first: [create('d3-a', { metadata: { d3: 1 } }), create('d3-b', { metadata: { d3: '1' } })],
        call: list({ metadata: { d3: 1 } }),
        see: found,
        ours: ['d3-a'],
        theirs: ['d3-b'],
    },
    {
        name: 'an object in a filter on metadata',
        why: 'objects compare by value, whatever the order of their members',
        first: [create('d4', { metadata: { d4: { b: 2, a: 1 } } })],
        call: list({ metadata: { d4: { a: 1, b: 2 } } }),
        see: found,
        ours: ['d4'],
        theirs: [],
    },
    {
        name: 'null in a filter on metadata',
        why: 'null is a value of its own',
        first: [create('d5', { metadata: { d5: null } })],
        call: list({ metadata: { d5: null } }),
        see: found,
        ours: ['d5'],
        theirs: [],
    },
    {
        name: 'null as a filter',
        why: 'it is the same as none, as in every other list',
        first: [create('d6', { userId: 'd6' })],
        call: list({ userId: 'd6', sessionId: null }),
        see: found,
        ours: ['d6'],
        theirs: [],
    },
    {
        name: 'types that are not known yet',
        why: 'a span of a later version can be stored, so it can be looked for',
        first: [create('d7', { spanType: 'd7' })],
        call: list({ spanType: 'd7' }),
        see: (answer) => answer.refused?.includes('spanType') || found(answer),
        ours: ['d7'],
        theirs: true,
    },
    {
        name: 'an unknown field to order by',
        why: 'the default order, as in every other list',
        first: [create('d8', { userId: 'd8' })],
        call: list({ userId: 'd8' }, { orderBy: { field: 'name', direction: 'DESC' } }),
        see: (answer) => answer.refused?.includes('orderBy') || found(answer),
        ours: ['d8'],
        theirs: true,
    },
    {
        name: 'a span that does not say whether it is an event',
        why: 'then it is none',
        call: ['createSpan', { span: span('d9', { isEvent: undefined }) }],
        see: refused,
        ours: 'answered',
        theirs: /NOT NULL constraint failed/,
    },
    {
        name: 'a name that is JSON',
        why: 'it is a text',
        first: [create('d10', { name: '[1, 2]' })],
        call: get('d10'),
        see: (answer) => answer.span.name,
        ours: '[1, 2]',
        theirs: [1, 2],
    },
    {
        name: 'createdAt among the changes of an update',
        why: 'when a span was first stored is a fact',
        first: [create('d11'), ['updateSpan', { traceId: 'd11', spanId: 'root', updates: { createdAt: at(0) } }]],
        call: get('d11'),
        see: (answer) => answer.span.createdAt === at(0),
        ours: false,
        theirs: true,
    },
    {
        name: 'another trace among the changes of an update',
        why: 'the key is what the change is found by; the peer moves the span',
        first: [create('d12'), ['updateSpan', { traceId: 'd12', spanId: 'root', updates: { traceId: 'd12-moved' } }]],
        call: get('d12'),
        see: (answer) => answer?.span.traceId ?? 'gone',
        ours: 'd12',
        theirs: 'gone',
    },
    {
        name: 'traces deleted within an organization',
        why: 'the roots tell which traces belong to it',
        first: [
            create('d13-a', { organizationId: 'o' }),
            create('d13-b'),
            ['batchDeleteTraces', { traceIds: ['d13-a', 'd13-b'], organizationId: 'o' }],
        ],
        call: list({ spanType: 'agent_run' }, { pagination: { perPage: 100 } }),
        see: (answer) => found(answer).filter((id) => id.startsWith('d13')),
        ours: ['d13-b'],
        theirs: ['d13-a', 'd13-b'],
    },
    {
        name: 'unknown members of a span or of its changes',
        why: 'neither is stored, and neither is an error',
        first: [create('d14', { unknown: 1 })],
        call: ['updateSpan', { traceId: 'd14', spanId: 'root', updates: { unknown: 1 } }],
        see: refused,
        ours: 'answered',
        theirs: 'answered',
    },
    {
        name: 'a batch with a record that cannot be stored',
        why: 'the message names the record and its member',
        call: ['batchCreateSpans', { records: [span('d15'), span('d15', { name: undefined })] }],
        see: refused,
        ours: /records\[1\]\.name is required/,
        theirs: /NOT NULL constraint failed/,
    },
];

function assertSeen(seen, expected, whose) {
    if (expected instanceof RegExp) {
        assert.match(String(seen), expected, whose);
    } else {
        assert.deepEqual(plain(seen), plain(expected), whose);
    }
}

const folder = scratch({ after });
const stores = {
    ours: openOurs({ after }, path.join(folder, 'ours.db')),
    theirs: await SpanPeer.open(path.join(folder, 'theirs.db')),
};
after(() => stores.theirs.close());

for (const { name, why, first = [], call, see, ours, theirs } of DIFFERENCES) {
    test(`${name}: ${why}`, async () => {
        for (const [op, args] of first) {
            await answered(stores.ours, op, args);
            await answered(stores.theirs, op, args);
        }
        assertSeen(see(await answered(stores.ours, ...call)), ours, 'ours');
        assertSeen(see(await answered(stores.theirs, ...call)), theirs, 'theirs');
    });
}
