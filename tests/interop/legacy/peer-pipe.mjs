// The peers of Mastra 0.x, @mastra/libsql 0.16 and @mastra/pg 0.17, as a process that speaks the pipe protocol of our
// command. Where the store lives is told by the environment, because a place may hold a password. It must have a process of its own: it brings its own copy of SQLite, and two copies in one process drop each
// other's locks on a file.
import readline from 'node:readline';

import { LibSQLStore } from '@mastra/libsql';
import { PostgresStore } from '@mastra/pg';

// Standard output is for answers alone.
console.log = console.info = console.debug = console.warn = console.error;

// Times that arrive as text but that the adapter takes as dates.
const TIMES = new Set(['createdAt', 'updatedAt', 'startedAt', 'endedAt', 'start', 'end', 'fromDate', 'toDate', 'created_at']);
// JSON of the user's own, in which nothing is a time.
const OPAQUE = new Set(['metadata', 'content', 'attributes', 'snapshot', 'input', 'output', 'filters']);

function revived(value, key) {
    if (typeof value === 'string' && TIMES.has(key)) {
        return new Date(value);
    }
    if (!value || typeof value !== 'object' || OPAQUE.has(key)) {
        return value;
    }
    if (Array.isArray(value)) {
        return value.map((item) => revived(item));
    }
    return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, revived(item, name)]));
}

// Operations that take no object.
const FORMS = {
    getEvalsByAgentName: (store, { agentName, type }) => store.getEvalsByAgentName(agentName, type),
    getAITrace: (store, { traceId }) => store.getAITrace(traceId),
};

const place = JSON.parse(process.env.MASTRA_PEER_PLACE);
const store =
    typeof place === 'string'
        ? new LibSQLStore({ url: `file:${place}` })
        : new PostgresStore({ connectionString: place.url, schemaName: place.schema, max: 2 });
await store.init();

for await (const line of readline.createInterface({ input: process.stdin, crlfDelay: Infinity })) {
    const { id, op, args = {} } = JSON.parse(line);
    const form = FORMS[op] ?? ((peer, values) => peer[op](values));
    let answer;
    try {
        answer = { id, ok: true, result: (await form(store, revived(args))) ?? null };
    } catch (error) {
        answer = { id, ok: false, error: { id: error.id, category: error.category, message: error.message } };
    }
    process.stdout.write(`${JSON.stringify(answer)}\n`);
}
await (store.client ?? store).close();
