// One table that the peer and we use at the same time, and what stands in it that only one of us understands.
import assert from 'node:assert/strict';

import {
    item,
    items,
    lockKey,
    messageKey,
    openPeer,
    put,
    request,
    resourceKey,
    runKey,
    set,
    table,
    test,
    threadKey,
} from './dynamodb.mjs';
import { Refusal, assertEqual, openOurs } from './support.mjs';

const at = (second) => new Date(Date.UTC(2024, 0, 1) + second * 1000).toISOString();
const threadOf = (id, more) => ({ id, resourceId: 'r', title: 'T', createdAt: at(0), updatedAt: at(0), ...more });
const messageOf = (id, threadId, second, more) => ({
    id,
    threadId,
    resourceId: 'r',
    role: 'user',
    content: { format: 2, parts: [{ type: 'text', text: `text of ${id}` }] },
    createdAt: at(second),
    ...more,
});
const ids = (list) => list.map(({ id }) => id);

async function both(t, options) {
    const place = await table(options);
    return { place, ours: openOurs(t, place), theirs: openPeer(t, place) };
}

async function close(...stores) {
    for (const store of stores) {
        await store.close();
    }
}

async function refusal(work) {
    try {
        await work;
    } catch (error) {
        assert.ok(error instanceof Refusal, error);
        return error.error;
    }
    return assert.fail('not refused');
}

test('attributes of newer peers survive what we write', async (t) => {
    const { place, ours, theirs } = await both(t);
    const run = { workflowName: 'w', runId: 'run', snapshot: { status: 'running', context: {} } };
    await theirs.call('saveThread', { thread: threadOf('t', { metadata: { a: 1 } }) });
    await theirs.call('saveMessages', { messages: [messageOf('m', 't', 1)] });
    await theirs.call('saveResource', { resource: { id: 'r', workingMemory: 'w', createdAt: at(0), updatedAt: at(0) } });
    await theirs.call('persistWorkflowSnapshot', run);
    const keys = { thread: threadKey('t'), message: messageKey('m'), resource: resourceKey('r'), run: runKey('w', 'run') };
    const foreign = {
        archivedAt: { S: at(9) },
        laterAttribute: { M: { list: { L: [{ N: '1.50' }, { BOOL: true }, { NULL: true }] }, bytes: { B: 'AAEC' } } },
        laterSet: { SS: ['a', 'b'] },
    };
    for (const key of Object.values(keys)) {
        await set(place, key, foreign);
    }
    const calls = {
        thread: [
            ['updateThread', { id: 't', title: 'new', metadata: { b: 2 } }],
            ['saveThread', { thread: threadOf('t', { title: 'saved', metadata: { c: 3 } }) }],
        ],
        message: [
            ['updateMessages', { messages: [{ id: 'm', role: 'assistant' }] }],
            ['saveMessages', { messages: [messageOf('m', 't', 1, { role: 'system' })] }],
        ],
        resource: [
            ['updateResource', { resourceId: 'r', workingMemory: 'new' }],
            ['saveResource', { resource: { id: 'r', workingMemory: 'saved', createdAt: at(0), updatedAt: at(0) } }],
        ],
        run: [
            ['updateWorkflowResults', { ...run, stepId: 's', result: { status: 'success' }, requestContext: {} }],
            ['updateWorkflowState', { ...run, opts: { status: 'paused' } }],
            ['persistWorkflowSnapshot', run],
        ],
    };
    for (const [kind, list] of Object.entries(calls)) {
        for (const [op, args] of list) {
            const before = await item(place, keys[kind]);
            await ours.call(op, args);
            const after = await item(place, keys[kind]);
            assert.notDeepEqual(after, before, `${op} writes`);
            const { archivedAt, laterAttribute, laterSet } = after;
            assert.deepEqual({ archivedAt, laterAttribute, laterSet }, foreign, `after ${op}`);
        }
    }
    assert.ok('archivedAt' in (await item(place, keys.thread)), 'touched threads keep theirs, too');
    await close(ours, theirs);
});

