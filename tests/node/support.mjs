// What the tests of the Node.js package share.
import { execFile } from 'node:child_process';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const here = path.dirname(fileURLToPath(import.meta.url));

export const sourceRoot = process.env.MASTRA_SOURCE_ROOT ?? path.join(here, '../..');
export const buildRoot = process.env.MASTRA_BUILD_ROOT ?? path.join(sourceRoot, 'build');
export const packageRoot = path.join(sourceRoot, 'bindings/node');
export const nativePath = path.join(packageRoot, 'lib/native.js');
export const native = createRequire(import.meta.url)(nativePath);

/** A folder that goes away with the test. */
export function scratch(t) {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'mastra-node-'));
    t.after(() => fs.rmSync(folder, { recursive: true, force: true }));
    return folder;
}

/** Runs a program to its end: {code, signal, stdout, stderr}. One that hangs is killed, which the caller sees. */
export async function run(program, args, options = {}) {
    try {
        const done = await promisify(execFile)(program, args, { timeout: 300000, killSignal: 'SIGKILL', ...options });
        return { code: 0, signal: null, ...done };
    } catch (error) {
        if (error.stdout === undefined) {
            throw error;
        }
        return { code: error.code, signal: error.signal, stdout: error.stdout, stderr: error.stderr };
    }
}

/** Runs a script with the package's native part at hand as `native`, its arguments as `args`. */
export function runScript(source, args = [], options = {}) {
    const preamble = `const native = require(${JSON.stringify(nativePath)}); const args = process.argv.slice(1);\n`;
    return run(process.execPath, ['--expose-gc', '-e', `${preamble}(async () => {${source}})();`, '--', ...args], options);
}

/** Collects garbage until the condition holds; a condition that never does is up to the test's time limit. */
export async function collectUntil(condition) {
    while (!condition()) {
        globalThis.gc();
        await new Promise((resolve) => setTimeout(resolve, 5));
    }
}

/** How many commits the WAL of a database holds: the frames that say how large the database is after them. */
export function commitsInWal(file) {
    const wal = fs.readFileSync(`${file}-wal`);
    const frame = 24 + wal.readUInt32BE(8);
    let commits = 0;
    for (let at = 32; at + frame <= wal.length; at += frame) {
        const current = wal.readUInt32BE(at + 8) === wal.readUInt32BE(16);
        commits += current && wal.readUInt32BE(at + 4) !== 0 ? 1 : 0;
    }
    return commits;
}
