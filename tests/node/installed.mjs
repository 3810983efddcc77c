// A folder in which the package is installed as in an application, and the programs of the package's README.
import fs from 'node:fs';
import path from 'node:path';

import { packageRoot, scratch, sourceRoot } from './support.mjs';

export function installed(t) {
    const folder = scratch(t);
    const modules = path.join(sourceRoot, 'tests/interop/node_modules');
    fs.mkdirSync(path.join(folder, 'node_modules'));
    for (const name of ['@mastra', '@types']) {
        fs.symlinkSync(path.join(modules, name), path.join(folder, 'node_modules', name));
    }
    fs.symlinkSync(packageRoot, path.join(folder, 'node_modules/mastra-store'));
    return folder;
}

/** The code blocks of that language. */
export function snippets(language) {
    const text = fs.readFileSync(path.join(packageRoot, 'README.md'), 'utf8');
    return [...text.matchAll(/^```(\w+)\n([^]*?)^```$/gm)]
        .filter(([, name]) => name === language)
        .map(([, , source]) => source);
}
