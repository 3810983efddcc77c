// The application on SQLite, see application.mjs.
import path from 'node:path';
import { after, test } from 'node:test';

import { assertIntact, scratch } from '../interop/support.mjs';
import { compareApplications } from './application.mjs';
import { tablesOf } from './rows.mjs';

const folder = scratch({ after });
const file = (side) => path.join(folder, `${side}.db`);

compareApplications({
    test,
    name: 'LibSQLStore',
    peer: '@mastra/libsql',
    places: { ours: { url: `file:${file('ours')}` }, theirs: { url: `file:${file('theirs')}` } },
    rows: ({ url }) => tablesOf(url.slice('file:'.length)),
});

test('the files are whole', async () => {
    await assertIntact(file('ours'));
    await assertIntact(file('theirs'));
});
