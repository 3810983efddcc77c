'use strict';
// The four domains of core's storage over one open store.

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

/** Which client a domain, or a store, works with. */
const clients = new WeakMap();

/** Calls an operation; failures that are not the caller's are logged as well. */
async function call(domain, operation, args) {
    try {
        return await clients.get(domain).call(operation, args);
    } catch (error) {
        if (error.category !== 'USER') {
            domain.logger?.trackException?.(error);
            domain.logger?.error?.(error.toString());
        }
        throw error;
    }
}

/** Adds methods to a prototype, as a class would. */
function addMethods(prototype, methods) {
    for (const [name, value] of Object.entries(methods)) {
        Object.defineProperty(prototype, name, { value, configurable: true, writable: true });
    }
}

/** Methods that call the operation of their name, as methods.js describes them. */
function operations(table) {
    return Object.fromEntries(
        Object.entries(table).map(([operation, { args, result }]) => {
            const method = async function (...given) {
                return result(await call(this, operation, args ? args(...given) : given[0]));
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
        if (value !== undefined && !(value === null && record[key] !== undefined)) {
            record[key] = value;
        }
    }
    return record;
}

function memoryMethods(core) {
    const forms = messageForms(core.MessageList);

    async function list(domain, operation, args) {
        // Wrong filters are TypeErrors in every store.
        core.validateStorageMetadataFilter(args?.filter?.metadata);
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
        async saveThread(args) {
            return completed(await call(this, 'saveThread', args), args.thread);
        },

        async listThreads(args) {
            for (const [key, value] of Object.entries(args?.filter?.metadata ?? {})) {
                if (!isFilter(value)) {
                    throw clients.get(this).refusal(
                        'listThreads',
                        `Metadata filter value for key "${key}"`,
                        `must be a JSON value, got ${typeof value === 'number' ? value : typeof value}`,
                        'INVALID_METADATA_VALUE',
                    );
                }
            }
            const page = await call(this, 'listThreads', args);
            page.threads.forEach(stamped);
            return page;
        },

        async saveMessages(args) {
            const { messages } = args;
            if (messages?.length === 0) {
                return { messages };
            }
            const now = new Date();
            const given = Array.isArray(messages)
                ? messages.map((one) => (one && !one.createdAt ? { ...one, createdAt: now } : one))
                : messages;
            await call(this, 'saveMessages', { ...args, messages: given });
            return { messages: shown(this, 'saveMessages', () => forms.given(given)) };
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
                await call(this, 'deleteMessages', messageIds);
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

function isFilter(value) {
    const type = typeof value;
    return value === null || type === 'string' || type === 'boolean' || type === 'object' || Number.isFinite(value);
}

/** What every domain has. */
function commonMethods(core, descriptor) {
    return {
        async init() {
            await call(this, 'init');
        },

        async dangerouslyClearAll() {
            for (const { table } of Object.values(descriptor)) {
                await call(this, 'clearTable', { tableName: table });
            }
        },
    };
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
        addMethods(domain.prototype, {
            ...commonMethods(core, PRUNED[name]),
            ...operations(tables[name]),
            ...(name === 'memory' ? memoryMethods(core) : {}),
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

module.exports = { addMethods, clients, defineDomains, openDomains, operations };