test('a thread saved anew loses only what is known and left out', async (t) => {
    const { place, ours, theirs } = await both(t);
    await theirs.call('saveThread', { thread: threadOf('t', { metadata: { a: 1 } }) });
    await set(place, threadKey('t'), { archivedAt: { S: at(9) } });
    await ours.call('saveThread', { thread: threadOf('t', { title: 'anew' }) });
    const { metadata, archivedAt, title } = await item(place, threadKey('t'));
    assert.deepEqual({ metadata, archivedAt, title }, { metadata: undefined, archivedAt: { S: at(9) }, title: { S: 'anew' } });
    await close(ours, theirs);
});

test('stubs of threads count as missing, and we make none', async (t) => {
    const { place, ours, theirs } = await both(t);
    await theirs.call('saveMessages', { messages: [messageOf('m', 'ghost', 1)] });
    const stub = await item(place, threadKey('ghost'));
    assert.ok(stub && !stub.createdAt && !stub.resourceId, 'the peer made a stub');

    assert.equal(await ours.call('getThreadById', { threadId: 'ghost' }), null);
    const { threads, total, hasMore } = await ours.call('listThreads', {});
    assert.deepEqual({ threads, total, hasMore }, { threads: [], total: 0, hasMore: false });
    assert.match((await refusal(ours.call('updateThread', { id: 'ghost', title: 'x', metadata: {} }))).message, /ghost/);
    assert.deepEqual(ids((await ours.call('listMessages', { threadId: 'ghost' })).messages), ['m']);

    await ours.call('saveMessages', { messages: [messageOf('n', 'none', 1), messageOf('o', 'ghost', 2)] });
    assert.equal(await item(place, threadKey('none')), undefined);
    await ours.call('updateMessages', { messages: [{ id: 'n', role: 'assistant' }] });
    await ours.call('deleteMessages', ['n']);
    assert.equal(await item(place, threadKey('none')), undefined);

    await ours.call('saveThread', { thread: threadOf('ghost') });
    assert.deepEqual(ids((await ours.call('listThreads', {})).threads), ['ghost']);
    assert.deepEqual(ids((await theirs.call('listThreads', {})).threads), ['ghost']);
    await ours.call('deleteThread', { threadId: 'ghost' });
    assert.deepEqual(await items(place), []);
    await close(ours, theirs);
});

test('ids that differ in case share an item, but are not taken for one another', async (t) => {
    const { place, ours, theirs } = await both(t);
    await theirs.call('saveThread', { thread: threadOf('t1', { resourceId: 'res' }) });
    assert.equal((await theirs.call('getThreadById', { threadId: 'T1' })).id, 't1', 'the peer takes them for one');
    assert.equal(await ours.call('getThreadById', { threadId: 'T1' }), null);
    assert.deepEqual((await ours.call('listThreads', { filter: { resourceId: 'RES' } })).threads, []);
    assert.deepEqual(ids((await ours.call('listThreads', { filter: { resourceId: 'res' } })).threads), ['t1']);

    await theirs.call('saveMessages', { messages: [messageOf('small', 't1', 1), messageOf('large', 'T1', 2)] });
    for (const [threadId, expected] of [['t1', ['small']], ['T1', ['large']]]) {
        const { messages, total } = await ours.call('listMessages', { threadId });
        assert.deepEqual(ids(messages), expected);
        assert.equal(total, 1);
    }
    assert.equal((await theirs.call('listMessages', { threadId: 't1' })).total, 2);
    const found = await ours.call('listMessagesById', { messageIds: ['SMALL', 'large'] });
    assert.deepEqual(ids(found.messages), ['large']);
    await ours.call('deleteMessages', ['SMALL']);
    assert.ok(await item(place, messageKey('small')), 'another message is not deleted for its like');

    // There is one item for both spellings: the last one saved.
    await ours.call('saveThread', { thread: threadOf('T1') });
    assert.equal((await item(place, threadKey('t1'))).id.S, 'T1');
    assert.equal(await ours.call('getThreadById', { threadId: 't1' }), null);
    await close(ours, theirs);
});

