'use strict';
// The addon, wrapped: one class for stores and one for errors. Everything else of the package stands on these.

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
// The global one is replaced by fake timers of tests, and missing in some environments of theirs.
const { setImmediate } = require('node:timers');

const packageRoot = path.resolve(__dirname, '..');

// Where the addon may be, best first. What a checkout has built counts only inside a checkout.
function candidates() {
    const explicit = process.env.MASTRA_STORE_NATIVE;
    if (explicit) {
        return [path.resolve(explicit)];
    }
    const found = [
        path.join(packageRoot, 'prebuilds', `${process.platform}-${process.arch}`, 'mastra_store.node'),
        path.join(packageRoot, 'build', 'mastra_store.node'),
    ];
    const checkout = path.resolve(packageRoot, '..', '..');
    if (packageRoot === path.join(checkout, 'bindings', 'node') && fs.existsSync(path.join(checkout, 'meson.build'))) {
        found.push(path.join(checkout, 'build', 'bindings', 'node', 'mastra_store.node'));
    }
    return found;
}

function isBlank(file) {
    try {
        return fs.readFileSync(file, 'utf8').trim() === '';
    } catch {
        return true;
    }
}

// Whether the process may have been given another malloc, or a sanitizer. What the C library hands out then comes from
// that one, and a library bound apart would give it back to the C library's own.
const isPreloaded = () =>
    Boolean(process.env.LD_PRELOAD || process.versions.electron) || !isBlank('/etc/ld.so.preload');

// Node.js shows its own OpenSSL to all libraries of the process. libpq and libcurl were made for the system's, which comes
// with them: they have to find that one first, or parts of two versions work on the same objects.
function loadFile(file) {
    const { RTLD_LAZY, RTLD_DEEPBIND } = os.constants.dlopen;
    if (RTLD_DEEPBIND === undefined || isPreloaded()) {
        return require(file);
    }
    const loaded = { exports: {} };
    process.dlopen(loaded, path.toNamespacedPath(file), RTLD_LAZY | RTLD_DEEPBIND);
    return loaded.exports;
}

function load() {
    const failures = [];
    for (const file of candidates()) {
        try {
            return loadFile(file);
        } catch (error) {
            // A prebuilt file for another C library fails here; what was built on this machine may follow.
            failures.push(`  ${file}: ${fs.existsSync(file) ? error.message : 'not there'}`);
        }
    }
    throw new Error(
        `mastra-store: the native addon could not be loaded:\n${failures.join('\n')}\n` +
            'Build it by `npm rebuild mastra-store` (needs a C compiler; installing with --ignore-scripts skips it).',
    );
}

const addon = load();

/** What the library says of a failure. */
class NativeError extends Error {
    constructor(record) {
        super(record.message || 'out of memory');
        this.code = record.code;
        this.id = record.id;
        this.category = record.category;
        this.op = record.op;
        this.retriable = record.retriable;
        this.details = record.details;
    }
}
NativeError.prototype.name = 'NativeError';

// No text stands for a failure that there was no memory to describe.
function errorOf(text) {
    return new NativeError(
        typeof text !== 'string'
            ? {
                    code: 'out_of_memory',
                    id: 'MASTRA_STORAGE_STORE_CALL_FAILED',
                    category: 'SYSTEM',
                    message: 'out of memory',
                    op: '',
                    retriable: false,
                    details: {},
                }
            : JSON.parse(text),
    );
}

function refuse(field, value, complaint) {
    const shown = typeof value === 'string' ? JSON.stringify(value) : String(value);
    throw new NativeError({
        code: 'invalid_argument',
        id: 'MASTRA_STORAGE_STORE_INITIALIZATION_FAILED',
        category: 'USER',
        message: `${field} ${complaint}, got ${shown}`,
        op: 'open',
        retriable: false,
        details: { field, value: shown },
    });
}

