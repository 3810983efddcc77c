// The addon and its wrapper: values, errors, order, and what lives how long.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import test from 'node:test';
import { Worker } from 'node:worker_threads';

import { createClient } from '@libsql/client';

import {
    buildRoot,
    collectUntil,
    commitsInWal,
    native,
    nativePath,
    packageRoot,
    run,
    runScript,
    scratch,
} from './support.mjs';

const { NativeError, NativeStore } = native;

const thread = (id, more) => ({ id, resourceId: 'r', title: `title of ${id}`, metadata: {}, ...more });
const saveThread = (store, id, more) => store.call('saveThread', JSON.stringify({ thread: thread(id, more) }));
const getThread = async (store, id) => JSON.parse(await store.call('getThreadById', JSON.stringify({ threadId: id })));

async function refusal(promise) {
    const error = await promise.then(
        () => assert.fail('must have been refused'),
        (reason) => reason,
    );
    assert.ok(error instanceof NativeError, String(error));
    assert.ok(error instanceof Error);
    return error;
}

function refusedToOpen(...args) {
    try {
        new NativeStore(...args);
    } catch (error) {
        assert.ok(error instanceof NativeError, String(error));
        return error;
    }
    return assert.fail('must have been refused');
}

const HOLDER = `
    const { createClient } = require(${JSON.stringify(createRequire(import.meta.url).resolve('@libsql/client'))});
    const client = createClient({ url: 'file:' + process.argv[1] });
    client.transaction('write').then((transaction) => {
        console.log('held');
        process.stdin.resume().on('end', async () => {
            await transaction.rollback();
            client.close();
        });
    });`;

const KEEPER = `
    const { createClient } = require(${JSON.stringify(createRequire(import.meta.url).resolve('@libsql/client'))});
    const client = createClient({ url: 'file:' + process.argv[1] });
    client
        .execute('PRAGMA locking_mode=EXCLUSIVE')
        .then(() => client.execute('CREATE TABLE kept (x)'))
        .then(() => {
            console.log('held');
            process.stdin.resume().on('end', () => client.close());
        });`;

// Another process that holds the write lock of a file, or the whole file, until it is released.
async function lockHolder(file, kind = 'write') {
    const child = spawn(process.execPath, ['-e', kind === 'exclusive' ? KEEPER : HOLDER, '--', file], { stdio: ['pipe', 'pipe', 'inherit'] });
    await once(child.stdout, 'data');
    return {
        release: async () => {
            child.stdin.end();
            assert.deepEqual(await once(child, 'close'), [0, null]);
        },
    };
}

test('answers that come at once let the event loop turn', async (t) => {
    const store = new NativeStore(`file:${path.join(scratch(t), 'turns.db')}`);
    await saveThread(store, 't');
    await getThread(store, 't');
    let reads = 0;
    // Right after another call an answer may not come at once, and then the loop turns for that.
    for (let round = 0; reads <= 1 && round < 1000; round++) {
        let turned = false;
        setImmediate(() => (turned = true));
        for (reads = 0; !turned && reads < 1000; reads++) {
            await getThread(store, 't');
        }
        assert.ok(turned);
    }
    assert.ok(reads > 1, 'no answer came at once');
    await store.close();
});

test('what the build is', async () => {
    const described = JSON.parse(fs.readFileSync(path.join(packageRoot, 'package.json')));
    assert.equal(native.version, described.version);
    assert.match(native.sqliteVersion, /^3\.\d+\.\d+$/);
    assert.ok(native.backends.includes('sqlite'));
    const listed = await run(path.join(buildRoot, 'cli/mastra-store'), ['ops', '--json']);
    assert.deepEqual(native.operations(), JSON.parse(listed.stdout));
});

test('a result is JSON text, arguments may be missing', async () => {
    const store = new NativeStore(':memory:');
    assert.equal(await store.call('init'), 'null');
    assert.equal(await store.call('getThreadById', '{"threadId":"none"}'), 'null');
    assert.equal(typeof (await saveThread(store, 't')), 'string');
    assert.equal(store.closed, false);
    assert.equal(await store.close(), undefined);
    assert.equal(store.closed, true);
});

