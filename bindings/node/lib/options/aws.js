'use strict';
// DSQLStore and DynamoDBStore. Of the first the options are checked; its backend is not in this version.

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
    unfolded,
} = require('./common.js');

const DSQL = [
    'host',
    'pool',
    'user',
    'database',
    'region',
    'schemaName',
    'customCredentialsProvider',
    'max',
    'min',
    'idleTimeoutMillis',
    'maxLifetimeSeconds',
    'connectionTimeoutMillis',
    'allowExitOnIdle',
    'skipDefaultIndexes',
    'indexes',
];

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

function checkRegion(Class, { host, pool, region }) {
    if (pool === undefined && region === undefined && !regionOf(host)) {
        throw new Error(`${Class}: the region cannot be determined from the host "${host}"; give it as region.`);
    }
}

function dsql(config) {
    const Class = 'DSQLStore';
    const options = given(Class, unfolded(config), [...COMMON, ...OURS, ...DSQL]);

    requireText(Class, options, 'id');
    checkDsqlHost(Class, options);
    if (options.maxLifetimeSeconds !== undefined && !(options.maxLifetimeSeconds < 3600)) {
        throw new Error(
            `${Class}: maxLifetimeSeconds must be less than 3600, as Aurora DSQL ends connections after 60 minutes; got ${options.maxLifetimeSeconds}.`,
        );
    }
    checkRegion(Class, options);
    for (const name of ['max', 'min', 'idleTimeoutMillis', 'maxLifetimeSeconds', 'connectionTimeoutMillis']) {
        requireNumber(Class, options, name, 0);
    }
    for (const name of ['disableInit', 'allowExitOnIdle', 'skipDefaultIndexes']) {
        requireFlag(Class, options, name);
    }
    if (options.schemaName !== undefined && !/^[A-Za-z_][A-Za-z0-9_]{0,62}$/.test(options.schemaName)) {
        refuse(Class, 'schemaName', `must be a plain identifier of at most 63 letters, got ${options.schemaName}`);
    }
    if (options.customCredentialsProvider !== undefined && typeof options.customCredentialsProvider !== 'function') {
        refuse(Class, 'customCredentialsProvider', 'must be a function');
    }
    return { id: options.id, name: Class, store: 'DSQL', backend: 'dsql', errorId: dsql.errorId };
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
