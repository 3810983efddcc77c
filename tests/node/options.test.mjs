// The constructors' options: each is honoured or refused by its name.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { MastraError } from '@mastra/core/error';
import { MastraCompositeStore } from '@mastra/core/storage';

import {
    DSQLStore,
    DefaultStorage,
    DynamoDBStore,
    InMemoryStore,
    LibSQLStore,
    PostgresStore,
} from '../../bindings/node/lib/index.mjs';
import options from '../../bindings/node/lib/options.js';
import { scratch } from './support.mjs';

const modules = fileURLToPath(new URL('node_modules', import.meta.url));

/** Names of the members that a peer's declaration lists, up to its end. */
function declared(file, ...starts) {
    const text = fs.readFileSync(path.join(modules, file), 'utf8');
    return starts.flatMap((start) => {
        const from = text.indexOf(start);
        assert.ok(from >= 0, `${file} has no ${start}`);
        const block = text.slice(from, text.indexOf('\n}', from));
        return [...block.matchAll(/^ {4}(\w+)\??:/gm)].map(([, name]) => name);
    });
}

function refusal(work) {
    try {
        work();
    } catch (error) {
        assert.ok(error instanceof MastraError, String(error));
        assert.equal(error.domain, 'STORAGE');
        return error;
    }
    return assert.fail('it was accepted');
}

function planOf(plan, config) {
    const { release, ...rest } = plan(config);
    release?.();
    return rest;
}

const urlOf = (config) => new URL(planOf(options.postgres, { id: 'p', ...config }).url);
const parametersOf = (config) => Object.fromEntries(urlOf(config).searchParams);

// LibSQLStore

test('LibSQLStore: every option of the adapter is known by its name', () => {
    const names = declared('@mastra/libsql/dist/storage/index.d.ts', 'type LibSQLBaseConfig', 'type LibSQLConfig');
    assert.ok(names.includes('authToken') && names.includes('retention'), names.join());
    for (const name of names) {
        try {
            planOf(options.libsql, { id: 'x', url: ':memory:', [name]: 'given' });
        } catch (error) {
            assert.doesNotMatch(error.message, /is not known/, name);
        }
    }
});

test('LibSQLStore: what it is, and its older forms', async (t) => {
    const stores = [
        new LibSQLStore({ id: 'x', url: ':memory:' }),
        new DefaultStorage({ name: 'x', config: { url: 'file::memory:' } }),
        new LibSQLStore({
            id: 'x',
            url: 'file::memory:?cache=shared',
            authToken: undefined,
            syncUrl: '',
            retention: {},
        }),
    ];
    t.after(() => Promise.all(stores.map((store) => store.close())));
    assert.equal(DefaultStorage, LibSQLStore);
    for (const store of stores) {
        assert.ok(store instanceof MastraCompositeStore && store instanceof LibSQLStore);
        assert.deepEqual(
            [store.id, store.name, store.component, store.disableInit],
            ['x', 'LibSQLStore', 'STORAGE', false],
        );
        assert.equal(await store.getThreadById({ threadId: 't' }), null);
    }
});

test('LibSQLStore: urls', async (t) => {
    const folder = scratch(t);
    const file = path.join(folder, 'a b.db');
    for (const url of [`file:${file}`, `file://${encodeURI(file)}`]) {
        const store = new LibSQLStore({ id: 'x', url });
        await store.init();
        await store.close();
    }
    assert.deepEqual(
        fs.readdirSync(folder).filter((name) => name.endsWith('.db')),
        ['a b.db'],
    );
});