test('texts cross unharmed: U+0000, lone surrogates, every plane, 10 MB', async () => {
    const store = new NativeStore(':memory:');
    const texts = {
        empty: '',
        ascii: 'plain',
        zero: 'a\0b',
        lone: '\ud800 and \udfff',
        latin: 'äÿ\x80',
        planes: '日本 😀 \u{10ffff} \ufffe',
        controls: '\b\n\x1f\x7f\u2028',
    };
    await saveThread(store, 't', { metadata: texts });
    assert.deepEqual((await getThread(store, 't')).metadata, texts);
    for (const part of ['x', 'é', '日', '😀', '\ud800']) {
        const long = part.repeat(Math.ceil(1e7 / Buffer.byteLength(part)));
        await saveThread(store, 'long', { metadata: { long } });
        const back = await getThread(store, 'long');
        assert.ok(back.metadata.long === long, `10 MB of ${JSON.stringify(part)}`);
    }
    await store.close();
});

test('arguments of every length cross whole', async () => {
    const store = new NativeStore(':memory:');
    // Around the room that the addon has for short ones.
    for (const part of ['x', 'é', '日', '😀']) {
        for (let length = 8050; length < 8200; length += 1) {
            const size = Buffer.byteLength(part);
            const title = part.repeat(Math.floor(length / size)) + 'y'.repeat(length % size);
            const saved = JSON.parse(await saveThread(store, 't', { title }));
            assert.ok(saved.title === title, `${length} bytes of ${part}`);
        }
    }
    await store.close();
});

test('an error has every field', async () => {
    const store = new NativeStore(':memory:');
    const error = await refusal(store.call('saveThread', '{"thread":{"id":"t","resourceId":7}}'));
    assert.deepEqual({ ...error }, {
        code: 'invalid_argument',
        id: 'MASTRA_STORAGE_LIBSQL_SAVE_THREAD_FAILED',
        category: 'USER',
        op: 'saveThread',
        retriable: false,
        details: { field: 'thread.resourceId', value: '7' },
    });
    assert.match(error.message, /^thread\.resourceId .*7/);
    assert.equal(error.name, 'NativeError');
    assert.match(error.stack, /NativeError: thread/);
    await store.close();
});

test('calls that cannot be are refused', async () => {
    const store = new NativeStore(':memory:');
    assert.equal((await refusal(store.call('saveThread', '{'))).details.field, 'args');
    assert.equal((await refusal(store.call('noSuch', '{}'))).code, 'usage');
    assert.equal((await refusal(store.call('', '{}'))).code, 'usage');
    assert.equal((await refusal(store.call('getThreadById\0', '{"threadId":"t"}'))).code, 'usage');
    assert.equal((await refusal(store.call('n'.repeat(10000)))).code, 'usage');
    await assert.rejects(store.call(7, '{}'), TypeError);
    await assert.rejects(store.call('getThreadById', { threadId: 't' }), TypeError);
    await assert.rejects(store.call('getThreadById', null), TypeError);
    await store.close();
});

test('a store that cannot be opened', async (t) => {
    const folder = scratch(t);
    const absent = refusedToOpen(`file:${folder}/no/such.db`);
    assert.equal(absent.code, 'cannot_open');
    assert.equal(absent.op, 'open');
    assert.equal(absent.id, 'MASTRA_STORAGE_STORE_INITIALIZATION_FAILED');
    assert.equal(absent.details.backend, 'SQLITE_CANTOPEN');
    assert.equal(refusedToOpen('gopher://host').code, 'not_supported');
    assert.equal(refusedToOpen('agent.db').details.field, 'url');
    for (const url of [undefined, null, '', 7, 'file:a\0b', 'file:\ud800']) {
        assert.equal(refusedToOpen(url).details.field, 'url');
    }
    fs.writeFileSync(`${folder}/text.db`, 'no database, but long enough to be looked at. '.repeat(40));
    assert.equal(refusedToOpen(`file:${folder}/text.db`).code, 'corrupt');
    assert.deepEqual(fs.readdirSync(folder), ['text.db']);
});

