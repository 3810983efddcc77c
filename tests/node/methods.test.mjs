// Every method that the peer's domains have is there; what is left to core's base classes stands in a table with its reason.
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { LibSQLStore as PeerStore } from '@mastra/libsql';
import {
    MastraCompositeStore,
    MemoryStorage,
    ObservabilityStorage,
    ScoresStorage,
    StorageDomain,
    WorkflowsStorage,
} from '@mastra/core/storage';

import { LibSQLStore } from '../../bindings/node/lib/index.mjs';
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

const ownNames = (prototype) => Object.getOwnPropertyNames(prototype).filter((name) => name !== 'constructor');

function withStores(t) {
    const ours = new LibSQLStore({ id: 'ours', url: ':memory:' });
    const peer = new PeerStore({ id: 'peer', url: ':memory:' });
    t.after(() => Promise.all([ours.close(), peer.close()]));
    return { ours, peer };
}

for (const [name, Base] of Object.entries(DOMAINS)) {
    test(`${name}: every method of the peer's class`, async (t) => {
        const { ours, peer } = withStores(t);
        const domain = await ours.getStore(name);
        const theirs = ownNames(Object.getPrototypeOf(await peer.getStore(name)));
        const own = ownNames(Object.getPrototypeOf(domain));

        assert.ok(domain instanceof Base);
        assert.ok(domain instanceof StorageDomain);
        assert.deepEqual(theirs.filter((method) => !own.includes(method)).sort(), Object.keys(EXCEPTIONS[name]).sort());
    });

    test(`${name}: pruning knows the peer's tables`, async (t) => {
        const { ours, peer } = withStores(t);
        const tables = async (store) =>
            Object.entries((await store.getStore(name)).constructor.retentionTables).map(([key, { table }]) => [
                key,
                table,
            ]);

        assert.deepEqual((await tables(ours)).sort(), (await tables(peer)).sort());
    });
}

test('other domains are absent', async (t) => {
    const { ours } = withStores(t);
    assert.ok(ours instanceof MastraCompositeStore);
    assert.deepEqual(Object.keys(ours.stores).sort(), Object.keys(DOMAINS).sort());
    assert.equal(await ours.getStore('agents'), undefined);
    assert.equal(ours.stores.memory, await ours.getStore('memory'));
});

test('what the domains say of themselves is what the peer says', async (t) => {
    const { ours, peer } = withStores(t);
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
