// The package as a user gets it: packed, installed without a network, built by the compiler of the machine.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test, { after } from 'node:test';

import { native, packageRoot, run, sourceRoot } from './support.mjs';

// What is built is to be this package's own, and npm is to ask nobody.
function environment(folder, more) {
    const kept = Object.entries(process.env).filter(([name]) => !/^(npm_|MASTRA_STORE_NATIVE$|LD_PRELOAD$)/i.test(name));
    return {
        ...Object.fromEntries(kept),
        PATH: `${path.dirname(process.execPath)}:${process.env.PATH}`,
        // The machine has better things to do than to optimise what is used for a moment.
        CFLAGS: '-O0',
        npm_config_cache: path.join(folder, 'cache'),
        npm_config_offline: 'true',
        npm_config_update_notifier: 'false',
        npm_config_legacy_peer_deps: 'true',
        npm_config_audit: 'false',
        npm_config_fund: 'false',
        ...more,
    };
}

async function pack(folder) {
    const packed = await run('npm', ['pack', '--json', '--pack-destination', folder], {
        cwd: packageRoot,
        // What is packed along may have to be fetched first.
        env: environment(folder, { npm_config_offline: 'false', npm_config_cache: process.env.npm_config_cache ?? '' }),
        maxBuffer: 1 << 24,
    });
    assert.equal(packed.code, 0, packed.stderr);
    // Some versions of npm put the names of the scripts that they run in front.
    const [{ filename, files }] = JSON.parse(packed.stdout.slice(packed.stdout.search(/^\[/m)));
    return { tarball: path.join(folder, filename), names: files.map((file) => file.path) };
}

function project(folder, name) {
    const root = path.join(folder, name);
    fs.mkdirSync(root);
    fs.writeFileSync(path.join(root, 'package.json'), JSON.stringify({ name, version: '1.0.0', private: true }));
    return root;
}

// The peer dependency comes from where the other tests have it.
function lendPeers(root) {
    fs.symlinkSync(path.join(sourceRoot, 'tests/interop/node_modules/@mastra'), path.join(root, 'node_modules/@mastra'));
}

const USE = `
    const folder = process.argv[2];
    const store = new LibSQLStore({ id: 'installed', url: 'file:' + folder + '/app.db' });
    const memory = await store.getStore('memory');
    const now = new Date();
    await memory.saveThread({
        thread: { id: way, resourceId: 'r', title: 'from ' + way, createdAt: now, updatedAt: now },
    });
    const { threads } = await memory.listThreads({ filter: { resourceId: 'r' } });
    console.log(threads.map((thread) => thread.title).sort().join(', '));
    await store.close();`;

// The tests go on from each other: what one has packed or built is not made again for the next.
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'mastra-node-'));
after(() => fs.rmSync(folder, { recursive: true, force: true }));
const root = project(folder, 'app');
const installed = path.join(root, 'node_modules/mastra-store');
let tarball;

async function use(way, more) {
    return run(process.execPath, [way === 'import' ? 'use.mjs' : 'use.cjs', root], {
        cwd: root,
        env: environment(folder, more),
    });
}

const install = (cwd, more) =>
    run(process.execPath, ['scripts/install.js'], { cwd, env: environment(folder, more), timeout: 240000 });

test('the package holds what is needed and nothing else', async () => {
    const packed = await pack(folder);
    tarball = packed.tarball;
    for (const name of ['LICENSE', 'package.json', 'lib/native.js', 'native/addon.c', 'native/exports.map']) {
        assert.ok(packed.names.includes(name), name);
    }
    for (const name of ['src/store/async.c', 'include/mastra/store.h', 'sqlite/sqlite3.c', 'node-api/LICENSE']) {
        assert.ok(packed.names.includes(`vendor/${name}`), name);
    }
    const usual = /^(LICENSE|README\.md|package\.json|(lib|native|prebuilds|scripts|vendor)\/.+)$/;
    assert.deepEqual(packed.names.filter((name) => !usual.test(name)), []);
    assert.deepEqual(packed.names.filter((name) => /\.(o|node|db)$|node_modules|meson/.test(name)), []);
});

