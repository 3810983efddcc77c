'use strict';
// LibSQLStore and InMemoryStore: SQLite, in a file or in memory.

const {
    COMMON,
    OURS,
    given,
    nativeOptions,
    refuse,
    requireFlag,
    requireNumber,
    requireText,
    unfolded,
} = require('./common.js');

const CLASS = 'LibSQLStore';
const DAY_MS = 24 * 3600 * 1000;
const SQLITE = ['synchronous', 'readers'];
const REFUSED = {
    authToken: 'cannot be honoured: it is for remote databases, and this store opens files',
    syncUrl: 'cannot be honoured: there are no embedded replicas',
    syncInterval: 'cannot be honoured: there are no embedded replicas',
    client: 'cannot be honoured: this store opens the file by itself; give its url',
    localPragmas: 'cannot be honoured: the cache is of a fixed size and files are not mapped',
};

/**
 * How long a write waits for another process. The adapter waits `connectionTimeoutMs` in each of `maxRetries` attempts and
 * pauses between them for `initialBackoffMs`, doubled each time; here it is one wait of the same length.
 */
function busyTimeout({ connectionTimeoutMs = 5000, maxRetries, initialBackoffMs }) {
    let wait = connectionTimeoutMs;
    if (maxRetries !== undefined || initialBackoffMs !== undefined) {
        // No retries still mean one attempt.
        const attempts = Math.max(maxRetries ?? 5, 1);
        wait = attempts * connectionTimeoutMs + (initialBackoffMs ?? 100) * (2 ** (attempts - 1) - 1);
    }
    return Math.min(Math.max(wait, 1), DAY_MS);
}

function checkUrl({ url }) {
    requireText(CLASS, { url }, 'url', ' Such as file:agent.db or :memory:.');
    if (/^(libsql|https?|wss?):/i.test(url)) {
        refuse(
            CLASS,
            'url',
            `must name a file or :memory:; remote databases (${url.split(':')[0]}:) are not supported`,
        );
    }
}

function libsql(config) {
    const names = [...COMMON, ...OURS, ...SQLITE, 'url', 'connectionTimeoutMs', 'maxRetries', 'initialBackoffMs'];
    const options = given(CLASS, unfolded(config), names, REFUSED);

    requireText(CLASS, options, 'id');
    checkUrl(options);
    requireFlag(CLASS, options, 'disableInit');
    requireNumber(CLASS, options, 'connectionTimeoutMs', 0, DAY_MS);
    requireNumber(CLASS, options, 'maxRetries', 0, 1000);
    requireNumber(CLASS, options, 'initialBackoffMs', 0, DAY_MS);
    return {
        ...nativeOptions(options, [...COMMON, ...OURS, ...SQLITE]),
        name: CLASS,
        store: 'LIBSQL',
        backend: 'sqlite',
        errorId: libsql.errorId,
        url: options.url,
        busyTimeoutMs: busyTimeout(options),
    };
}
libsql.errorId = 'MASTRA_STORAGE_LIBSQL_INITIALIZATION_FAILED';

function memory(config) {
    const Class = 'InMemoryStore';
    const options = given(Class, unfolded(config), [...COMMON, ...OURS]);

    options.id ??= 'in-memory';
    requireText(Class, options, 'id');
    requireFlag(Class, options, 'disableInit');
    return {
        ...options,
        name: 'InMemoryStorage',
        store: 'LIBSQL',
        backend: 'sqlite',
        errorId: libsql.errorId,
        url: ':memory:',
    };
}
memory.errorId = libsql.errorId;

module.exports = { libsql, memory };
