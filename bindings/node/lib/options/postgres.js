'use strict';
// PostgresStore: a URL for the library out of what node-postgres and its adapter take.

const common = require('./common.js');
const { tlsParameters } = require('./tls.js');

const { COMMON, OURS, given, nativeOptions, requireFlag, requireNumber, requireText, unfolded } = common;
const CLASS = 'PostgresStore';
const refuse = (option, why) => common.refuse(CLASS, option, why);

const EMPTY_HINT = ' Passing an empty string may cause fallback to local Postgres defaults.';

// Options that become one parameter of the URL each.
const PARAMETERS = {
    host: 'host',
    port: 'port',
    database: 'dbname',
    user: 'user',
    password: 'password',
    application_name: 'application_name',
    fallback_application_name: 'fallback_application_name',
    client_encoding: 'client_encoding',
    options: 'options',
    max: 'max',
    min: 'min',
    idleTimeoutMillis: 'idleTimeoutMillis',
    maxLifetimeSeconds: 'maxLifetimeSeconds',
    connectionTimeoutMillis: 'connectionTimeoutMillis',
    allowExitOnIdle: 'allowExitOnIdle',
    query_timeout: 'statementTimeoutMillis',
};
const NUMBERS = [
    'port',
    'max',
    'min',
    'idleTimeoutMillis',
    'maxLifetimeSeconds',
    'connectionTimeoutMillis',
    'query_timeout',
];
// Settings of the server's session, which libpq sends in its own parameter `options`.
const SESSION = ['statement_timeout', 'lock_timeout', 'idle_in_transaction_session_timeout'];
const CONNECTION = [
    ...Object.keys(PARAMETERS),
    ...SESSION,
    'connectionString',
    'ssl',
    'keepAlive',
    'keepAliveInitialDelayMillis',
];

const CALLBACK = 'cannot be honoured: the library talks to the server itself, not through node-postgres';
const REFUSED_CONNECTION = {
    stream: CALLBACK,
    Client: CALLBACK,
    types: CALLBACK,
    binary: CALLBACK,
    parseInputDatesAsUTC: CALLBACK,
    replication: CALLBACK,
    verify: CALLBACK,
    onConnect: CALLBACK,
    enableChannelBinding: 'cannot be honoured; say channel_binding in the connection string',
    sslnegotiation: 'cannot be honoured; say it in the connection string',
};
const REFUSED = {
    ...REFUSED_CONNECTION,
    readPool: 'cannot be honoured: reads and writes use one pool',
    skipDefaultIndexes: 'cannot be honoured: the default indexes are part of the schema',
    pgPoolOptions: 'is not known; its members stand beside the others',
};
// Members of a pool's options that every pool has, or that only matter to node-postgres.
const POOL_ONLY = ['Promise', 'log', 'maxUses'];

/** The connection settings of a pg.Pool. The pool itself stays the caller's, and unused. */
function poolSettings(pool, name) {
    if (pool === null || typeof pool !== 'object' || pool.options === null || typeof pool.options !== 'object') {
        refuse(name, 'must be a pg.Pool');
    }
    // The password is there, but not enumerable.
    const settings = { ...pool.options, password: pool.options.password };
    for (const only of POOL_ONLY) {
        delete settings[only];
    }
    const options = given(CLASS, settings, CONNECTION, REFUSED_CONNECTION);
    if (!options.connectionString && !options.host && !process.env.PGHOST) {
        options.host = 'localhost';
    }
    return options;
}

/** The settings of the one way to connect that is configured. */
function connectionOf(options) {
    const { pool, writePool, ...rest } = options;
    if (pool !== undefined && writePool !== undefined) {
        throw new Error(`${CLASS}: provide either pool or writePool, not both.`);
    }
    if (pool !== undefined || writePool !== undefined) {
        const twice = CONNECTION.find((name) => rest[name] !== undefined);
        if (twice) {
            refuse(twice, 'cannot be honoured beside a pool, which lends its settings');
        }
        return pool !== undefined ? poolSettings(pool, 'pool') : poolSettings(writePool, 'writePool');
    }
    if (rest.connectionString !== undefined) {
        requireText(CLASS, rest, 'connectionString', EMPTY_HINT);
        return rest;
    }
    if (
        rest.host === undefined &&
        rest.database === undefined &&
        rest.user === undefined &&
        rest.password === undefined
    ) {
        throw new Error(
            `${CLASS}: invalid config. Provide either {pool}, {connectionString} or {host,port,database,user,password}.`,
        );
    }
    for (const name of ['host', 'database', 'user', 'password']) {
        if (typeof rest[name] === 'function') {
            refuse(name, 'must be a text');
        }
        requireText(CLASS, rest, name, EMPTY_HINT);
    }
    return rest;
}

