// The peer in the benchmark: node peer.mjs FILE. Reads lines "ROW OPERATIONS FIRST", does the work, answers with the
// seconds that it took, or with a text when something is wrong.
import { createRequire } from 'node:module';
import readline from 'node:readline';

// The packages are those of the interop tests.
const require = createRequire(new URL('../tests/interop/package.json', import.meta.url));
const { LibSQLStore } = require('@mastra/libsql');

const CONTENT = 1024;
const MANY = 100;
const AT_ONCE = 64;
const PAGE = 40;
const LONG_THREAD = 10_000;

// Standard output is for answers alone.
console.log = console.info = console.debug = console.error;

const store = new LibSQLStore({ id: 'peer', url: `file:${process.argv[2]}` });
await store.init();
const memory = await store.getStore('memory');

const agent = (n) => `agent-${n % AT_ONCE}`;

for (const id of ['one', 'many', 'long', ...Array.from({ length: AT_ONCE }, (_, n) => agent(n))]) {
    const now = new Date();
    const metadata = { topic: 'benchmark' };
    await memory.saveThread({
        thread: { id, resourceId: 'user-1', title: 'A thread', metadata, createdAt: now, updatedAt: now },
    });
}

function message(number, threadId) {
    const content = { format: 2, parts: [{ type: 'text', text: String(number) }] };
    content.parts[0].text += 'a'.repeat(CONTENT - JSON.stringify(content).length);
    return {
        id: crypto.randomUUID(),
        threadId,
        resourceId: 'user-1',
        role: 'user',
        content,
        createdAt: new Date(1_700_000_000_000 + number),
    };
}

function batches(operations, first, size, threadId) {
    return Array.from({ length: operations }, (_, n) => ({
        messages: Array.from({ length: size }, (_, i) => message(first + n * size + i, threadId ?? agent(n))),
    }));
}

async function timed(work) {
    const begin = process.hrtime.bigint();
    await work();
    return Number(process.hrtime.bigint() - begin) / 1e9;
}

async function saveEach(calls) {
    for (const call of calls) {
        const { messages } = await memory.saveMessages(call);
        if (messages.length !== call.messages.length) {
            throw new Error('saveMessages answered something else');
        }
    }
}

async function saveTogether(calls) {
    for (let i = 0; i < calls.length; i += AT_ONCE) {
        await Promise.all(calls.slice(i, i + AT_ONCE).map((call) => memory.saveMessages(call)));
    }
}

async function listPages(operations, args) {
    for (let n = 0; n < operations; n++) {
        const { messages, total } = await memory.listMessages({ threadId: 'long', perPage: PAGE, ...args });
        if (messages.length !== PAGE || total !== LONG_THREAD) {
            throw new Error('listMessages answered something else');
        }
    }
}

async function getThreads(operations) {
    for (let n = 0; n < operations; n++) {
        const thread = await memory.getThreadById({ threadId: agent(n) });
        if (thread?.id !== agent(n)) {
            throw new Error('getThreadById answered something else');
        }
    }
}

// Each prepares, and gives what is to be timed.
const ROWS = {
    save_one: (operations, first) => {
        const calls = batches(operations, first, 1, 'one');
        return () => saveEach(calls);
    },
    save_many: (operations, first) => {
        const calls = batches(operations, first, MANY, 'many');
        return () => saveEach(calls);
    },
    fill: (operations, first) => {
        const calls = batches(operations, first, MANY, 'long');
        return () => saveEach(calls);
    },
    save_at_once: (operations, first) => {
        const calls = batches(operations, first, 1);
        return () => saveTogether(calls);
    },
    last_page: (operations) => () =>
        listPages(operations, { orderBy: { field: 'createdAt', direction: 'DESC' } }),
    last_page_by_number: (operations) => () => listPages(operations, { page: LONG_THREAD / PAGE - 1 }),
    get_thread: (operations) => () => getThreads(operations),
};

process.stdout.write(`${process.version} @mastra/libsql ${require('@mastra/libsql/package.json').version}\n`);
for await (const line of readline.createInterface({ input: process.stdin })) {
    const [row, operations, first] = line.split(' ');
    let answer;
    try {
        answer = await timed(ROWS[row](Number(operations), Number(first)));
    } catch (error) {
        answer = String(error.message).replaceAll('\n', ' ');
    }
    process.stdout.write(`${answer}\n`);
}
store.client.close();
