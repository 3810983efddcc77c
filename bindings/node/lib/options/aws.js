'use strict';
// DSQLStore and DynamoDBStore: a URL for the library out of their options.

const {
    COMMON,
    OURS,
    given,
    isBlank,
    nativeOptions,
    refuse,
    requireFlag,
    requireNumber,
    requireText,
    shown,
    unfolded,
} = require('./common.js');

// Options that become one parameter of the URL each.
const DSQL_PARAMETERS = [
    'user',
    'database',
    'region',
    'max',
    'min',
    'idleTimeoutMillis',
    'maxLifetimeSeconds',
    'connectionTimeoutMillis',
    'allowExitOnIdle',
];
const DSQL_CONNECTION = ['host', 'customCredentialsProvider', ...DSQL_PARAMETERS];
const DSQL = [...DSQL_CONNECTION, 'pool', 'schemaName', 'indexes'];
const DSQL_REFUSED = {
    skipDefaultIndexes: 'cannot be honoured: the default indexes are part of the schema',
};
// What a pool of the AWS connector has besides; the pool itself stays the caller's, and unused.
const DSQL_POOL = [...DSQL_CONNECTION, 'port', 'application_name', 'profile', 'tokenDurationSecs'];
const DSQL_POOL_ONLY = ['Client', 'Promise', 'log', 'maxUses', 'ssl', 'password', 'types', 'connectionString', 'sslmode'];

/** The connection settings of a pg.Pool with the AWS connector's client. */
function dsqlPoolSettings(Class, pool) {
    if (pool === null || typeof pool !== 'object' || pool.options === null || typeof pool.options !== 'object') {
        refuse(Class, 'pool', 'must be a pg.Pool');
    }
    const settings = { ...pool.options };
    for (const only of DSQL_POOL_ONLY) {
        delete settings[only];
    }
    const options = given(Class, settings, DSQL_POOL);
    requireText(Class, options, 'host');
    // node-postgres writes 0 for a life without end, which there is none of here.
    if (options.maxLifetimeSeconds === 0) {
        delete options.maxLifetimeSeconds;
    }
    return options;
}

/** The settings of the one way to connect that is configured. */
function dsqlConnection(Class, options) {
    if (options.pool === undefined) {
        return options;
    }
    const twice = DSQL_CONNECTION.find((name) => options[name] !== undefined);
    if (twice) {
        refuse(Class, twice, 'cannot be honoured beside a pool, which lends its settings');
    }
    return dsqlPoolSettings(Class, options.pool);
}

function dsqlUrl(connection, schema) {
    const query = [...DSQL_PARAMETERS, 'port', 'application_name', 'profile', 'tokenDurationSecs']
        .filter((name) => connection[name] !== undefined && connection[name] !== null)
        .map((name) => [name, connection[name] === true ? 1 : connection[name] === false ? 0 : connection[name]]);
    return `dsql://${connection.host.trim()}?${new URLSearchParams([...query, ['schema', schema]])
        .toString()
        .replaceAll('+', '%20')}`;
}

/** The region that an endpoint names, as in abc123.dsql.us-east-1.on.aws. */
function regionOf(host) {
    return /\.dsql\.([a-z0-9-]+)\.on\.aws$/.exec(host)?.[1];
}

function checkDsqlHost(Class, options) {
    if (options.host !== undefined && options.pool !== undefined) {
        refuse(Class, 'pool', 'cannot be given together with host');
    }
    if (options.pool !== undefined) {
        return;
    }
    requireText(Class, options, 'host');
}

function checkRegion(Class, { host, region }) {
    if (region === undefined && !regionOf(host)) {
        throw new Error(`${Class}: the region cannot be determined from the host "${host}"; give it as region.`);
    }
}

