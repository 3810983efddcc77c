// The stores as a whole: their life, the methods on the store itself, composites, errors, both kinds of modules.
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import path from 'node:path';
import { test } from 'node:test';

import { MastraError } from '@mastra/core/error';
import { Mastra } from '@mastra/core/mastra';
import { InMemoryStore as CoreStore, MastraCompositeStore } from '@mastra/core/storage';

import * as imported from '../../bindings/node/lib/index.mjs';
import { run, scratch } from './support.mjs';

const { InMemoryStore, LibSQLStore } = imported;
const require = createRequire(import.meta.url);
const entry = path.join(import.meta.dirname, '../../bindings/node/lib/index.js');

const at = (second) => new Date(Date.UTC(2024, 0, 1, 0, 0, second));
const thread = (id, more) => ({ id, resourceId: 'r', title: 'T', createdAt: at(1), updatedAt: at(1), ...more });
const message = (id, threadId, more) => ({
    id,
    threadId,
    resourceId: 'r',
    role: 'user',
    content: { format: 2, parts: [{ type: 'text', text: id }] },
    createdAt: at(1),
    ...more,
});

function open(t, config = { id: 'x', url: ':memory:' }) {
    const store = new LibSQLStore(config);
    t.after(() => store.close());
    return store;
}

// Life

test('init is done once, again after a failure, and may come late', async (t) => {
    const store = open(t);
    await store.saveThread({ thread: thread('t1') });
    assert.equal(store.hasInitialized, null);
    await Promise.all([store.init(), store.init(), store.stores.memory.init()]);
    assert.equal(await store.hasInitialized, true);
    assert.equal((await store.listThreads({})).total, 1);

    const closed = new LibSQLStore({ id: 'y', url: ':memory:' });
    await closed.close();
    await assert.rejects(closed.init(), { id: 'MASTRA_STORAGE_LIBSQL_INIT_FAILED' });
    assert.equal(closed.hasInitialized, null);
});

test('close: twice, with calls under way, and calls after it', async () => {
    const store = new LibSQLStore({ id: 'x', url: ':memory:' });
    const saves = Array.from({ length: 20 }, (_, i) => store.saveThread({ thread: thread(`t${i}`) }));
    await Promise.all([store.close(), store.close(), ...saves]);
    await store.close();
    for (const work of [
        () => store.getThreadById({ threadId: 't1' }),
        () => store.stores.scores.getScoreById({ id: 's' }),
    ]) {
        await assert.rejects(work, (error) => error instanceof MastraError && error.cause.code === 'closed');
    }
});

test('Mastra takes the store, initialises it and shuts it down', async (t) => {
    const file = path.join(scratch(t), 'x.db');
    const store = new LibSQLStore({ id: 'x', url: `file:${file}` });
    const mastra = new Mastra({ storage: store, logger: false });
    const memory = await mastra.getStorage().getStore('memory');
    assert.equal(memory, store.stores.memory);
    await memory.saveThread({ thread: thread('t1') });
    assert.equal((await mastra.getStorage().getThreadById({ threadId: 't1' })).title, 'T');
    await mastra.shutdown();
    await assert.rejects(memory.getThreadById({ threadId: 't1' }), /closed/);
});

test('a logger of the store is that of its domains; failures of the database are logged, wrong calls are not', async (t) => {
    const file = path.join(scratch(t), 'x.db');
    const writer = new LibSQLStore({ id: 'x', url: `file:${file}` });
    await writer.init();
    await writer.close();
    const store = open(t, { id: 'x', url: `file:${file}?mode=ro` });
    const logged = [];
    const logger = {
        error: (text) => logged.push(text),
        trackException: (error) => logged.push(error),
        warn() {},
        info() {},
        debug() {},
    };
    store.__setLogger(logger);
    assert.equal(store.stores.memory.logger, logger);

    await assert.rejects(store.listThreads({ page: -1 }));
    assert.deepEqual(logged, []);
    await assert.rejects(store.saveThread({ thread: thread('t1') }), (error) => {
        assert.equal(error.cause.code, 'read_only');
        assert.deepEqual(logged, [error, error.toString()]);
        return true;
    });
});

