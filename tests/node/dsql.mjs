// The double of Aurora DSQL that a run of the tests shares, or one of this program's own.
import { spawn } from 'node:child_process';
import path from 'node:path';
import readline from 'node:readline';
import nodeTest from 'node:test';

import { sourceRoot } from './support.mjs';

const PREFIX = 'MASTRA_TEST_DSQL';

/** Starts one, which ends with this program's end of its pipe; nothing when there is no PostgreSQL. */
async function start() {
    const double = spawn(path.join(sourceRoot, 'tests/support/dsql-server'), [], { stdio: ['pipe', 'pipe', 'inherit'] });
    const found = {};
    double.unref();
    for await (const line of readline.createInterface({ input: double.stdout })) {
        if (line === '') {
            break;
        }
        const [name, ...value] = line.split('=');
        found[name] = value.join('=');
    }
    double.stdin.unref();
    double.stdout.unref();
    return found;
}

const facts = process.env[`${PREFIX}_HOST`] ? process.env : await start();

export const fact = (name) => facts[`${PREFIX}_${name}`];
export const host = fact('HOST');

/** What the library finds in the environment: the way to the double, and whom to trust. */
Object.assign(process.env, { PGHOSTADDR: fact('ADDRESS'), PGPORT: fact('PORT'), SSL_CERT_FILE: fact('CA') });

export const credentials = async () => ({ accessKeyId: fact('KEY_ID'), secretAccessKey: fact('SECRET') });

/** Temporary ones. */
export const session = async () => ({
    accessKeyId: fact('SESSION_KEY_ID'),
    secretAccessKey: fact('SESSION_SECRET'),
    sessionToken: fact('SESSION_TOKEN'),
    expiration: new Date(Date.now() + 3600000),
});

export const test = (name, work) => nodeTest(name, { skip: host ? false : 'there is no PostgreSQL' }, work);