test('options are checked by name', (t) => {
    const url = `file:${scratch(t)}/a.db`;
    const wrong = {
        disableInit: [1, 'true', null],
        synchronous: ['FULL', 2, true],
        busyTimeoutMs: [0, -1, 1.5, '5', NaN, 24 * 3600 * 1000 + 1],
        closeTimeoutMs: [-1, Infinity, 10n],
        readers: [0, 65],
        queueLimit: [0, 1000001],
        lockOwner: ['', 7, 'a\0b', '\udc00'],
        allowRawSql: ['yes'],
    };
    for (const [name, values] of Object.entries(wrong)) {
        for (const value of values) {
            const error = refusedToOpen(url, { [name]: value });
            assert.equal(error.code, 'invalid_argument');
            assert.equal(error.details.field, name);
            assert.ok(error.message.startsWith(`${name} must be `), error.message);
        }
    }
    assert.match(refusedToOpen(url, { syncUrl: 'x' }).message, /"syncUrl"/);
    assert.match(refusedToOpen(url, { toString: 1 }).message, /"toString"/);
    assert.equal(refusedToOpen(url, null).details.field, 'options');
    assert.ok(!fs.existsSync(url.slice('file:'.length)));
});

test('options reach the library', async (t) => {
    const file = `${scratch(t)}/a.db`;
    const bare = new NativeStore(`file:${file}`, { disableInit: true });
    await refusal(saveThread(bare, 't'));
    await bare.call('init');
    await saveThread(bare, 't');
    await bare.close();

    const owner = new NativeStore(`file:${file}`, {
        disableInit: undefined,
        synchronous: 'full',
        busyTimeoutMs: 1000,
        closeTimeoutMs: 1000,
        readers: 2,
        queueLimit: 8,
        lockOwner: 'wörker-7',
        allowRawSql: true,
    });
    const run = { workflowName: 'w', runId: 'r' };
    await owner.call('tryAcquireWorkflowRunLock', JSON.stringify({ ...run, leaseMs: 60000 }));
    assert.equal(JSON.parse(await owner.call('getWorkflowRunLock', JSON.stringify(run))).ownerId, 'wörker-7');
    const index = { name: 'partial', table: 'mastra_threads', columns: ['title'], where: 'title IS NOT NULL' };
    await owner.call('createIndex', JSON.stringify(index));
    await owner.close();

    const wary = new NativeStore(`file:${file}`);
    await refusal(wary.call('createIndex', JSON.stringify({ ...index, name: 'other' })));
    await wary.close();
});

test('a full queue makes calls wait in their order', async (t) => {
    for (const [parameters, options] of [
        ['', { queueLimit: 4 }],
        ['', { queueLimit: 1 }],
        ['?queue=4', {}],
    ]) {
        const store = new NativeStore(`file:${scratch(t)}/a.db${parameters}`, options);
        const settled = [];
        const calls = Array.from({ length: 100 }, (_, i) =>
            saveThread(store, 'same', { title: `${i}` }).then(() => settled.push(i)),
        );
        await Promise.all(calls);
        assert.deepEqual(settled, Array.from({ length: 100 }, (_, i) => i));
        assert.equal((await getThread(store, 'same')).title, '99');
        await store.close();
    }
});

test('errors and successes of a full queue come to their own calls', async () => {
    const store = new NativeStore(':memory:', { queueLimit: 3 });
    const calls = Array.from({ length: 60 }, (_, i) =>
        i % 3 === 0 ? store.call('saveThread', '{"thread":') : i % 3 === 1 ? store.call(`no${i}`) : saveThread(store, `${i}`),
    );
    const outcomes = await Promise.allSettled(calls);
    outcomes.forEach((outcome, i) => {
        const expected = [['rejected', 'invalid_argument'], ['rejected', 'usage'], ['fulfilled']][i % 3];
        assert.deepEqual([outcome.status, ...(outcome.reason ? [outcome.reason.code] : [])], expected);
        assert.ok(i % 3 !== 1 || outcome.reason.op === `no${i}`);
        assert.ok(i % 3 !== 2 || JSON.parse(outcome.value).id === `${i}`);
    });
    await store.close();
});