// Methods of the store itself

test('threads, messages and resources on the store', async (t) => {
    const store = open(t);
    const created = await store.createThread({ resourceId: 'r', title: 'New', metadata: { a: 1 } });
    assert.ok(created.createdAt instanceof Date && created.id);
    await store.saveThread({ thread: thread('t1') });
    const page = await store.listThreadsByResourceId({ resourceId: 'r', offset: 0, limit: 1 });
    assert.deepEqual([page.total, page.threads.length, page.perPage], [2, 1, 1]);
    await store.saveMessages({ messages: [message('m1', 't1'), message('m2', 't1', { createdAt: at(2) })] });
    const { messages, total } = await store.listMessages({
        threadId: 't1',
        orderBy: { field: 'createdAt', direction: 'DESC' },
    });
    assert.deepEqual([messages.map(({ id }) => id), total], [['m2', 'm1'], 2]);
    await store.deleteMessages(['m1']);
    assert.equal((await store.listMessagesById({ messageIds: ['m1', 'm2'] })).messages.length, 1);
    await store.updateResource({ resourceId: 'r', workingMemory: '# Notes' });
    assert.equal((await store.listResources({})).resources[0].workingMemory, '# Notes');
    await store.updateThreadMetadata({ id: 't1', update: () => ({ b: 2 }) });
    assert.deepEqual((await store.getThreadById({ threadId: 't1' })).metadata, { b: 2 });
    await store.deleteThread({ threadId: 't1' });
    assert.equal(await store.getThreadById({ threadId: 't1' }), null);
});

test('run locks and fences on the store and on its domain', async (t) => {
    const store = open(t, { id: 'x', url: ':memory:', lockOwner: 'worker-1' });
    const run = { workflowName: 'w', runId: 'r' };
    assert.equal(await store.tryAcquireWorkflowRunLock({ ...run, ttlMs: 60000 }), true);
    assert.equal(await store.stores.workflows.tryAcquireWorkflowRunLock({ ...run, ownerId: 'other' }), false);
    assert.equal(await store.renewWorkflowRunLock({ ...run, ttlMs: 60000 }), true);
    const lock = await store.getWorkflowRunLock(run);
    assert.deepEqual([lock.ownerId, lock.generation], ['worker-1', 1]);
    assert.ok(lock.expiresAt instanceof Date && lock.acquiredAt instanceof Date);
    assert.equal((await store.listWorkflowRunLocks({})).locks[0].expiresAt.getTime(), lock.expiresAt.getTime());
    const fence = { ownerId: lock.ownerId, generation: lock.generation };
    await store.persistWorkflowSnapshot({ ...run, snapshot: { context: {} }, fence });
    assert.equal(await store.releaseWorkflowRunLock(run), true);
    assert.equal(await store.getWorkflowRunLock(run), null);
    await store.tryAcquireWorkflowRunLock({ ...run, ownerId: 'other' });
    await assert.rejects(store.persistWorkflowSnapshot({ ...run, snapshot: {}, fence }), /fence|lock/);
});

