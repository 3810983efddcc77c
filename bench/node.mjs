// The Node.js package beside Mastra's adapter: node node.mjs [--quick] [--rounds NUMBER] [--only ROW] [--json FILE].
// Each is a process of its own (peer.mjs) on a file of its own; in each round both do every row once, in changing order.
// Medians and the median of each round's ratio are printed, and written into FILE beside what is there already.
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import readline from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const here = path.dirname(fileURLToPath(import.meta.url));
const MODULES = { ours: path.join(here, '../bindings/node'), peer: '@mastra/libsql' };
const SIDES = ['ours', 'peer'];

const LONG = 10_000;
const HUGE = 100_000;
const MANY = 100;
const TRACES = 2000;
const TRACE_SPANS = 200;

// operations: in a full round; the peer does a `fewer`-th part. things: saved by one operation. target: how many times
// the peer's rate is asked for.
const ROWS = [
    { key: 'save_one', name: 'save one message of 1 KB', operations: 1000, things: 1, target: 1.8 },
    { key: 'save_many', name: 'save 100 in a call', operations: 30, things: MANY, target: 2.3 },
    { key: 'save_at_once', name: 'save, 64 calls at once', operations: 1280, fewer: 10, things: 1, target: 8 },
    { key: 'newest_long', name: 'newest 40 of 10,000', operations: 500, fewer: 5, reads: 'long' },
    { key: 'last_long', name: 'last page of 10,000', operations: 500, fewer: 5, reads: 'long', target: 5 },
    { key: 'last_huge', name: 'last page of 100,000', operations: 500, fewer: 25, reads: 'huge', target: 25 },
    { key: 'get_thread', name: 'getThreadById', operations: 5000, fewer: 5, target: 3 },
    { key: 'persist', name: 'persistWorkflowSnapshot of 20 KB', operations: 400, fewer: 2 },
    { key: 'create_spans', name: 'batchCreateSpans of 100', operations: 20, things: MANY, target: 4 },
    { key: 'get_trace', name: 'getTrace of 200 spans', operations: 200, fewer: 4, target: 5 },
    { key: 'list_traces', name: 'listTraces, 10 of 2,000', operations: 500, fewer: 4 },
    { key: 'start', name: 'init on a fresh file, save a thread', operations: 10 },
    { key: 'init_warm', name: 'init on a warm file', operations: 20, target: 10 },
];
const MEMORY = { key: 'memory', name: 'resident memory after a load of 10,000', target: 2 };

class Worker {
    static async start(side, file) {
        const worker = new Worker(side, file);
        worker.version = await worker.line();
        return worker;
    }

    constructor(side, file) {
        this.side = side;
        this.child = spawn(process.execPath, [path.join(here, 'peer.mjs'), MODULES[side]], {
            env: { ...process.env, MASTRA_BENCH_PLACE: file },
            stdio: ['pipe', 'pipe', 'inherit'],
        });
        this.lines = readline.createInterface({ input: this.child.stdout })[Symbol.asyncIterator]();
    }

    async line() {
        const { value, done } = await this.lines.next();
        if (done) {
            throw new Error(`${this.side}: the process has gone`);
        }
        return value;
    }

    /** Seconds, or the number that was asked for. */
    async ask(row, operations = 0, first = 0) {
        this.child.stdin.write(`${row} ${operations} ${first}\n`);
        const answer = await this.line();
        if (!/^[\d. e+-]+$/.test(answer)) {
            throw new Error(`${this.side}: ${row}: ${answer}`);
        }
        return Number(answer.split(' ')[0]);
    }

    async end() {
        this.child.stdin.end();
        await new Promise((resolve) => this.child.on('close', resolve));
    }
}

const { values: options } = parseArgs({
    options: {
        quick: { type: 'boolean', default: false },
        rounds: { type: 'string' },
        only: { type: 'string' },
        json: { type: 'string' },
    },
});
const rounds = Number(options.rounds ?? (options.quick ? 3 : 7));
const rows = ROWS.filter(({ name, key }) => !options.only || name.includes(options.only) || key === options.only);
const folder = fs.mkdtempSync(path.join(process.env.TMPDIR ?? os.tmpdir(), 'mastra-bench-'));
process.on('exit', () => fs.rmSync(folder, { recursive: true, force: true }));
for (const signal of ['SIGINT', 'SIGTERM']) {
    process.once(signal, () => process.exit(1));
}

let made = 0;

const median = (values) => {
    const sorted = values.toSorted((a, b) => a - b);
    const middle = sorted.length >> 1;
    return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
};