function dsql(config) {
    const Class = 'DSQLStore';
    const options = given(Class, unfolded(config), [...COMMON, ...OURS, ...DSQL], DSQL_REFUSED);

    requireText(Class, options, 'id');
    checkDsqlHost(Class, options);
    const connection = dsqlConnection(Class, options);
    if (connection.maxLifetimeSeconds !== undefined && !(connection.maxLifetimeSeconds < 3600)) {
        throw new Error(
            `${Class}: maxLifetimeSeconds must be less than 3600, as Aurora DSQL ends connections after 60 minutes; got ${shown(connection.maxLifetimeSeconds)}.`,
        );
    }
    checkRegion(Class, connection);
    for (const name of ['max', 'min', 'idleTimeoutMillis', 'maxLifetimeSeconds', 'connectionTimeoutMillis']) {
        requireNumber(Class, connection, name, name === 'max' || name === 'maxLifetimeSeconds' ? 1 : 0);
    }
    requireFlag(Class, options, 'disableInit');
    requireFlag(Class, connection, 'allowExitOnIdle');
    for (const name of ['user', 'database', 'region']) {
        if (connection[name] !== undefined) {
            requireText(Class, connection, name);
        }
    }
    if (options.schemaName !== undefined && !/^[A-Za-z_][A-Za-z0-9_]{0,62}$/.test(options.schemaName)) {
        refuse(Class, 'schemaName', `must be a plain identifier of at most 63 letters, got ${shown(options.schemaName)}`);
    }
    const provider = connection.customCredentialsProvider;
    if (provider !== undefined && typeof provider !== 'function') {
        refuse(Class, 'customCredentialsProvider', 'must be a function');
    }
    return {
        ...nativeOptions(options, [...COMMON, ...OURS, 'indexes']),
        name: Class,
        store: 'DSQL',
        backend: 'dsql',
        errorId: dsql.errorId,
        url: dsqlUrl(connection, options.schemaName ?? 'public'),
        ...(provider && { credentials: provider }),
    };
}
dsql.errorId = 'MASTRA_STORAGE_DSQL_STORE_INITIALIZATION_FAILED';

const DYNAMODB = ['tableName', 'region', 'endpoint', 'credentials', 'ttl'];
const TTL_ENTITIES = ['thread', 'message', 'trace', 'eval', 'workflow_snapshot', 'resource', 'score', 'span'];
const DYNAMODB_REFUSED = {
    client: 'cannot be honoured: the library talks to DynamoDB itself; give region, endpoint and credentials',
};

/** ttl.thread and ttl.thread.attribute of the URL, where items of that entity are to expire. */
function ttlParameters(Class, ttl = {}) {
    const parameters = {};
    for (const [entity, settings] of Object.entries(given(Class, ttl, TTL_ENTITIES))) {
        const options = given(Class, settings, ['enabled', 'attributeName', 'defaultTtlSeconds']);
        requireFlag(Class, options, 'enabled');
        requireNumber(Class, options, 'defaultTtlSeconds', Number.MIN_SAFE_INTEGER);
        if (options.attributeName !== undefined && isBlank(options.attributeName)) {
            refuse(Class, `ttl.${entity}.attributeName`, 'cannot be empty');
        }
        // As the adapter: not in the past, and not without a number.
        if (options.enabled && options.defaultTtlSeconds > 0) {
            parameters[`ttl.${entity}`] = options.defaultTtlSeconds;
            if (options.attributeName !== undefined) {
                parameters[`ttl.${entity}.attribute`] = options.attributeName;
            }
        }
    }
    return parameters;
}

/** Keys, or a function that knows them, as a function. */
function providerOf(Class, name, credentials) {
    if (credentials === undefined || typeof credentials === 'function') {
        return credentials;
    }
    if (
        credentials === null ||
        typeof credentials !== 'object' ||
        isBlank(credentials.accessKeyId) ||
        isBlank(credentials.secretAccessKey)
    ) {
        refuse(Class, name, 'must have accessKeyId and secretAccessKey, or be a function that gives them');
    }
    return () => credentials;
}

function checkTable(Class, tableName) {
    if (isBlank(tableName)) {
        throw new Error(`${Class}: config.tableName must be provided and cannot be empty.`);
    }
    if (!/^[a-zA-Z0-9_.-]{3,255}$/.test(tableName)) {
        throw new Error(
            `${Class}: config.tableName "${tableName}" contains invalid characters or is not between 3 and 255 characters long.`,
        );
    }
}

function dynamodb(config) {
    const Class = 'DynamoDBStore';
    const options = given(Class, unfolded(config), [...COMMON, ...OURS, ...DYNAMODB], DYNAMODB_REFUSED);

    requireText(Class, options, 'id');
    checkTable(Class, options.tableName);
    requireFlag(Class, options, 'disableInit');
    for (const name of ['region', 'endpoint']) {
        if (options[name] !== undefined && typeof options[name] !== 'string') {
            refuse(Class, name, 'must be a string');
        }
    }
    const parameters = new URLSearchParams(ttlParameters(Class, options.ttl));
    if (options.endpoint) {
        parameters.set('endpoint', options.endpoint);
    }
    return {
        ...nativeOptions(options, [...COMMON, ...OURS]),
        name: Class,
        store: 'DYNAMODB',
        backend: 'dynamodb',
        errorId: dynamodb.errorId,
        // The adapter's default; AWS_REGION does not count for it.
        url: `dynamodb://${encodeURIComponent(options.region || 'us-east-1')}/${options.tableName}?${parameters}`.replaceAll('+', '%20'),
        credentials: providerOf(Class, 'credentials', options.credentials),
    };
}
dynamodb.errorId = 'MASTRA_STORAGE_DYNAMODB_CONSTRUCTOR_FAILED';

module.exports = { dsql, dynamodb };
