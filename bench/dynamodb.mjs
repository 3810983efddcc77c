// On DynamoDB: node dynamodb.mjs BUILD [--quick] [--rounds NUMBER] [--only ROW] [--json FILE] [--without-ours].
// tests/support/dynamodb-server runs it beside a server, which it finds by MASTRA_TEST_DYNAMODB. Ours (the typed
// functions), the limit (libcurl by hand) and Mastra's adapter are processes of their own, each on a table of its own; in
// each round all do every row once, in changing order. What an operation costs in requests and capacity units is counted
// by a proxy, apart from the measuring of time.
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import readline from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const here = path.dirname(fileURLToPath(import.meta.url));
const endpoint = process.env.MASTRA_TEST_DYNAMODB;
const MANY = 100;
const THREAD = 1000;

// operations: in a full round; the peer does a `fewer`-th part. things: saved by one operation. target: how many times
// the peer's rate is asked for.
const ROWS = [
    { key: 'save_one', name: 'save one message of 1 KB', operations: 200, things: 1, target: 1.5 },
    { key: 'save_many', name: 'save 100 in a call', operations: 12, fewer: 4, things: MANY, target: 8 },
    { key: 'last_page', name: 'last page of 1,000 by number, total', operations: 60, fewer: 6 },
    { key: 'newest_page', name: 'newest page of 1,000, no total', operations: 200, fewer: 20, target: 20 },
    { key: 'get_thread', name: 'getThreadById', operations: 400, fewer: 2, target: 1.7 },
];

const { values: options, positionals } = parseArgs({
    allowPositionals: true,
    options: {
        quick: { type: 'boolean', default: false },
        rounds: { type: 'string' },
        only: { type: 'string' },
        json: { type: 'string' },
        'without-ours': { type: 'boolean', default: false },
    },
});
const rounds = Number(options.rounds ?? (options.quick ? 3 : 7));
const rows = ROWS.filter(({ name, key }) => !options.only || name.includes(options.only) || key === options.only);
const program = path.join(positionals[0], 'bench/bench-dynamodb');
const SIDES = options['without-ours'] ? ['raw', 'peer'] : ['ours', 'raw', 'peer'];

function commandOf(side, at, table) {
    return side === 'peer'
        ? [process.execPath, ['--no-warnings', path.join(here, 'dynamodb-peer.mjs'), at, table]]
        : [program, [side, at, table]];
}

/** A program that answers lines with lines. */
class Worker {
    constructor(name, command, args) {
        this.name = name;
        this.child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] });
        this.lines = readline.createInterface({ input: this.child.stdout })[Symbol.asyncIterator]();
    }

    async line() {
        const { value, done } = await this.lines.next();
        if (done) {
            throw new Error(`${this.name}: the process has gone`);
        }
        return value;
    }

    async tell(line) {
        this.child.stdin.write(`${line}\n`);
        return this.line();
    }

    /** Seconds. */
    async ask(row, operations, first) {
        const answer = await this.tell(`${row} ${operations} ${first}`);
        if (!/^[\d.e+-]+$/.test(answer)) {
            throw new Error(`${this.name}: ${row}: ${answer}`);
        }
        return Number(answer);
    }

    async end() {
        this.child.stdin.end();
        await new Promise((resolve) => this.child.on('close', resolve));
    }
}

async function request(operation, body) {
    const answer = await fetch(endpoint, {
        method: 'POST',
        headers: {
            'content-type': 'application/x-amz-json-1.0',
            'x-amz-target': `DynamoDB_20120810.${operation}`,
            'x-amz-date': '20260101T000000Z',
            authorization:
                'AWS4-HMAC-SHA256 Credential=local/20260101/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=0',
        },
        body: JSON.stringify(body),
    });
    if (answer.status !== 200) {
        throw new Error(`${operation}: ${await answer.text()}`);
    }
    return answer.json();
}

const keys = (prefix) => [
    { AttributeName: `${prefix}pk`, KeyType: 'HASH' },
    { AttributeName: `${prefix}sk`, KeyType: 'RANGE' },
];
const ALL = { ProjectionType: 'ALL' };

async function createTable(name) {
    await request('CreateTable', {
        TableName: name,
        BillingMode: 'PAY_PER_REQUEST',
        AttributeDefinitions: ['', 'gsi1', 'gsi2']
            .flatMap(keys)
            .map(({ AttributeName }) => ({ AttributeName, AttributeType: 'S' })),
        KeySchema: keys(''),
        GlobalSecondaryIndexes: ['gsi1', 'gsi2'].map((IndexName) => ({
            IndexName,
            KeySchema: keys(IndexName),
            Projection: ALL,
        })),
    });
    return name;
}

/** On a table of its own, which holds the thread that is read. */
async function start(side, at, suffix = '') {
    const worker = new Worker(side, ...commandOf(side, at, await createTable(`bench-${side}${suffix}`)));
    worker.version = await worker.line();
    await worker.ask('fill', THREAD / MANY, 0);
    return worker;
}

