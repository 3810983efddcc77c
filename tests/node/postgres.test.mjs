// PostgresStore on a real server: every way to connect, what the pool's options do, and OpenSSL beside that of Node.js.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import https from 'node:https';
import net from 'node:net';
import path from 'node:path';
import readline from 'node:readline';
import { inspect } from 'node:util';

import { MastraError } from '@mastra/core/error';
import pg from 'pg';

import { PostgresStore } from '../../bindings/node/lib/index.mjs';
import { facts, query, schema, test } from '../interop/postgres.mjs';
import { nativePath, run, scratch, sourceRoot } from './support.mjs';

const fact = (name) => facts[`MASTRA_TEST_POSTGRES_${name}`];
const url = facts.MASTRA_TEST_POSTGRES;
const password = fact('PASSWORD');
const certificate = (name) => fs.readFileSync(fact(name), 'utf8');
const parts = { host: 'localhost', port: Number(fact('PORT')), database: 'mastra', user: 'mastra', password };
const encoded = encodeURIComponent(password ?? '');
const tcpUrl = `postgres://mastra:${encoded}@localhost:${fact('PORT')}/mastra`;

const pause = () => new Promise((resolve) => setTimeout(resolve, 10));

/** A store that is closed with the test; in a schema of its own unless it gets one. */
function open(t, options) {
    const store = new PostgresStore({ id: 'test', schemaName: schema('node').schema, ...options });
    t.after(() => store.close());
    return store;
}

const save = (store, threadId) => store.createThread({ threadId, resourceId: 'r', title: `title of ${threadId}` });

async function assertWorks(store) {
    await save(store, 'one');
    const { threads } = await store.listThreads({ filter: { resourceId: 'r' } });
    assert.deepEqual(
        threads.map(({ id, title }) => [id, title]),
        [['one', 'title of one']],
    );
}

async function refusal(promise) {
    const error = await promise.then(
        () => assert.fail('must have been refused'),
        (reason) => reason,
    );
    assert.ok(error instanceof MastraError, String(error));
    return error;
}

/** Connections of that application_name. */
async function connections(name) {
    const found = await query({ url, schema: 'public' }, 'SELECT pid FROM pg_stat_activity WHERE application_name = $1', [
        name,
    ]);
    return found.map(({ pid }) => pid);
}

const WAYS = {
    'a connection string over the Unix socket': () => ({ connectionString: url }),
    'a connection string with parameters of libpq': () => ({ connectionString: fact('TCP') }),
    'a connection string without parameters': () => ({ connectionString: tcpUrl }),
    'a connection string with a word of the driver': () => ({ connectionString: `${tcpUrl}?sslmode=no-verify` }),
    'a connection string beside ssl': () => ({ connectionString: tcpUrl, ssl: { ca: certificate('CA') } }),
    'host, port, database, user and password': () => parts,
    'a port that is a text': () => ({ ...parts, port: fact('PORT') }),
    'the directory of the Unix socket': () => ({ ...parts, host: fact('HOST') }),
    'TLS with a certificate of the CA': () => ({ ...parts, ssl: { ca: certificate('CA') } }),
    'TLS with several': () => ({ ...parts, ssl: { ca: [certificate('OTHER_CA'), Buffer.from(certificate('CA'))] } }),
    'TLS to an address': () => ({ ...parts, host: '127.0.0.1', ssl: { ca: certificate('CA') } }),
    'TLS that verifies nothing': () => ({ ...parts, ssl: { rejectUnauthorized: false } }),
    'no TLS': () => ({ ...parts, ssl: false }),
    'the older form': () => ({ name: 'test', config: { connectionString: url } }),
};

for (const [name, way] of Object.entries(WAYS)) {
    test(`connects by ${name}`, async (t) => {
        const options = way();
        const store = open(t, options);
        await assertWorks(store);
        if ('ssl' in options) {
            // The server tells whether TLS is really used.
            const tagged = open(t, { ...options, application_name: `tls ${name}`.slice(0, 63) });
            await save(tagged, 'two');
            const sessions = await query(
                { url, schema: 'public' },
                'SELECT ssl FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE application_name = $1',
                [`tls ${name}`.slice(0, 63)],
            );
            assert.deepEqual([...new Set(sessions.map(({ ssl }) => ssl))], [options.ssl !== false]);
        }
    });
}

