'use strict';
// When the package is installed: takes the prebuilt addon when one fits, else compiles it with the C compiler of the
// machine. Plain Node.js and the compiler are all it needs; it works in a folder of its own, so that what it leaves is
// either whole or not there.

const { execFile, spawnSync } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { promisify } = require('node:util');

const packageRoot = path.resolve(__dirname, '..');
const vendor = path.join(packageRoot, 'vendor');
const target = path.join(packageRoot, 'build', 'mastra_store.node');
const platform = `${process.platform}-${process.arch}`;
const prebuilt = path.join(packageRoot, 'prebuilds', platform, 'mastra_store.node');

/** What the user is told; anything else that is thrown is a defect. */
class Refusal extends Error {}

const INSTALL_COMPILER = `  Debian, Ubuntu:  apt-get install gcc libc6-dev
  Fedora, RHEL:    dnf install gcc
  Alpine:          apk add gcc musl-dev
Then install the package again. A compiler that is elsewhere is named by CC in the environment.`;

/** Arguments that the environment has for compiling (CFLAGS) or linking (LDFLAGS). */
const given = (name) => (process.env[name] ?? '').split(/\s+/).filter(Boolean);

function loads(file) {
    return spawnSync(process.execPath, ['-e', 'require(process.argv[1])', file], { stdio: 'ignore' }).status === 0;
}

// Compiler.

const PROBE = '#include <pthread.h>\n#include <stdlib.h>\nint main(void) { return EXIT_SUCCESS; }\n';

/** The command of a compiler that compiles and links; each may have arguments: CC="ccache gcc". */
function findCompiler(folder) {
    const source = path.join(folder, 'probe.c');
    const named = process.env.CC?.trim();
    const broken = [];
    fs.writeFileSync(source, PROBE);
    for (const command of named ? [named] : ['cc', 'gcc', 'clang']) {
        const [program, ...args] = command.split(/\s+/);
        const tried = spawnSync(program, [...args, '-pthread', '-o', path.join(folder, 'probe'), source], {
            encoding: 'utf8',
        });
        if (tried.status === 0) {
            return { program, args };
        }
        if (!tried.error) {
            broken.push(`${command} cannot compile a program:\n${firstLines(tried.stderr)}\n`);
        }
    }
    throw new Refusal(
        `there is no prebuilt addon for ${platform}, and ` +
            (broken[0] ?? `no C compiler was found${named ? ` (CC is ${named})` : ''}.\n`) +
            INSTALL_COMPILER,
    );
}

function firstLines(text) {
    return text
        .split('\n')
        .slice(0, 12)
        .map((line) => `  ${line}`)
        .join('\n');
}

// Libraries that only parts of it need.

function pkgConfig(...args) {
    const asked = spawnSync(process.env.PKG_CONFIG || 'pkg-config', args, { encoding: 'utf8' });
    return asked.status === 0 ? asked.stdout.trim().split(/\s+/).filter(Boolean) : null;
}

/** What to compile and link a part with; null when one of its libraries is missing or too old. */
function detect(feature) {
    const names = feature.libraries.map(({ name }) => name);
    const there = feature.libraries.every(({ name, version }) => pkgConfig(`--atleast-version=${version}`, name));
    const cflags = there ? pkgConfig('--cflags', ...names) : null;
    const libs = there ? pkgConfig('--libs', ...names) : null;
    return cflags && libs ? { cflags, libs } : null;
}