test('saves that wait together are committed together', async (t) => {
    const file = `${scratch(t)}/a.db`;
    const store = new NativeStore(`file:${file}`, { busyTimeoutMs: 120000 });
    await store.call('init');
    await saveThread(store, 'first');

    let before = commitsInWal(file);
    for (let i = 0; i < 16; i++) {
        await saveThread(store, `one-${i}`);
    }
    assert.equal(commitsInWal(file) - before, 16);

    before = commitsInWal(file);
    // Until all are there somebody else is writing.
    const holder = await lockHolder(file);
    const saves = Array.from({ length: 64 }, (_, i) => saveThread(store, `all-${i}`));
    await holder.release();
    await Promise.all(saves);
    const commits = commitsInWal(file) - before;
    assert.ok(commits >= 1 && commits <= 16, `${commits} commits`);
    await store.close();
});

test('a single write is done on the thread of JavaScript', async (t) => {
    const url = `file:${scratch(t)}/a.db`;
    // Whether it is over when the event loop has turned once: what another thread has done is told of in the next turn.
    const isDoneHere = async (store, id) => {
        let done = false;
        const save = saveThread(store, id).then(() => (done = true));
        const here = await new Promise((resolve) => setImmediate(() => resolve(done)));
        await save;
        return here;
    };
    const store = new NativeStore(url);
    await store.call('init');
    assert.equal(await isDoneHere(store, 'one'), true);
    // As many as there may be, in turn: the event loop has turned for each.
    for (let i = 0; i < 100; i++) {
        assert.equal(await isDoneHere(store, `t${i}`), true);
    }
    // Others come by way of the library's thread.
    const list = store.call('listThreads', '{}');
    await isDoneHere(store, 'two');
    assert.equal(JSON.parse(await list).total, 101);
    const durable = new NativeStore(url, { synchronous: 'full' });
    await isDoneHere(durable, 'three');
    assert.equal((await getThread(store, 'three')).id, 'three');
    await durable.close();
    await store.close();
});

test('calls of one turn keep their order behind one that waits for the turn to end', async (t) => {
    const store = new NativeStore(`file:${scratch(t)}/a.db`);
    await saveThread(store, 't');
    for (let i = 0; i < 20; i++) {
        const save = saveThread(store, 't', { title: `first ${i}` });
        const read = getThread(store, 't');
        assert.equal((await read).title, `first ${i}`);
        await save;
        const settled = [];
        await Promise.all([
            saveThread(store, 't', { title: 'x' }).then(() => settled.push(1)),
            store.call('updateThread', '{"id":"none","title":"x"}').catch(() => settled.push(2)),
            store.call('noSuch').catch(() => settled.push(0)),
            saveThread(store, 't', { title: `last ${i}` }).then(() => settled.push(3)),
        ]);
        assert.deepEqual(settled.filter((place) => place > 0), [1, 2, 3]);
        assert.equal((await getThread(store, 't')).title, `last ${i}`);
    }
    // What is closed in the same turn has been taken on.
    const save = saveThread(store, 'late');
    await store.close();
    assert.equal(JSON.parse(await save).id, 'late');
});

test('a program that ends behind a write has it written', async (t) => {
    const file = `${scratch(t)}/a.db`;
    const { code, stderr } = await runScript(
        `let store = new native.NativeStore('file:' + args[0]);
        await store.call('init');
        store.call('saveThread', '{"thread":{"id":"t","resourceId":"r","title":"x"}}');
        store = undefined;
        gc();`,
        [file],
    );
    assert.deepEqual([code, stderr], [0, '']);
    const store = new NativeStore(`file:${file}`);
    assert.equal((await getThread(store, 't')).id, 't');
    await store.close();
});