const WRONG = {
    'a wrong password': [() => ({ ...parts, password: 'geheim%1' }), 'denied', /password authentication failed/],
    'a wrong password in a string': [
        () => ({ connectionString: tcpUrl.replace(encoded, 'geheim%251') }),
        'denied',
        /password authentication failed/,
    ],
    'a host that does not exist': [() => ({ ...parts, host: 'nowhere.invalid' }), 'unavailable', /nowhere\.invalid/],
    'a port where nobody listens': [() => ({ ...parts, port: 1 }), 'unavailable', /Connection refused/],
    'a database that does not exist': [() => ({ ...parts, database: 'nowhere' }), 'cannot_open', /"nowhere"/],
    'a server whose CA is unknown': [
        () => ({ ...parts, ssl: { ca: certificate('OTHER_CA') } }),
        'denied',
        /certificate verify failed/,
    ],
    'a server that Node.js does not trust': [() => ({ ...parts, ssl: true }), 'denied', /certificate verify failed/],
    'the same in a string': [
        () => ({ connectionString: `${tcpUrl}?ssl=true` }),
        'denied',
        /certificate verify failed/,
    ],
};

for (const [name, [way, code, text]] of Object.entries(WRONG)) {
    test(`refuses ${name}, and shows no password`, async (t) => {
        const error = await refusal(open(t, way()).init());
        assert.equal(error.id, 'MASTRA_STORAGE_PG_INIT_FAILED');
        assert.equal(error.cause.code, code);
        assert.match(error.message, text);
        const shown = [inspect(error, { depth: 9, showHidden: true }), JSON.stringify(error), error.stack].join('\n');
        for (const secret of [password, encoded, 'geheim']) {
            assert.ok(!shown.includes(secret), shown);
        }
    });
}

test('a name in the certificate that is not the host', async (t) => {
    // The name is good for nothing but the certificate: hostaddr says where.
    const wrong = `postgres://mastra:${encoded}@other.invalid:${fact('PORT')}/mastra?hostaddr=127.0.0.1`;
    const error = await refusal(open(t, { connectionString: wrong, ssl: { ca: certificate('CA') } }).init());
    assert.match(error.message, /does not match host name/);
    await assertWorks(open(t, { connectionString: wrong, ssl: { rejectUnauthorized: false } }));
});

for (const name of ['Custom S-1.ü', '1st', 'select', 'a.b', 'ü'.repeat(28), `long ${'x'.repeat(58)}`]) {
    test(`the schema ${name}`, async (t) => {
        const schemaName = `${name.slice(0, 40)}${process.pid}`;
        await assertWorks(open(t, { connectionString: url, schemaName }));
        const rows = await query({ url, schema: schemaName }, 'SELECT id, title FROM mastra_threads');
        assert.deepEqual(rows, [{ id: 'one', title: 'title of one' }]);
    });
}

for (const option of ['pool', 'writePool']) {
    test(`a pg.Pool as ${option} lends its settings and stays the caller's`, async (t) => {
        for (const settings of [{ ...parts, ssl: { ca: certificate('CA') }, max: 3 }, { connectionString: url }]) {
            const pool = new pg.Pool(settings);
            t.after(() => pool.end());
            const store = open(t, { [option]: pool });
            await assertWorks(store);
            assert.equal(pool.totalCount, 0);
            await store.close();
            const { rows } = await pool.query('SELECT 1 AS one');
            assert.deepEqual(rows, [{ one: 1 }]);
        }
    });
}

test('max is never exceeded, and calls wait for their turn', async (t) => {
    const store = open(t, { connectionString: url, max: 2, application_name: `max ${process.pid}` });
    await store.init();
    await Promise.all(Array.from({ length: 50 }, (_, i) => save(store, `t${i}`)));
    assert.equal((await store.listThreads({ perPage: 1 })).total, 50);
    assert.ok((await connections(`max ${process.pid}`)).length <= 2);
});

/** Locks the threads of a schema; answers with a function that waits until a call waits for the lock, and one to end it. */
async function lockThreads(t, place) {
    const table = `"${place.schema}".mastra_threads`;
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    t.after(() => client.end());
    await client.query(`BEGIN; LOCK TABLE ${table}`);
    const waiters = 'SELECT pid FROM pg_locks WHERE NOT granted AND relation = $1::regclass';
    return {
        async awaited() {
            while ((await client.query(waiters, [table])).rows.length === 0) {
                await pause();
            }
        },
        unlock: () => client.query('ROLLBACK'),
    };
}

test('calls for which no connection is free wait for their turn', async (t) => {
    const place = schema('node');
    const options = { connectionString: url, schemaName: place.schema, max: 1, connectionTimeoutMillis: 60000 };
    const store = open(t, options);
    await Promise.all([save(store, 'one'), save(store, 'two')]);
    const lock = await lockThreads(t, place);
    const calls = ['one', 'two', 'one'].map((threadId) => store.getThreadById({ threadId }));
    await lock.awaited();
    await lock.unlock();
    assert.deepEqual(
        (await Promise.all(calls)).map(({ id }) => id),
        ['one', 'two', 'one'],
    );
});