// A PATH on which npm works and no compiler is found.
function pathWithoutCompiler() {
    const bin = path.join(folder, 'bin');
    fs.mkdirSync(bin);
    fs.symlinkSync(process.execPath, path.join(bin, 'node'));
    for (const program of ['sh', 'env', 'uname']) {
        fs.symlinkSync(find(program), path.join(bin, program));
    }
    return bin;
}

function find(program) {
    const places = process.env.PATH.split(':').map((place) => path.join(place, program));
    return fs.realpathSync(places.find((name) => fs.existsSync(name)));
}

test('without a compiler: one message, and nothing is left', async () => {
    const bare = project(folder, 'bare');
    const bin = pathWithoutCompiler();
    const failed = await run(process.execPath, [find('npm'), 'install', tarball], {
        cwd: bare,
        env: environment(folder, { PATH: bin, CC: '' }),
    });
    assert.equal(failed.code, 1, failed.stdout);
    const said = failed.stderr.split('\n').filter((line) => line.includes('mastra-store: '));
    assert.equal(said.length, 1, failed.stderr);
    assert.match(said[0], /no prebuilt addon for \S+, and no C compiler was found/);
    assert.match(failed.stderr, /apt-get install gcc libc6-dev/);
    assert.ok(!fs.existsSync(path.join(bare, 'node_modules/mastra-store')));

    const unpacked = await run('tar', ['xzf', tarball, '-C', bare]);
    assert.equal(unpacked.code, 0, unpacked.stderr);
    const place = path.join(bare, 'package');
    const before = fs.readdirSync(place, { recursive: true });
    for (const [cc, says] of [
        ['', /no C compiler was found\.\n/],
        ['no-such-compiler -O3', /no C compiler was found \(CC is no-such-compiler -O3\)/],
        [`${bin}/uname`, /uname cannot compile a program:/],
    ]) {
        const refused = await install(place, { PATH: bin, CC: cc });
        assert.equal(refused.code, 1);
        assert.match(refused.stderr, says);
        assert.doesNotMatch(refused.stderr, /\bat .*install\.js/);
        assert.deepEqual(fs.readdirSync(place, { recursive: true }), before);
    }
});

// A compiler that notes its arguments and a pkg-config that knows one library.
const NOTING_COMPILER = `#!/bin/sh
echo "$@" >>"$NOTES"
while [ $# -gt 1 ]; do
    [ "$1" = -o ] && : >"$2"
    shift
done`;
const PKG_CONFIG = `#!/bin/sh
case "$1 $2" in
"--atleast-version=1.5 libthing" | "--exists libthing") ;;
"--cflags libthing") echo -I/opt/thing ;;
"--libs libthing") echo -lthing ;;
*) exit 1 ;;
esac`;

