// Every method that the peer's domains have is there; what is left to core's base classes stands in a table with its reason.
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { LibSQLStore as LibSQLPeer } from '@mastra/libsql';
import { PostgresStore as PostgresPeer } from '@mastra/pg';
import {
    MastraCompositeStore,
    MemoryStorage,
    ObservabilityStorage,
    ScoresStorage,
    StorageDomain,
    WorkflowsStorage,
} from '@mastra/core/storage';
import { MastraError } from '@mastra/core/error';

import { LibSQLStore, PostgresStore } from '../../bindings/node/lib/index.mjs';
import native from '../../bindings/node/lib/native.js';

const DOMAINS = {
    memory: MemoryStorage,
    workflows: WorkflowsStorage,
    scores: ScoresStorage,
    observability: ObservabilityStorage,
};

const OBSERVATIONAL = 'observational memory is left out: supportsObservationalMemory is false';
const INSIDE = 'a helper of the adapter itself, not of its interface';
const MIGRATION = 'a repair of tables that this store never makes, for the command line of Mastra';

// Methods of the peer's classes that ours leave to core's base classes, or do without.
const EXCEPTIONS = {
    memory: {
        getObservationalMemory: OBSERVATIONAL,
        getObservationalMemoryHistory: OBSERVATIONAL,
        initializeObservationalMemory: OBSERVATIONAL,
        insertObservationalMemoryRecord: OBSERVATIONAL,
        updateActiveObservations: OBSERVATIONAL,
        createReflectionGeneration: OBSERVATIONAL,
        setReflectingFlag: OBSERVATIONAL,
        setObservingFlag: OBSERVATIONAL,
        setBufferingObservationFlag: OBSERVATIONAL,
        setBufferingReflectionFlag: OBSERVATIONAL,
        clearObservationalMemory: OBSERVATIONAL,
        setPendingMessageTokens: OBSERVATIONAL,
        updateObservationalMemoryConfig: OBSERVATIONAL,
        updateBufferedObservations: OBSERVATIONAL,
        swapBufferedToActive: OBSERVATIONAL,
        updateBufferedReflection: OBSERVATIONAL,
        swapBufferedReflectionToActive: OBSERVATIONAL,
        parseRow: INSIDE,
        _sortMessages: INSIDE,
        _getIncludedMessages: INSIDE,
        getOMKey: INSIDE,
        parseOMRow: INSIDE,
    },
    workflows: { parseWorkflowRun: INSIDE, setupPragmaSettings: INSIDE },
    scores: { transformScoreRow: INSIDE },
    observability: { migrateSpans: MIGRATION, checkSpansMigrationStatus: MIGRATION },
};

const INDEXES = 'indexes are the schema, which init() makes';
const VECTORS = "a sweep of the tables of the adapter's vector store, which this one leaves alone";
const MAKE_INDEXES = {
    getDefaultIndexDefinitions: INDEXES,
    createDefaultIndexes: INDEXES,
    createCustomIndexes: INDEXES,
    ensureRetentionIndexes: INDEXES,
};
const { setupPragmaSettings, ...workflows } = EXCEPTIONS.workflows;
const { transformScoreRow, ...scores } = EXCEPTIONS.scores;
const POSTGRES_EXCEPTIONS = {
    memory: { ...EXCEPTIONS.memory, ...MAKE_INDEXES, normalizeMessageRow: INSIDE, pruneOrphanedVectorRows: VECTORS },
    workflows: { ...workflows, ...MAKE_INDEXES },
    scores: { ...scores, ...MAKE_INDEXES },
    observability: { ...EXCEPTIONS.observability, ...MAKE_INDEXES },
};

// No store is asked for anything, so that no server is needed.
const STORES = {
    LibSQLStore: { Ours: LibSQLStore, Peer: LibSQLPeer, place: { url: ':memory:' }, exceptions: EXCEPTIONS },
    PostgresStore: {
        Ours: PostgresStore,
        Peer: PostgresPeer,
        place: { connectionString: 'postgresql://user@nowhere.invalid/db' },
        exceptions: POSTGRES_EXCEPTIONS,
    },
};

const ownNames = (prototype) => Object.getOwnPropertyNames(prototype).filter((name) => name !== 'constructor');

function withStores(t, { Ours, Peer, place } = STORES.LibSQLStore) {
    const ours = new Ours({ id: 'ours', ...place });
    const peer = new Peer({ id: 'peer', ...place });
    t.after(() => Promise.all([ours.close(), peer.close()]));
    return { ours, peer };
}

