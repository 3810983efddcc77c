// What goes over the wire: never more requests than the peer makes, transactions as large as the service takes them,
// signed, and the same when they have to be sent again.
import assert from 'node:assert/strict';
import { createHash, createHmac } from 'node:crypto';

import { items, messageKey, openPeer, openProxy, table, test, through } from './dynamodb.mjs';
import { assertEqual, openOurs } from './support.mjs';

const at = (second) => new Date(Date.UTC(2024, 0, 1) + second * 1000).toISOString();
const threadOf = (id, more) => ({ id, resourceId: 'r', title: 'T', createdAt: at(0), updatedAt: at(0), ...more });
const messageOf = (id, threadId, second, text = 'x') => ({
    id,
    threadId,
    resourceId: 'r',
    role: 'user',
    content: { format: 2, parts: [{ type: 'text', text }] },
    createdAt: at(second),
});
const many = (count, from = 0, text = 'x'.repeat(500)) =>
    Array.from({ length: count }, (_, n) => messageOf(`m${String(n + from).padStart(4, '0')}`, 't', n + from, text));
const run = (id) => ({ workflowName: 'w', runId: id });
const score = {
    scorerId: 'tone',
    runId: 'run-1',
    entityId: 'agent-1',
    entityType: 'AGENT',
    scorer: { id: 'tone' },
    entity: { name: 'Helper' },
    source: 'LIVE',
    score: 0.5,
    input: 'i',
    output: { text: 'o' },
    traceId: 'trace',
    spanId: 'span',
    resourceId: 'r',
    threadId: 't',
};
const pagination = { page: 0, perPage: 10 };

// Before what is measured, both do the same.
const BEFORE = [
    ['saveThread', { thread: threadOf('t', { metadata: { a: 1 } }) }],
    ['saveThread', { thread: threadOf('u') }],
    ['saveMessages', { messages: many(60) }],
    ['saveResource', { resource: { id: 'r', workingMemory: 'w', createdAt: at(0), updatedAt: at(0) } }],
    ['persistWorkflowSnapshot', { ...run('one'), snapshot: { status: 'running', context: {} } }],
    ['persistWorkflowSnapshot', { ...run('two'), snapshot: { status: 'success', context: {} } }],
    ['saveScore', score],
];

// [operation, arguments, most write units beside the peer's]. A transaction costs twice what single writes do.
const MEASURED = [
    ['getThreadById', { threadId: 't' }],
    ['saveThread', { thread: threadOf('t', { title: 'again', metadata: { b: 1 } }) }],
    ['updateThread', { id: 't', title: 'new', metadata: { c: 1 } }],
    ['listThreads', { filter: { resourceId: 'r' }, perPage: 10 }],
    ['listThreads', {}],
    ['listMessages', { threadId: 't', perPage: 10, includeTotal: false }],
    ['listMessages', { threadId: 't', perPage: 10, includeTotal: false, orderBy: { field: 'createdAt', direction: 'DESC' } }],
    ['listMessages', { threadId: 't', perPage: false, includeTotal: false }],
    ['listMessagesById', { messageIds: ['m0001', 'm0002', 'm0003'] }],
    ['saveMessages', { messages: many(1, 100) }],
    ['saveMessages', { messages: many(8, 200) }, 2],
    ['updateMessages', { messages: [{ id: 'm0001', role: 'assistant' }] }, 2],
    ['updateMessages', { messages: [{ id: 'm0002', type: 'text' }, { id: 'm0003', type: 'text' }] }, 2],
    ['deleteMessages', ['m0004']],
    ['deleteMessages', ['m0005', 'm0006', 'm0007'], 2],
    ['getResourceById', { resourceId: 'r' }],
    ['saveResource', { resource: { id: 'r', workingMemory: 'x', createdAt: at(0), updatedAt: at(0) } }],
    ['updateResource', { resourceId: 'r', workingMemory: 'y' }],
    ['persistWorkflowSnapshot', { ...run('one'), snapshot: { status: 'running', context: { a: 1 } } }],
    ['loadWorkflowSnapshot', run('one')],
    ['updateWorkflowResults', { ...run('one'), stepId: 's', result: { status: 'success' }, requestContext: {} }],
    ['updateWorkflowState', { ...run('one'), opts: { status: 'paused' } }],
    ['getWorkflowRunById', run('one')],
    ['getWorkflowRunById', { runId: 'one' }],
    ['listWorkflowRuns', { workflowName: 'w' }],
    ['listWorkflowRuns', {}],
    ['deleteWorkflowRunById', run('two')],
    ['saveScore', score],
    ['listScoresByScorerId', { scorerId: 'tone', pagination }],
    ['listScoresByRunId', { runId: 'run-1', pagination }],
    ['listScoresByEntityId', { entityId: 'agent-1', entityType: 'AGENT', pagination }],
    ['listScoresBySpan', { traceId: 'trace', spanId: 'span', pagination }],
    ['deleteThread', { threadId: 't' }, 2],
];

