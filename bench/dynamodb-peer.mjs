// The peer in the benchmark on DynamoDB: node dynamodb-peer.mjs ENDPOINT TABLE [MODULE]. Reads lines "ROW OPERATIONS
// FIRST", does the work, answers with the seconds that it took, or with a text when something is wrong. MODULE is what
// the store is taken from, so that our own package can be put to the same work.
import { createRequire } from 'node:module';
import readline from 'node:readline';

// The packages are those of the interop tests.
const require = createRequire(new URL('../tests/interop/package.json', import.meta.url));
const [endpoint, tableName, module = '@mastra/dynamodb'] = process.argv.slice(2);
const { DynamoDBStore } = require(module);

const MANY = 100;
const PAGE = 40;
const THREAD = 1000;
const SAVED_BYTES = 1024;
const LISTED_BYTES = 400;
const FIRST_TIME = 1_700_000_000_000;

// Standard output is for answers alone.
console.log = console.info = console.debug = console.error;

const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
const config = { id: 'peer', tableName, endpoint, region: 'us-east-1', credentials };
const store = new DynamoDBStore({ name: 'peer', config });
await store.init();
const memory = await store.getStore('memory');

for (const id of ['one', 'many', 'long']) {
    const now = new Date();
    const metadata = { topic: 'benchmark' };
    await memory.saveThread({
        thread: { id, resourceId: 'user-1', title: 'A thread', metadata, createdAt: now, updatedAt: now },
    });
}

function message(number, threadId, bytes) {
    const content = { format: 2, parts: [{ type: 'text', text: '' }] };
    content.parts[0].text = 'a'.repeat(bytes - JSON.stringify(content).length);
    const createdAt = new Date(FIRST_TIME + number);
    return { id: crypto.randomUUID(), threadId, resourceId: 'user-1', role: 'user', type: 'v2', content, createdAt };
}

const batches = (operations, first, size, threadId, bytes) =>
    Array.from({ length: operations }, (_, n) => ({
        messages: Array.from({ length: size }, (_, i) => message(first + n * size + i, threadId, bytes)),
    }));

function must(right, what) {
    if (!right) {
        throw new Error(`${what} answered something else`);
    }
}

async function saveEach(calls) {
    for (const call of calls) {
        const { messages } = await memory.saveMessages(call);
        must(messages.length === call.messages.length, 'saveMessages');
    }
}

const saving = (size, threadId, bytes) => (operations, first) => {
    const calls = batches(operations, first, size, threadId, bytes);
    return () => saveEach(calls);
};

const listing = (args) => (operations) => async () => {
    for (let n = 0; n < operations; n++) {
        const { messages, total } = await memory.listMessages({ threadId: 'long', perPage: PAGE, ...args });
        must(messages.length === PAGE && (args.includeTotal === false || total === THREAD), 'listMessages');
    }
};

const ROWS = {
    save_one: saving(1, 'one', SAVED_BYTES),
    save_many: saving(MANY, 'many', SAVED_BYTES),
    fill: saving(MANY, 'long', LISTED_BYTES),
    last_page: listing({ page: THREAD / PAGE - 1 }),
    newest_page: listing({ orderBy: { field: 'createdAt', direction: 'DESC' }, includeTotal: false }),
    get_thread: (operations) => async () => {
        for (let n = 0; n < operations; n++) {
            must((await memory.getThreadById({ threadId: 'long' }))?.id === 'long', 'getThreadById');
        }
    },
};

const { name, version } = require(`${module}/package.json`);
process.stdout.write(`${process.version} ${name} ${version}\n`);
for await (const line of readline.createInterface({ input: process.stdin })) {
    const [row, operations, first] = line.split(' ');
    let answer;
    try {
        const work = ROWS[row](Number(operations), Number(first));
        const begin = process.hrtime.bigint();
        await work();
        answer = Number(process.hrtime.bigint() - begin) / 1e9;
    } catch (error) {
        answer = String(error.message).replaceAll('\n', ' ');
    }
    process.stdout.write(`${answer}\n`);
}
await store.close?.();
