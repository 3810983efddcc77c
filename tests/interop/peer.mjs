// The peers, @mastra/libsql, @mastra/pg and @mastra/dynamodb, behind the same interface as our pipe.
import { MessageList } from '@mastra/core/agent';
import { InMemoryStore } from '@mastra/core/storage';
import { LibSQLStore } from '@mastra/libsql';
import { PostgresStore } from '@mastra/pg';

import { Refusal, plain } from './support.mjs';

// What the adapter hands out has passed core's message list, which hides system messages and rewrites content.
// While this is set, lists come as the adapter made them, so that what is stored can be compared.
let stepAroundMessageList = false;

const withheld = new WeakMap();
const originalAdd = MessageList.prototype.add;
const originalGet = Object.getOwnPropertyDescriptor(MessageList.prototype, 'get');

MessageList.prototype.add = function add(messages, source) {
    if (!stepAroundMessageList) {
        return originalAdd.call(this, messages, source);
    }
    withheld.set(this, messages);
    return this;
};

Object.defineProperty(MessageList.prototype, 'get', {
    ...originalGet,
    get() {
        const messages = withheld.get(this);
        return messages ? { all: { db: () => oldestFirst(messages) } } : originalGet.get.call(this);
    },
});

// The part of the message list that stays: one message for each id, the last one given, by time.
function oldestFirst(messages) {
    const byId = new Map(messages.map((message) => [message.id, message]));
    const time = (message) => (message.createdAt ? new Date(message.createdAt).getTime() : Date.now());
    return [...byId.values()].sort((a, b) => time(a) - time(b));
}

// Times that arrive as text but that the adapter takes as dates.
const TIMES = new Set(['createdAt', 'updatedAt', 'start', 'end', 'startDate', 'endDate', 'fromDate', 'toDate']);
// JSON of the user's own, in which nothing is a time.
const OPAQUE = new Set(['metadata', 'content', 'snapshot', 'result', 'requestContext', 'opts']);

function revived(value, key) {
    if (typeof value === 'string' && TIMES.has(key)) {
        return new Date(value);
    }
    if (!value || typeof value !== 'object' || value instanceof Date || OPAQUE.has(key)) {
        return value;
    }
    if (Array.isArray(value)) {
        return value.map((item) => revived(item));
    }
    return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, revived(item, name)]));
}

// Operations that have another name or form in the adapter. updateMessages would store the text of a date in quotes,
// so it gets its times as they come.
const FORMS = {
    updateMessages: (memory, _, args) => memory.updateMessages(args),
    deleteMessages: (memory, args) => memory.deleteMessages(args.messageIds ?? args),
    listThreadsByResourceId: (memory, { resourceId, metadata, ...page }) =>
        memory.listThreads({ ...page, filter: { resourceId, metadata } }),
};

async function openStore(place) {
    if (typeof place === 'string') {
        return new LibSQLStore({ id: 'peer', url: `file:${place}` });
    }
    if (place.table) {
        // It takes its time to load.
        const { DynamoDBStore } = await import('@mastra/dynamodb');
        return new DynamoDBStore({ name: 'peer', config: { id: 'peer', tableName: place.table, ...place.config } });
    }
    return new PostgresStore({ id: 'peer', connectionString: place.url, schemaName: place.schema, max: 4 });
}

export class Peer {
    /** On a file, a schema or a table, see support.mjs. */
    static async open(place) {
        // Two peers that begin with one schema at the same moment may meet in PostgreSQL's catalogue, and one of them fails.
        for (let attempt = 1; ; attempt++) {
            const store = await openStore(place);
            try {
                await store.init();
                return Peer.#over(store);
            } catch (error) {
                await store.close?.();
                if (attempt === 5 || !/unique constraint "pg_/.test(error.message)) {
                    throw error;
                }
            }
        }
    }

    /** The store that core itself brings, which keeps everything in memory. */
    static async openCore() {
        return Peer.#over(new InMemoryStore());
    }

    static async #over(store) {
        const names = ['memory', 'workflows', 'scores'];
        return new Peer(store, await Promise.all(names.map((name) => store.getStore(name))));
    }

    constructor(store, domains) {
        this.store = store;
        this.domains = domains;
        [this.memory] = domains;
        this.asStored = false;
    }

    async call(op, args = {}) {
        const domain = this.domains.find((candidate) => op in candidate) ?? this.memory;
        const form = FORMS[op] ?? ((_, values) => domain[op](values));
        const given = structuredClone(args);
        try {
            return plain(await this.#listed(() => form(domain, revived(given), given)));
        } catch (error) {
            throw new Refusal({ id: error.id, category: error.category, message: error.message });
        }
    }

    async #listed(work) {
        if (!this.asStored) {
            return work();
        }
        stepAroundMessageList = true;
        try {
            return await work();
        } finally {
            stepAroundMessageList = false;
        }
    }

    async close() {
        await (this.store.client?.close ? this.store.client.close() : this.store.close());
    }
}
