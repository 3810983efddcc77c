// The types of the package. What Mastra's own stores take and give is typed by core; what only this package has, here.

import type { MastraDBMessage, StorageThreadType } from '@mastra/core/memory';
import type {
    CreateIndexOptions,
    MemoryStorage,
    ObservabilityStorage,
    PruneOptions,
    PruneResult,
    RetentionConfig,
    ScoresStorage,
    StorageColumn,
    StorageListThreadsOutput,
    StorageResourceType,
    WorkflowsStorage,
} from '@mastra/core/storage';
import { MastraCompositeStore } from '@mastra/core/storage';

// Values

/** A time as it may be given: a date, ISO 8601 text, or milliseconds since 1970. */
export type Time = Date | string | number;

export interface OrderBy {
    field?: 'createdAt' | 'updatedAt';
    direction?: 'ASC' | 'DESC';
}

/** Which part of a list: a page, or the older offset and limit. */
export interface Paging {
    page?: number;
    perPage?: number | false;
    offset?: number;
    limit?: number | false;
}

export interface Page {
    total: number;
    page: number;
    perPage: number | false;
    hasMore: boolean;
}

export interface DateRange {
    start?: Time;
    end?: Time;
    startExclusive?: boolean;
    endExclusive?: boolean;
}

/** A thread to be saved: the title is empty and the times are now where they are not given. */
export type ThreadInput = Omit<StorageThreadType, 'createdAt' | 'updatedAt'> & { createdAt?: Time; updatedAt?: Time };

/** A message to be saved: content of any form that Mastra has had, and now where no time is given. */
export type MessageInput = Omit<MastraDBMessage, 'content' | 'createdAt' | 'role'> & {
    role: string;
    content: MastraDBMessage['content'] | string | readonly unknown[] | Record<string, unknown>;
    createdAt?: Time;
};

/** A resource to be saved: now where no times are given. */
export type ResourceInput = Omit<StorageResourceType, 'createdAt' | 'updatedAt'> & {
    createdAt?: Time;
    updatedAt?: Time;
};

export interface CreateThreadArgs {
    resourceId: string;
    /** A new UUID when absent. */
    threadId?: string;
    title?: string;
    metadata?: Record<string, unknown>;
    createdAt?: Time;
    updatedAt?: Time;
    /** False: returns what would be saved, saves nothing. */
    saveThread?: boolean;
}

// Run locks

export interface RunLockKey {
    workflowName: string;
    runId: string;
}

/** Says under which lock a write is done: it is refused when that lock is not held any more. */
export interface RunFence {
    ownerId: string;
    generation: number;
}

export interface RunLock extends RunLockKey, RunFence {
    acquiredAt: Date;
    expiresAt: Date;
}

export interface RunLockMethods {
    /** Takes the lock of a run when nobody holds it; tells whether it did. */
    tryAcquireWorkflowRunLock(
        args: RunLockKey & { ownerId?: string; ttlMs?: number; keepAlive?: boolean },
    ): Promise<boolean>;
    /** Makes a held lock last longer; tells whether it was held. */
    renewWorkflowRunLock(
        args: RunLockKey & { ownerId?: string; ttlMs?: number; generation?: number },
    ): Promise<boolean>;
    getWorkflowRunLock(args: RunLockKey): Promise<RunLock | null>;
    listWorkflowRunLocks(args?: Paging): Promise<Page & { locks: RunLock[] }>;
    /** Gives a lock back; tells whether it was held. */
    releaseWorkflowRunLock(args: RunLockKey & { ownerId?: string; generation?: number }): Promise<boolean>;
}

// Methods of the domains besides those of core's classes

type Arg<Method> = Method extends (argument: infer Argument, ...rest: never[]) => unknown ? Argument : never;
type Fenced<Method> = Method extends (argument: infer Argument) => infer Result
    ? (argument: Argument & { fence?: RunFence }) => Result
    : never;