test('a part whose library is missing is left out', async () => {
    const place = path.join(folder, 'bare/package');
    const list = path.join(place, 'vendor/sources.json');
    const notes = path.join(folder, 'notes');
    const script = (name, text) => {
        fs.writeFileSync(path.join(folder, name), text, { mode: 0o755 });
        return path.join(folder, name);
    };
    const environ = { CC: script('noting-cc', NOTING_COMPILER), PKG_CONFIG: script('pkg-config', PKG_CONFIG), NOTES: notes };
    const described = JSON.parse(fs.readFileSync(list));
    for (const [version, there] of [
        ['1.5', true],
        ['1.6', false],
    ]) {
        const thing = {
            name: 'Thing',
            define: 'MASTRA_WITH_THING',
            libraries: [{ name: 'libthing', version }],
            sources: ['thing/thing.c'],
            absent: ['thing/absent.c'],
        };
        fs.writeFileSync(list, JSON.stringify({ ...described, features: [thing] }));
        fs.rmSync(notes, { force: true });
        const refused = await install(place, environ);
        assert.equal(refused.code, 1);
        assert.match(refused.stderr, /this Node\.js \(v[\d.]+\) cannot load it/);
        assert.equal(/built without Thing, which needs libthing 1\.6/.test(refused.stdout), !there);
        const lines = fs.readFileSync(notes, 'utf8').trim().split('\n');
        const link = lines.pop();
        const compiled = lines.filter((line) => line.includes('/vendor/src/'));
        assert.equal(compiled.length, described.sources.length + 1);
        assert.ok(compiled.every((line) => line.includes(` -DMASTRA_WITH_THING=${there ? 1 : 0} `)));
        assert.ok(compiled.every((line) => line.includes(' -I/opt/thing ') === there));
        assert.equal(compiled.some((line) => line.includes('/src/thing/thing.c')), there);
        assert.equal(compiled.some((line) => line.includes('/src/thing/absent.c')), !there);
        assert.equal(link.includes(' -lthing '), there);
        assert.deepEqual(fs.readdirSync(place).filter((name) => name.startsWith('build')), []);
    }
});

test('npm install builds it; import and require', async () => {
    const done = await run('npm', ['install', tarball], { cwd: root, env: environment(folder), timeout: 240000 });
    assert.equal(done.code, 0, done.stderr);
    assert.deepEqual(fs.readdirSync(installed).filter((name) => name.startsWith('build')), ['build']);
    assert.deepEqual(fs.readdirSync(path.join(installed, 'build')), ['mastra_store.node']);
    const checked = await run(path.join(sourceRoot, 'scripts/check-exports'), [
        path.join(installed, 'build/mastra_store.node'),
        '^\\(napi_register_module_v1\\|node_api_module_get_api_version_v1\\)$',
    ]);
    assert.equal(checked.code, 0, checked.stderr);

    // Of the parts that need other libraries it has the same ones as the checkout's own build.
    const load = ['-p', 'JSON.stringify(require("./lib/native.js").backends)'];
    const asked = await run(process.execPath, load, { cwd: installed, env: environment(folder) });
    assert.deepEqual(JSON.parse(asked.stdout), native.backends, asked.stderr);

    lendPeers(root);
    const imported = `import { LibSQLStore } from 'mastra-store';\nconst way = 'import';${USE}`;
    const required = `const { LibSQLStore } = require('mastra-store');\nconst way = 'require';`;
    fs.writeFileSync(path.join(root, 'use.mjs'), imported);
    fs.writeFileSync(path.join(root, 'use.cjs'), `${required}(async () => {${USE}})();`);
    assert.deepEqual(await use('import'), { code: 0, signal: null, stdout: 'from import\n', stderr: '' });
    assert.deepEqual(await use('require'), { code: 0, signal: null, stdout: 'from import, from require\n', stderr: '' });
});

test('a prebuilt file that fits is taken, another is not', async () => {
    const prebuilt = path.join(installed, 'prebuilds', `${process.platform}-${process.arch}`, 'mastra_store.node');
    fs.mkdirSync(path.dirname(prebuilt), { recursive: true });
    fs.renameSync(path.join(installed, 'build/mastra_store.node'), prebuilt);
    fs.rmdirSync(path.join(installed, 'build'));
    const taken = await install(installed, { CC: 'no-such-compiler' });
    assert.deepEqual(taken, { code: 0, signal: null, stdout: '', stderr: '' });
    assert.ok(!fs.existsSync(path.join(installed, 'build')));
    assert.equal((await use('require')).stdout, 'from import, from require\n');

    fs.writeFileSync(prebuilt, 'for some other machine');
    assert.equal((await install(installed, { CC: 'no-such-compiler' })).code, 1);
    const unusable = await use('require');
    assert.match(unusable.stderr, /the native addon could not be loaded/);
    assert.match(unusable.stderr, /npm rebuild mastra-store/);
});
