'use strict';
// The four domains of core's storage over one open store.

const { setTimeout } = require('node:timers/promises');

const { stringify } = require('./json.js');
const tables = require('./methods.js');
const { clone, each, message, stamped } = require('./records.js');
const { messageForms } = require('./messages.js');

const PRUNED = {
    memory: {
        messages: { table: 'mastra_messages', column: 'createdAt', indexed: true },
        resources: { table: 'mastra_resources', column: 'createdAt', indexed: false },
        threads: { table: 'mastra_threads', column: 'updatedAt', indexed: false },
    },
    workflows: { workflowSnapshot: { table: 'mastra_workflow_snapshot', column: 'updatedAt', indexed: false } },
    scores: { scorers: { table: 'mastra_scorers', column: 'createdAt', indexed: false } },
    observability: { spans: { table: 'mastra_ai_spans', column: 'startedAt', indexed: true } },
};

/** The largest batch that the library takes. */
const MOST_PRUNED = 100000;

/** Which client a domain, or a store, works with. */
const clients = new WeakMap();

/** Codes of errors that tell of the call rather than of the database. */
const ANSWERS = new Set([
    'usage',
    'invalid_argument',
    'not_found',
    'conflict',
    'limit_exceeded',
    'fenced',
    'not_supported',
    'closed',
]);

/** Calls an operation; failures of the database are logged as well. */
async function call(domain, operation, args, way = 'call') {
    try {
        return await clients.get(domain)[way](operation, args);
    } catch (error) {
        if (error.category !== 'USER' && !ANSWERS.has(error.cause?.code)) {
            domain.logger?.trackException?.(error);
            domain.logger?.error?.(error.toString());
        }
        throw error;
    }
}

/** For results that nobody reads. */
const run = (domain, operation, args) => call(domain, operation, args, 'run');

/** Adds methods to a prototype, as a class would. */
function addMethods(prototype, methods) {
    for (const [name, value] of Object.entries(methods)) {
        Object.defineProperty(prototype, name, { value, configurable: true, writable: true });
    }
}

const first = (argument) => argument;

/** Methods that call the operation of their name, as methods.js describes them. */
function operations(table) {
    return Object.fromEntries(
        Object.entries(table).map(([operation, { args = first, way, result }]) => {
            const method = result
                ? async function (...given) {
                      return result(await call(this, operation, args(...given), way));
                  }
                : async function (...given) {
                      await run(this, operation, args(...given));
                  };
            Object.defineProperty(method, 'name', { value: operation });
            return [operation, method];
        }),
    );
}

/** What was given, and what the store has filled in. */
function completed(stored, given) {
    const record = stamped(stored);
    for (const [key, value] of Object.entries(given)) {
        if (!(key in record) || (value !== undefined && value !== null)) {
            record[key] = value;
        }
    }
    return record;
}

/** Core's own methods over these, which take their argument apart before anybody looks at it. */
function guarded(base, names) {
    return Object.fromEntries(
        names.map((name) => [
            name,
            async function (args) {
                if (args === null || typeof args !== 'object') {
                    throw clients.get(this).refusal(name, 'args', `must be an object, got ${args}`);
                }
                return base.prototype[name].call(this, args);
            },
        ]),
    );
}