test('a call that the server does not answer ends after query_timeout, and the store goes on', async (t) => {
    const place = schema('node');
    await save(open(t, { connectionString: url, schemaName: place.schema }), 'one');
    const store = open(t, { connectionString: url, schemaName: place.schema, max: 1, query_timeout: 5000 });
    await store.getThreadById({ threadId: 'one' });
    const lock = await lockThreads(t, place);
    assert.equal((await refusal(store.getThreadById({ threadId: 'one' }))).cause.code, 'timeout');
    await lock.unlock();
    assert.equal((await store.getThreadById({ threadId: 'one' })).id, 'one');
});

test('a server that says nothing is given up after connectionTimeoutMillis', async (t) => {
    const silent = net.createServer(() => {});
    await new Promise((resolve) => silent.listen(0, '127.0.0.1', resolve));
    t.after(() => silent.close());
    const store = open(t, { ...parts, host: '127.0.0.1', port: silent.address().port, connectionTimeoutMillis: 300 });
    assert.equal((await refusal(store.init())).cause.code, 'timeout');
});

test('idle connections are closed after idleTimeoutMillis', async (t) => {
    const name = `idle ${process.pid}`;
    const store = open(t, { connectionString: url, idleTimeoutMillis: 100, application_name: name });
    await Promise.all([save(store, 'one'), save(store, 'two')]);
    while ((await connections(name)).length > 0) {
        await pause();
    }
    assert.equal((await store.listThreads({ perPage: 1 })).total, 2);
});

test('close lets calls in flight end, and its connections go', async (t) => {
    const name = `close ${process.pid}`;
    const place = schema('node');
    const store = open(t, { connectionString: url, schemaName: place.schema, max: 3, application_name: name });
    await store.init();
    const calls = Array.from({ length: 40 }, (_, i) => save(store, `t${i}`));
    await store.close();
    const ends = await Promise.allSettled(calls);
    assert.deepEqual([...new Set(ends.map(({ status }) => status))], ['fulfilled']);
    assert.equal((await refusal(save(store, 'late'))).cause.code, 'closed');
    assert.deepEqual(await query(place, 'SELECT count(*)::int AS n FROM mastra_threads'), [{ n: 40 }]);
    while ((await connections(name)).length > 0) {
        await pause();
    }
});

for (const allowExitOnIdle of [undefined, true, false]) {
    test(`a process ends while the store is open and idle, allowExitOnIdle: ${allowExitOnIdle}`, async () => {
        const script = `
            const { PostgresStore } = require(process.argv[1]);
            const store = new PostgresStore({ id: 'child', ...JSON.parse(process.argv[2]) });
            store.createThread({ threadId: 'one', resourceId: 'r', title: '' }).then(({ id }) => console.log(id));`;
        const options = { connectionString: url, schemaName: schema('node').schema, allowExitOnIdle };
        const index = path.join(path.dirname(nativePath), 'index.js');
        const ended = await run(process.execPath, ['-e', script, '--', index, JSON.stringify(options)]);
        assert.deepEqual(ended, { code: 0, signal: null, stdout: 'one\n', stderr: '' });
    });
}

/** A server that a test may stop and start. */
async function ownServer(t) {
    const child = spawn(path.join(sourceRoot, 'tests/support/postgres-server'), [], { stdio: ['pipe', 'pipe', 'inherit'] });
    t.after(() => child.stdin.end());
    const lines = readline.createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    const own = {};
    for (let line = (await lines.next()).value; line; line = (await lines.next()).value) {
        own[line.slice(0, line.indexOf('='))] = line.slice(line.indexOf('=') + 1);
    }
    const act = async (word) => {
        child.stdin.write(`${word}\n`);
        assert.equal((await lines.next()).value, 'ok');
    };
    return { url: own.MASTRA_TEST_POSTGRES_TCP, act };
}

test('the store goes on when the server was restarted', async (t) => {
    const server = await ownServer(t);
    const store = open(t, { connectionString: server.url, schemaName: 'app', max: 4 });
    await Promise.all([1, 2, 3, 4].map((i) => save(store, `before ${i}`)));
    for (const end of ['kill', 'stop']) {
        await server.act(end);
        assert.equal((await refusal(store.getThreadById({ threadId: 'before 1' }))).cause.code, 'unavailable');
        await server.act('start');
        const threads = await Promise.all([1, 2, 3, 4].map((i) => store.getThreadById({ threadId: `before ${i}` })));
        assert.deepEqual(
            threads.map(({ id }) => id),
            ['before 1', 'before 2', 'before 3', 'before 4'],
        );
        await save(store, `after ${end}`);
    }
    assert.equal((await store.listThreads({ perPage: 1 })).total, 6);
});