for (const [name, config, complaint] of [
    ['no options', undefined, /options must be an object/],
    ['no id', { url: ':memory:' }, /LibSQLStore: id must be provided and cannot be empty/],
    ['a blank id', { id: ' ', url: ':memory:' }, /id must be provided/],
    ['no url', { id: 'x' }, /url must be provided/],
    ['a url without a scheme', { id: 'x', url: 'agent.db' }, /has no scheme/],
    ['an unknown scheme', { id: 'x', url: 'mysql://x' }, /mysql/],
    ['a remote database', { id: 'x', url: 'libsql://x.turso.io' }, /option url must name a file/],
    ['a token', { id: 'x', url: ':memory:', authToken: 'secret' }, /option authToken cannot be honoured/],
    ['a replica', { id: 'x', url: 'file:x.db', syncUrl: 'libsql://x' }, /option syncUrl cannot/],
    ['a client', { id: 'x', client: {} }, /option client cannot/],
    ['pragmas', { id: 'x', url: ':memory:', localPragmas: { cacheSize: -1 } }, /option localPragmas cannot/],
    ['an unknown option', { id: 'x', url: ':memory:', speed: 1 }, /option speed is not known/],
    [
        'a wait that is no number',
        { id: 'x', url: ':memory:', connectionTimeoutMs: '5' },
        /option connectionTimeoutMs must be a whole number/,
    ],
    [
        'a flag that is none',
        { id: 'x', url: ':memory:', disableInit: 'yes' },
        /option disableInit must be true or false/,
    ],
    ['a wrong option of the library', { id: 'x', url: ':memory:', synchronous: 'off' }, /synchronous must be/],
    ['a folder that is not there', { id: 'x', url: 'file:/nonexistent/folder/x.db' }, /cannot open/],
]) {
    test(`LibSQLStore: refuses ${name}`, () => {
        const error = refusal(() => new LibSQLStore(config));
        assert.equal(error.id, 'MASTRA_STORAGE_LIBSQL_INITIALIZATION_FAILED');
        assert.match(error.message, complaint);
        assert.doesNotMatch(JSON.stringify(error), /secret/);
    });
}

test('LibSQLStore: waiting for other processes', () => {
    const wait = (config) => options.libsql({ id: 'x', url: ':memory:', ...config }).busyTimeoutMs;
    assert.equal(wait({}), 5000);
    assert.equal(wait({ connectionTimeoutMs: 700 }), 700);
    assert.equal(wait({ connectionTimeoutMs: 0 }), 1);
    assert.equal(wait({ maxRetries: 3, initialBackoffMs: 10, connectionTimeoutMs: 100 }), 3 * 100 + 10 + 20);
    assert.equal(wait({ maxRetries: 1000 }), 24 * 3600 * 1000);
    assert.equal(wait({ maxRetries: 0 }), 5000, 'one attempt');
    assert.equal(wait({ maxRetries: 0, connectionTimeoutMs: 100 }), 100);
});

test('disableInit, and the environment that says so', async (t) => {
    const file = path.join(scratch(t), 'x.db');
    const closed = async (store, work) => {
        try {
            return await work(store);
        } finally {
            await store.close();
        }
    };
    const missing = (store) => assert.rejects(store.listThreads({}), /no such table/);

    await closed(new LibSQLStore({ id: 'x', url: `file:${file}`, disableInit: true }), async (store) => {
        assert.equal(store.disableInit, true);
        await missing(store);
    });
    process.env.MASTRA_DISABLE_STORAGE_INIT = 'true';
    t.after(() => delete process.env.MASTRA_DISABLE_STORAGE_INIT);
    await closed(new LibSQLStore({ id: 'x', url: `file:${file}` }), missing);
    await closed(new LibSQLStore({ id: 'x', url: `file:${file}`, disableInit: true }), async (store) => {
        await store.init();
        assert.equal((await store.listThreads({})).total, 0);
    });
    // Nobody else can have made the tables of a store in memory.
    await closed(new InMemoryStore({ disableInit: true }), async (store) =>
        assert.equal((await store.listThreads({})).total, 0),
    );
});

// InMemoryStore

test('InMemoryStore', async (t) => {
    const stores = [new InMemoryStore(), new InMemoryStore({ id: 'other' })];
    t.after(() => Promise.all(stores.map((store) => store.close())));
    assert.deepEqual(
        stores.map(({ id }) => id),
        ['in-memory', 'other'],
    );
    await stores[0].saveThread({
        thread: { id: 't', resourceId: 'r', title: '', createdAt: new Date(), updatedAt: new Date() },
    });
    assert.equal((await stores[0].listThreads({})).total, 1);
    assert.equal((await stores[1].listThreads({})).total, 0);
    assert.match(refusal(() => new InMemoryStore({ url: 'file:x' })).message, /option url is not known/);
});

// PostgresStore

