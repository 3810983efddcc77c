'use strict';
// The stores: composites of the four domains, with the operations as methods of their own beside them.

const { Client, errorForms } = require('./client.js');
const { PRUNED, addMethods, checkFilter, clients, defineDomains, openDomains, operations } = require('./domains.js');
const tables = require('./methods.js');
const { backends } = require('./native.js');
const plans = require('./options.js');

/** Methods of the domains that can be called on the store as well, besides the operations of methods.js. */
const FLAT = {
    memory: [
        'saveThread',
        'listThreads',
        'saveMessages',
        'listMessages',
        'listMessagesByResourceId',
        'listMessagesById',
        'deleteMessages',
        'cloneThread',
        'saveResource',
        'patchThread',
        'updateThreadMetadata',
    ],
};

function flatMethods() {
    const methods = operations(tables.store);
    const { getTraces } = methods;
    methods.getTraces = async function (args) {
        for (const name of ['attributes', 'filters', 'scope']) {
            checkFilter(this, 'getTraces', name, args?.[name]);
        }
        return getTraces.call(this, args);
    };
    for (const domain of ['memory', 'workflows', 'observability', 'scores']) {
        for (const name of [...Object.keys(tables[domain]), ...(FLAT[domain] ?? [])]) {
            methods[name] = async function (...given) {
                return this.stores[domain][name](...given);
            };
            Object.defineProperty(methods[name], 'name', { value: name });
        }
    }
    return methods;
}

/** Whose tables nobody else can have made. */
const isInMemory = (url) => /^(file:)?:memory:(\?|$)/.test(url);

/** Core is loaded twice when some import it and some require it; a store of either kind is an instance of both classes. */
function recogniseBoth(Class, name) {
    const brand = Symbol.for(`mastra-store.${name}`);
    const ordinary = Function.prototype[Symbol.hasInstance];

    Object.defineProperty(Class.prototype, brand, { value: true });
    Object.defineProperty(Class, Symbol.hasInstance, {
        value(candidate) {
            return ordinary.call(this, candidate) || (this === Class && candidate?.[brand] === true);
        },
    });
    return Class;
}

/** Retention of something that there is not would keep it for ever without a word. */
function checkRetention({ name, retention }) {
    const isObject = (value) => value !== null && typeof value === 'object' && !Array.isArray(value);
    const refuse = (option, why) => {
        throw new Error(`${name}: the option ${option} ${why}`);
    };

    if (retention === undefined) {
        return;
    }
    if (!isObject(retention)) {
        refuse('retention', `must be an object, got ${retention}`);
    }
    for (const [domain, policies] of Object.entries(retention)) {
        if (!Object.hasOwn(PRUNED, domain)) {
            refuse(`retention.${domain}`, `is not known (known: ${Object.keys(PRUNED).join(', ')})`);
        }
        if (policies !== undefined && !isObject(policies)) {
            refuse(`retention.${domain}`, `must be an object, got ${policies}`);
        }
        for (const table of Object.keys(policies ?? {})) {
            if (!Object.hasOwn(PRUNED[domain], table)) {
                const known = Object.keys(PRUNED[domain]).join(', ');
                refuse(`retention.${domain}.${table}`, `is not known (known: ${known})`);
            }
        }
    }
}

/** The classes, over the classes of one copy of core. */
function defineStores(core) {
    const errors = errorForms(core);
    const domains = defineDomains(core);

    /** What `plan` makes of a configuration, or an error as Mastra's stores throw it. */
    function planned(plan, config) {
        try {
            const made = plan(config);
            checkRetention(made);
            return made;
        } catch (error) {
            throw errors.from(error, plan.errorId);
        }
    }

    class Store extends core.MastraCompositeStore {
        #client;
        #indexes;
        #release;

        constructor({ id, name, disableInit, retention, backend, store, url, indexes, errorId, release, ...options }) {
            super({ id, name, disableInit, retention });
            if (!backends.includes(backend)) {
                release?.();
                throw errors.make({
                    id: errorId,
                    category: 'USER',
                    text: `${name}: the backend ${backend} is not built in this version (built: ${backends.join(', ')})`,
                    details: { backend },
                });
            }
            // Programs may name SQL in createIndex; only calls by name, which may come from afar, may not.
            const native = { ...options, allowRawSql: true };
            native.disableInit =
                !isInMemory(url) && ((disableInit ?? false) || process.env.MASTRA_DISABLE_STORAGE_INIT === 'true');
            try {
                this.#client = new Client(errors, store, url, native);
            } catch (error) {
                release?.();
                throw errors.from(error, errorId);
            }
            this.#indexes = indexes ?? [];
            this.#release = release;
            this.stores = openDomains(domains, this.#client);
            clients.set(this, this.#client);
        }

        async init() {
            if (!this.shouldCacheInit) {
                await this.#prepare();
                return;
            }
            this.hasInitialized ??= this.#prepare().catch((error) => {
                this.hasInitialized = null;
                throw error;
            });
            await this.hasInitialized;
        }

        async #prepare() {
            await this.#client.run('init');
            for (const index of this.#indexes) {
                try {
                    await this.createIndex(index);
                } catch (error) {
                    this.logger?.warn?.(`${this.name}: the index ${index.name} was not created`, { error });
                }
            }
            return true;
        }

        async call(operation, args) {
            if (operation === 'createIndex' && (args?.where ?? null) !== null) {
                throw this.#client.refusal(
                    'indexCreate',
                    'where',
                    'is SQL, which a call by name does not take; use createIndex()',
                    'RAW_SQL_DENIED',
                );
            }
            return this.#client.call(operation, args);
        }

        /** With `olderThan` the operation of that name, otherwise what the configured retention says. */
        async prune(options) {
            return options && 'olderThan' in options ? this.#client.call('prune', options) : super.prune(options);
        }

        async close() {
            await this.#client.close();
            this.#release?.();
        }

        __setLogger(logger) {
            super.__setLogger(logger);
            for (const domain of Object.values(this.stores ?? {})) {
                domain.__setLogger(logger);
            }
        }
    }
    addMethods(Store.prototype, flatMethods());

    class LibSQLStore extends Store {
        constructor(config) {
            super(planned(plans.libsql, config));
        }
    }
    class InMemoryStore extends Store {
        constructor(config = {}) {
            super(planned(plans.memory, config));
        }
    }
    class PostgresStore extends Store {
        constructor(config) {
            super(planned(plans.postgres, config));
        }
    }
    class DSQLStore extends Store {
        constructor(config) {
            super(planned(plans.dsql, config));
        }
    }
    class DynamoDBStore extends Store {
        constructor(config) {
            super(planned(plans.dynamodb, config));
        }
    }

    const classes = { LibSQLStore, InMemoryStore, PostgresStore, DSQLStore, DynamoDBStore };
    for (const [name, Class] of Object.entries(classes)) {
        recogniseBoth(Class, name);
    }
    return { ...classes, DefaultStorage: LibSQLStore };
}

module.exports = { defineStores };