// What is under way, by the ticket that the addon gives back: a store whose call is here cannot be collected. This file
// may be loaded more than once (test runners do that); copies that got the same object for the addon share these tables.
function startUp() {
    const underWay = [];
    const freeTickets = [];
    const providers = new Map();
    const ended = Symbol('ended');
    addon.start(
        (ticket, failed, json) => {
            const entry = underWay[ticket];
            underWay[ticket] = undefined;
            freeTickets.push(ticket);
            entry.store[ended](entry, failed, json);
        },
        (number, question) => provide(providers.get(number), question),
    );
    return { underWay, freeTickets, ended, providers, lost: new FinalizationRegistry((id) => providers.delete(id)) };
}

// Asks a program's function for credentials, and answers the library's question with what comes of it.
async function provide(provider, question) {
    try {
        if (!provider) {
            throw new Error('the store is closed');
        }
        addon.answer(question, ...credentialsOf(await provider()));
    } catch (error) {
        addon.fail(question, reasonOf(error).slice(0, 300));
    }
}

// What is thrown may hold a secret: of an error its name and message are told, of anything else nothing.
const reasonOf = (error) => (error instanceof Error ? `${error.name}: ${error.message}` : 'it threw no error');

// What AWS's own packages call an identity.
function credentialsOf(identity) {
    const { accessKeyId, secretAccessKey, sessionToken, expiration } = identity ?? {};
    if (typeof accessKeyId !== 'string' || typeof secretAccessKey !== 'string') {
        throw new Error('accessKeyId and secretAccessKey must be strings');
    }
    const until = expiration === undefined || expiration === null ? undefined : new Date(expiration).getTime();
    if (Number.isNaN(until)) {
        throw new Error('expiration must be a date');
    }
    return [accessKeyId, secretAccessKey, sessionToken ?? undefined, until];
}

const { underWay, freeTickets, ended, providers, lost } = (addon.shared ??= startUp());

function takeTicket(entry) {
    const ticket = freeTickets.length > 0 ? freeTickets.pop() : underWay.length;
    underWay[ticket] = entry;
    return ticket;
}

function giveBack(ticket) {
    underWay[ticket] = undefined;
    freeTickets.push(ticket);
}

// Options.

const DAY_MS = 24 * 3600 * 1000;
const flag = (name, value) => (typeof value === 'boolean' ? value : refuse(name, value, 'must be true or false'));
const number = (min, max) => (name, value) =>
    Number.isInteger(value) && value >= min && value <= max
        ? value
        : refuse(name, value, `must be a whole number from ${min} to ${max}`);
const text = (name, value) =>
    typeof value === 'string' && value !== '' && value.isWellFormed() && !value.includes('\0')
        ? value
        : refuse(name, value, 'must be a string, not empty, without U+0000 and lone surrogates');

const checks = {
    disableInit: flag,
    synchronous: (name, value) =>
        ['normal', 'full'].indexOf(value) + 1 || refuse(name, value, "must be 'normal' or 'full'"),
    busyTimeoutMs: number(1, DAY_MS),
    closeTimeoutMs: number(0, DAY_MS),
    readers: number(1, 64),
    queueLimit: number(1, 1000000),
    lockOwner: text,
    allowRawSql: flag,
    credentials: (name, value) => (typeof value === 'function' ? value : refuse(name, value, 'must be a function')),
};

function checkOptions(options) {
    if (options === null || typeof options !== 'object') {
        refuse('options', options, 'must be an object');
    }
    const checked = {};
    for (const [name, value] of Object.entries(options)) {
        if (!Object.hasOwn(checks, name)) {
            refuse('options', name, 'has an unknown option');
        }
        if (value !== undefined) {
            checked[name] = checks[name](name, value);
        }
    }
    return checked;
}

const DEFAULT_CLOSE_TIMEOUT_MS = 30000;

// Calls are waited for on this side of the library, so its own parameter has to be known here.
function closeTimeoutOf(url, options) {
    const given = new URLSearchParams(url.slice(url.indexOf('?') + 1 || url.length)).getAll('close_timeout');
    return options.closeTimeoutMs ?? (given.length > 0 ? Number(given.at(-1)) || 0 : DEFAULT_CLOSE_TIMEOUT_MS);
}