test('the thread of JavaScript is not blocked while a call waits for a lock', async (t) => {
    const file = `${scratch(t)}/a.db`;
    const store = new NativeStore(`file:${file}`, { busyTimeoutMs: 60000 });
    await store.call('init');
    const holder = await lockHolder(file);
    let done = false;
    const save = saveThread(store, 't').then(() => {
        done = true;
    });
    for (let i = 0; i < 20; i++) {
        await new Promise((resolve) => setTimeout(resolve, 1));
    }
    assert.equal(done, false);
    await holder.release();
    await save;
    await store.close();
});

test('a file that another process has for itself is opened, and waited for by the calls', async (t) => {
    const file = `${scratch(t)}/a.db`;
    const first = new NativeStore(`file:${file}`);
    await first.call('init');
    await first.close();
    const holder = await lockHolder(file, 'exclusive');
    const store = new NativeStore(`file:${file}`, { busyTimeoutMs: 3600000 });
    let done = false;
    const save = saveThread(store, 't').then(() => (done = true));
    const read = getThread(store, 't');
    for (let i = 0; i < 20; i++) {
        await new Promise((resolve) => setTimeout(resolve, 1));
    }
    assert.equal(done, false);
    // One that gives up can be asked again.
    const hasty = new NativeStore(`file:${file}`, { busyTimeoutMs: 1 });
    assert.equal((await refusal(saveThread(hasty, 'h'))).code, 'busy');
    await holder.release();
    await save;
    assert.equal((await read).id, 't');
    assert.equal(JSON.parse(await saveThread(hasty, 'h')).id, 'h');
    await hasty.close();
    await store.close();
});

test('closing', async (t) => {
    const file = `${scratch(t)}/a.db`;
    const store = new NativeStore(`file:${file}`);
    await saveThread(store, 't');
    const closing = store.close();
    assert.equal(store.closed, true);
    assert.equal(store.close(), closing);
    await closing;
    assert.equal(store.close(), closing);
    assert.ok(!fs.existsSync(`${file}-wal`));
    const error = await refusal(saveThread(store, 't'));
    assert.deepEqual({ ...error }, {
        code: 'closed',
        id: 'MASTRA_STORAGE_LIBSQL_SAVE_THREAD_FAILED',
        category: 'THIRD_PARTY',
        op: 'saveThread',
        retriable: false,
        details: {},
    });
});

test('closing with 1,000 calls in flight ends them first', async (t) => {
    for (const queueLimit of [undefined, 4]) {
        const file = `${scratch(t)}/a.db`;
        const store = new NativeStore(`file:${file}`, { queueLimit });
        let settled = 0;
        const calls = Array.from({ length: 1000 }, (_, i) => saveThread(store, `t${i}`).finally(() => settled++));
        const closing = store.close().then(() => settled);
        assert.equal((await refusal(saveThread(store, 'late'))).code, 'closed');
        assert.equal(await closing, 1000);
        assert.equal((await Promise.allSettled(calls)).filter((call) => call.status === 'fulfilled').length, 1000);

        const again = new NativeStore(`file:${file}`);
        assert.equal(JSON.parse(await again.call('listThreads', '{"perPage":1}')).total, 1000);
        await again.close();
    }
});

test('closing gives up what does not end in time', async (t) => {
    const file = `${scratch(t)}/a.db`;
    for (const [parameters, options] of [
        ['', { closeTimeoutMs: 50 }],
        ['', { closeTimeoutMs: 0 }],
        ['', { closeTimeoutMs: 50, queueLimit: 2 }],
        ['?close_timeout=50', {}],
    ]) {
        const store = new NativeStore(`file:${file}${parameters}`, { busyTimeoutMs: 3600000, ...options });
        await store.call('init');
        const holder = await lockHolder(file);
        const calls = Array.from({ length: 10 }, (_, i) => saveThread(store, `t${i}`));
        const outcomes = Promise.allSettled(calls);
        await store.close();
        for (const outcome of await outcomes) {
            assert.equal(outcome.status, 'rejected');
            assert.equal(outcome.reason.code, 'closed');
            assert.equal(outcome.reason.id, 'MASTRA_STORAGE_LIBSQL_SAVE_THREAD_FAILED');
        }
        await holder.release();
    }
});

