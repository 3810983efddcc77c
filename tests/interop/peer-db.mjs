// The layer of the peer that makes tables and writes rows of any of them. The adapter keeps it to itself, so its module
// is loaded once more with one export added.
import { register } from 'node:module';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

import { createClient } from '@libsql/client';

const here = path.dirname(fileURLToPath(import.meta.url));
const module = pathToFileURL(path.join(here, 'node_modules/@mastra/libsql/dist/index.js')).href;

const hooks = `
    export async function load(url, context, next) {
        const loaded = await next(url, context);
        if (!url.endsWith('/@mastra/libsql/dist/index.js?inside')) {
            return loaded;
        }
        return { ...loaded, source: loaded.source + '\\nexport { LibSQLDB };\\n' };
    }`;

register(`data:text/javascript,${encodeURIComponent(hooks)}`);

const { LibSQLDB } = await import(`${module}?inside`);

/** The peer's own createTable, insert, select and so on, on a file. */
export function openPeerDb(t, file) {
    const client = createClient({ url: `file:${file}`, timeout: 120000 });
    t.after(() => client.close());
    return new LibSQLDB({ client });
}