test('PostgresStore: every option of the adapter and of its driver is known by its name', () => {
    const names = [
        ...declared(
            '@mastra/pg/dist/shared/config.d.ts',
            'interface PostgresBaseConfig',
            'interface ConnectionStringConfig',
            'interface HostConfig',
            'interface PoolInstanceConfig',
            'interface WritePoolInstanceConfig',
        ),
        ...[
            'stream',
            'statement_timeout',
            'query_timeout',
            'lock_timeout',
            'keepAlive',
            'types',
            'application_name',
            'min',
            'verify',
        ],
    ];
    assert.ok(names.includes('readPool') && names.includes('ssl'), names.join());
    for (const name of names) {
        try {
            planOf(options.postgres, { id: 'x', connectionString: 'postgres://h/d', [name]: 'given' });
        } catch (error) {
            assert.doesNotMatch(error.message, /is not known/, name);
        }
    }
});

test('PostgresStore: its ways to name a server', () => {
    const host = {
        host: 'db.example',
        port: 5433,
        database: 'd',
        user: 'u@x',
        password: 'p&=%ß',
        schemaName: 'My-App',
    };
    assert.deepEqual(parametersOf(host), {
        host: 'db.example',
        port: '5433',
        dbname: 'd',
        user: 'u@x',
        password: 'p&=%ß',
        max: '20',
        idleTimeoutMillis: '30000',
        schema: 'My-App',
    });
    assert.match(urlOf(host).href, /^postgresql:\/\/\?host=db\.example&.*password=p%26%3D%25%C3%9F&/);

    const plus = parametersOf({ connectionString: 'postgres://h/d?password=a+b%2Bc%3D&options=-c%20x%3Dy' });
    assert.deepEqual([plus.password, plus.options], ['a+b+c=', '-c x=y']);

    assert.equal(parametersOf({ connectionString: 'postgres://h/d?schema=app&pooler=transaction' }).schema, 'app');
    assert.equal(parametersOf({ connectionString: 'postgres://h/d?schema=app', schemaName: 'own' }).schema, 'own');

    const string = urlOf({ connectionString: 'postgres://u:p%40@h:1/d?sslmode=require&max=3', idleTimeoutMillis: 9 });
    assert.equal(string.href, 'postgres://u:p%40@h:1/d?sslmode=require&max=3&idleTimeoutMillis=9&schema=public');

    // What a pg.Pool holds: the password is not enumerable.
    const pool = {
        options: {
            host: 'h',
            user: 'u',
            database: 'd',
            max: 7,
            Promise,
            log() {},
            maxUses: Infinity,
            min: 0,
            allowExitOnIdle: false,
        },
    };
    Object.defineProperty(pool.options, 'password', { value: 'p', enumerable: false });
    const lent = {
        host: 'h',
        user: 'u',
        dbname: 'd',
        password: 'p',
        max: '7',
        min: '0',
        allowExitOnIdle: 'false',
        idleTimeoutMillis: '30000',
        schema: 'public',
    };
    assert.deepEqual(parametersOf({ pool }), lent);
    assert.deepEqual(parametersOf({ writePool: pool }), lent);
    assert.equal(urlOf({ pool: { options: { connectionString: 'postgres://h/d', max: 10 } } }).host, 'h');
    assert.equal(parametersOf({ pool: { options: {} } }).host, process.env.PGHOST ? undefined : 'localhost');
});

test('PostgresStore: options that become parameters', () => {
    assert.deepEqual(
        parametersOf({
            connectionString: 'postgresql://h/d?uselibpqcompat=true&sslmode=no-verify',
            max: 1,
            min: 1,
            connectionTimeoutMillis: 2,
            maxLifetimeSeconds: 3,
            allowExitOnIdle: true,
            application_name: 'app',
            options: '-c geqo=off',
            statement_timeout: 4,
            lock_timeout: 5,
            query_timeout: 6,
            keepAlive: true,
            keepAliveInitialDelayMillis: 1500,
        }),
        {
            sslmode: 'require',
            max: '1',
            min: '1',
            connectionTimeoutMillis: '2',
            maxLifetimeSeconds: '3',
            allowExitOnIdle: 'true',
            application_name: 'app',
            options: '-c geqo=off -c statement_timeout=4 -c lock_timeout=5',
            statementTimeoutMillis: '6',
            keepalives: '1',
            keepalives_idle: '2',
            idleTimeoutMillis: '30000',
            schema: 'public',
        },
    );
    assert.equal(parametersOf({ connectionString: 'postgres://h/d?ssl=0' }).sslmode, 'disable');
    const own = parametersOf({ connectionString: 'postgres://h/d?sslmode=no-verify&sslrootcert=x.pem' });
    assert.deepEqual([own.sslmode, own.sslrootcert], ['require', undefined]);
});