test('garbage collection closes a store that nobody closed', async (t) => {
    const folder = scratch(t);
    const opened = await (async () => {
        const stores = Array.from({ length: 20 }, (_, i) => new NativeStore(`file:${folder}/${i}.db`));
        await Promise.all(stores.map((store) => saveThread(store, 't')));
        return stores.filter((_, i) => fs.existsSync(`${folder}/${i}.db-wal`)).length;
    })();
    assert.equal(opened, 20);
    // The last of its connections takes the WAL along.
    await collectUntil(() => fs.readdirSync(folder).every((name) => name.endsWith('.db')));
    const again = new NativeStore(`file:${folder}/7.db`);
    assert.equal((await getThread(again, 't')).id, 't');
    await again.close();
});

test('garbage collection spares a store while its calls run', async (t) => {
    const file = `${scratch(t)}/a.db`;
    const calls = (() => {
        const store = new NativeStore(`file:${file}`, { queueLimit: 8 });
        return Array.from({ length: 200 }, (_, i) => saveThread(store, `t${i}`));
    })();
    const closing = (() => new NativeStore(`file:${file}`).close())();
    globalThis.gc();
    await closing;
    globalThis.gc();
    assert.equal((await Promise.all(calls)).length, 200);
    await collectUntil(() => !fs.existsSync(`${file}-wal`));
});

const countOf = (what) => fs.readdirSync(`/proc/self/${what}`).length;

test('no file and no thread is left of stores that are gone', async (t) => {
    const folder = scratch(t);
    const before = { files: countOf('fd'), threads: countOf('task') };
    for (let i = 0; i < 10; i++) {
        refusedToOpen(`file:${folder}/no/such.db`);
        refusedToOpen(`file:${folder}/a.db?no=such`);
        const closed = new NativeStore(`file:${folder}/a.db`);
        await Promise.all([saveThread(closed, 't'), getThread(closed, 't'), closed.close()]);
        await saveThread(new NativeStore(`file:${folder}/b.db`), 't');
        new NativeStore(`file:${folder}/c.db`);
    }
    // Some of what Node.js itself had may end meanwhile, too.
    await collectUntil(() => countOf('fd') <= before.files && countOf('task') <= before.threads);
});

test('an idle store does not keep the process alive, a call does', async (t) => {
    const file = `${scratch(t)}/a.db`;
    const ended = await runScript(
        `const store = new native.NativeStore(args[0]);
        store.call('saveThread', JSON.stringify({ thread: { id: 't', resourceId: 'r' } })).then(() => {
            console.log('saved');
        });`,
        [`file:${file}`],
    );
    assert.deepEqual(ended, { code: 0, signal: null, stdout: 'saved\n', stderr: '' });
    assert.ok(!fs.existsSync(`${file}-wal`), 'the end of the process closes the store');
    const closed = await runScript(
        `new native.NativeStore(args[0]).close().then(() => console.log('closed'));`,
        [`file:${file}`],
    );
    assert.equal(closed.stdout, 'closed\n');
});

test('process.exit in the middle of calls', async (t) => {
    const file = `${scratch(t)}/a.db`;
    const script = `
        const stores = [0, 1, 2].map(() => new native.NativeStore(args[0], { queueLimit: 50 }));
        const save = (store, id) => store.call('saveThread', JSON.stringify({ thread: { id, resourceId: 'r' } }));
        await save(stores[0], 'first');
        stores.forEach((store, n) => {
            for (let i = 0; i < 200; i++) save(store, 't' + n + '-' + i).catch(() => {});
        });
        stores[1].close();
        if (args[1] === 'now') process.exit(7);
        await save(stores[2], 'last');
        process.exit(7);`;
    for (const when of ['now', 'later']) {
        const ended = await runScript(script, [`file:${file}`, when]);
        assert.deepEqual(ended, { code: 7, signal: null, stdout: '', stderr: '' });
        const store = new NativeStore(`file:${file}`);
        assert.equal((await getThread(store, 'first')).id, 'first');
        await store.close();
    }
});

