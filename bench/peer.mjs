// The peer in the benchmark: node peer.mjs [MODULE], on the file, or the schema of a server, that MASTRA_BENCH_PLACE
// tells. Reads lines "ROW OPERATIONS FIRST", does the work, answers with the seconds that it took (for single saves
// also with the microseconds that half and 99 % of them took at most), or with a text when something is wrong. MODULE is
// what the store is taken from, so that our own package can be put to the same work.
import { rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import readline from 'node:readline';

// The packages are those of the interop tests.
const require = createRequire(new URL('../tests/interop/package.json', import.meta.url));
const place = process.env.MASTRA_BENCH_PLACE;
const [connectionString, schemaName] = place.split('&schema=');
const module = process.argv[2] ?? (schemaName ? '@mastra/pg' : '@mastra/libsql');
const { LibSQLStore, PostgresStore } = require(module);

const CONTENT = 1024;
const MANY = 100;
const AT_ONCE = 64;
const PAGE = 40;
const RUNS = 8;
const SNAPSHOT = 20_480;
const TRACES = 2000;
const TRACE_SPANS = 200;
const FIRST_TIME = 1_700_000_000_000;
const TOTALS = { long: 10_000, huge: 100_000 };

// Standard output is for answers alone.
console.log = console.info = console.debug = console.error;

async function open(path) {
    const store = schemaName
        ? new PostgresStore({ id: 'peer', connectionString, schemaName })
        : new LibSQLStore({ id: 'peer', url: `file:${path}` });
    await store.init();
    return store;
}

const store = await open(place);
const memory = await store.getStore('memory');
const workflows = await store.getStore('workflows');
const observability = await store.getStore('observability');

const agent = (n) => `agent-${n % AT_ONCE}`;

function thread(id) {
    const now = new Date();
    const metadata = { topic: 'benchmark' };
    return { thread: { id, resourceId: 'user-1', title: 'A thread', metadata, createdAt: now, updatedAt: now } };
}

for (const id of ['one', 'many', 'long', 'huge', 'other', ...Array.from({ length: AT_ONCE }, (_, n) => agent(n))]) {
    await memory.saveThread(thread(id));
}

// Making ready.

function message(number, threadId) {
    const content = { format: 2, parts: [{ type: 'text', text: String(number) }] };
    content.parts[0].text += 'a'.repeat(CONTENT - JSON.stringify(content).length);
    return {
        id: crypto.randomUUID(),
        threadId,
        resourceId: 'user-1',
        role: 'user',
        content,
        createdAt: new Date(FIRST_TIME + number),
    };
}

function batches(operations, first, size, threadId) {
    return Array.from({ length: operations }, (_, n) => ({
        messages: Array.from({ length: size }, (_, i) => message(first + n * size + i, threadId ?? agent(n))),
    }));
}

const FILLING = 'the quick brown fox jumps over the lazy dog while the benchmark runs on and on; ';

function snapshot(n) {
    const made = { n, status: 'running', value: {}, context: { input: { n } } };
    made.suspendedPaths = {};
    made.timestamp = FIRST_TIME + n;
    for (let step = 0, length = JSON.stringify(made).length; length + 500 < SNAPSHOT; step++) {
        const result = { status: 'success', startedAt: FIRST_TIME + step, output: { text: FILLING.repeat(4) } };
        made.context[`step-${step}`] = result;
        length += JSON.stringify(result).length + `"step-${step}":,`.length;
    }
    return made;
}

function span(number, traceId, isRoot) {
    return {
        traceId,
        spanId: crypto.randomUUID().replaceAll('-', '').slice(0, 16),
        name: 'generate',
        spanType: 'model_generation',
        isEvent: false,
        startedAt: new Date(FIRST_TIME + number),
        endedAt: new Date(FIRST_TIME + number + 1500),
        parentSpanId: isRoot ? null : 'parent',
        entityType: 'agent',
        entityId: 'assistant',
        runId: 'run-1',
        threadId: 'long',
        attributes: {
            model: 'gpt-4o',
            provider: 'openai',
            usage: { inputTokens: 1207, outputTokens: 88 },
            parameters: { temperature: 0.2 },
            note: FILLING.repeat(2),
        },
        input: { messages: [{ role: 'user', content: FILLING.repeat(3) }] },
        output: { text: FILLING.repeat(4), finishReason: 'stop' },
    };
}

function spanCalls(operations, count, first, traceOf, isRoot) {
    return Array.from({ length: operations }, (_, n) => ({
        records: Array.from({ length: Math.min(MANY, count - n * MANY) }, (_, i) =>
            span(first + n * MANY + i, traceOf(n * MANY + i), isRoot),
        ),
    }));
}

// Working.

function must(right, what) {
    if (!right) {
        throw new Error(`${what} answered something else`);
    }
}

async function saveEach(calls) {
    const laps = [];
    for (const call of calls) {
        const begin = process.hrtime.bigint();
        const { messages } = await memory.saveMessages(call);
        laps.push(Number(process.hrtime.bigint() - begin) / 1e3);
        must(messages.length === call.messages.length, 'saveMessages');
    }
    laps.sort((a, b) => a - b);
    return [laps[Math.floor(laps.length / 2)], laps[Math.floor((laps.length * 99) / 100)]];
}

async function saveTogether(calls) {
    for (let i = 0; i < calls.length; i += AT_ONCE) {
        await Promise.all(calls.slice(i, i + AT_ONCE).map((call) => memory.saveMessages(call)));
    }
}

async function listPages(operations, newest, threadId, args) {
    const expected = args.includeTotal === false ? undefined : TOTALS[threadId];
    for (let n = 0; n < operations; n++) {
        const { messages, total } = await memory.listMessages({ threadId, perPage: PAGE, ...args });
        const last = Math.max(...messages.map(({ createdAt }) => createdAt.getTime()));
        must(messages.length === PAGE && (!expected || total === expected), 'listMessages');
        must(last === FIRST_TIME + newest, 'listMessages');
    }
}

async function getThreads(operations) {
    for (let n = 0; n < operations; n++) {
        const found = await memory.getThreadById({ threadId: agent(n) });
        must(found?.id === agent(n), 'getThreadById');
    }
}

async function persistEach(snapshots) {
    for (const [n, made] of snapshots.entries()) {
        await workflows.persistWorkflowSnapshot({
            workflowName: 'bench',
            runId: `run-${n % RUNS}`,
            snapshot: made,
        });
    }
}

async function createEach(calls) {
    for (const call of calls) {
        await observability.batchCreateSpans(call);
    }
}

async function getTraces(operations) {
    for (let n = 0; n < operations; n++) {
        const { spans } = await observability.getTrace({ traceId: `trace-${TRACES / 2}` });
        must(spans.length === TRACE_SPANS && spans[0].output.finishReason === 'stop', 'getTrace');
    }
}

async function listTraces(operations) {
    for (let n = 0; n < operations; n++) {
        const { spans, pagination } = await observability.listTraces({ pagination: { page: 0, perPage: 10 } });
        must(
            spans.length === 10 && pagination.total === TRACES && spans[0].traceId === `trace-${TRACES - 1}`,
            'listTraces',
        );
    }
}

let starts = 0;

/** Times the starts alone, not the closing. */
async function startEach(operations) {
    let seconds = 0;
    for (let n = 0; n < operations; n++) {
        const path = `${place}.start-${starts++}`;
        const begin = process.hrtime.bigint();
        const fresh = await open(path);
        await (await fresh.getStore('memory')).saveThread(thread('first'));
        seconds += Number(process.hrtime.bigint() - begin) / 1e9;
        await fresh.close();
        for (const end of ['', '-wal', '-shm']) {
            rmSync(path + end, { force: true });
        }
    }
    return { seconds };
}

/** Opens a file that has its tables already, one time after another; the closing is not timed. */
async function initEach(operations) {
    const path = `${place}.warm`;
    await (await open(path)).close();
    let seconds = 0;
    for (let n = 0; n < operations; n++) {
        const begin = process.hrtime.bigint();
        const again = await open(path);
        seconds += Number(process.hrtime.bigint() - begin) / 1e9;
        await again.close();
    }
    return { seconds };
}

async function fill(operations, first, threadId) {
    for (let n = 0; n < operations; n++) {
        await saveEach(batches(1, first + n * MANY, MANY, threadId));
    }
}

const NEWEST = { orderBy: { field: 'createdAt', direction: 'DESC' } };

const page = (threadId, args) => (operations, newest) => () => listPages(operations, newest, threadId, args);

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
    fill: (operations, first) => () => fill(operations, first, 'long'),
    fill_huge: (operations, first) => () => fill(operations, first, 'huge'),
    save_at_once: (operations, first) => {
        const calls = batches(operations, first, 1);
        return () => saveTogether(calls);
    },
    newest_long: page('long', NEWEST),
    newest_huge: page('huge', NEWEST),
    newest_no_total: page('long', { ...NEWEST, includeTotal: false }),
    last_long: page('long', { page: TOTALS.long / PAGE - 1 }),
    last_huge: page('huge', { page: TOTALS.huge / PAGE - 1 }),
    get_thread: (operations) => () => getThreads(operations),
    persist: (operations, first) => {
        const snapshots = Array.from({ length: operations }, (_, n) => snapshot(first + n));
        return () => persistEach(snapshots);
    },
    create_spans: (operations, first) => {
        const traceOf = (i) => `part-${first + Math.floor(i / MANY)}`;
        const calls = spanCalls(operations, operations * MANY, first, traceOf, false);
        return () => createEach(calls);
    },
    fill_roots: (operations, first) => {
        const calls = spanCalls(operations, TRACES, first, (i) => `trace-${i}`, true);
        return () => createEach(calls);
    },
    fill_trace: (operations, first) => {
        const calls = spanCalls(operations, TRACE_SPANS - 1, first, () => `trace-${TRACES / 2}`, false);
        return () => createEach(calls);
    },
    get_trace: (operations) => () => getTraces(operations),
    list_traces: (operations) => () => listTraces(operations),
    start: (operations) => () => startEach(operations),
    init_warm: (operations) => () => initEach(operations),
    memory: () => () => ({ seconds: process.memoryUsage().rss }),
};

async function timed(work) {
    const begin = process.hrtime.bigint();
    const done = await work();
    const seconds = done?.seconds ?? Number(process.hrtime.bigint() - begin) / 1e9;
    return [seconds, ...(Array.isArray(done) ? done : [])].join(' ');
}

process.stdout.write(
    `${process.version} ${require(`${module}/package.json`).name} ${require(`${module}/package.json`).version}\n`,
);
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
await (store.client ?? store).close();
