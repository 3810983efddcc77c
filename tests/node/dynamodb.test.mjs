// DynamoDBStore on DynamoDB Local: its configuration, credentials that JavaScript gives, and the stores' domains.
import assert from 'node:assert/strict';

import { MastraError } from '@mastra/core/error';

import { DynamoDBStore } from '../../bindings/node/lib/index.mjs';
import { endpoint, request, table, test } from '../interop/dynamodb.mjs';
import { collectUntil, runScript } from './support.mjs';

const KEYS = { accessKeyId: 'AKIDFROMJAVASCRIPT', secretAccessKey: 'secret-of-javascript' };

function open(t, config) {
    const store = new DynamoDBStore(config);
    t.after(() => store.close());
    return store;
}

async function assertWorks(store, threadId = 'one') {
    await store.saveThread({
        thread: { id: threadId, resourceId: 'r', title: 'T', createdAt: new Date(1000), updatedAt: new Date(1000) },
    });
    assert.equal((await store.getThreadById({ threadId })).title, 'T');
}

async function refusal(promise) {
    const error = await promise.then(
        () => assert.fail('must have been refused'),
        (reason) => reason,
    );
    assert.ok(error instanceof MastraError, String(error));
    assert.doesNotMatch(JSON.stringify(error) + error.message, /secret-of/);
    return error;
}

test('the form of the adapter', async (t) => {
    const { table: tableName } = await table();
    const store = open(t, {
        name: 'dynamodb',
        config: { id: 'storage', tableName, region: 'us-east-1', endpoint, credentials: KEYS },
    });
    assert.equal(store.id, 'storage');
    assert.equal(store.name, 'DynamoDBStore');
    await store.init();
    await assertWorks(store);
});

test('the form with the name alone, and the plain one', async (t) => {
    const { table: tableName } = await table();
    const named = open(t, { name: 'dynamodb', config: { tableName, endpoint, credentials: KEYS } });
    assert.equal(named.id, 'dynamodb');
    await assertWorks(named, 'named');
    const plain = open(t, { id: 'plain', tableName, endpoint, credentials: KEYS });
    assert.equal((await plain.getThreadById({ threadId: 'named' })).id, 'named');
});

test('without credentials those of the environment count', async (t) => {
    const { table: tableName } = await table();
    await assertWorks(open(t, { id: 'd', tableName, endpoint }));
});