for (const [store, kind] of Object.entries(STORES)) {
    for (const [name, Base] of Object.entries(DOMAINS)) {
        test(`${store}, ${name}: every method of the peer's class`, async (t) => {
            const { ours, peer } = withStores(t, kind);
            const domain = await ours.getStore(name);
            const theirs = ownNames(Object.getPrototypeOf(await peer.getStore(name)));
            const own = ownNames(Object.getPrototypeOf(domain));

            assert.ok(domain instanceof Base);
            assert.ok(domain instanceof StorageDomain);
            assert.deepEqual(theirs.filter((method) => !own.includes(method)).sort(), Object.keys(kind.exceptions[name]).sort());
        });

        test(`${store}, ${name}: pruning knows the peer's tables`, async (t) => {
            const { ours, peer } = withStores(t, kind);
            const tables = async (store) =>
                Object.entries((await store.getStore(name)).constructor.retentionTables).map(([key, { table }]) => [
                    key,
                    table,
                ]);

            assert.deepEqual((await tables(ours)).sort(), (await tables(peer)).sort());
        });
    }

    test(`${store}: what the domains say of themselves is what the peer says`, async (t) => {
        const { ours, peer } = withStores(t, kind);
        const told = async (store) => {
            const { memory, workflows, observability } = store.stores;
            return {
                partial: memory.supportsPartialThreadUpdate,
                concurrent: workflows.supportsConcurrentUpdates(),
                tracing: observability.tracingStrategy,
                strategy: observability.observabilityStrategy,
                runtime: observability.runtimeTracingStrategy,
                features: observability.getFeatures(),
            };
        };
        assert.deepEqual(await told(ours), await told(peer));
        assert.equal(ours.stores.memory.supportsObservationalMemory, false);
    });
}

test('other domains are absent', async (t) => {
    const { ours } = withStores(t);
    assert.ok(ours instanceof MastraCompositeStore);
    assert.deepEqual(Object.keys(ours.stores).sort(), Object.keys(DOMAINS).sort());
    assert.equal(await ours.getStore('agents'), undefined);
    assert.equal(ours.stores.memory, await ours.getStore('memory'));
});

test('every operation of the library is a method of the store', async (t) => {
    const { ours } = withStores(t);
    const missing = native.operations().filter(({ name }) => typeof ours[name] !== 'function');
    assert.deepEqual(
        missing.map(({ name }) => name),
        [],
    );
});

test('the methods of the store are those of its domains', async (t) => {
    const { ours } = withStores(t);
    for (const [name, domain] of Object.entries(ours.stores)) {
        for (const method of ownNames(Object.getPrototypeOf(domain))) {
            if (
                ['init', 'prune', 'dangerouslyClearAll', 'tracingStrategy', 'supportsConcurrentUpdates'].includes(
                    method,
                )
            ) {
                continue;
            }
            assert.equal(typeof ours[method], 'function', `${name}.${method}`);
        }
    }
});

const NEEDS_NOTHING = [
    'deleteMessages',
    'getTracesPaginated',
    'listResources',
    'listScores',
    'listThreads',
    'listTraces',
    'listWorkflowRunLocks',
    'listWorkflowRuns',
];

test('every method of a domain names the argument that is missing', async (t) => {
    const { ours } = withStores(t);
    const others = [];
    for (const [domain, methods] of Object.entries(ours.stores)) {
        for (const method of ownNames(Object.getPrototypeOf(methods))) {
            if (typeof methods[method] !== 'function' || /^(init|dangerouslyClearAll|supports)/.test(method)) {
                continue;
            }
            for (const given of method === 'prune' ? [[], [null]] : [[], [null], [{}]]) {
                const error = await methods[method](...given).then(
                    () => undefined,
                    (reason) => reason,
                );
                const named =
                    error instanceof MastraError &&
                    /^MASTRA_STORAGE_LIBSQL_[A-Z_]+$/.test(error.id) &&
                    /^[A-Za-z.]+ (is required|must be )/.test(error.message);
                if (!named && !(error === undefined && NEEDS_NOTHING.includes(method))) {
                    others.push(`${domain}.${method}(${JSON.stringify(given[0]) ?? ''}): ${error}`);
                }
            }
        }
    }
    assert.deepEqual(others, []);
});