const median = (values) => {
    const sorted = values.toSorted((a, b) => a - b);
    const middle = sorted.length >> 1;
    return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
};

let made = THREAD;

/** Rates by side, operations or things a second. */
async function play(row, workers, order) {
    const all = Math.max(2, Math.ceil(row.operations / (options.quick ? 4 : 1)));
    const first = made;
    made += all * (row.things ?? 1);
    const rates = {};
    for (const side of order) {
        const operations = side === 'peer' ? Math.max(2, Math.ceil(all / (row.fewer ?? 1))) : all;
        rates[side] = (operations * (row.things ?? 1)) / (await workers[side].ask(row.key, operations, first));
    }
    return rates;
}

async function measure() {
    const workers = {};
    for (const side of SIDES) {
        workers[side] = await start(side, endpoint);
    }
    const found = new Map(rows.map((row) => [row, []]));
    for (let round = options.quick ? 1 : 0; round <= rounds; round++) {
        for (const [index, row] of rows.entries()) {
            const shift = (round + index) % SIDES.length;
            const rates = await play(row, workers, [...SIDES.slice(shift), ...SIDES.slice(0, shift)]);
            // The first one warms up.
            if (round > 0) {
                found.get(row).push(rates);
            }
        }
    }
    const versions = Object.fromEntries(SIDES.map((side) => [side, workers[side].version]));
    for (const side of SIDES) {
        await workers[side].end();
    }
    return { found, versions };
}

/** By side and row: what one operation costs. */
async function count() {
    const costs = {};
    for (const side of SIDES) {
        const proxy = new Worker('proxy', path.join(here, '../tests/support/dynamodb-proxy'), [endpoint]);
        const at = (await proxy.line()).split('=')[1];
        await proxy.line();
        await proxy.tell('measure');
        const worker = await start(side, at, '-counted');
        costs[side] = {};
        for (const { key, things = 1 } of rows) {
            // What is done once, at the first time, is no part of it.
            await worker.ask(key, 1, made);
            await proxy.tell('count');
            await worker.ask(key, 1, made + things);
            made += 2 * things;
            const { requests, read, write } = JSON.parse(await proxy.tell('count'));
            costs[side][key] = { requests: Object.values(requests).reduce((a, b) => a + b, 0), by: requests, read, write };
        }
        await worker.end();
        await proxy.end();
    }
    return costs;
}

const { found, versions } = await measure();
const costs = await count();
const ratio = (rates, above, below) => {
    const ratios = rates.map((round) => round[above] / round[below]);
    return Number.isFinite(ratios[0]) ? median(ratios) : null;
};
const results = [...found].map(([{ key, name, target, things }, rates]) => ({
    key,
    name,
    unit: things ? 'messages/s' : 'operations/s',
    ...Object.fromEntries(SIDES.map((side) => [side, median(rates.map((round) => round[side]))])),
    ratio_raw: ratio(rates, 'ours', 'raw'),
    ratio_peer: ratio(rates, 'ours', 'peer'),
    wanted_peer: target,
    cost: Object.fromEntries(SIDES.map((side) => [side, costs[side][key]])),
}));

const number = (value) => (value ? value.toLocaleString('en', { maximumFractionDigits: value < 100 ? 1 : 0 }) : '-');
const units = ({ requests, read, write } = {}) => (requests ? `${requests}, ${number(read)} r, ${number(write)} w` : '-');

console.log(`\non DynamoDB Local, medians of ${rounds} rounds, of their ratios too; peer: ${versions.peer}`);
console.log('raw: the same requests by libcurl, unsigned; save 100 is in transactions of 10 there\n');
console.log(
    `${''.padEnd(37)}${['ours', 'raw', 'peer'].map((side) => side.padStart(10)).join('')}${'ours/raw'.padStart(10)}` +
        `${'ours/peer'.padStart(11)}${'asked'.padStart(7)}`,
);
for (const result of results) {
    const { name, ratio_raw: ofRaw, ratio_peer: ofPeer, wanted_peer: wanted } = result;
    const rates = ['ours', 'raw', 'peer'].map((side) => number(result[side]).padStart(10)).join('');
    const ratios = `${(ofRaw?.toFixed(2) ?? '-').padStart(10)}${(ofPeer?.toFixed(1) ?? '-').padStart(11)}`;
    console.log(`${name.padEnd(37)}${rates}${ratios}${`${wanted ?? ''}`.padStart(7)}${wanted && ofPeer && ofPeer < wanted ? ' MISSED' : ''}`);
}
console.log('\nrequests, read and write units of one operation');
for (const { name, cost } of results) {
    console.log(`${name.padEnd(37)}${['ours', 'raw', 'peer'].map((side) => units(cost[side]).padStart(26)).join('')}`);
}

if (options.json) {
    const machine = { cores: os.cpus().length, kernel: `${os.type()} ${os.release()}`, server: 'DynamoDB Local' };
    fs.writeFileSync(options.json, `${JSON.stringify({ machine, ...versions, rounds, rows: results }, null, 2)}\n`);
}