/** Messages as the peer writes them, of so many bytes each. */
async function fill(place, template, threadId, count, bytes) {
    const whole = Array.from({ length: count }, (_, n) => {
        const id = `big-${String(n).padStart(5, '0')}`;
        return {
            ...template,
            pk: { S: messageKey(id)[0] },
            id: { S: id },
            createdAt: { S: at(n) },
            gsi1sk: { S: `$message_1#createdat_${at(n).toLowerCase()}` },
            content: { S: JSON.stringify({ format: 2, parts: [{ type: 'text', text: 'x'.repeat(bytes) }] }) },
        };
    });
    await put(place, ...whole);
    return whole.map((one) => one.id.S);
}

test('a thread of which the peer lists a part is listed, counted and deleted as a whole', async (t) => {
    const { place, ours, theirs } = await both(t);
    await theirs.call('saveThread', { thread: threadOf('t') });
    await theirs.call('saveMessages', { messages: [messageOf('big-00000', 't', 0)] });
    const template = await item(place, messageKey('big-00000'));
    const expected = await fill(place, template, 't', 1000, 1000);

    const part = await theirs.call('listMessages', { threadId: 't', perPage: false });
    assert.ok(part.total < 1000 && part.messages.length === part.total && !part.hasMore, `the peer: ${part.total}`);

    const whole = await ours.call('listMessages', { threadId: 't', perPage: false });
    assertEqual(ids(whole.messages), expected, 'all of the thread');
    assert.equal(whole.total, 1000);
    const newest = await ours.call('listMessages', {
        threadId: 't',
        perPage: 10,
        orderBy: { field: 'createdAt', direction: 'DESC' },
    });
    assert.deepEqual(ids(newest.messages), expected.slice(-10).toReversed());
    assert.deepEqual([newest.total, newest.hasMore], [1000, true]);
    const middle = await ours.call('listMessages', { threadId: 't', perPage: 100, page: 8 });
    assertEqual(ids(middle.messages), expected.slice(800, 900), 'a page in the middle');
    const scan = await ours.call('listMessagesByResourceId', { resourceId: 'r', perPage: false });
    assert.equal(scan.messages.length, 1000);

    await ours.call('deleteThread', { threadId: 't' });
    assert.deepEqual(await items(place), []);
    await close(ours, theirs);
});

test('64 results at once are 64 results', async (t) => {
    const place = await table();
    const stores = Array.from({ length: 4 }, () => openOurs(t, place));
    const run = { workflowName: 'w', runId: 'r' };
    await stores[0].call('persistWorkflowSnapshot', { ...run, snapshot: { runId: 'r', status: 'running', context: {} } });
    await Promise.all(
        Array.from({ length: 64 }, (_, n) =>
            stores[n % 4].call('updateWorkflowResults', {
                ...run,
                stepId: `step ${n}`,
                result: { status: 'success', output: n },
                requestContext: { [`k${n}`]: n },
            }),
        ),
    );
    const { context, requestContext } = await stores[1].call('loadWorkflowSnapshot', run);
    const expected = Array.from({ length: 64 }, (_, n) => n);
    assert.deepEqual(Object.values(context).map(({ output }) => output).toSorted((a, b) => a - b), expected);
    assert.equal(Object.keys(requestContext).length, 64);
    await close(...stores);
});

test('64 updates of one thread at once all last', async (t) => {
    const place = await table();
    const stores = Array.from({ length: 4 }, () => openOurs(t, place));
    await stores[0].call('saveThread', { thread: threadOf('t', { metadata: {} }) });
    await Promise.all(
        Array.from({ length: 64 }, (_, n) =>
            stores[n % 4].call('updateThread', { id: 't', title: 'T', metadata: { [`k${n}`]: n } }),
        ),
    );
    const { metadata } = await stores[2].call('getThreadById', { threadId: 't' });
    assert.equal(Object.keys(metadata).length, 64);
    await close(...stores);
});