let lastProvider = 0;

// Keeps the function under a number that the library knows; 0 when there is none.
function register(provider) {
    if (provider === undefined) {
        return 0;
    }
    // Another copy of this file has numbers of its own.
    do {
        lastProvider = (lastProvider % 0xffffffff) + 1;
    } while (providers.has(lastProvider));
    providers.set(lastProvider, provider);
    return lastProvider;
}

function open(url, checked, provider) {
    const opened = addon.open(
        url,
        checked.disableInit ?? false,
        checked.synchronous ?? 0,
        checked.busyTimeoutMs ?? 0,
        closeTimeoutOf(url, checked),
        checked.readers ?? 0,
        checked.queueLimit ?? 0,
        checked.lockOwner,
        checked.allowRawSql ?? false,
        provider,
    );
    if (typeof opened === 'string' || opened === null) {
        providers.delete(provider);
        throw errorOf(opened);
    }
    return opened;
}

// Operations that write a few rows, told by their arguments, and the longest arguments that make a short call.
const BRIEF = new Set([
    'saveThread',
    'createThread',
    'updateThread',
    'patchThread',
    'updateThreadMetadata',
    'saveMessages',
    'saveResource',
    'updateResource',
    'persistWorkflowSnapshot',
    'updateWorkflowResults',
    'updateWorkflowState',
    'createSpan',
    'batchCreateSpans',
    'updateSpan',
    'batchUpdateSpans',
    'saveScore',
]);
const BRIEF_MOST = 65536;

const isBrief = ({ operation, args }) => args !== undefined && args.length <= BRIEF_MOST && BRIEF.has(operation);

// Whether such a call may be done on this thread; of a database of another kind the library would not.
const isFile = (url) => url.startsWith('file:') && !url.startsWith('file::memory:');

/** An open store: every operation of the library by its name, with JSON text in and out. */
class NativeStore {
    #handle;
    #provider; // the number of the function that is asked for credentials, or 0
    #waiting = []; // calls for which the queue had no room, in order; from #next on
    #next = 0;
    #underWay = 0;
    #retry = false; // an attempt to go on is on its way
    #isFile;
    #held = []; // calls that wait for the event loop to turn
    #closing;
    #refusal; // what a call after the end is answered

    constructor(url, options = {}) {
        text('url', url);
        const checked = checkOptions(options);
        this.#isFile = isFile(url);
        this.#provider = register(checked.credentials);
        this.#handle = open(url, checked, this.#provider);
        if (this.#provider !== 0) {
            lost.register(this, this.#provider, this);
        }
    }

    get closed() {
        return this.#closing !== undefined;
    }

    /** `form` of the answer: as it is; COMPACT, where there is such a form; NO_RESULT, null where a write is done. */
    call(operation, args, form = 0) {
        return new Promise((resolve, reject) => {
            if (typeof operation !== 'string' || (args !== undefined && typeof args !== 'string')) {
                throw new TypeError('call takes the name of an operation and JSON text or nothing');
            }
            const entry = { store: this, operation, args, form, resolve, reject };
            if (this.#closing) {
                reject(this.#closedError(operation));
                return;
            }
            if (this.#held.length > 0 || this.#isToHold(entry)) {
                this.#hold(entry);
            } else {
                this.#beginOrWait(entry);
            }
        });
    }

    close() {
        this.#letGo(false);
        this.#closing ??= new Promise((resolve, reject) => {
            // The store's part of error ids is in the error of what is no JSON.
            this.#refusal = errorOf(addon.call(this.#handle, 0, 'init', '!', 0, 0)[0]);
            const ticket = takeTicket({ store: this, closes: true, resolve, reject });
            addon.close(this.#handle, ticket, this.#waiting.length - this.#next);
        });
        return this.#closing;
    }

    #isToHold(entry) {
        return this.#isFile && this.#underWay === 0 && this.#next === this.#waiting.length && isBrief(entry);
    }