function memoryMethods(core, methods) {
    const forms = messageForms(core.MessageList);

    async function list(domain, operation, args) {
        // Wrong filters are TypeErrors in every store.
        core.validateStorageMetadataFilter(args?.filter?.metadata);
        checkFilter(domain, operation, 'filter.metadata', args?.filter?.metadata);
        const page = await call(domain, operation, args);
        page.messages = shown(domain, operation, () => forms.rows(each(message)(page.messages)));
        return page;
    }

    /** Content that the message list cannot read is an error of the operation. */
    function shown(domain, operation, form) {
        try {
            return form();
        } catch (error) {
            throw clients.get(domain).failure(operation, error);
        }
    }

    return {
        ...guarded(core.MemoryStorage, ['patchThread', 'updateThreadMetadata']),

        async saveThread(args) {
            return completed(await call(this, 'saveThread', args), args.thread);
        },

        async listThreads(args) {
            checkFilter(this, 'listThreads', 'filter.metadata', args?.filter?.metadata);
            const page = await call(this, 'listThreads', args);
            page.threads.forEach(stamped);
            return page;
        },

        async listThreadsByResourceId(args) {
            checkFilter(this, 'listThreadsByResourceId', 'metadata', args?.metadata);
            return methods.listThreadsByResourceId.call(this, args);
        },

        async saveMessages(args) {
            const messages = args?.messages;
            if (messages?.length === 0) {
                return { messages };
            }
            if (!Array.isArray(messages) || ![...messages].every(isMessage)) {
                // The library says what is missing.
                return call(this, 'saveMessages', args);
            }
            // Made first: what the list cannot read is refused before anything is stored.
            const now = new Date();
            const given = messages.map((one) => (one.createdAt ? one : { ...one, createdAt: now }));
            const answer = { messages: shown(this, 'saveMessages', () => forms.given(given)) };
            await run(this, 'saveMessages', { ...args, messages: given });
            return answer;
        },

        listMessages(args) {
            return list(this, 'listMessages', args);
        },

        listMessagesByResourceId(args) {
            return list(this, 'listMessagesByResourceId', args);
        },

        listMessagesById(args) {
            return list(this, 'listMessagesById', args);
        },

        async deleteMessages(messageIds) {
            if (messageIds && messageIds.length !== 0) {
                await run(this, 'deleteMessages', Array.isArray(messageIds) ? { messageIds } : messageIds);
            }
        },

        async cloneThread(args) {
            const answer = clone(await call(this, 'cloneThread', args));
            each(message)(answer.clonedMessages);
            answer.clonedMessages = shown(this, 'cloneThread', () => forms.rows(answer.clonedMessages));
            return answer;
        },

        async saveResource(args) {
            return completed(await call(this, 'saveResource', args), args.resource);
        },
    };
}

function isMessage(value) {
    return Boolean(value && value.id && value.threadId && value.role && (value.content || value.content === ''));
}

/** How an error shows a value that JSON cannot say. */
function shown(value) {
    if (value === undefined || typeof value === 'number') {
        return value;
    }
    if (value instanceof Map || value instanceof Set) {
        return `a ${value.constructor.name}`;
    }
    return value instanceof Date ? 'an invalid date' : `a ${typeof value}`.replace(/^a (?=o)/, 'an ');
}

/** What JSON makes of a filter; undefined where it says nothing. */
function asSaid(filter) {
    try {
        const text = stringify(filter);
        return text === undefined ? undefined : JSON.parse(text);
    } catch {
        return filter; // the call finds it, and gives the error an id
    }
}

/** JSON would leave out some values, and the list would show more than was asked for. `path` leads to the filter. */
function checkFilter(domain, operation, path, filter) {
    const refuse = (field, value) => {
        const problem = `must be a JSON value, got ${shown(value)}`;
        throw clients.get(domain).refusal(operation, field, problem, 'INVALID_METADATA_VALUE');
    };
    if (filter === undefined || filter === null) {
        return;
    }
    // It would say nothing, whatever it holds.
    if (filter instanceof Map || filter instanceof Set) {
        refuse(path, filter);
    }
    const said = asSaid(filter) ?? refuse(path, filter);
    const member = path.replace(/^(?:.*\.)?(.)/, (_, letter) => letter.toUpperCase());
    for (const [key, value] of Object.entries(filter)) {
        if (value !== null && (said[key] ?? null) === null) {
            refuse(Array.isArray(filter) ? `${path}[${key}]` : `${member} filter value for key "${key}"`, value);
        }
    }
}

const pause = (ms, signal) => setTimeout(ms, undefined, { signal }).catch(() => {});