test('evals, traces and tables on the store', async (t) => {
    const store = open(t);
    await store.saveEval({
        input: 'i',
        output: 'o',
        result: { score: 1 },
        agentName: 'a',
        metricName: 'm',
        instructions: '',
        globalRunId: 'g',
        runId: 'r',
        testInfo: { testPath: 'x' },
    });
    assert.equal((await store.getEvals({ agentName: 'a' })).evals[0].createdAt instanceof Date, true);
    assert.deepEqual(
        [await store.getEvalsByAgentName('a', 'live'), (await store.getEvalsByAgentName('a', 'test')).length],
        [[], 1],
    );
    await store.batchTraceInsert({
        records: [
            { id: 'i', name: 'n', traceId: 't', scope: 's', kind: 0, startTime: 1, endTime: 2, createdAt: at(1) },
        ],
    });
    assert.deepEqual(
        (await store.getTraces({ name: 'n' })).map(({ createdAt }) => createdAt),
        [at(1)],
    );
    await store.createSpan({ traceId: 't', spanId: 's', name: 'n', spanType: 'x', isEvent: false, startedAt: at(1) });
    assert.equal((await store.getTrace('t')).spans[0].startedAt.getTime(), at(1).getTime());
    assert.equal((await store.getTracesPaginated({ pagination: { page: 0, perPage: 5 } })).spans.length, 1);

    const tableName = 'my_table';
    await store.createTable({ tableName, schema: { id: { type: 'text', primaryKey: true }, n: { type: 'integer' } } });
    await store.insert({ tableName, record: { id: 'a', n: 1 } });
    await store.batchInsert({ tableName, records: [{ id: 'b', n: 2 }] });
    assert.deepEqual(await store.load({ tableName, keys: { id: 'b' } }), { id: 'b', n: 2 });
    assert.equal(await store.load({ tableName, keys: { id: 'z' } }), null);
    await store.alterTable({ tableName, schema: { m: { type: 'text', nullable: true } }, ifNotExists: ['m'] });
    assert.deepEqual(
        [await store.hasColumn(tableName, 'm'), await store.hasColumn({ tableName, column: 'z' })],
        [true, false],
    );
    await store.clearTable({ tableName });
    assert.equal(await store.load({ tableName, keys: { id: 'b' } }), null);
    await store.dropTable({ tableName });
});