    // With those that follow in the same turn of the event loop, whatever they are: they keep their order.
    #hold(entry) {
        if (this.#held.push(entry) === 1) {
            setImmediate(() => this.#letGo());
        }
    }

    // One call alone is done on this thread; several go to the library's, to be committed together.
    #letGo(mayRunHere = true) {
        const held = this.#held;
        this.#held = [];
        const alone = mayRunHere && held.length === 1 ? addon.MAY_WRITE_HERE : 0;
        held.forEach((entry, place) => {
            this.#beginOrWait(entry, place < held.length - 1 ? addon.MORE_FOLLOWS : alone);
        });
    }

    #beginOrWait(entry, way = 0) {
        if (this.#next < this.#waiting.length || !this.#begin(entry, way)) {
            this.#waiting.push(entry);
            if (this.#underWay === 0) {
                this.#goOnLater();
            }
        }
    }

    // False when the queue is full; otherwise the entry is settled, now or later.
    #begin(entry, way = 0) {
        const ticket = takeTicket(entry);
        const operation = entry.operation.replaceAll('\0', '\x01');
        const begun = addon.call(this.#handle, ticket, operation, entry.args, entry.form, way);
        if (begun === undefined) {
            this.#underWay++;
            entry.args = undefined;
            return true;
        }
        giveBack(ticket);
        if (begun === false) {
            return false;
        }
        if (typeof begun === 'string') {
            entry.resolve(begun);
        } else {
            this.#reject(entry, begun[0]);
        }
        return true;
    }

    #reject(entry, described) {
        const error = errorOf(described);
        entry.reject(error.code === 'closed' ? this.#closedError(entry.operation) : error);
    }

    [ended](entry, failed, described) {
        if (entry.closes) {
            this.#refuseWaiting();
            if (this.#provider !== 0) {
                providers.delete(this.#provider);
                lost.unregister(this);
            }
            if (failed) {
                entry.reject(errorOf(described));
            } else {
                entry.resolve();
            }
            return;
        }
        this.#underWay--;
        if (failed || described === undefined) {
            entry.reject(errorOf(described));
        } else {
            entry.resolve(described);
        }
        if (this.#next < this.#waiting.length) {
            this.#goOnLater();
        }
    }

    // Once for all outcomes that come in together. The room of the last of them appears only after it was told.
    #goOnLater() {
        if (!this.#retry) {
            this.#retry = true;
            setImmediate(() => {
                this.#retry = false;
                this.#goOn();
            });
        }
    }

    #goOn() {
        while (this.#next < this.#waiting.length && this.#begin(this.#waiting[this.#next])) {
            this.#waiting[this.#next++] = undefined;
        }
        if (this.#next === this.#waiting.length) {
            this.#waiting.length = 0;
            this.#next = 0;
        } else if (this.#underWay === 0) {
            this.#goOnLater();
        }
    }

    #refuseWaiting() {
        for (const entry of this.#waiting.splice(0).slice(this.#next)) {
            entry.reject(this.#closedError(entry.operation));
        }
        this.#next = 0;
    }

    #closedError(operation) {
        const name = operation.replace(/[A-Z]/g, '_$&').toUpperCase();
        return new NativeError({
            code: 'closed',
            id: this.#refusal.id.replace('_INIT_', () => `_${name}_`),
            category: 'THIRD_PARTY',
            message: 'the store is closed',
            op: operation,
            retriable: false,
            details: {},
        });
    }
}

/** What is known of each operation: [{name, domain, summary, args, result, ...}]. */
function operations() {
    return JSON.parse(addon.operations());
}

module.exports = {
    NativeStore,
    NativeError,
    version: addon.version,
    sqliteVersion: addon.sqliteVersion,
    backends: addon.backends,
    COMPACT: addon.COMPACT,
    NO_RESULT: addon.NO_RESULT,
    operations,
};
