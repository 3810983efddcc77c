// What the interop tests share: both stores behind one interface, call(operation, arguments) -> JSON value. Where a store
// lives is the path of SQLite's file, or a schema of a PostgreSQL server (see postgres.mjs).
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import readline from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { createClient } from '@libsql/client';

const here = path.dirname(fileURLToPath(import.meta.url));
const sourceRoot = process.env.MASTRA_SOURCE_ROOT ?? path.join(here, '../..');
const buildRoot = process.env.MASTRA_BUILD_ROOT ?? path.join(sourceRoot, 'build');

export const command = path.join(buildRoot, 'cli/mastra-store');
export const fixture = path.join(sourceRoot, 'tests/data/fixtures/mastra-libsql-1.23.1.db');

/** An error answer of either store. */
export class Refusal extends Error {
    constructor(error) {
        super(error.message);
        this.error = error;
    }
}

/** A child process that speaks the pipe protocol. Requests may be sent without waiting for answers. */
export class Pipe {
    constructor(program, args, environment = {}) {
        const env = { ...process.env, ...environment };
        this.child = spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'], env });
        this.waiting = [];
        this.sent = 0;
        this.ended = new Promise((resolve) => this.child.on('close', (code, signal) => resolve(code ?? signal)));
        this.child.stdin.on('error', () => {});
        this.child.on('error', (error) => this.fail(error));
        this.ended.then((code) => this.fail(new Error(`${program} ended with ${code}`)));
        readline.createInterface({ input: this.child.stdout, crlfDelay: Infinity }).on('line', (line) => {
            this.waiting.shift().resolve(line);
        });
    }

    fail(error) {
        this.failure ??= error;
        for (const waiter of this.waiting.splice(0)) {
            waiter.reject(error);
        }
    }

    /** Sends one line as it is, gives the line that answers it. */
    line(text) {
        return new Promise((resolve, reject) => {
            if (this.failure) {
                reject(this.failure);
                return;
            }
            this.waiting.push({ resolve, reject });
            this.child.stdin.write(`${text}\n`);
        });
    }

    async call(op, args) {
        const id = ++this.sent;
        const answer = JSON.parse(await this.line(JSON.stringify({ id, op, args })));
        assert.equal(answer.id, id);
        if (!answer.ok) {
            throw new Refusal(answer.error);
        }
        return answer.result;
    }

    async close() {
        this.child.stdin.end();
        assert.equal(await this.ended, 0, 'the pipe ends with success');
    }
}

function openPipe(t, program, args, environment) {
    const pipe = new Pipe(program, args, environment);
    // A test that fails half way must not leave it behind.
    t.after(() => pipe.child.kill());
    return pipe;
}

// A zone that is neither the server's nor the peer's: no result of ours may depend on it.
function ourEnvironment(place) {
    return typeof place === 'string' ? {} : { MASTRA_STORE_URL: place.store, TZ: 'America/New_York' };
}

function ourArguments(place) {
    return typeof place === 'string' ? ['--store', `file:${place}`] : [];
}

/** Our command on a file or a schema, with the patience that a busy machine asks for. */
export function openOurs(t, place) {
    const store = typeof place === 'string' ? `file:${place}` : place.store;
    const patient = `${store}${store.includes('?') ? '&' : '?'}busy_timeout=120000`;
    return openPipe(t, command, ['pipe'], { ...ourEnvironment(place), MASTRA_STORE_URL: patient });
}

/** The peer on a file or a schema, in a process of its own. */
export function openPeerProcess(t, place, environment = {}) {
    const where = { MASTRA_PEER_PLACE: JSON.stringify(place), ...environment };
    return openPipe(t, process.execPath, [path.join(here, 'peer-pipe.mjs')], where);
}

/** The peer of Mastra 0.x on a file or a schema, in a process of its own. */
export function openLegacyPeer(t, place) {
    const where = { MASTRA_PEER_PLACE: JSON.stringify(place) };
    return openPipe(t, process.execPath, [path.join(here, 'legacy/peer-pipe.mjs')], where);
}

/** Runs our command once; gives what --json prints. */
export async function runOurs(place, ...args) {
    const run = promisify(execFile);
    const env = { ...process.env, ...ourEnvironment(place) };
    const { stdout } = await run(command, [...ourArguments(place), ...args, '--json'], { maxBuffer: 1 << 28, env });
    return JSON.parse(stdout);
}

/** A fresh folder that goes with the test. */
export function scratch(t) {
    const folder = fs.mkdtempSync(path.join(process.env.TMPDIR ?? os.tmpdir(), 'interop-'));
    t.after(() => fs.rmSync(folder, { recursive: true, force: true }));
    return folder;
}

/** Rows of a file, read by the SQLite that the peer brings. */
export async function query(file, sql, args = []) {
    const client = createClient({ url: `file:${file}`, timeout: 120000 });
    try {
        const { rows, columns } = await client.execute({ sql, args });
        return rows.map((row) => Object.fromEntries(columns.map((name, i) => [name, row[i]])));
    } finally {
        client.close();
    }
}

export async function assertIntact(file) {
    assert.deepEqual(await query(file, 'PRAGMA integrity_check'), [{ integrity_check: 'ok' }]);
}

/** A value as JSON shows it, members sorted by name. */
export function sorted(value) {
    if (Array.isArray(value)) {
        return value.map(sorted);
    }
    if (value && typeof value === 'object') {
        return Object.fromEntries(
            Object.keys(value)
                .sort()
                .map((key) => [key, sorted(value[key])]),
        );
    }
    return value;
}

export function plain(value) {
    return value === undefined ? null : sorted(JSON.parse(JSON.stringify(value)));
}

/** Random numbers that are the same in every run: random(n) is a whole number below n. */
export function seeded(seed) {
    let state = seed >>> 0;
    return (below) => {
        state = (state + 0x6d2b79f5) >>> 0;
        let mixed = Math.imul(state ^ (state >>> 15), state | 1);
        mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
        return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
    };
}

/** Where two values differ first, as a path; undefined when they do not. */
function difference(a, b, at) {
    if (Object.is(a, b)) {
        return undefined;
    }
    const bothObjects = a && b && typeof a === 'object' && typeof b === 'object';
    if (!bothObjects || Array.isArray(a) !== Array.isArray(b)) {
        return at;
    }
    for (const key of new Set([...Object.keys(a), ...Object.keys(b)])) {
        const inside = key in a && key in b ? difference(a[key], b[key], [...at, key]) : [...at, key];
        if (inside) {
            return inside;
        }
    }
    return undefined;
}

/** Compares JSON values; tells the first difference only, long texts cut. */
export function assertEqual(ours, theirs, about) {
    const path = difference(ours, theirs, []);
    if (path) {
        const show = (value) => JSON.stringify(path.reduce((part, key) => part?.[key], value))?.slice(0, 2000);
        assert.fail(`${about}\nat ${path.join('.')}\nours:   ${show(ours)}\ntheirs: ${show(theirs)}`);
    }
}