export interface MemoryMethods {
    saveThread(args: { thread: ThreadInput }): Promise<StorageThreadType>;
    /** Saves a new thread, with an id of its own when none is given. */
    createThread(args: CreateThreadArgs): Promise<StorageThreadType>;
    listThreadsByResourceId(
        args: Paging & { resourceId: string; orderBy?: OrderBy; metadata?: Record<string, unknown> },
    ): Promise<StorageListThreadsOutput>;
    saveMessages(args: { messages: MessageInput[] }): Promise<{ messages: MastraDBMessage[] }>;
    saveResource(args: { resource: ResourceInput }): Promise<StorageResourceType>;
    listResources(args?: Paging): Promise<Page & { resources: StorageResourceType[] }>;
}

export interface WorkflowMethods extends RunLockMethods {
    persistWorkflowSnapshot: Fenced<WorkflowsStorage['persistWorkflowSnapshot']>;
    updateWorkflowResults: Fenced<WorkflowsStorage['updateWorkflowResults']>;
    updateWorkflowState: Fenced<WorkflowsStorage['updateWorkflowState']>;
    deleteWorkflowRunById: Fenced<WorkflowsStorage['deleteWorkflowRunById']>;
    listWorkflowRuns(
        args?: Arg<WorkflowsStorage['listWorkflowRuns']> & {
            offset?: number;
            limit?: number | false;
            pagination?: Paging;
        },
    ): ReturnType<WorkflowsStorage['listWorkflowRuns']>;
}

type SpanRecord = Arg<ObservabilityStorage['createSpan']>['span'];
type TraceFilters = NonNullable<NonNullable<Arg<ObservabilityStorage['listTraces']>>['filters']>;

export interface ObservabilityMethods {
    createSpan(args: Arg<ObservabilityStorage['createSpan']> | SpanRecord): Promise<void>;
    getTrace(args: Arg<ObservabilityStorage['getTrace']> | string): ReturnType<ObservabilityStorage['getTrace']>;
    getTraceLight(
        args: Arg<ObservabilityStorage['getTraceLight']> | string,
    ): ReturnType<ObservabilityStorage['getTraceLight']>;
    getRootSpan(
        args: Arg<ObservabilityStorage['getRootSpan']> | string,
    ): ReturnType<ObservabilityStorage['getRootSpan']>;
    /** The older form of listTraces: filters may stand beside the pagination. */
    getTracesPaginated(
        args?: Partial<TraceFilters> & {
            filters?: TraceFilters;
            pagination?: Paging & { dateRange?: DateRange };
            orderBy?: object;
        },
    ): ReturnType<ObservabilityStorage['listTraces']>;
}

export interface ScoreMethods {
    listScores(args?: {
        scorerId?: string;
        runId?: string;
        entityId?: string;
        entityType?: string;
        source?: string;
        traceId?: string;
        spanId?: string;
        filters?: Arg<ScoresStorage['listScoresByRunId']>['filters'];
        pagination?: Paging;
    }): ReturnType<ScoresStorage['listScoresByRunId']>;
}

// The domains, as getStore() and `stores` give them

export type MastraStoreMemory = MemoryStorage & Omit<MemoryMethods, 'saveThread' | 'saveMessages' | 'saveResource'>;
export type MastraStoreWorkflows = WorkflowsStorage & RunLockMethods;
export type MastraStoreScores = ScoresStorage & ScoreMethods;
export type MastraStoreObservability = ObservabilityStorage & Pick<ObservabilityMethods, 'getTracesPaginated'>;

export interface MastraStoreDomains {
    memory: MastraStoreMemory;
    workflows: MastraStoreWorkflows;
    scores: MastraStoreScores;
    observability: MastraStoreObservability;
}

// What stands on the store alone