test('process.exit does not wait for a lock that another process holds', async (t) => {
    const file = `${scratch(t)}/a.db`;
    const store = new NativeStore(`file:${file}`);
    await store.call('init');
    await store.close();
    const holder = await lockHolder(file);
    for (const closing of ['', 'store.close();']) {
        const ended = await runScript(
            `const store = new native.NativeStore(args[0], { busyTimeoutMs: 3600000, closeTimeoutMs: 3600000 });
            for (let i = 0; i < 10; i++) {
                store.call('saveThread', JSON.stringify({ thread: { id: 't' + i, resourceId: 'r' } })).catch(() => {});
            }
            ${closing}
            setTimeout(() => process.exit(7), 100);`,
            [`file:${file}`],
        );
        assert.deepEqual(ended, { code: 7, signal: null, stdout: '', stderr: '' });
    }
    await holder.release();
});

const WORKER = `
    const { parentPort, workerData } = require('node:worker_threads');
    const { NativeStore } = require(workerData.nativePath);
    const store = new NativeStore(workerData.url, { queueLimit: 16 });
    const save = (id) => store.call('saveThread', JSON.stringify({ thread: { id, resourceId: 'r' } }));
    (async () => {
        for (let i = 0; workerData.rounds === undefined || i < workerData.rounds; i++) {
            await Promise.all(Array.from({ length: 40 }, (_, n) => save(workerData.name + '-' + n)));
            parentPort.postMessage(i);
        }
        if (workerData.closes) await store.close();
        parentPort.postMessage('done');
    })();`;

function startWorker(url, data) {
    const worker = new Worker(WORKER, { eval: true, workerData: { nativePath, url, ...data } });
    const failed = new Promise((resolve, reject) => worker.on('error', reject));
    failed.catch(() => {});
    const exited = new Promise((resolve) => worker.on('exit', resolve));
    const first = new Promise((resolve) => worker.once('message', resolve));
    return { worker, first: () => Promise.race([first, failed]), exited: () => Promise.race([exited, failed]) };
}

test('worker threads open, call and close stores of their own', async (t) => {
    const file = `${scratch(t)}/a.db`;
    const store = new NativeStore(`file:${file}`);
    await store.call('init');
    const workers = ['a', 'b', 'c', 'd'].map((name, i) =>
        startWorker(`file:${file}`, { name, rounds: 3, closes: i % 2 === 0 }),
    );
    assert.deepEqual(await Promise.all(workers.map((worker) => worker.exited())), [0, 0, 0, 0]);
    assert.equal(JSON.parse(await store.call('listThreads', '{"perPage":1}')).total, 160);
    await store.close();
    assert.ok(!fs.existsSync(`${file}-wal`), 'no connection of theirs is left');
});

test('worker threads that are terminated while calls run', async (t) => {
    const file = `${scratch(t)}/a.db`;
    const store = new NativeStore(`file:${file}`);
    await store.call('init');
    for (let round = 0; round < 10; round++) {
        const workers = ['a', 'b'].map((name) => startWorker(`file:${file}`, { name }));
        await Promise.all(workers.map((worker) => worker.first()));
        await Promise.all(workers.map(({ worker }) => worker.terminate()));
        await saveThread(store, `main-${round}`);
    }
    assert.equal((await getThread(store, 'main-9')).id, 'main-9');
    await store.close();
    assert.ok(!fs.existsSync(`${file}-wal`), 'no connection of theirs is left');
});

