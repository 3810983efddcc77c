// The package's types: an application compiles, no method is loosely typed, and the types tell of what is there.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import * as entry from '../../bindings/node/lib/index.mjs';
import native from '../../bindings/node/lib/native.js';
import { packageRoot, run, scratch, sourceRoot } from './support.mjs';

const here = path.join(sourceRoot, 'tests/node/types');

/** A folder with the sources, in which the package is installed as an application has it. */
function application(t) {
    const folder = scratch(t);
    for (const file of ['application.mts', 'common.cts', 'methods.mts']) {
        fs.copyFileSync(path.join(here, file), path.join(folder, file));
    }
    // Declarations of packages are not checked; these are, as a source.
    fs.copyFileSync(path.join(packageRoot, 'lib/index.d.ts'), path.join(folder, 'declarations.mts'));
    const names = native.operations().map(({ name }) => `'${name}'`);
    fs.writeFileSync(path.join(folder, 'operations.mts'), `export type OperationName = ${names.join(' | ')};\n`);
    const modules = path.join(sourceRoot, 'tests/interop/node_modules');
    fs.mkdirSync(path.join(folder, 'node_modules'));
    for (const name of ['@mastra', '@types']) {
        fs.symlinkSync(path.join(modules, name), path.join(folder, 'node_modules', name));
    }
    fs.symlinkSync(packageRoot, path.join(folder, 'node_modules/mastra-store'));
    const config = JSON.parse(fs.readFileSync(path.join(here, 'tsconfig.json'), 'utf8'));
    fs.writeFileSync(path.join(folder, 'tsconfig.json'), JSON.stringify(config));
    return folder;
}

async function compile(folder) {
    const { code, stdout } = await run(process.execPath, [path.join(here, 'node_modules/typescript/bin/tsc'), '-p', folder]);
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