export interface EvalRecord {
    input: string;
    output: string;
    result: { score: number } & Record<string, unknown>;
    agentName: string;
    metricName: string;
    instructions: string;
    testInfo?: Record<string, unknown> | null;
    globalRunId: string;
    runId: string;
    createdAt: Date;
}
export type EvalInput = Omit<EvalRecord, 'createdAt'> & { createdAt?: Time };
export type EvalKind = 'test' | 'live';
export interface ListEvalsArgs extends Paging {
    agentName?: string;
    type?: EvalKind;
    dateRange?: DateRange;
}

/** A trace record of Mastra 0.x. */
export interface TraceRecord {
    id: string;
    parentSpanId: string | null;
    name: string;
    traceId: string;
    scope: string;
    kind: number;
    attributes: unknown;
    status: unknown;
    events: unknown;
    links: unknown;
    other: unknown;
    startTime: number;
    endTime: number;
    createdAt: Date;
}
export type TraceInput = Pick<TraceRecord, 'id' | 'name' | 'traceId' | 'scope' | 'kind' | 'startTime' | 'endTime'> &
    Partial<Omit<TraceRecord, 'createdAt'>> & { createdAt?: Time };

export interface EvalAndTraceMethods {
    saveEval(args: EvalInput | { eval: EvalInput }): Promise<void>;
    getEvals(args?: ListEvalsArgs): Promise<Page & { evals: EvalRecord[] }>;
    listEvals(args?: ListEvalsArgs): Promise<Page & { evals: EvalRecord[] }>;
    getEvalsByAgentName(
        agentName: string | { agentName: string; type?: EvalKind },
        type?: EvalKind,
    ): Promise<EvalRecord[]>;
    batchTraceInsert(args: { records: TraceInput[] }): Promise<void>;
    getTraces(
        args?: Paging & {
            name?: string;
            scope?: string;
            attributes?: Record<string, unknown>;
            filters?: Record<string, string | number | null>;
            pagination?: Paging;
            dateRange?: DateRange;
            fromDate?: Time;
            toDate?: Time;
        },
    ): Promise<TraceRecord[]>;
}

export type TableSchema = Record<string, Pick<StorageColumn, 'type'> & Partial<StorageColumn>>;

export interface TableMethods {
    createTable(args: { tableName: string; schema: TableSchema; compositePrimaryKey?: string[] }): Promise<void>;
    alterTable(args: { tableName: string; schema: TableSchema; ifNotExists: string[] }): Promise<void>;
    hasColumn(table: string | { tableName: string; column: string }, column?: string): Promise<boolean>;
    insert(args: { tableName: string; record: Record<string, unknown> }): Promise<void>;
    batchInsert(args: { tableName: string; records: Record<string, unknown>[] }): Promise<void>;
    /** The newest row with these values. */
    load<Row extends Record<string, unknown> = Record<string, unknown>>(args: {
        tableName: string;
        keys: Record<string, unknown>;
    }): Promise<Row | null>;
    clearTable(args: { tableName: string }): Promise<void>;
    dropTable(args: { tableName: string }): Promise<void>;
}

export interface IndexDescription {
    name: string;
    table: string;
    columns: string[];
    unique: boolean;
    /** Such as 128 KB. */
    size: string | null;
    definition: string;
}
export interface IndexStatistics extends IndexDescription {
    method: string;
    /** Null where the database does not count, as SQLite. */
    scans: number | null;
    tuples_read: number | null;
    tuples_fetched: number | null;
    /** DynamoDB: how many items it has, as of some hours ago. */
    items?: number;
    /** DynamoDB: ACTIVE, CREATING, ... */
    status?: string;
}

export interface IndexMethods {
    /** `where` is SQL, and taken as it is. */
    createIndex(args: CreateIndexOptions): Promise<void>;
    listIndexes(table?: string | { tableName?: string }): Promise<IndexDescription[]>;
    describeIndex(name: string | { indexName: string }): Promise<IndexStatistics>;
    dropIndex(name: string | { indexName: string }): Promise<void>;
}

// The stores