test('a worker thread that is the only one to have loaded the addon', async (t) => {
    const file = `${scratch(t)}/a.db`;
    const script = `
        const { Worker } = require('node:worker_threads');
        const start = () => new Worker(${JSON.stringify(WORKER)}, {
            eval: true,
            workerData: { nativePath: args[0], url: args[1], name: 'only' },
        });
        for (let round = 0; round < 5; round++) {
            const worker = start();
            await new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject));
            await worker.terminate();
        }
        console.log('alive');`;
    const program = `const args = process.argv.slice(1); (async () => {${script}})();`;
    const ended = await run(process.execPath, ['-e', program, '--', nativePath, `file:${file}`]);
    assert.deepEqual(ended, { code: 0, signal: null, stdout: 'alive\n', stderr: '' });
});

test('the wrapper may be loaded twice', async () => {
    const copy = await runScript(
        `delete require.cache[args[0]];
        const other = require(args[0]);
        const stores = [new native.NativeStore(':memory:'), new other.NativeStore(':memory:')];
        await Promise.all(stores.flatMap((store) => Array.from({ length: 50 }, () => store.call('init'))));
        await Promise.all(stores.map((store) => store.close()));
        console.log(native.NativeStore !== other.NativeStore);`,
        [nativePath],
    );
    assert.deepEqual(copy, { code: 0, signal: null, stdout: 'true\n', stderr: '' });
});

test('a host with another SQLite inside: each works on a file of its own', async (t) => {
    const folder = scratch(t);
    const client = createClient({ url: `file:${folder}/theirs.db` });
    const store = new NativeStore(`file:${folder}/ours.db`);
    await client.execute('CREATE TABLE notes (id INTEGER PRIMARY KEY, text TEXT)');
    for (let i = 0; i < 20; i++) {
        await Promise.all([
            client.execute({ sql: 'INSERT INTO notes (text) VALUES (?)', args: [`note ${i}`] }),
            saveThread(store, `t${i}`),
        ]);
    }
    const { rows } = await client.execute('SELECT count(*) AS notes, sqlite_version() AS version FROM notes');
    assert.equal(rows[0].notes, 20);
    assert.notEqual(rows[0].version, native.sqliteVersion);
    assert.equal(JSON.parse(await store.call('listThreads', '{"perPage":1}')).total, 20);
    client.close();
    await store.close();
});

test('a host that uses the SQLite of Node.js itself', async (t) => {
    // Node.js 20 has none; there the case before has to do.
    const folder = scratch(t);
    const store = new NativeStore(`file:${folder}/ours.db`);
    if (process.versions.sqlite) {
        const { DatabaseSync } = await import('node:sqlite');
        const theirs = new DatabaseSync(`${folder}/theirs.db`);
        theirs.exec('CREATE TABLE notes (text TEXT)');
        for (let i = 0; i < 20; i++) {
            theirs.prepare('INSERT INTO notes VALUES (?)').run(`note ${i}`);
            await saveThread(store, `t${i}`);
        }
        assert.equal(theirs.prepare('SELECT count(*) AS notes FROM notes').get().notes, 20);
        theirs.close();
    }
    await saveThread(store, 'last');
    assert.equal((await getThread(store, 'last')).id, 'last');
    await store.close();
});

test('a host whose own SQLite comes first among the symbols', { skip: process.platform !== 'linux' }, async () => {
    const ended = await runScript(
        `const store = new native.NativeStore(':memory:');
        await store.call('saveThread', JSON.stringify({ thread: { id: 't', resourceId: 'r' } }));
        console.log(native.sqliteVersion, JSON.parse(await store.call('getThreadById', '{"threadId":"t"}')).id);`,
        [],
        { env: { ...process.env, LD_PRELOAD: [process.env.LD_PRELOAD, process.env.MASTRA_FOREIGN_SQLITE].join(' ').trim() } },
    );
    assert.deepEqual(ended, { code: 0, signal: null, stdout: `${native.sqliteVersion} t\n`, stderr: '' });
});
