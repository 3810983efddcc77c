// The package's types: an application and the README's programs compile, no method is loosely typed, and the types tell of what is there.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import * as entry from '../../bindings/node/lib/index.mjs';
import native from '../../bindings/node/lib/native.js';
import { installed, snippets } from './installed.mjs';
import { packageRoot, run, sourceRoot } from './support.mjs';

const here = path.join(sourceRoot, 'tests/node/types');

/** A folder with the sources, those of the README among them. */
function application(t) {
    const folder = installed(t);
    const config = JSON.parse(fs.readFileSync(path.join(here, 'tsconfig.json'), 'utf8'));
    const write = (name, source) => {
        fs.writeFileSync(path.join(folder, name), source);
        config.files.push(name);
    };
    for (const name of config.files) {
        fs.copyFileSync(path.join(here, name), path.join(folder, name));
    }
    // Declarations of packages are not checked; these are, as a source.
    write('declarations.mts', fs.readFileSync(path.join(packageRoot, 'lib/index.d.ts')));
    const names = native.operations().map(({ name }) => `'${name}'`);
    write('operations.mts', `export type OperationName = ${names.join(' | ')};\n`);
    [...snippets('js'), ...snippets('ts')].forEach((source, i) => write(`readme-${i}.mts`, source));
    fs.writeFileSync(path.join(folder, 'tsconfig.json'), JSON.stringify(config));
    return folder;
}

async function compile(folder) {
    const { code, stdout } = await run(process.execPath, [
        path.join(here, 'node_modules/typescript/bin/tsc'),
        '-p',
        folder,
    ]);
    return code === 0 ? '' : stdout;
}

test('an application compiles, and what is wrong does not', async (t) => {
    assert.equal(await compile(application(t)), '');
});

test('the types name what the package exports', () => {
    const text = fs.readFileSync(path.join(packageRoot, 'lib/index.d.ts'), 'utf8');
    const declared = [...text.matchAll(/^export declare (?:class|const) (\w+)/gm)].map(([, name]) => name);
    assert.deepEqual([...declared, 'DefaultStorage'].sort(), Object.keys(entry).sort());
});