/** Deletes old rows of one table within the caller's limits; tells how many, and whether none are left. */
async function pruneTable(domain, table, before, batchSize, { maxBatches, maxRows, pauseMs, signal }) {
    const bounded = maxBatches !== undefined || maxRows !== undefined || pauseMs !== undefined || signal !== undefined;
    let deleted = 0;

    for (let batches = 0; !signal?.aborted && batches !== maxBatches && !(deleted >= maxRows); batches++) {
        if (batches > 0 && pauseMs) {
            await pause(pauseMs, signal);
        }
        const answer = await call(domain, 'prune', {
            olderThan: { [table]: before },
            batchSize: Math.min(batchSize, MOST_PRUNED, maxRows === undefined ? batchSize : maxRows - deleted),
            maxBatches: bounded ? 1 : 0,
        });
        deleted += answer.deleted[table];
        if (answer.done !== false) {
            return { deleted, done: true };
        }
    }
    return { deleted, done: false };
}

/** What every domain has. */
function commonMethods(core, name) {
    const descriptor = PRUNED[name];

    return {
        async prune(policies, options = {}) {
            const results = [];
            if (policies === null || typeof policies !== 'object') {
                throw clients.get(this).refusal('prune', 'policies', `must be an object, got ${policies}`);
            }
            for (const [key, { table }] of Object.entries(descriptor)) {
                const policy = policies[key];
                if (!policy) {
                    continue;
                }
                const { batchSize = 1000 } = policy;
                if (!Number.isSafeInteger(batchSize) || batchSize <= 0) {
                    throw new Error(`retention batchSize must be a positive integer; received ${batchSize}`);
                }
                const done = await pruneTable(this, table, core.retentionCutoffMs(policy), batchSize, options);
                results.push({ domain: name, table, ...done });
            }
            return results;
        },

        async init() {
            await run(this, 'init');
        },

        async dangerouslyClearAll() {
            for (const { table } of Object.values(descriptor)) {
                await run(this, 'clearTable', { tableName: table });
            }
        },
    };
}

function observabilityMethods(methods) {
    return Object.fromEntries(
        ['listTraces', 'getTracesPaginated'].map((operation) => [
            operation,
            async function (args) {
                const filters = args?.filters ?? args;
                checkFilter(this, operation, 'filters.metadata', filters?.metadata);
                checkFilter(this, operation, 'filters.scope', filters?.scope);
                checkFilter(this, operation, 'filters.tags', filters?.tags);
                return methods[operation].call(this, args);
            },
        ]),
    );
}

/** The classes, over the base classes of one copy of core. */
function defineDomains(core) {
    class MastraStoreMemory extends core.MemoryStorage {
        supportsPartialThreadUpdate = true;
        supportsObservationalMemory = false;
    }
    class MastraStoreWorkflows extends core.WorkflowsStorage {
        supportsConcurrentUpdates() {
            return true;
        }
    }
    class MastraStoreScores extends core.ScoresStorage {}
    class MastraStoreObservability extends core.ObservabilityStorage {
        get tracingStrategy() {
            return { preferred: 'batch-with-updates', supported: ['batch-with-updates', 'insert-only'] };
        }
    }

    const classes = {
        memory: MastraStoreMemory,
        workflows: MastraStoreWorkflows,
        scores: MastraStoreScores,
        observability: MastraStoreObservability,
    };
    for (const [name, domain] of Object.entries(classes)) {
        domain.retentionTables = PRUNED[name];
        const methods = operations(tables[name]);
        addMethods(domain.prototype, {
            ...commonMethods(core, name),
            ...methods,
            ...(name === 'memory' ? memoryMethods(core, methods) : {}),
            ...(name === 'observability' ? observabilityMethods(methods) : {}),
        });
    }
    return classes;
}

/** The domains of an open store, by their names. */
function openDomains(classes, client) {
    return Object.fromEntries(
        Object.entries(classes).map(([name, Domain]) => {
            const domain = new Domain();
            clients.set(domain, client);
            return [name, domain];
        }),
    );
}

module.exports = { PRUNED, addMethods, checkFilter, clients, defineDomains, openDomains, operations };