type FromMemory = Pick<
    MemoryStorage,
    | 'cloneThread'
    | 'copyThread'
    | 'deleteMessages'
    | 'deleteThread'
    | 'getResourceById'
    | 'getThreadById'
    | 'listMessages'
    | 'listMessagesById'
    | 'listMessagesByResourceId'
    | 'listThreads'
    | 'patchThread'
    | 'updateMessages'
    | 'updateResource'
    | 'updateThread'
    | 'updateThreadMetadata'
    | 'updateThreadResourceId'
>;
type FromWorkflows = Pick<WorkflowsStorage, 'getWorkflowRunById' | 'loadWorkflowSnapshot'>;
type FromScores = Pick<
    ScoresStorage,
    | 'getScoreById'
    | 'listScoresByEntityId'
    | 'listScoresByRunId'
    | 'listScoresByScorerId'
    | 'listScoresBySpan'
    | 'saveScore'
>;
type FromObservability = Pick<
    ObservabilityStorage,
    'batchCreateSpans' | 'batchDeleteTraces' | 'batchUpdateSpans' | 'getSpan' | 'listTraces' | 'updateSpan'
>;

/** The operations that every store has as methods of its own, besides those of its domains. */
export interface MastraStoreMethods
    extends
        FromMemory,
        MemoryMethods,
        FromWorkflows,
        WorkflowMethods,
        FromScores,
        ScoreMethods,
        FromObservability,
        ObservabilityMethods,
        EvalAndTraceMethods,
        TableMethods,
        IndexMethods {}

export type PrunedTable =
    'threads' | 'messages' | 'resources' | 'workflow_snapshot' | 'spans' | 'scores' | 'evals' | 'traces';

declare abstract class MastraStore extends MastraCompositeStore {
    stores: MastraStoreDomains;
    /** Any operation by its name, with plain values: times go in as dates or ISO text and come out as ISO text. */
    call<Result = unknown>(operation: string, args?: unknown): Promise<Result>;
    /** What is older than the store's retention policies say. */
    prune(options?: PruneOptions): Promise<PruneResult[]>;
    /** What is older than a time, or than one time for each table. */
    prune(options: {
        olderThan: Time | Partial<Record<PrunedTable, Time>>;
        batchSize?: number;
        maxBatches?: number;
    }): Promise<{ deleted: Record<string, number>; done?: boolean }>;
    close(): Promise<void>;
}
interface MastraStore extends MastraStoreMethods {}

// Options

/** Of every store. */
export interface MastraStoreOptions {
    id: string;
    /** True: no tables are created or altered except by init(). */
    disableInit?: boolean;
    /** What prune() deletes. */
    retention?: RetentionConfig;
    /** How long close() lets running calls finish; default 30,000 ms. */
    closeTimeoutMs?: number;
    /** Most calls that the library works on at once; more wait in JavaScript. Default 1,024. */
    queueLimit?: number;
    /** Who this store is to run locks; default `host:pid:uuid`. */
    lockOwner?: string;
}

export interface LibSQLStoreOptions extends MastraStoreOptions {
    /** `file:agent.db` or `:memory:`. */
    url: string;
    /** How long to wait for another process's lock; default 5,000 ms. */
    connectionTimeoutMs?: number;
    /** With the two below: the wait is as long as the adapter's attempts and pauses together. */
    maxRetries?: number;
    initialBackoffMs?: number;
    /** `full`: an acknowledged write survives a power cut. Default `normal`, as the adapter. */
    synchronous?: 'normal' | 'full';
    /** Most reading connections; default 4. */
    readers?: number;
    /** Remote databases are not supported: refused unless empty. */
    authToken?: string;
    /** Embedded replicas are not supported: refused unless empty. */
    syncUrl?: string;
}

export interface InMemoryStoreOptions extends Partial<MastraStoreOptions> {}

/** What is read of a pg.Pool: its settings. */
export interface PoolLike {
    options: object;
}