function decoded(text) {
    try {
        return decodeURIComponent(text);
    } catch {
        return refuse('connectionString', 'has a % that is not followed by two hexadecimal digits');
    }
}

/** A connection string apart: what stands before its parameters, and those that libpq knows. */
function taken(connectionString) {
    if (!/^postgres(ql)?:\/\//.test(connectionString)) {
        refuse('connectionString', 'must begin with postgresql:// or postgres://');
    }
    const at = connectionString.indexOf('?');
    const start = at < 0 ? connectionString : connectionString.slice(0, at);
    const parameters = {};
    // Not as in a form: a plus sign is one.
    for (const pair of (at < 0 ? '' : connectionString.slice(at + 1)).split('&').filter(Boolean)) {
        const [name, ...value] = pair.split('=');
        parameters[decoded(name)] = decoded(value.join('='));
    }
    // Words of node-postgres alone.
    delete parameters.uselibpqcompat;
    if (parameters.sslmode === 'no-verify') {
        parameters.sslmode = 'require';
        // With one libpq would verify.
        delete parameters.sslrootcert;
    }
    let ssl;
    if (parameters.ssl !== undefined) {
        const isOn = ['1', 'true'].includes(parameters.ssl);
        delete parameters.ssl;
        if (parameters.sslrootcert) {
            parameters.sslmode ??= isOn ? 'verify-full' : 'disable';
        } else if (!parameters.sslmode) {
            ssl = isOn;
        }
    }
    return { start, parameters, ssl };
}

function hostOf({ start }, options) {
    const [, host] = /^[^:]+:\/\/(?:[^@/]*@)?(\[[^\]]*\]|[^:/,]*)/.exec(start) ?? [];
    return options.host ?? (host || undefined);
}

function sessionSettings(options) {
    const settings = SESSION.filter((name) => options[name]).map((name) => {
        requireNumber(CLASS, options, name, 0);
        return `-c ${name}=${options[name]}`;
    });
    return [...(options.options ? [options.options] : []), ...settings].join(' ');
}

/** All parameters, those of the connection string first. */
function parametersOf(options, base) {
    const parameters = { ...base.parameters };
    for (const name of NUMBERS) {
        requireNumber(CLASS, { ...options, port: Number(options.port ?? 1) }, name, 0);
    }
    for (const [name, parameter] of Object.entries(PARAMETERS)) {
        if (options[name] !== undefined && options[name] !== null) {
            parameters[parameter] = String(options[name]);
        }
    }
    const session = sessionSettings(options);
    if (session) {
        parameters.options = session;
    }
    if (options.keepAlive !== undefined) {
        parameters.keepalives = options.keepAlive ? '1' : '0';
    }
    if (options.keepAliveInitialDelayMillis) {
        parameters.keepalives_idle = String(Math.ceil(options.keepAliveInitialDelayMillis / 1000));
    }
    // The adapter's defaults.
    parameters.max ??= '20';
    parameters.idleTimeoutMillis ??= '30000';
    return parameters;
}

function checkSchema(name) {
    if (typeof name !== 'string' || name === '' || /["'\\$\x00-\x1f\x7f]/.test(name) || Buffer.byteLength(name) > 63) {
        throw new Error(
            `Invalid schema name: ${name}. Must be 1-63 bytes long and must not contain quotes, backslashes, "$", or control characters.`,
        );
    }
    return name;
}

function postgres(config) {
    const names = [...COMMON, ...OURS, ...CONNECTION, 'schemaName', 'indexes', 'pool', 'writePool'];
    const options = given(CLASS, unfolded(config), names, REFUSED);

    requireText(CLASS, options, 'id');
    requireFlag(CLASS, options, 'disableInit');
    const connection = connectionOf(options);
    const base = connection.connectionString
        ? taken(connection.connectionString)
        : { start: 'postgresql://', parameters: {} };
    const schema = checkSchema(options.schemaName || base.parameters.schema || 'public');
    const parameters = { ...parametersOf(connection, base), schema };
    let release;
    const ssl = connection.ssl ?? base.ssl;
    if (ssl !== undefined) {
        const security = tlsParameters(ssl, hostOf(base, connection), refuse);
        delete parameters.sslrootcert;
        Object.assign(parameters, security.parameters);
        ({ release } = security);
    }
    const query = Object.entries(parameters).map(
        ([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`,
    );
    return {
        ...nativeOptions(options, [...COMMON, ...OURS, 'indexes']),
        name: CLASS,
        store: 'PG',
        backend: 'postgres',
        errorId: postgres.errorId,
        url: `${base.start}?${query.join('&')}`,
        release,
    };
}
postgres.errorId = 'MASTRA_STORAGE_PG_INITIALIZATION_FAILED';

module.exports = { postgres };