test('what a change answers is what is stored, to the millisecond', async (t) => {
    const place = await table();
    const ours = openOurs(t, place);
    await ours.call('saveThread', { thread: { id: 't', resourceId: 'r', title: 'T', metadata: {} } });
    await new Promise((done) => setTimeout(done, 5));
    const changed = await ours.call('updateThread', { id: 't', title: 'U', metadata: { a: 1 } });
    assert.deepEqual(changed, await ours.call('getThreadById', { threadId: 't' }));
    await ours.close();
});

test('many records, one of them in parts, where a transaction takes fewer than AWS does', async (t) => {
    const place = await table();
    const ours = openOurs(t, place);
    const records = Array.from({ length: 14 }, (_, i) => ({
        traceId: 'T', spanId: `s${i}`, name: 'n', spanType: 'agent_run', isEvent: false,
        startedAt: '2025-01-01T00:00:00.000Z', input: i === 5 ? 'x'.repeat(500_000) : 'short',
    }));
    await ours.call('batchCreateSpans', { records });
    const { spans } = await ours.call('getTrace', { traceId: 'T' });
    assert.equal(spans.length, 14);
    assert.equal(spans.find((span) => span.spanId === 's5').input.length, 500_000);
    await ours.close();
});

test('a thread that could not be moved with all its messages can be moved again', async (t) => {
    const place = await table();
    const ours = openOurs(t, place);
    const message = (id, content) => ({ id, threadId: 't', resourceId: 'r', role: 'user', type: 'text', content });
    const moved = { threadId: 't', resourceId: 'q'.repeat(1000) };
    await ours.call('saveThread', { thread: { id: 't', resourceId: 'r', title: 'T' } });
    await ours.call('saveMessages', { messages: Array.from({ length: 25 }, (_, i) => message(`m${i}`, 'x')) });
    await ours.call('saveMessages', { messages: [message('large', 'x'.repeat(409_000))] });
    await assert.rejects(ours.call('updateThreadResourceId', moved), /size/);
    assert.equal((await ours.call('getThreadById', { threadId: 't' })).resourceId, 'r');
    await ours.call('deleteMessages', { messageIds: ['large'] });
    await ours.call('updateThreadResourceId', moved);
    const { messages } = await ours.call('listMessages', { threadId: 't', perPage: false });
    assert.deepEqual(messages.map((m) => m.resourceId), Array(25).fill(moved.resourceId));
    await ours.close();
});

test('the lock of a run is the one of newer peers', async (t) => {
    const place = await table();
    const ours = openOurs(t, place);
    const owner = (expires) => ({
        entity: { S: 'workflow_run_owner' },
        __edb_e__: { S: 'workflow_run_owner' },
        __edb_v__: { S: '1' },
        pk: { S: lockKey('run-abc')[0] },
        sk: { S: lockKey('run-abc')[1] },
        run_id: { S: 'Run-ABC' },
        generation: { N: '7' },
        ownerId: { S: 'the peer' },
        ...(expires ? { leaseExpiresAt: { N: String(expires) } } : {}),
    });
    const lock = { workflowName: 'w', runId: 'Run-ABC', ownerId: 'we' };
    await put(place, owner(Date.now() + 60_000));
    assert.equal(await ours.call('tryAcquireWorkflowRunLock', lock), false);
    assert.equal((await ours.call('getWorkflowRunLock', lock)).ownerId, 'the peer');
    // Released, as the peer does it: without a time.
    await put(place, owner());
    assert.equal(await ours.call('getWorkflowRunLock', lock), null);
    assert.equal(await ours.call('tryAcquireWorkflowRunLock', { ...lock, ttlMs: 60_000 }), true);
    const held = await item(place, lockKey('run-abc'));
    assert.deepEqual([held.generation, held.ownerId], [{ N: '8' }, { S: 'we' }]);
    const left = Number(held.leaseExpiresAt.N) - Date.now();
    assert.ok(left > 0 && left <= 61_000, `the lease is in milliseconds, ${left} of them left`);
    assert.equal((await ours.call('getWorkflowRunLock', lock)).generation, 8);
    // Runs of equal id share one lock, as do those whose ids differ only in case: they have one item.
    assert.equal(await ours.call('tryAcquireWorkflowRunLock', { ...lock, runId: 'run-ABC', ownerId: 'x' }), false);
    assert.equal((await ours.call('getWorkflowRunLock', { ...lock, runId: 'run-ABC' })).ownerId, 'we');
    assert.equal(await ours.call('tryAcquireWorkflowRunLock', { ...lock, workflowName: 'other', ownerId: 'x' }), false);
    assert.equal(await ours.call('releaseWorkflowRunLock', lock), true);
    const released = await item(place, lockKey('run-abc'));
    assert.deepEqual(released.generation, { N: '8' });
    // As the peer gives it back, whatever its clock says.
    assert.equal(released.leaseExpiresAt, undefined);
    // Whoever comes next need not wait.
    assert.equal(await ours.call('tryAcquireWorkflowRunLock', { ...lock, ownerId: 'next' }), true);
    // Long expired.
    await put(place, owner(Date.now() - 60_000));
    assert.equal(await ours.call('tryAcquireWorkflowRunLock', lock), true);
    await ours.close();
});

