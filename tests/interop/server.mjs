// Servers of tests/support for the interop tests.
import { spawn } from 'node:child_process';
import path from 'node:path';
import readline from 'node:readline';
import { fileURLToPath } from 'node:url';

const support = path.join(path.dirname(fileURLToPath(import.meta.url)), '../support');

/**
 * Starts tests/support/<name> and gives what it says of itself until its first empty line, which is nothing when it
 * cannot run here. `ask` gives it a line and waits for the line that answers.
 */
export async function startServer(name, ...args) {
    const child = spawn(path.join(support, name), args, { stdio: ['pipe', 'pipe', 'inherit'] });
    const lines = readline.createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    const facts = {};
    for (;;) {
        const { value: line, done } = await lines.next();
        if (done || line === '') {
            break;
        }
        const at = line.indexOf('=');
        facts[line.slice(0, at)] = line.slice(at + 1);
    }
    // It lives until its input ends, which is when we do; until then it must not keep us from ending.
    child.unref();
    child.stdin.unref();
    child.stdout.unref();
    const ask = async (line) => {
        child.stdout.ref();
        child.stdin.write(`${line}\n`);
        const { value } = await lines.next();
        child.stdout.unref();
        return value;
    };
    return { facts, ask, end: () => child.stdin.end() };
}