test('PostgresStore: TLS', () => {
    const tls = (ssl, connectionString = 'postgres://h.example/d') => {
        const { url, release } = options.postgres({ id: 'p', connectionString, ssl });
        const { sslmode, sslrootcert } = Object.fromEntries(new URL(url).searchParams);
        const certificates = sslrootcert && fs.readFileSync(sslrootcert, 'utf8');
        release?.();
        assert.ok(!sslrootcert || !fs.existsSync(sslrootcert));
        return { sslmode, certificates };
    };
    assert.deepEqual(tls(false), { sslmode: 'disable', certificates: undefined });
    assert.deepEqual(tls({ rejectUnauthorized: false }), { sslmode: 'require', certificates: undefined });
    assert.deepEqual(
        tls({ rejectUnauthorized: false }, 'postgres://h/d?sslmode=verify-full&sslrootcert=x.pem').sslmode,
        'require',
    );
    assert.deepEqual(tls({ ca: ['ONE', Buffer.from('TWO')], servername: 'h.example' }), {
        sslmode: 'verify-full',
        certificates: 'ONE\nTWO',
    });
    assert.equal(tls(true).sslmode, 'verify-full');
    // The driver verifies here as well.
    assert.deepEqual(tls(undefined, 'postgres://h/d?ssl=true'), tls(true));
    assert.equal(tls(undefined, 'postgres://h/d?ssl=true&sslmode=require').sslmode, 'require');
    assert.equal(tls(false, 'postgres://h/d?ssl=true').sslmode, 'disable');
    assert.match(tls(true).certificates, /BEGIN CERTIFICATE/);
});

for (const [name, config, complaint] of [
    ['no id', { connectionString: 'postgres://h/d' }, /PostgresStore: id must be provided/],
    ['no server', { id: 'p' }, /invalid config\. Provide either/],
    [
        'an empty connection string',
        { id: 'p', connectionString: ' ' },
        /connectionString must be provided and cannot be empty/,
    ],
    [
        'a connection string of another kind',
        { id: 'p', connectionString: 'mysql://h/d' },
        /connectionString must begin with postgresql/,
    ],
    [
        'an empty host',
        { id: 'p', host: '', database: 'd', user: 'u', password: 'p' },
        /host must be provided and cannot be empty/,
    ],
    ['no password', { id: 'p', host: 'h', database: 'd', user: 'u' }, /password must be provided/],
    [
        'a password that is asked for',
        { id: 'p', host: 'h', database: 'd', user: 'u', password: () => 'p' },
        /option password must be a text/,
    ],
    ['a wrong schema', { id: 'p', connectionString: 'postgres://h/d', schemaName: 'a"b' }, /Invalid schema name/],
    ['two pools', { id: 'p', pool: { options: {} }, writePool: { options: {} } }, /either pool or writePool, not both/],
    [
        'settings beside a pool',
        { id: 'p', pool: { options: {} }, max: 3 },
        /option max cannot be honoured beside a pool/,
    ],
    ['a pool that is none', { id: 'p', pool: 5 }, /option pool must be a pg\.Pool/],
    [
        'a pool with a client of its own',
        { id: 'p', pool: { options: { Client: class {} } } },
        /option Client cannot be honoured/,
    ],
    ['a pool for reading', { id: 'p', connectionString: 'postgres://h/d', readPool: {} }, /option readPool cannot/],
    [
        'no default indexes',
        { id: 'p', connectionString: 'postgres://h/d', skipDefaultIndexes: true },
        /option skipDefaultIndexes cannot/,
    ],
    ['a stream', { id: 'p', stream: () => {}, user: 'u' }, /option stream cannot be honoured/],
    [
        'a key',
        { id: 'p', connectionString: 'postgres://h/d', ssl: { key: 'secret' } },
        /option ssl\.key cannot be honoured/,
    ],
    [
        'a check of its own',
        { id: 'p', connectionString: 'postgres://h/d', ssl: { checkServerIdentity() {} } },
        /ssl\.checkServerIdentity/,
    ],
    [
        'a pool size that is none',
        { id: 'p', connectionString: 'postgres://h/d', max: -1 },
        /option max must be a whole number/,
    ],
    ['an unknown option', { id: 'p', connectionString: 'postgres://h/d', colour: 1 }, /option colour is not known/],
]) {
    test(`PostgresStore: refuses ${name}`, () => {
        const error = refusal(() => new PostgresStore(config));
        assert.deepEqual([error.id, error.category], ['MASTRA_STORAGE_PG_INITIALIZATION_FAILED', 'USER']);
        assert.match(error.message, complaint);
        assert.doesNotMatch(JSON.stringify(error), /secret/);
    });
}

