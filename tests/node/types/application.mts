// An application as it is written for Mastra's own stores; only the import names this package. Compiled, not run.
import { Memory } from '@mastra/memory';
import { Mastra } from '@mastra/core/mastra';
import type { MastraDBMessage, StorageThreadType } from '@mastra/core/memory';
import { MastraCompositeStore } from '@mastra/core/storage';
import { DSQLStore, DefaultStorage, DynamoDBStore, InMemoryStore, LibSQLStore, PostgresStore } from 'mastra-store';

const storage = new LibSQLStore({
    id: 'my-storage',
    url: process.env['DATABASE_URL'] ?? 'file:./mastra.db',
    authToken: process.env['DATABASE_TOKEN'],
    maxRetries: 5,
    retention: { memory: { messages: { maxAge: '30d' } } },
});

export const mastra = new Mastra({ storage });
export const memory = new Memory({ storage, options: { lastMessages: 10 } });

export const others: MastraCompositeStore[] = [
    new DefaultStorage({ name: 'older', config: { url: ':memory:' } }),
    new InMemoryStore(),
    new PostgresStore({
        id: 'pg',
        connectionString: 'postgresql://localhost/app',
        ssl: { rejectUnauthorized: false },
        max: 20,
    }),
    new PostgresStore({ id: 'pg', host: 'h', port: 5432, database: 'd', user: 'u', password: 'p', schemaName: 'app' }),
    new DSQLStore({
        id: 'dsql',
        host: 'abc123.dsql.us-east-1.on.aws',
        customCredentialsProvider: async () => ({ accessKeyId: 'a', secretAccessKey: 'b' }),
        maxLifetimeSeconds: 3300,
    }),
    new DynamoDBStore({ name: 'dynamodb', config: { tableName: 'mastra-single-table', region: 'us-east-1' } }),
    new MastraCompositeStore({ id: 'composite', default: storage, domains: { memory: storage.stores.memory } }),
];

const store = await storage.getStore('memory');
const thread: StorageThreadType | null | undefined = await store?.getThreadById({ threadId: 't' });
const page = await store?.listMessages({
    threadId: 't',
    perPage: 10,
    orderBy: { field: 'createdAt', direction: 'DESC' },
});
export const messages: MastraDBMessage[] = page?.messages ?? [];
export const title: string | undefined = thread?.title;

// The methods of the store itself, with the looser arguments of older examples.
await storage.saveThread({
    thread: { id: 't', resourceId: 'r', title: 'T', metadata: { key: 'value' }, createdAt: new Date() },
});
await storage.saveMessages({
    messages: [
        {
            id: 'm1',
            threadId: 't',
            role: 'user',
            content: { content: 'Hello' },
            resourceId: 'r',
            createdAt: new Date(),
        },
        { id: 'm2', threadId: 't', role: 'user', content: [{ type: 'text', text: 'Hello' }] },
    ],
});
export const locked: boolean = await storage.tryAcquireWorkflowRunLock({ workflowName: 'w', runId: 'r' });
export const until: Date | undefined = (await storage.getWorkflowRunLock({ workflowName: 'w', runId: 'r' }))?.expiresAt;
await storage.persistWorkflowSnapshot({
    workflowName: 'w',
    runId: 'r',
    snapshot: {
        runId: 'r',
        status: 'running',
        value: {},
        context: {},
        activePaths: [],
        activeStepsPath: {},
        suspendedPaths: {},
        resumeLabels: {},
        serializedStepGraph: [],
        waitingPaths: {},
        timestamp: Date.now(),
    },
    fence: { ownerId: 'me', generation: 1 },
});
export const spans: { startedAt: Date }[] = (await storage.getTrace('trace'))?.spans ?? [];
export const scored: number[] = (await storage.listScores({ scorerId: 's' })).scores.map(({ score }) => score);
export const agents: string[] = (await storage.getEvalsByAgentName('agent', 'live')).map(({ agentName }) => agentName);
export const sizes: (string | null)[] = (await storage.listIndexes('mastra_threads')).map(({ size }) => size);
export const gone: number = (await storage.prune()).reduce((sum, { deleted }) => sum + deleted, 0);
export const old: number | undefined = (await storage.prune({ olderThan: { threads: new Date() } })).deleted[
    'mastra_threads'
];
export const plain: { id: string } = await storage.call<{ id: string }>('getThreadById', { threadId: 't' });
await storage.close();

// @ts-expect-error an option that no store has
new LibSQLStore({ id: 'x', url: ':memory:', speed: 1 });
// @ts-expect-error no url
new LibSQLStore({ id: 'x' });
// @ts-expect-error a thread is an object with a resource
await storage.saveThread({ thread: { id: 't' } });
// @ts-expect-error the name of a domain that there is not
await storage.getStore('nothing');
// @ts-expect-error one lock has one run
await storage.getWorkflowRunLock({ workflowName: 'w' });
