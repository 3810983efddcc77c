// A PostgreSQL server for the interop tests: the one that scripts/run-tests has started, or one of this process's own.
import { execFile } from 'node:child_process';
import path from 'node:path';
import { test as nodeTest } from 'node:test';
import { promisify } from 'node:util';

import pg from 'pg';

import { startServer } from './server.mjs';

// The adapter renders some times in the zone of its process; the differences show what comes of another one.
process.env.TZ = 'UTC';

/** What tests/support/postgres-server says of the server. */
export const facts = process.env.MASTRA_TEST_POSTGRES ? process.env : (await startServer('postgres-server')).facts;
const url = facts.MASTRA_TEST_POSTGRES;

export const available = Boolean(url);

/** A test that is skipped where there is no server. */
export function test(name, work) {
    nodeTest(name, available ? {} : { skip: 'there is no PostgreSQL' }, work);
}

let count = 0;

/** A schema in which there is nothing yet: where a store may live. `store` is its URL for our command. */
export function schema(name = 'interop') {
    const own = `${name}_${process.pid}_${++count}`;
    return { url, schema: own, store: `${url}&schema=${own}` };
}

/** The same in a database of its own, where a test may choose the schema's name; the default schema without one. */
export async function database({ schema: name } = {}) {
    const own = `interop_${process.pid}_${++count}`;
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    await client.query(`CREATE DATABASE ${own}`);
    await client.end();
    const there = url.replace('@/mastra?', `@/${own}?`);
    const store = name ? `${there}&schema=${encodeURIComponent(name)}` : there;
    return { url: there, schema: name ?? 'public', store };
}

/** Rows of a schema, read by the driver that the peer brings. */
export async function query(place, sql, args = []) {
    const client = new pg.Client({ connectionString: place.url });
    await client.connect();
    try {
        await client.query(`SET search_path TO "${place.schema}"; SET TimeZone TO 'UTC'`);
        const { rows } = await client.query(sql, args);
        return rows;
    } finally {
        await client.end();
    }
}

/** What pg_dump makes of a schema's tables, functions and indexes. */
export async function dump(place) {
    const program = path.join(facts.MASTRA_TEST_POSTGRES_BIN, 'pg_dump');
    const args = ['--schema-only', '--no-owner', '--no-privileges', `--schema="${place.schema}"`, `--dbname=${place.url}`];
    const { stdout } = await promisify(execFile)(program, args, { maxBuffer: 1 << 26 });
    return stdout;
}