// DSQLStore

const dsql = { id: 'd', host: 'abc123.dsql.us-east-1.on.aws' };

test('DSQLStore: every documented option is known', () => {
    planOf(options.dsql, {
        ...dsql,
        user: 'admin',
        database: 'postgres',
        region: 'us-east-1',
        schemaName: 'custom_schema',
        customCredentialsProvider: async () => ({}),
        max: 10,
        min: 0,
        idleTimeoutMillis: 600000,
        maxLifetimeSeconds: 3599,
        connectionTimeoutMillis: 5000,
        allowExitOnIdle: true,
    });
    planOf(options.dsql, { id: 'd', pool: { options: { host: dsql.host } } });
    planOf(options.dsql, { id: 'd', host: 'localhost', region: 'eu-west-1' });
});

for (const [name, config, complaint] of [
    ['no id before anything else', { maxLifetimeSeconds: 3600 }, /id must be provided and cannot be empty/],
    ['a blank id', { ...dsql, id: ' ' }, /id must be provided/],
    [
        'no host before its other options',
        { id: 'd', maxLifetimeSeconds: 3600 },
        /host must be provided and cannot be empty/,
    ],
    ['a host and a pool', { ...dsql, pool: {} }, /option pool cannot be given together with host/],
    ['a lifetime of an hour', { ...dsql, maxLifetimeSeconds: 3600 }, /60 minutes/],
    ['a host without a region', { id: 'd', host: 'cluster.dsql.on.aws' }, /region cannot be determined/],
    [
        'a host with something behind',
        { id: 'd', host: 'x.dsql.us-east-1.on.aws.example' },
        /region cannot be determined/,
    ],
    [
        'a schema that is no identifier',
        { ...dsql, schemaName: 'my-app' },
        /option schemaName must be a plain identifier/,
    ],
    ['a password', { ...dsql, password: 'secret' }, /option password is not known/],
    ['a pool that is none', { id: 'd', pool: {} }, /option pool must be a pg\.Pool/],
    [
        'a pool and how to connect',
        { id: 'd', pool: { options: { host: dsql.host } }, max: 3 },
        /option max cannot be honoured beside a pool/,
    ],
    ['a number as text', { ...dsql, max: '10' }, /option max must be a whole number from 1, got "10"/],
    ['no lifetime', { ...dsql, maxLifetimeSeconds: 0 }, /option maxLifetimeSeconds must be a whole number from 1/],
    ['a provider that is no function', { ...dsql, customCredentialsProvider: {} }, /must be a function/],
    ['an empty user', { ...dsql, user: '' }, /user must be provided/],
    ['leaving out the indexes', { ...dsql, skipDefaultIndexes: true }, /option skipDefaultIndexes cannot be honoured/],
]) {
    test(`DSQLStore: refuses ${name}`, () => {
        const error = refusal(() => new DSQLStore(config));
        assert.deepEqual([error.id, error.category], ['MASTRA_STORAGE_DSQL_STORE_INITIALIZATION_FAILED', 'USER']);
        assert.match(error.message, complaint);
    });
}

// DynamoDBStore

test('DynamoDBStore: every option of the adapter is known by its name', () => {
    const names = declared('@mastra/dynamodb/dist/storage/index.d.ts', 'type DynamoDBStoreConfig');
    assert.ok(names.includes('ttl') && names.includes('disableInit'), names.join());
    for (const name of names) {
        try {
            options.dynamodb({ id: 'd', tableName: 'abc', [name]: {} });
        } catch (error) {
            assert.doesNotMatch(error.message, /is not known/, name);
        }
    }
});