test('without a region it is the adapter\'s', async (t) => {
    const { default: plans } = await import('../../bindings/node/lib/options.js');
    assert.match(plans.dynamodb({ id: 'd', tableName: 'abc' }).url, /^dynamodb:\/\/us-east-1\/abc/);
    assert.match(plans.dynamodb({ id: 'd', tableName: 'abc', region: 'eu-west-1' }).url, /^dynamodb:\/\/eu-west-1\//);
    assert.throws(() => open(t, { id: 'd', tableName: 'abc', region: 'Mars!' }), /region must be the name of a region/);
    assert.throws(() => open(t, { id: 'd', tableName: 'abc', endpoint: 'localhost:1' }), /endpoint must be a URL/);
});

test('a provider is asked, at once or later', async (t) => {
    const { table: tableName } = await table();
    let asked = 0;
    await assertWorks(open(t, {
        id: 'd', tableName, endpoint,
        credentials: () => {
            asked++;
            return KEYS;
        },
    }));
    assert.equal(asked, 1);
    const later = open(t, {
        id: 'd', tableName, endpoint,
        credentials: async () => {
            await new Promise((resolve) => setTimeout(resolve, 20));
            asked++;
            return { ...KEYS, sessionToken: 'token-of-javascript', expiration: new Date(Date.now() + 3600_000) };
        },
    });
    await Promise.all(Array.from({ length: 20 }, (_, i) => assertWorks(later, `t${i}`)));
    assert.equal(asked, 2);
});

test('credentials that are about to expire are asked for again', async (t) => {
    const { table: tableName } = await table();
    let asked = 0;
    const store = open(t, {
        id: 'd', tableName, endpoint,
        // So little is left of them, though enough for now, that they are renewed with the next request.
        credentials: async () => ({ ...KEYS, expiration: new Date(Date.now() + (++asked > 1 ? 3600_000 : 60_000)) }),
    });
    await assertWorks(store);
    while (asked < 2) {
        await store.getThreadById({ threadId: 'one' });
    }
});

for (const [name, credentials, complaint] of [
    ['one that fails', async () => { throw new Error('the vault is closed'); }, /the vault is closed/],
    ['one that throws', () => { throw new Error('no vault'); }, /no vault/],
    ['one that gives nothing', async () => undefined, /accessKeyId and secretAccessKey must be strings/],
    ['one that gives half of it', () => ({ accessKeyId: 'a' }), /accessKeyId and secretAccessKey must be strings/],
    ['one that gives blanks', () => ({ accessKeyId: 'A K', secretAccessKey: 'secret-of' }), /accessKeyId must not hold blanks/],
    ['one with an odd date', () => ({ ...KEYS, expiration: 'soon' }), /expiration must be a date/],
]) {
    test(`a provider: ${name}`, async (t) => {
        const { table: tableName } = await table();
        const error = await refusal(open(t, { id: 'd', tableName, endpoint, credentials }).getThreadById({ threadId: 'x' }));
        assert.match(error.message, complaint);
    });
}

test('a provider that never answers does not keep the store from closing', async () => {
    const { table: tableName } = await table();
    let ask;
    const asked = new Promise((resolve) => { ask = resolve; });
    const store = new DynamoDBStore({
        id: 'd', tableName, endpoint, closeTimeoutMs: 1,
        credentials: () => { ask(); return new Promise(() => {}); },
    });
    const call = refusal(store.getThreadById({ threadId: 'x' }));
    await asked;
    await store.close();
    assert.match((await call).message, /closed/);
});

test('an answer that comes after the store was closed', async () => {
    const { table: tableName } = await table();
    let answer;
    let ask;
    const asked = new Promise((resolve) => { ask = resolve; });
    const store = new DynamoDBStore({
        id: 'd', tableName, endpoint, closeTimeoutMs: 1,
        credentials: () => { ask(); return new Promise((resolve) => { answer = resolve; }); },
    });
    const call = refusal(store.getThreadById({ threadId: 'x' }));
    await asked;
    await store.close();
    await call;
    answer(KEYS);
    await new Promise((resolve) => setImmediate(resolve));
});

test('a question that nobody answers any more is given up', async (t) => {
    const { table: tableName } = await table();
    const store = open(t, { id: 'd', tableName, endpoint, credentials: () => new Promise(() => {}) });
    let failed;
    store.getThreadById({ threadId: 'x' }).catch((error) => { failed = error; });
    // The promise that never comes, and the question with it, is garbage at once.
    await collectUntil(() => failed);
    assert.match(failed.message, /did not answer/);
});

test('a process ends with a question on its way', async () => {
    const { table: tableName } = await table();
    const url = `dynamodb://us-east-1/${tableName}?endpoint=${endpoint}`;
    const done = await runScript(`
        const store = new native.NativeStore(args[0], { credentials: () => { console.log('asked'); process.exit(0); } });
        store.call('getThreadById', '{"threadId":"x"}').catch(() => {});
    `, [url]);
    assert.deepEqual([done.code, done.signal, done.stdout], [0, null, 'asked\n']);
});

test('a worker ends with a question on its way', async () => {
    const { table: tableName } = await table();
    const url = `dynamodb://us-east-1/${tableName}?endpoint=${endpoint}`;
    const done = await runScript(`
        const { Worker, isMainThread } = require('node:worker_threads');
        const body = \`
            const native = require(\${JSON.stringify(require.resolve(args[1]))});
            const store = new native.NativeStore(\${JSON.stringify(args[0])}, {
                credentials: () => { require('node:worker_threads').parentPort.postMessage('asked'); return new Promise(() => {}); },
            });
            store.call('getThreadById', '{"threadId":"x"}').catch(() => {});
        \`;
        const worker = new Worker(body, { eval: true });
        worker.on('message', async () => { await worker.terminate(); console.log('ended'); });
    `, [url, (await import('./support.mjs')).nativePath]);
    assert.deepEqual([done.code, done.signal, done.stdout], [0, null, 'ended\n'], done.stderr);
});

test('time to live', async (t) => {
    const place = await table();
    const store = open(t, {
        name: 'd',
        config: {
            tableName: place.table, endpoint, credentials: KEYS,
            ttl: {
                thread: { enabled: true, attributeName: 'expiresAt', defaultTtlSeconds: 1000 },
                message: { enabled: true, defaultTtlSeconds: 2000 },
                resource: { enabled: false, defaultTtlSeconds: 3000 },
                // As the adapter: nothing is written.
                score: { enabled: true },
                workflow_snapshot: { enabled: true, defaultTtlSeconds: 0 },
            },
        },
    });
    const before = Math.floor(Date.now() / 1000);
    await assertWorks(store);
    await store.saveMessages({
        messages: [{ id: 'm', threadId: 'one', resourceId: 'r', role: 'user', createdAt: new Date(5), content: { format: 2, parts: [] } }],
    });
    await store.saveResource({ resource: { id: 'r', workingMemory: 'w', createdAt: new Date(5), updatedAt: new Date(5) } });
    await store.persistWorkflowSnapshot({ workflowName: 'w', runId: 'r', snapshot: { status: 'running' } });
    const after = Math.floor(Date.now() / 1000);
    const { Items: items } = await request(place, 'Scan', {});
    const of = (entity) => items.find((item) => item.__edb_e__?.S === entity);
    const within = (number, seconds) => assert.ok(number >= before + seconds && number <= after + seconds, String(number));
    within(Number(of('thread').expiresAt.N), 1000);
    within(Number(of('message').ttl.N), 2000);
    assert.deepEqual(items.filter((item) => !['thread', 'message'].includes(item.__edb_e__?.S) && (item.ttl || item.expiresAt)), []);
});

test('init on a table that is not there names the command that makes it', async (t) => {
    const store = open(t, { id: 'd', tableName: 'nowhere', endpoint, credentials: KEYS });
    const error = await refusal(store.init());
    assert.equal(error.id, 'MASTRA_STORAGE_DYNAMODB_INIT_FAILED');
    assert.match(error.message, /mastra-store dynamodb-setup --table nowhere --region us-east-1 --endpoint/);
});

test('indexes', async (t) => {
    const { table: tableName } = await table();
    const store = open(t, { id: 'd', tableName, endpoint, credentials: KEYS });
    assert.deepEqual((await store.listIndexes()).map(({ name }) => name), ['gsi1', 'gsi2']);
    const index = await store.describeIndex('gsi1');
    assert.deepEqual([index.items, index.status], [0, 'ACTIVE']);
    await assert.rejects(store.dropIndex('gsi1'), /cannot be dropped/);
});