test('a write under a lock that a newer peer has taken over is refused', async (t) => {
    const place = await table();
    const ours = openOurs(t, place);
    const run = { workflowName: 'w', runId: 'r', snapshot: { status: 'running', context: {} } };
    const lock = { workflowName: 'w', runId: 'r', ownerId: 'we' };
    assert.equal(await ours.call('tryAcquireWorkflowRunLock', lock), true);
    const { generation } = await ours.call('getWorkflowRunLock', lock);
    const fence = { ownerId: 'we', generation };
    await ours.call('persistWorkflowSnapshot', { ...run, fence });
    await set(place, lockKey('r'), { ownerId: { S: 'the peer' }, generation: { N: String(generation + 1) } });
    const late = { ...run, snapshot: { status: 'late', context: {} }, fence };
    assert.equal((await refusal(ours.call('persistWorkflowSnapshot', late))).code, 'fenced');
    assert.equal((await ours.call('loadWorkflowSnapshot', run)).status, 'running');
    await ours.close();
});

test('items that are none of ours, and attributes of other types, do not disturb', async (t) => {
    const { place, ours, theirs } = await both(t);
    await theirs.call('saveThread', { thread: threadOf('t', { metadata: { a: 1 } }) });
    await theirs.call('saveMessages', { messages: [messageOf('m', 't', 1), messageOf('n', 't', 2)] });
    const thread = await item(place, threadKey('t'));
    const message = await item(place, messageKey('m'));
    const { __edb_e__: entity, ...unmarked } = thread;
    assert.deepEqual(entity, { S: 'thread' });
    await put(
        place,
        { ...unmarked, pk: { S: threadKey('unmarked')[0] }, sk: { S: threadKey('unmarked')[1] }, id: { S: 'unmarked' } },
        { ...thread, pk: { S: threadKey('v2')[0] }, sk: { S: threadKey('v2')[1] }, id: { S: 'v2' }, __edb_v__: { S: '2' } },
        { ...thread, pk: { S: threadKey('null')[0] }, sk: { S: threadKey('null')[1] }, id: { S: 'null' }, metadata: { NULL: true } },
        { ...message, pk: { S: messageKey('short')[0] }, id: { S: 'short' }, createdAt: { S: '2024-01-01T00:00:00Z' },
          gsi1sk: { S: '$message_1#createdat_2024-01-01t00:00:00z' } },
        { pk: { S: '$other#thing' }, sk: { S: 'x' }, gsi1pk: thread.gsi1pk, gsi1sk: thread.gsi1sk, data: { N: '1' } },
    );
    assert.equal(await ours.call('getThreadById', { threadId: 'unmarked' }), null);
    assert.equal(await ours.call('getThreadById', { threadId: 'v2' }), null);
    assert.deepEqual((await ours.call('getThreadById', { threadId: 'null' })).metadata ?? null, null);
    const { threads, total } = await ours.call('listThreads', { filter: { resourceId: 'r' } });
    assert.deepEqual(ids(threads).toSorted(), ['null', 't']);
    assert.equal(total, 2);
    const { messages } = await ours.call('listMessages', { threadId: 't' });
    assert.deepEqual(ids(messages), ['short', 'm', 'n']);
    assert.equal(messages[0].createdAt, at(0));
    await close(ours, theirs);
});

