// DSQLStore on the double of Aurora DSQL: its options, and credentials from a function.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';

import { DSQLStore } from '../../bindings/node/lib/index.mjs';
import { credentials, fact, host, session, test } from './dsql.mjs';
import { nativePath, run } from './support.mjs';

const schemaName = `node_${randomUUID().replaceAll('-', '_')}`;

/** A store that is closed with the test. */
function open(t, options) {
    const store = new DSQLStore({ id: 'test', host, schemaName, customCredentialsProvider: credentials, ...options });
    t.after(() => store.close());
    return store;
}

async function assertWorks(store) {
    const thread = { id: 'one', resourceId: 'r', title: 'x', metadata: { a: 1 }, createdAt: new Date(), updatedAt: new Date() };
    await store.saveThread({ thread });
    const found = await store.getThreadById({ threadId: 'one' });
    assert.deepEqual([found.title, found.metadata], ['x', { a: 1 }]);
}

async function refusal(promise) {
    const error = await promise.then(
        () => assert.fail('must have been refused'),
        (reason) => reason,
    );
    assert.doesNotMatch(`${error.stack} ${JSON.stringify(error)}`, new RegExp(fact('SECRET').replace(/\W/g, '\\$&')));
    return error;
}

test('every option of the README', async (t) => {
    const store = open(t, {
        user: 'admin',
        database: 'postgres',
        region: 'us-east-1',
        max: 2,
        min: 1,
        idleTimeoutMillis: 600000,
        maxLifetimeSeconds: 3300,
        connectionTimeoutMillis: 30000,
        allowExitOnIdle: true,
    });
    await store.init();
    await assertWorks(store);
});

test('credentials that come later, and temporary ones', async (t) => {
    let asked = 0;
    const store = open(t, {
        async customCredentialsProvider() {
            asked++;
            await new Promise((resolve) => setTimeout(resolve, 20));
            return session();
        },
    });
    assert.equal(asked, 0);
    await Promise.all([assertWorks(store), assertWorks(store)]);
    assert.equal(asked, 1);
});

test('a provider that fails, and one that gives nothing', async (t) => {
    for (const [provider, said] of [
        [async () => Promise.reject(new Error('the vault is closed')), /Error: the vault is closed/],
        [
            () => {
                throw new TypeError('no vault');
            },
            /TypeError: no vault/,
        ],
        [async () => undefined, /accessKeyId and secretAccessKey must be strings/],
        [async () => ({ accessKeyId: 'AKIA' }), /accessKeyId and secretAccessKey must be strings/],
        [async () => ({ accessKeyId: 'AKIA', secretAccessKey: 'a b' }), /secretAccessKey/],
        [async () => ({ accessKeyId: 'AKIAUNKNOWN', secretAccessKey: 'x' }), /access denied/],
    ]) {
        const error = await refusal(open(t, { customCredentialsProvider: provider }).init());
        assert.equal(error.id, 'MASTRA_STORAGE_DSQL_INIT_FAILED');
        assert.match(error.message, said);
    }
});

test('the settings of a pool', async (t) => {
    const options = { host, region: 'us-east-1', max: 3, Client: class {}, customCredentialsProvider: credentials };
    const store = new DSQLStore({ id: 'test', schemaName, pool: { options } });
    t.after(() => store.close());
    await assertWorks(store);
});

test('custom indexes', async (t) => {
    const store = open(t, {
        indexes: [{ name: 'by_title', table: 'mastra_threads', columns: ['title DESC'], concurrent: true, method: 'btree' }],
    });
    await store.init();
    const { method, columns, unique } = await store.describeIndex('by_title');
    assert.deepEqual([method, columns, unique], ['btree', ['title'], false]);
});

test('closing while a provider is asked', async () => {
    let answer = () => {};
    const store = new DSQLStore({
        id: 'test',
        host,
        schemaName,
        closeTimeoutMs: 0,
        customCredentialsProvider: () =>
            new Promise((resolve) => {
                answer = () => resolve(credentials());
            }),
    });
    const initialised = refusal(store.init());
    await store.close();
    answer();
    await initialised;
});

test('a process that ends while a provider is asked', async () => {
    const program = `
        const { NativeStore } = require(${JSON.stringify(nativePath)});
        const store = new NativeStore('dsql://${host}?schema=x', { credentials: () => new Promise(() => {}) });
        store.call('init').catch(() => {});
        setTimeout(() => process.exit(7), 200);`;
    const { code, stderr } = await run(process.execPath, ['-e', program]);
    assert.deepEqual([code, stderr], [7, '']);
});