export interface TlsOptions {
    rejectUnauthorized?: boolean;
    ca?: string | Uint8Array | (string | Uint8Array)[];
    servername?: string;
}

export interface PostgresBaseOptions extends MastraStoreOptions {
    schemaName?: string;
    /** Indexes that init() creates. */
    indexes?: CreateIndexOptions[];
}

export interface PostgresConnectionOptions {
    ssl?: boolean | TlsOptions;
    max?: number;
    min?: number;
    idleTimeoutMillis?: number;
    maxLifetimeSeconds?: number;
    connectionTimeoutMillis?: number;
    allowExitOnIdle?: boolean;
    application_name?: string;
    fallback_application_name?: string;
    client_encoding?: string;
    options?: string;
    statement_timeout?: number | false;
    lock_timeout?: number;
    idle_in_transaction_session_timeout?: number;
    query_timeout?: number;
    keepAlive?: boolean;
    keepAliveInitialDelayMillis?: number;
}

export type PostgresStoreOptions = PostgresBaseOptions &
    (
        | (PostgresConnectionOptions & { connectionString: string })
        | (PostgresConnectionOptions & {
              host: string;
              port?: number;
              database: string;
              user: string;
              password: string;
          })
        | { pool: PoolLike }
        | { writePool: PoolLike }
    );

export interface AwsCredentials {
    accessKeyId: string;
    secretAccessKey: string;
    sessionToken?: string;
    expiration?: Date;
}

/** As a provider of `@aws-sdk/credential-providers`. */
export type AwsCredentialsProvider = () => AwsCredentials | Promise<AwsCredentials>;

export interface DSQLStoreOptions extends PostgresBaseOptions {
    /** Required unless there is a pool. */
    host?: string;
    pool?: PoolLike;
    user?: string;
    database?: string;
    region?: string;
    customCredentialsProvider?: AwsCredentialsProvider;
    max?: number;
    min?: number;
    idleTimeoutMillis?: number;
    maxLifetimeSeconds?: number;
    connectionTimeoutMillis?: number;
    allowExitOnIdle?: boolean;
}

export interface TtlOptions {
    enabled: boolean;
    attributeName?: string;
    defaultTtlSeconds?: number;
}

export interface DynamoDBStoreOptions extends MastraStoreOptions {
    tableName: string;
    /** `us-east-1` unless given. */
    region?: string;
    endpoint?: string;
    /** Unless given they are found as AWS programs find them. */
    credentials?: AwsCredentials | AwsCredentialsProvider;
    ttl?: Partial<
        Record<
            'thread' | 'message' | 'trace' | 'eval' | 'workflow_snapshot' | 'resource' | 'score' | 'span',
            TtlOptions
        >
    >;
}

/** The older form of a constructor's argument: the name is the id unless there is one inside. */
export interface Named<Options extends { id?: string }> {
    name: string;
    config: Omit<Options, 'id'> & { id?: string };
}

/** Threads, messages, workflow runs, scores and spans in an SQLite file, or in memory. */
export declare class LibSQLStore extends MastraStore {
    constructor(config: LibSQLStoreOptions | Named<LibSQLStoreOptions>);
}
export { LibSQLStore as DefaultStorage };

/** The same in memory, for as long as the store is open. */
export declare class InMemoryStore extends MastraStore {
    constructor(config?: InMemoryStoreOptions);
}

/** The same in PostgreSQL. */
export declare class PostgresStore extends MastraStore {
    constructor(config: PostgresStoreOptions);
}

/** The same in Amazon Aurora DSQL. */
export declare class DSQLStore extends MastraStore {
    constructor(config: DSQLStoreOptions);
}

/** The same in Amazon DynamoDB. */
export declare class DynamoDBStore extends MastraStore {
    constructor(config: Named<DynamoDBStoreOptions> | DynamoDBStoreOptions);
}

/** The version of the package's library, and of the SQLite inside. */
export declare const version: string;
export declare const sqliteVersion: string;
