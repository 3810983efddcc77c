'use strict';
// DSQLStore and DynamoDBStore: their options are checked; their backends are not in this version.

const {
    COMMON,
    OURS,
    given,
    isBlank,
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
const TTL_ENTITIES = ['thread', 'message', 'trace', 'eval', 'workflow_snapshot', 'resource', 'score'];
const DYNAMODB_REFUSED = {
    client: 'cannot be honoured: the library talks to DynamoDB itself; give region, endpoint and credentials',
};

function checkTtl(Class, ttl = {}) {
    for (const [entity, settings] of Object.entries(given(Class, ttl, TTL_ENTITIES))) {
        const options = given(Class, settings, ['enabled', 'attributeName', 'defaultTtlSeconds']);
        requireFlag(Class, options, 'enabled');
        requireNumber(Class, options, 'defaultTtlSeconds', 1);
        if (options.attributeName !== undefined && isBlank(options.attributeName)) {
            refuse(Class, `ttl.${entity}.attributeName`, 'cannot be empty');
        }
    }
}

function dynamodb(config) {
    const Class = 'DynamoDBStore';
    const options = given(Class, unfolded(config), [...COMMON, ...OURS, ...DYNAMODB], DYNAMODB_REFUSED);

    requireText(Class, options, 'id');
    if (isBlank(options.tableName)) {
        throw new Error(`${Class}: config.tableName must be provided and cannot be empty.`);
    }
    if (!/^[a-zA-Z0-9_.-]{3,255}$/.test(options.tableName)) {
        throw new Error(
            `${Class}: config.tableName "${options.tableName}" contains invalid characters or is not between 3 and 255 characters long.`,
        );
    }
    requireFlag(Class, options, 'disableInit');
    checkTtl(Class, options.ttl);
    return { id: options.id, name: Class, store: 'DYNAMODB', backend: 'dynamodb', errorId: dynamodb.errorId };
}
dynamodb.errorId = 'MASTRA_STORAGE_DYNAMODB_CONSTRUCTOR_FAILED';

module.exports = { dsql, dynamodb };