test('DynamoDBStore: what the URL says', () => {
    const config = {
        tableName: 'abc',
        endpoint: 'http://localhost:8000/a b+c',
        ttl: {
            message: { enabled: true, attributeName: 'expiresAt', defaultTtlSeconds: 60 },
            span: { enabled: true, defaultTtlSeconds: 61 },
            thread: { enabled: false, defaultTtlSeconds: 62 },
            // As the adapter: no number, no expiry.
            score: { enabled: true, defaultTtlSeconds: -1 },
            eval: { enabled: true },
        },
    };
    const url = new URL(planOf(options.dynamodb, { name: 'd', config }).url);
    assert.deepEqual([url.host, url.pathname], ['us-east-1', '/abc']);
    assert.doesNotMatch(url.search, /\+/);
    assert.deepEqual(Object.fromEntries(url.searchParams), {
        endpoint: 'http://localhost:8000/a b+c',
        'ttl.message': '60',
        'ttl.message.attribute': 'expiresAt',
        'ttl.span': '61',
    });
});

test('DynamoDBStore: credentials become a function', () => {
    const keys = { accessKeyId: 'a', secretAccessKey: 'b' };
    const provider = async () => keys;
    const plan = (credentials) => planOf(options.dynamodb, { id: 'd', tableName: 'abc', credentials });
    assert.equal(plan(keys).credentials(), keys);
    assert.equal(plan(provider).credentials, provider);
    assert.equal(plan(undefined).credentials, undefined);
    assert.doesNotMatch(plan(keys).url, /=b/);
});

test('DynamoDBStore: every documented option is known', () => {
    const config = {
        id: 'd',
        tableName: 'mastra-single-table',
        region: 'us-east-1',
        endpoint: 'http://localhost:8000',
        credentials: { accessKeyId: 'a', secretAccessKey: 'b' },
        disableInit: true,
        ttl: {
            message: { enabled: true, attributeName: 'expiresAt', defaultTtlSeconds: 60 },
            thread: { enabled: false },
        },
    };
    assert.equal(planOf(options.dynamodb, { name: 'x', config }).id, 'd');
    assert.equal(
        planOf(options.dynamodb, { name: 'dynamodb', config: { region: 'us-east-1', tableName: 'abc' } }).id,
        'dynamodb',
    );
    assert.equal(planOf(options.dynamodb, { id: 'd', tableName: 'abc' }).id, 'd');
});

for (const [name, config, complaint] of [
    ['no id', { config: { tableName: 'abc' } }, /id must be provided/],
    ['no table', { name: 'd', config: {} }, /config\.tableName must be provided and cannot be empty/],
    [
        'a wrong table',
        { name: 'd', config: { tableName: 'a b' } },
        /contains invalid characters or is not between 3 and 255/,
    ],
    ['a client', { name: 'd', config: { tableName: 'abc', client: {} } }, /option client cannot be honoured/],
    ['half of the credentials', { id: 'd', tableName: 'abc', credentials: { accessKeyId: 'a' } }, /option credentials must have/],
    ['an empty attribute', { id: 'd', tableName: 'abc', ttl: { thread: { enabled: true, attributeName: ' ' } } }, /attributeName cannot be empty/],
    ['a region that is no text', { id: 'd', tableName: 'abc', region: 5 }, /option region must be a string/],
    [
        'a time to live of something else',
        { name: 'd', config: { tableName: 'abc', ttl: { agent: {} } } },
        /option agent is not known/,
    ],
    ['an unknown option', { name: 'd', config: { tableName: 'abc', speed: 1 } }, /option speed is not known/],
]) {
    test(`DynamoDBStore: refuses ${name}`, () => {
        const error = refusal(() => new DynamoDBStore(config));
        assert.deepEqual([error.id, error.category], ['MASTRA_STORAGE_DYNAMODB_CONSTRUCTOR_FAILED', 'USER']);
        assert.match(error.message, complaint);
    });
}

// A build has SQLite at least; a class whose backend it has not says so, once its options are right.
for (const [Class, backend, config] of [
    [PostgresStore, 'postgres', { id: 'p', connectionString: 'postgres://user:secret@h/d' }],
    [DSQLStore, 'dsql', dsql],
    [DynamoDBStore, 'dynamodb', { name: 'd', config: { tableName: 'abc' } }],
]) {
    test(`${Class.name}: without its backend`, async () => {
        const { backends } = (await import('../../bindings/node/lib/native.js')).default;
        if (backends.includes(backend)) {
            await new Class(config).close();
            return;
        }
        const error = refusal(() => new Class(config));
        assert.match(error.message, /is not built in this version/);
        assert.doesNotMatch(JSON.stringify(error), /secret/);
    });
}
