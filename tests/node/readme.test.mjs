// The README of the package: its programs run.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { installed, snippets } from './installed.mjs';
import { run } from './support.mjs';

const OUTPUT = [
    /^1 Trip\n/,
    /^held until .*\n\{[^]*id: 'thread-1'/,
    /^MASTRA_STORAGE_LIBSQL_UPDATE_THREAD_NOT_FOUND 404\n$/,
    /^$/,
];

test('every program of the README runs', async (t) => {
    const programs = snippets('js');
    assert.equal(programs.length, OUTPUT.length);
    for (const [i, source] of programs.entries()) {
        const folder = installed(t);
        fs.writeFileSync(path.join(folder, 'program.mjs'), source);
        const { code, stdout, stderr } = await run(process.execPath, ['program.mjs'], { cwd: folder });
        assert.equal(code, 0, `${source}\n${stderr}`);
        assert.match(stdout, OUTPUT[i]);
    }
});