test('indexes on the store; SQL only where it is called by its own method', async (t) => {
    const store = open(t);
    const index = { name: 'my_index', table: 'mastra_threads', columns: ['title'], where: "title <> ''" };
    await store.createIndex(index);
    const found = (await store.listIndexes('mastra_threads')).find(({ name }) => name === 'my_index');
    assert.match(found.definition, /WHERE \(title/);
    assert.deepEqual((await store.describeIndex('my_index')).columns, ['title']);
    await store.dropIndex('my_index');
    assert.equal(
        (await store.listIndexes()).some(({ name }) => name === 'my_index'),
        false,
    );
    await assert.rejects(store.describeIndex('my_index'), { id: 'MASTRA_STORAGE_LIBSQL_INDEX_DESCRIBE_FAILED' });
    await assert.rejects(store.call('createIndex', index), /where is SQL/);
});

test('call: an operation by its name, with plain values', async (t) => {
    const store = open(t);
    const saved = await store.call('saveThread', { thread: thread('t1', { title: undefined }) });
    assert.deepEqual(saved, {
        id: 't1',
        resourceId: 'r',
        title: '',
        createdAt: at(1).toISOString(),
        updatedAt: at(1).toISOString(),
    });
    assert.equal(await store.call('init'), null);
    await assert.rejects(store.call('nothing'), { message: /there is no operation/ });
});

for (const [name, work, field] of [
    ['saveMessages', (memory) => memory.saveMessages(), 'messages'],
    ['saveThread', (memory) => memory.saveThread(), 'thread'],
    ['updateMessages', (memory) => memory.updateMessages(), 'messages'],
    ['prune', (memory) => memory.prune(), 'policies'],
    ['batchUpdateSpans', (_, spans) => spans.batchUpdateSpans(), 'records'],
    ['batchCreateSpans', (_, spans) => spans.batchCreateSpans(), 'records'],
]) {
    test(`${name} without arguments tells which is missing`, async (t) => {
        const store = open(t);
        const call = work(await store.getStore('memory'), await store.getStore('observability'));
        await assert.rejects(call, (error) => {
            assert.ok(error instanceof MastraError, String(error));
            assert.equal(error.details.field, field);
            return true;
        });
    });
}

test('errors tell the ids of what the call was about', async (t) => {
    const store = open(t);
    const details = (call) =>
        call.then(
            () => assert.fail('must have been refused'),
            (error) => error.details,
        );
    const update = { id: 'none', title: '', metadata: {} };
    assert.deepEqual(await details(store.updateThread(update)), { threadId: 'none', status: 404 });
    await store.close();
    assert.deepEqual(await details(store.getThreadById({ threadId: 't' })), { threadId: 't' });
    assert.deepEqual(await details(store.listMessages({ threadId: ['a', 'b'] })), { threadId: 'a,b', resourceId: '' });
    assert.deepEqual(await details(store.deleteMessages(['a', 'b'])), { messageIds: 'a, b' });
    assert.deepEqual(await details(store.deleteWorkflowRunById({ workflowName: 'w', runId: 'r' })), {
        workflowName: 'w',
        runId: 'r',
    });
    const span = { traceId: 'x', spanId: 's', name: 'n', spanType: 'agent_run', isEvent: false, startedAt: at(1) };
    const { traceId, spanId, name, spanType } = span;
    assert.deepEqual(await details(store.createSpan({ span })), { traceId, spanId, spanType, name });
});

for (const [name, retention, option] of [
    ['a number', 5, 'retention'],
    ['an unknown domain', { agents: {} }, 'retention.agents'],
    ['an unknown table', { memory: { thread: { maxAge: '1d' } } }, 'retention.memory.thread'],
    ['a list of tables', { memory: ['threads'] }, 'retention.memory'],
]) {
    test(`retention of ${name} is refused`, (t) => {
        assert.throws(
            () => open(t, { id: 'x', url: ':memory:', retention }),
            (error) => error instanceof MastraError && error.message.includes(`the option ${option} `),
        );
    });
}

// Pruning

test('prune: policies by table, within limits, and the operation', async (t) => {
    const store = open(t, {
        id: 'x',
        url: ':memory:',
        retention: {
            memory: { threads: { maxAge: '1d' } },
            workflows: { workflowSnapshot: { maxAge: '1d' } },
            scores: {},
        },
    });
    const fill = () =>
        Promise.all(
            [...Array(5).keys()].map((i) => store.saveThread({ thread: thread(`t${i}`, { updatedAt: at(i) }) })),
        );
    const left = async () => (await store.listThreads({})).total;

    await fill();
    await store.saveThread({ thread: thread('young', { updatedAt: new Date() }) });
    assert.deepEqual(await store.prune(), [
        { domain: 'memory', table: 'mastra_threads', deleted: 5, done: true },
        { domain: 'workflows', table: 'mastra_workflow_snapshot', deleted: 0, done: true },
    ]);
    assert.equal(await left(), 1);

    await fill();
    const policies = { threads: { maxAge: 1000, batchSize: 2 } };
    const memory = async (options) => (await store.stores.memory.prune(policies, options))[0];
    const controller = new AbortController();
    controller.abort();
    assert.deepEqual(await memory({ signal: controller.signal }), {
        domain: 'memory',
        table: 'mastra_threads',
        deleted: 0,
        done: false,
    });
    assert.deepEqual(await memory({ maxBatches: 1 }), {
        domain: 'memory',
        table: 'mastra_threads',
        deleted: 2,
        done: false,
    });
    assert.deepEqual(await memory({ maxRows: 1, pauseMs: 1 }), {
        domain: 'memory',
        table: 'mastra_threads',
        deleted: 1,
        done: false,
    });
    assert.deepEqual(await memory({ maxBatches: 9, pauseMs: 1 }), {
        domain: 'memory',
        table: 'mastra_threads',
        deleted: 2,
        done: true,
    });
    await assert.rejects(
        store.stores.memory.prune({ threads: { maxAge: 1, batchSize: 0 } }),
        /batchSize must be a positive integer/,
    );

    await fill();
    assert.equal((await store.prune({ olderThan: { threads: at(2) } })).deleted.mastra_threads, 2);
    for (const domain of Object.values(store.stores)) {
        await domain.dangerouslyClearAll();
    }
    assert.equal(await left(), 0);
});

// Errors

test('errors are MastraErrors, whose cause says more', async (t) => {
    const store = open(t);
    await assert.rejects(store.updateThread({ id: 'none', title: 'x' }), (error) => {
        assert.ok(error instanceof MastraError);
        assert.deepEqual(
            [error.id, error.domain, error.category, error.message, error.details],
            [
                'MASTRA_STORAGE_LIBSQL_UPDATE_THREAD_NOT_FOUND',
                'STORAGE',
                'USER',
                'Thread none not found',
                { status: 404, threadId: 'none' },
            ],
        );
        assert.deepEqual(
            [error.cause.code, error.cause.retriable, error.cause.op],
            ['not_found', false, 'updateThread'],
        );
        return true;
    });
    await assert.rejects(store.listMessages({ threadId: ' ' }), {
        id: 'MASTRA_STORAGE_LIBSQL_LIST_MESSAGES_INVALID_THREAD_ID',
        category: 'THIRD_PARTY',
    });
    // As in core's base class.
    await assert.rejects(store.listMessages({ threadId: 't', filter: { metadata: { 'a-b': 1 } } }), {
        name: 'TypeError',
        message: 'Invalid metadata filter key "a-b".',
    });
});

for (const [name, work, field] of [
    [
        'a date that is none in a record',
        (store) => store.saveThread({ thread: thread('t', { createdAt: new Date(NaN) }) }),
        'thread.createdAt',
    ],
    [
        'one in a list',
        (store) =>
            store.saveMessages({ messages: [message('a', 't'), message('b', 't', { createdAt: new Date(NaN) })] }),
        'messages[1].createdAt',
    ],
    [
        'one in a filter',
        (store) => store.listMessages({ threadId: 't', filter: { dateRange: { start: new Date(NaN) } } }),
        'filter.dateRange.start',
    ],
    [
        'one in an update',
        (store) =>
            store.batchUpdateSpans({ records: [{ traceId: 't', spanId: 's', updates: { endedAt: new Date(NaN) } }] }),
        'records[0].updates.endedAt',
    ],
    ['a number that is none', (store) => store.listThreads({ perPage: NaN }), 'perPage'],
    ['one without end', (store) => store.listMessages({ threadId: 't', perPage: Infinity }), 'perPage'],
    ['a score that is none', (store) => store.saveScore({ score: NaN }), 'score'],
    ['a number among ids', (store) => store.deleteMessages(['a', NaN]), 'messageIds[1]'],
    [
        'an undefined filter of threads',
        (store) => store.listThreads({ filter: { metadata: { a: undefined } } }),
        'Metadata filter value for key "a"',
    ],
    [
        'an undefined filter of traces',
        (store) => store.listTraces({ filters: { scope: { a: undefined } } }),
        'Scope filter value for key "a"',
    ],
    [
        'an undefined filter of the threads of a resource',
        (store) => store.listThreadsByResourceId({ resourceId: 'r', metadata: { a: undefined } }),
        'Metadata filter value for key "a"',
    ],
    [
        'an undefined filter of old traces',
        (store) => store.getTraces({ attributes: { a: undefined } }),
        'Attributes filter value for key "a"',
    ],
    ['a function as one of old traces', (store) => store.getTraces({ scope: () => 'a' }), 'scope'],
    ['a filter that is a function', (store) => store.listThreads({ filter: { metadata: () => 1 } }), 'filter.metadata'],
    ['a filter that is no number', (store) => store.listTraces({ filters: { scope: NaN } }), 'filters.scope'],
    ['a filter that is a map', (store) => store.listThreads({ filter: { metadata: new Map([['a', 1]]) } }), 'filter.metadata'],
    [
        'a filter of messages that is a map',
        (store) => store.listMessages({ threadId: 't', filter: { metadata: new Map([['a', 1]]) } }),
        'filter.metadata',
    ],
    ['tags that are a function', (store) => store.listTraces({ filters: { tags: () => ['a'] } }), 'filters.tags'],
    ['an undefined tag', (store) => store.listTraces({ filters: { tags: [undefined] } }), 'filters.tags[0]'],
    [
        'a filter that JSON makes nothing of',
        (store) => store.listThreads({ filter: { metadata: { a: { toJSON() {} } } } }),
        'Metadata filter value for key "a"',
    ],
    [
        'a filter that leads back to itself',
        (store) => {
            const metadata = {};
            metadata.a = metadata;
            return store.listThreads({ filter: { metadata } });
        },
        'Metadata filter value for key "a"',
    ],
]) {
    test(`what JSON would turn into nothing is refused: ${name}`, async (t) => {
        await assert.rejects(work(open(t)), (error) => {
            assert.ok(error instanceof MastraError);
            assert.equal(error.details.field, field);
            assert.ok(error.message.startsWith(field), error.message);
            return true;
        });
    });
}

// Composites, and both kinds of modules

test('a composite with our domains beside those of another store', async (t) => {
    const ours = open(t);
    const store = new MastraCompositeStore({
        id: 'both',
        default: new CoreStore(),
        domains: { memory: ours.stores.memory },
    });
    await store.init();
    const memory = await store.getStore('memory');
    await memory.saveThread({ thread: thread('t1') });
    assert.equal((await ours.getThreadById({ threadId: 't1' })).id, 't1');
    assert.notEqual(await store.getStore('agents'), undefined);
    await store.close();
    assert.equal((await ours.listThreads({})).total, 1);
});

test('import and require: one addon, each with its own copy of core, instances of both', async (t) => {
    const required = require(entry);
    const stores = [new InMemoryStore(), new required.InMemoryStore()];
    t.after(() => Promise.all(stores.map((store) => store.close())));
    assert.deepEqual(Object.keys(imported).sort(), Object.keys(required).sort());
    for (const store of stores) {
        assert.ok(store instanceof InMemoryStore && store instanceof required.InMemoryStore);
        assert.ok(!(store instanceof LibSQLStore) && !(store instanceof required.LibSQLStore));
    }
    assert.ok(stores[0] instanceof MastraCompositeStore);
    assert.ok(stores[1] instanceof require('@mastra/core/storage').MastraCompositeStore);
    await assert.rejects(stores[0].listThreads({ page: -1 }), (error) => error instanceof MastraError);
    await assert.rejects(
        stores[1].listThreads({ page: -1 }),
        (error) => error instanceof require('@mastra/core/error').MastraError,
    );

    class Mine extends InMemoryStore {}
    assert.ok(!(stores[0] instanceof Mine) && !(null instanceof InMemoryStore));
});

test('a program that is done ends, with a store open', async () => {
    const source = `
        const { LibSQLStore } = require(${JSON.stringify(entry)});
        const store = new LibSQLStore({ id: 'x', url: ':memory:' });
        store.saveThread({ thread: { id: 't', resourceId: 'r', title: 'T', createdAt: new Date(), updatedAt: new Date() } })
            .then(({ id }) => console.log(id));`;
    const { code, stdout, stderr } = await run(process.execPath, ['-e', source]);
    assert.deepEqual([code, stdout.trim()], [0, 't'], stderr);
});

test('a list with holes is refused by the place of the hole', async (t) => {
    const store = open(t);
    for (const messages of [[undefined], new Array(1), [null]]) {
        await assert.rejects(store.saveMessages({ messages }), /messages\[0\]/);
    }
});

test('a list with holes is refused by the place of the hole', async (t) => {
    const store = open(t);
    for (const messages of [[undefined], new Array(1), [null]]) {
        await assert.rejects(store.saveMessages({ messages }), /messages\[0\]/);
    }
});