const sum = (numbers) => Object.values(numbers).reduce((total, number) => total + number, 0);

test('no operation makes more requests, or reads more, than the peer', async (t) => {
    const sides = {};
    for (const [name, open] of Object.entries({ ours: openOurs, theirs: openPeer })) {
        const proxy = await openProxy(t);
        await proxy.tell('measure');
        const place = through(await table({ indexes: 7 }), proxy.endpoint);
        const store = open(t, place);
        for (const [op, args] of BEFORE) {
            await store.call(op, args);
        }
        await proxy.count();
        sides[name] = { proxy, store };
    }
    const rows = [];
    const worse = [];
    for (const [op, args, factor = 1] of MEASURED) {
        const counts = {};
        for (const [name, { proxy, store }] of Object.entries(sides)) {
            await store.call(op, name === 'theirs' ? withoutOurs(args) : args);
            counts[name] = await proxy.count();
        }
        const { ours, theirs } = counts;
        const about = `${op} ${JSON.stringify(args).slice(0, 100)}`;
        rows.push(`${about}: ${told(ours)}; the peer ${told(theirs)}`);
        const fine =
            sum(ours.requests) <= sum(theirs.requests) &&
            ours.read <= consistent(op, theirs) &&
            ours.write <= factor * theirs.write;
        if (!fine) {
            worse.push(rows.at(-1));
        }
    }
    rows.forEach((row) => t.diagnostic(row));
    assert.deepEqual(worse, []);
    await sides.ours.store.close();
    await sides.theirs.store.close();
});

const told = ({ requests, read, write }) => `${JSON.stringify(requests)} ${read} read, ${write} written`;

// What does not go through an index is read strongly consistent by us, which costs twice a read that may be stale.
const consistent = (op, { read }) => (/^listMessages$|^listScores/.test(op) ? read : 2 * read);

function withoutOurs(args) {
    const { includeTotal, ...rest } = args;
    return Array.isArray(args) ? args : rest;
}

const hash = (text) => createHash('sha256').update(text).digest('hex');
const hmac = (key, text) => createHmac('sha256', key).update(text).digest();

/** The signature that a request must have, worked out anew from what was received. */
function signatureOf({ headers, body }, secret) {
    const [, day, region, service, names] =
        /^AWS4-HMAC-SHA256 Credential=[^/]*\/(\d{8})\/([^/]*)\/([^/]*)\/aws4_request, ?SignedHeaders=([^,]*), ?Signature=/.exec(
            headers.authorization,
        );
    const lines = names.split(';').map((name) => `${name}:${headers[name].trim().replace(/ +/g, ' ')}\n`);
    const canonical = ['POST', '/', '', lines.join(''), names, hash(body)].join('\n');
    const scope = `${day}/${region}/${service}/aws4_request`;
    const toSign = ['AWS4-HMAC-SHA256', headers['x-amz-date'], scope, hash(canonical)].join('\n');
    const key = [region, service, 'aws4_request'].reduce(hmac, hmac(`AWS4${secret}`, day));
    return createHmac('sha256', key).update(toSign).digest('hex');
}

function assertSigned(request) {
    const names = /SignedHeaders=([^,]*)/.exec(request.headers.authorization)[1].split(';');
    for (const name of ['host', 'x-amz-date', 'x-amz-target', 'content-type']) {
        assert.ok(names.includes(name), `${name} is signed`);
    }
    const given = /Signature=([0-9a-f]{64})$/.exec(request.headers.authorization)?.[1];
    assert.equal(given, signatureOf(request, 'local'));
}

/** Opens our store behind a proxy that takes transactions of any size, and forgets them. */
async function behindStub(t) {
    const proxy = await openProxy(t);
    const place = through(await table(), proxy.endpoint);
    const ours = openOurs(t, place);
    await ours.call('saveThread', { thread: threadOf('t') });
    await proxy.tell('stub TransactWriteItems');
    await proxy.tell('record');
    return { proxy, place, ours };
}

