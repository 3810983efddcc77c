'use strict';
// Before the package is packed: gathers in vendor/ all that install.js needs to build the addon with a C compiler alone.
// What is to be compiled and how is read from the Meson files of the checkout, where it is written down once.

const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');

const packageRoot = path.resolve(__dirname, '..');
const checkout = path.resolve(packageRoot, '..', '..');
const vendor = path.join(packageRoot, 'vendor');

// Parts of the library that need other libraries. A part that the checkout does not have yet is passed over. What stands
// in for a part that is left out is its absent.c.
const FEATURES = [
    {
        name: 'PostgreSQL',
        define: 'MASTRA_WITH_POSTGRES',
        folders: ['backends/postgres/'],
        libraries: ['libpq'],
    },
    {
        name: 'AWS',
        define: 'MASTRA_WITH_AWS',
        folders: ['aws/', 'backends/dynamodb/'],
        libraries: ['libcurl', 'libcrypto', 'zlib'],
    },
    {
        name: 'Aurora DSQL',
        define: 'MASTRA_WITH_DSQL',
        folders: ['backends/dsql/'],
        libraries: ['libpq', 'libcurl', 'libcrypto', 'zlib'],
    },
];

const read = (name) => fs.readFileSync(path.join(checkout, name), 'utf8');
const matches = (text, pattern) => [...text.matchAll(pattern)].map((match) => match[1]);

function fail(text) {
    console.error(`mastra-store: ${text}`);
    process.exit(1);
}

function librarySources() {
    const named = matches(read('src/meson.build'), /'([\w/]+\.c)'/g).sort();
    const there = fs
        .readdirSync(path.join(checkout, 'src'), { recursive: true })
        .filter((name) => name.endsWith('.c'))
        .map((name) => name.split(path.sep).join('/'))
        .sort();
    if (named.join() !== there.join()) {
        fail('src/meson.build does not name exactly the files that are in src');
    }
    return named;
}

// {name, version}: the oldest that will do, as Meson is told.
function library(name, description) {
    const found = description.match(new RegExp(`dependency\\('${name}'(?:, version: '>=([\\d.]+)')?`));
    return found ? { name, version: found[1] ?? '0' } : fail(`meson.build does not look for ${name}`);
}

function describe() {
    const main = read('meson.build');
    const sources = librarySources();
    const there = FEATURES.filter((feature) => main.includes(feature.define));
    const isStandIn = (name) => name.endsWith('/absent.c');
    const part = (feature) => sources.filter((name) => feature.folders.some((folder) => name.startsWith(folder)));
    const parts = new Set(there.flatMap(part));
    return {
        defines: matches(main, /add_project_arguments\('(-D\w+)'/g),
        sqlite: matches(read('third_party/sqlite/meson.build'), /^ +'(-DSQLITE_\w+(?:=\d+)?)',$/gm),
        sources: sources.filter((name) => !parts.has(name)),
        native: matches(read('bindings/node/meson.build'), /'(native\/\w+\.c)'/g),
        nativeDefines: matches(read('bindings/node/meson.build'), /'(-DNAPI_\w+=\d+)'/g),
        features: there.map((feature) => ({
            name: feature.name,
            define: feature.define,
            libraries: feature.libraries.map((name) => library(name, main)),
            sources: part(feature).filter((name) => !isStandIn(name)),
            absent: part(feature).filter(isStandIn),
        })),
    };
}

function copyTree(from, to, wanted) {
    fs.cpSync(path.join(checkout, from), path.join(to, path.basename(from)), {
        recursive: true,
        filter: (name) => fs.statSync(name).isDirectory() || wanted.test(name),
    });
}

function copyInto(folder, ...names) {
    fs.mkdirSync(folder, { recursive: true });
    for (const name of names) {
        fs.copyFileSync(path.join(checkout, name), path.join(folder, path.basename(name)));
    }
}

function gather(to) {
    const headers = 'third_party/node-api/node_modules/node-api-headers';
    const sqlite = 'third_party/sqlite/node_modules/better-sqlite3/deps/sqlite3';

    copyTree('src', to, /\.[ch]$/);
    copyTree('include', to, /\.h$/);
    copyInto(path.join(to, 'sqlite'), `${sqlite}/sqlite3.c`, `${sqlite}/sqlite3.h`);
    copyInto(
        path.join(to, 'node-api'),
        ...['node_api.h', 'node_api_types.h', 'js_native_api.h', 'js_native_api_types.h'].map(
            (name) => `${headers}/include/${name}`,
        ),
        `${headers}/LICENSE`,
    );
    fs.writeFileSync(path.join(to, 'sources.json'), `${JSON.stringify(describe(), null, 2)}\n`);
}

if (!fs.existsSync(path.join(checkout, 'meson.build'))) {
    fail('can only be packed in a checkout of the project');
}
execFileSync(path.join(checkout, 'scripts/fetch-sqlite'), { stdio: ['ignore', 2, 2] });
execFileSync(path.join(checkout, 'scripts/fetch-node-api'), { stdio: ['ignore', 2, 2] });

const fresh = fs.mkdtempSync(`${vendor}-`);
try {
    gather(fresh);
    fs.rmSync(vendor, { recursive: true, force: true });
    fs.renameSync(fresh, vendor);
} finally {
    fs.rmSync(fresh, { recursive: true, force: true });
}
fs.copyFileSync(path.join(checkout, 'LICENSE'), path.join(packageRoot, 'LICENSE'));