test('what we keep in the table for ourselves is invisible to the peer', async (t) => {
    const { place, ours, theirs } = await both(t, { indexes: 7 });
    await ours.call('saveThread', { thread: threadOf('t') });
    const span = { traceId: 'a', spanId: 's', name: 'n', spanType: 'agent_run', isEvent: false, startedAt: at(1) };
    await ours.call('createSpan', { span });
    await ours.call('createTable', { tableName: 'own', schema: { id: { type: 'text', primaryKey: true } } });
    await ours.call('insert', { tableName: 'own', record: { id: 'x' } });
    await ours.call('tryAcquireWorkflowRunLock', { workflowName: 'w', runId: 'r' });
    assert.deepEqual(ids((await theirs.call('listThreads', {})).threads), ['t']);
    assert.deepEqual((await theirs.call('listWorkflowRuns', {})).runs, []);
    const foreign = (await items(place)).filter(({ pk }) => pk.S.startsWith('$mastra_ext#'));
    assert.ok(foreign.length >= 3);
    for (const { __edb_e__: entity, pk } of foreign) {
        assert.match(entity?.S ?? 'ext_', /^ext_/, pk.S);
    }
    await close(ours, theirs);
});

// The peer stores a time that it gets as a text as it is, and DynamoDB's order goes by the text.
test('messages with times in other forms are on one page each, in both directions', async (t) => {
    const { ours, theirs } = await both(t);
    const forms = [
        '2024-01-01T00:00:05Z',
        '2024-01-01T02:00:00+05:00',
        '2023-12-31T23:59:59-03:00',
        '2024-01-01T00:00:05.5Z',
        '2024-01-01 00:00:07Z',
        '2024-01-01T00:00Z',
        'Mon, 01 Jan 2024 00:00:06 GMT',
        '2024-01-01',
    ];
    const messages = [];
    for (let i = 0; i < 24; i++) {
        messages.push({ ...messageOf(`m${i}`, 't', i), createdAt: i % 3 === 0 ? forms[i / 3] : at(i) });
    }
    await theirs.call('saveMessages', { messages });
    for (const direction of ['ASC', 'DESC']) {
        for (const includeTotal of [true, false]) {
            for (const perPage of [1, 3, 7]) {
                const found = [];
                for (let page = 0; ; page++) {
                    const list = await ours.call('listMessages', {
                        threadId: 't',
                        page,
                        perPage,
                        includeTotal,
                        orderBy: { field: 'createdAt', direction },
                    });
                    found.push(...ids(list.messages));
                    if (!list.hasMore) {
                        break;
                    }
                }
                assert.deepEqual([...found].sort(), ids(messages).sort(), `${direction} ${includeTotal} ${perPage}`);
            }
        }
    }
    await close(ours, theirs);
});

test('a table that is not there is told of, with the command that makes it', async (t) => {
    const place = await table();
    const ours = openOurs(t, { ...place, store: place.store.replace(place.table, 'no-such-table') });
    const { message, id } = await refusal(ours.call('getThreadById', { threadId: 't' }));
    assert.match(message, /no-such-table/);
    assert.match(message, /dynamodb-setup/);
    assert.match(id, /^MASTRA_STORAGE_DYNAMODB_/);
    await request(place, 'DeleteTable', {});
    await ours.close();
});