/** The units to compile, {source, args}, the longest first, and what to link with. */
function plan(list) {
    const defines = [...list.defines];
    const sources = [...list.sources];
    const libs = [];
    const cflags = [];
    for (const feature of list.features) {
        const found = detect(feature);
        defines.push(`-D${feature.define}=${found ? 1 : 0}`);
        if (found) {
            sources.push(...feature.sources);
            cflags.push(...found.cflags);
            libs.push(...found.libs);
        } else {
            sources.push(...feature.absent);
            const names = feature.libraries.map(({ name, version }) => `${name} ${version}`).join(', ');
            console.log(`mastra-store: built without ${feature.name}, which needs ${names} and pkg-config`);
        }
    }
    const include = (...names) => names.map((name) => `-I${path.join(vendor, name)}`);
    const ours = ['-std=c11', ...defines, ...list.sqlite, ...include('include', 'src', 'sqlite'), ...cflags];
    const addon = ['-std=c11', ...defines, ...list.nativeDefines, ...include('include', 'node-api')];
    return {
        libs,
        units: [
            { source: path.join(vendor, 'sqlite/sqlite3.c'), args: ['-std=gnu11', ...list.sqlite] },
            ...sources.map((name) => ({ source: path.join(vendor, 'src', name), args: ours })),
            ...list.native.map((name) => ({ source: path.join(packageRoot, name), args: addon })),
        ],
    };
}

// Building.

async function runCompiler(compiler, args) {
    try {
        await promisify(execFile)(compiler.program, [...compiler.args, ...args], { maxBuffer: 1 << 24 });
    } catch (error) {
        throw new Refusal(`the addon could not be compiled:\n${firstLines(error.stderr || error.message)}`);
    }
}

async function compileAll(compiler, units, folder) {
    const objects = units.map((_, i) => path.join(folder, `${i}.o`));
    let next = 0;
    const worker = async () => {
        while (next < units.length) {
            const i = next++;
            const { source, args } = units[i];
            const common = ['-O2', '-fPIC', '-fvisibility=hidden', '-pthread', '-w', '-DNDEBUG'];
            await runCompiler(compiler, [...common, ...given('CFLAGS'), ...args, '-c', source, '-o', objects[i]]);
        }
    };
    await Promise.all(Array.from({ length: os.availableParallelism?.() ?? os.cpus().length }, worker));
    return objects;
}

async function build(folder) {
    const list = JSON.parse(fs.readFileSync(path.join(vendor, 'sources.json'), 'utf8'));
    const compiler = findCompiler(folder);
    const { units, libs } = plan(list);
    const objects = await compileAll(compiler, units, folder);
    const built = path.join(folder, 'mastra_store.node');
    // Nothing of the library and its SQLite may be seen by the host, which may have another SQLite inside.
    const hidden = `-Wl,--version-script=${path.join(packageRoot, 'native/exports.map')}`;
    const flags = ['-shared', '-pthread', hidden, ...given('LDFLAGS')];
    await runCompiler(compiler, [...flags, '-o', built, ...objects, ...libs, '-lm']);
    if (!loads(built)) {
        throw new Refusal(`the addon was built, but this Node.js (${process.version}) cannot load it`);
    }
    fs.mkdirSync(path.dirname(target), { recursive: true });
    fs.renameSync(built, target);
}

async function main() {
    if (fs.existsSync(prebuilt) && loads(prebuilt)) {
        return;
    }
    if (!fs.existsSync(path.join(vendor, 'sources.json'))) {
        if (fs.existsSync(path.join(packageRoot, '..', '..', 'meson.build'))) {
            console.log('mastra-store: in a checkout the addon is built by `make node`');
            return;
        }
        throw new Refusal('the package is incomplete: vendor/sources.json is missing');
    }
    if (process.platform === 'win32' || process.platform === 'darwin') {
        throw new Refusal(`there is no prebuilt addon for ${platform}, and it cannot be compiled there yet`);
    }
    const folder = fs.mkdtempSync(path.join(packageRoot, 'build-'));
    const clean = () => fs.rmSync(folder, { recursive: true, force: true });
    process.on('exit', clean);
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
        process.on(signal, () => process.exit(1));
    }
    await build(folder);
}

main().catch((error) => {
    console.error(error instanceof Refusal ? `mastra-store: ${error.message}` : error);
    process.exitCode = 1;
});