async function fill(worker, newest) {
    await worker.ask('fill', LONG / MANY, newest.long - LONG + 1);
    await worker.ask('fill_roots', TRACES / MANY, newest.huge + 1);
    await worker.ask('fill_trace', TRACE_SPANS / MANY, newest.huge + TRACES + 1);
}

/** Ours is quicker at it; the rows are the same. */
async function fillHuge(file, newest) {
    const worker = await Worker.start('ours', file);
    await worker.ask('fill_huge', HUGE / MANY, newest.huge - HUGE + 1);
    await worker.end();
}

/** Rates by side, operations or things a second. */
async function play(row, workers, order, newest) {
    const all = Math.max(2, Math.ceil(row.operations / (options.quick ? 4 : 1)));
    const first = row.reads ? newest[row.reads] : made;
    made += all * (row.things ?? 1);
    const rates = {};
    for (const side of order) {
        const operations = side === 'peer' ? Math.max(2, Math.ceil(all / (row.fewer ?? 1))) : all;
        const seconds = await workers[side].ask(row.key, operations, first);
        rates[side] = (operations * (row.things ?? 1)) / seconds;
    }
    return rates;
}

/** Bytes resident in a fresh process that has saved 10,000 messages. */
async function memoryAfterLoad(side, round) {
    const worker = await Worker.start(side, path.join(folder, `${side}-load-${round}.db`));
    await worker.ask('fill', LONG / MANY, 0);
    const bytes = await worker.ask('memory');
    await worker.end();
    return bytes;
}

const newest = { long: LONG - 1, huge: LONG + HUGE - 1 };
made = LONG + HUGE + TRACES + TRACE_SPANS;
const workers = {};
for (const side of SIDES) {
    const file = path.join(folder, `${side}.db`);
    workers[side] = await Worker.start(side, file);
    await fill(workers[side], newest);
    if (rows.some(({ reads }) => reads === 'huge')) {
        await fillHuge(file, newest);
    }
}

const found = new Map(rows.map((row) => [row, []]));
for (let round = options.quick ? 1 : 0; round <= rounds; round++) {
    for (const [index, row] of rows.entries()) {
        const order = (round + index) % 2 ? SIDES : SIDES.toReversed();
        const rates = await play(row, workers, order, newest);
        // The first one warms up.
        if (round > 0) {
            found.get(row).push(rates);
        }
    }
}

const results = [...found].map(([{ key, name, target, things }, rates]) => ({
    key,
    name,
    unit: things ? 'things/s' : 'operations/s',
    ours: median(rates.map(({ ours }) => ours)),
    peer: median(rates.map(({ peer }) => peer)),
    ratio: median(rates.map(({ ours, peer }) => ours / peer)),
    target,
}));

if (!options.only || options.only === MEMORY.key) {
    const bytes = [];
    for (let round = 0; round < Math.min(rounds, 5); round++) {
        bytes.push({ ours: await memoryAfterLoad('ours', round), peer: await memoryAfterLoad('peer', round) });
    }
    results.push({
        ...MEMORY,
        unit: 'bytes',
        ours: median(bytes.map(({ ours }) => ours)),
        peer: median(bytes.map(({ peer }) => peer)),
        ratio: median(bytes.map(({ ours, peer }) => peer / ours)),
    });
}

const number = (value) => value.toLocaleString('en', { maximumFractionDigits: value < 100 ? 1 : 0 });
const shown = (result, side) => (result.unit === 'bytes' ? `${number(result[side] / 1e6)} MB` : number(result[side]));

console.log(`\nthe Node.js package beside the adapter: ${workers.ours.version}; ${workers.peer.version}`);
console.log(`medians of ${rounds} rounds, a second; ratios: the median of each round's\n`);
console.log(`${''.padEnd(40)}${'ours'.padStart(12)}${'peer'.padStart(12)}${'times'.padStart(9)}${'asked'.padStart(8)}`);
for (const result of results) {
    const { name, ratio, target } = result;
    const mark = target && ratio < target ? ' <' : '';
    console.log(
        name.padEnd(40) +
            shown(result, 'ours').padStart(12) +
            shown(result, 'peer').padStart(12) +
            ratio.toFixed(1).padStart(9) +
            `${target ?? ''}`.padStart(8) +
            mark,
    );
}

for (const side of SIDES) {
    await workers[side].end();
}
if (options.json) {
    const before = fs.existsSync(options.json) ? JSON.parse(fs.readFileSync(options.json, 'utf8')) : {};
    const node = { ours: workers.ours.version, peer: workers.peer.version, rounds, rows: results };
    fs.writeFileSync(options.json, `${JSON.stringify({ ...before, node }, null, 2)}\n`);
}