test('indexes are made by init, and one that fails is a warning', async (t) => {
    const place = schema('node');
    const indexes = [
        { name: `own_${place.schema}`, table: 'mastra_threads', columns: ['title', 'createdAt DESC'] },
        { name: `bad_${place.schema}`, table: 'mastra_threads', columns: ['nosuch'] },
    ];
    const store = open(t, { connectionString: url, schemaName: place.schema, indexes });
    const warnings = [];
    const quiet = () => {};
    store.__setLogger({
        debug: quiet,
        info: quiet,
        error: quiet,
        trackException: quiet,
        warn: (text) => warnings.push(text),
    });
    await store.init();
    const made = await query(
        place,
        'SELECT indexname FROM pg_indexes WHERE schemaname = $1 AND tablename = $2 AND indexname ~ $3',
        [place.schema, 'mastra_threads', '^(own|bad)_'],
    );
    assert.deepEqual(made, [{ indexname: `own_${place.schema}` }]);
    assert.equal(warnings.length, 1);
    assert.match(warnings[0], /bad_/);
});

test('disableInit makes no tables but by init()', async (t) => {
    const place = schema('node');
    const tables = () => query(place, 'SELECT tablename FROM pg_tables WHERE schemaname = $1', [place.schema]);
    const store = open(t, { connectionString: url, schemaName: place.schema, disableInit: true });
    await refusal(save(store, 'one'));
    assert.deepEqual(await tables(), []);
    await store.init();
    await assertWorks(store);
    assert.ok((await tables()).length > 0);
});

test('TLS of the store and TLS of Node.js in one process', async (t) => {
    const file = (name) => fs.readFileSync(path.join(fact('DIR'), name));
    const server = https.createServer({ key: file('server.key'), cert: file('server.crt') }, (request, response) => {
        request.pipe(response);
    });
    await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
    t.after(() => server.close());
    const ca = certificate('CA');
    const body = 'x'.repeat(100_000);
    const echoed = () =>
        new Promise((resolve, reject) => {
            const options = { method: 'POST', host: 'localhost', port: server.address().port, ca, agent: false };
            const request = https.request({ ...options, family: 4 }, async (response) => {
                let text = '';
                for await (const part of response.setEncoding('utf8')) {
                    text += part;
                }
                resolve(text);
            });
            request.on('error', reject).end(body);
        });
    const store = open(t, { ...parts, ssl: { ca }, max: 8 });
    await store.init();
    for (let round = 0; round < 5; round++) {
        const [texts] = await Promise.all([
            Promise.all(Array.from({ length: 8 }, echoed)),
            Promise.all(Array.from({ length: 8 }, (_, i) => save(store, `t${round}-${i}`))),
        ]);
        assert.ok(texts.every((text) => text === body));
    }
    assert.equal((await store.listThreads({ perPage: 1 })).total, 40);
});

/** Where the dynamic linker finds what the libraries of a store with TLS ask for: lines [who, where, symbol]. */
async function bindings(t, environment) {
    const script = `
        const { PostgresStore } = require(process.argv[1]);
        const store = new PostgresStore(JSON.parse(process.argv[2]));
        store.init().then(() => store.close());`;
    const folder = scratch(t);
    const options = { id: 'child', ...parts, schemaName: schema('node').schema, ssl: { ca: certificate('CA') } };
    const index = path.join(path.dirname(nativePath), 'index.js');
    const ended = await run(process.execPath, ['-e', script, '--', index, JSON.stringify(options)], {
        env: { ...process.env, LD_DEBUG: 'bindings', LD_DEBUG_OUTPUT: path.join(folder, 'bindings'), ...environment },
    });
    assert.deepEqual(ended, { code: 0, signal: null, stdout: '', stderr: '' });
    const text = fs.readdirSync(folder).map((name) => fs.readFileSync(path.join(folder, name), 'utf8'));
    return [...text.join('\n').matchAll(/binding file (\S+) \[\d+\] to (\S+) \[\d+\]: \w+ symbol `([^']+)'/g)].map(
        ([, who, where, symbol]) => [path.basename(who), path.basename(where), symbol],
    );
}

test('the libraries of the addon use their own OpenSSL, not that of Node.js', async (t) => {
    const found = await bindings(t, { LD_PRELOAD: '' });
    const isLibrary = (name) => /^lib(pq|ssl|crypto|curl)\.so/.test(name);
    assert.ok(found.some(([who, where, symbol]) => /^libpq/.test(who) && /^libssl/.test(where) && symbol === 'SSL_connect'));
    assert.deepEqual(
        found.filter(([who, where]) => isLibrary(who) && where === path.basename(process.execPath)),
        [],
    );
});

test('beside a preloaded library, which may be an allocator, they are bound as all others', async (t) => {
    const found = await bindings(t, { LD_PRELOAD: process.env.MASTRA_FOREIGN_SQLITE });
    assert.ok(found.some(([who, where]) => /^libpq/.test(who) && where === path.basename(process.execPath)));
});