const transactions = async (proxy) =>
    JSON.parse(await proxy.ask('recorded'))
        .filter(({ operation }) => operation === 'TransactWriteItems')
        .map((request) => ({ ...request, value: JSON.parse(request.body) }));
const idsOf = ({ value }) => value.TransactItems.map((item) => Object.values(item)[0].Key.pk.S);

test('100 messages are one transaction, as it is signed', async (t) => {
    const { proxy, place, ours } = await behindStub(t);
    await ours.call('saveMessages', { messages: many(100) });
    const [request, ...more] = await transactions(proxy);
    assert.equal(more.length, 0);
    assertSigned(request);
    assert.ok(request.value.ClientRequestToken.length > 0 && request.value.ClientRequestToken.length <= 36);
    assert.deepEqual(idsOf(request), many(100).map(({ id }) => messageKey(id)[0]));
    for (const member of request.value.TransactItems) {
        const [[kind, { TableName, UpdateExpression, Put }]] = Object.entries(member);
        assert.equal(kind, 'Update');
        assert.equal(TableName, place.table);
        assert.match(UpdateExpression, /^SET .*ADD /s);
        assert.equal(Put, undefined);
    }
    await ours.close();
});

test('101 messages are two, and so are those of more than 4 MB', async (t) => {
    const { proxy, ours } = await behindStub(t);
    await ours.call('saveMessages', { messages: many(101) });
    const two = await transactions(proxy);
    assert.deepEqual(two.map(({ value }) => value.TransactItems.length).toSorted(), [1, 100]);
    assert.notEqual(two[0].value.ClientRequestToken, two[1].value.ClientRequestToken);
    assert.deepEqual(two.flatMap(idsOf).toSorted(), many(101).map(({ id }) => messageKey(id)[0]));

    await proxy.tell('record');
    await ours.call('saveMessages', { messages: many(60, 500, 'y'.repeat(100_000)) });
    const large = await transactions(proxy);
    assert.ok(large.length >= 2);
    for (const request of large) {
        assert.ok(request.body.length <= 4 << 20, `${request.body.length} bytes`);
        assertSigned(request);
    }
    // They go side by side, because none depends on another.
    assert.deepEqual(large.flatMap(idsOf).toSorted(), many(60, 500).map(({ id }) => messageKey(id)[0]));
    await ours.close();
});

test('a transaction that is sent again is the same, and counts once', async (t) => {
    const proxy = await openProxy(t);
    const place = through(await table(), proxy.endpoint);
    const ours = openOurs(t, place);
    await ours.call('saveThread', { thread: threadOf('t') });
    await ours.call('saveMessages', { messages: many(2) });
    for (const fault of ['unanswered', 'late', 'cut', 'corrupt', 'unheard', 'internal']) {
        await proxy.tell('record');
        await proxy.tell(`once ${fault} TransactWriteItems`);
        await ours.call('saveMessages', { messages: many(5, 10) });
        const sent = await transactions(proxy);
        assert.ok(sent.length >= 1, fault);
        for (const again of sent.slice(1)) {
            assertEqual(again.value, sent[0].value, fault);
            assertSigned(again);
        }
        assert.equal((await proxy.count()).faults[fault], 1);
    }
    const revisions = (await items(place)).filter(({ id }) => /^m001/.test(id?.S)).map((one) => one.mastra_rev?.N);
    // Six calls, each of which took effect once.
    assert.deepEqual(revisions, Array(5).fill('6'));
    await ours.close();
});

test('more than the server takes in a transaction is written in parts', async (t) => {
    const proxy = await openProxy(t);
    const place = through(await table(), proxy.endpoint);
    const ours = openOurs(t, place);
    await ours.call('saveThread', { thread: threadOf('t') });
    await ours.call('saveMessages', { messages: many(25) });
    const { messages, total } = await ours.call('listMessages', { threadId: 't', perPage: false });
    assert.deepEqual(messages.map(({ id }) => id), many(25).map(({ id }) => id));
    assert.equal(total, 25);
    // It has learnt what the server takes, and does not ask for more again.
    await proxy.tell('record');
    await ours.call('saveMessages', { messages: many(25, 100) });
    const sent = await transactions(proxy);
    assert.deepEqual(sent.map(({ value }) => value.TransactItems.length).toSorted(), [10, 10, 5]);
    await ours.close();
});
