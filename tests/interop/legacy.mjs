// Records of Mastra 0.x, and how its adapter is filled with them.
export const at = (seconds) => new Date(Date.UTC(2025, 0, 2, 3, 4, 5) + seconds * 1000).toISOString();

export const THREADS = [
    { id: 't1', resourceId: 'r1', title: 'Thread "one"', metadata: { a: 1, deep: { b: [null] } }, createdAt: at(0), updatedAt: at(1) },
    { id: 't2', resourceId: 'r1', title: '', createdAt: at(2), updatedAt: at(3) },
];

export const MESSAGES = [
    { format: 2, parts: [{ type: 'text', text: 'Hi 🙂' }], content: 'Hi 🙂' },
    { format: 2, parts: [{ type: 'text', text: 'Hello' }], metadata: { tone: 'kind' } },
].map((content, n) => ({
    id: `m${n}`,
    threadId: 't1',
    resourceId: 'r1',
    role: n ? 'assistant' : 'user',
    type: 'v2',
    content,
    createdAt: at(10 + n),
}));

export const RESOURCE = { id: 'r1', workingMemory: '# Notes', metadata: { plan: 'pro' }, createdAt: at(0), updatedAt: at(0) };

export const SNAPSHOT = { runId: 'run-1', status: 'success', context: { input: { x: 1 } }, value: {}, timestamp: 5 };

export const SCORE = {
    scorerId: 'tone',
    runId: 'run-1',
    entityId: 'agent-1',
    entityType: 'AGENT',
    scorer: { name: 'Tone' },
    entity: { name: 'Helper' },
    source: 'LIVE',
    score: 0.30000000000000004,
    input: [{ role: 'user' }],
    output: { text: 'Hello' },
    reason: 'kind',
    metadata: { m: 1 },
    additionalContext: { c: 1 },
    runtimeContext: { user: 'u' },
    traceId: 'trace',
    spanId: 'span',
};

export const EVAL = {
    input: 'Hi',
    output: 'Hello',
    result: { score: 0.5, info: { reason: 'kind' } },
    agent_name: 'agent',
    metric_name: 'tone',
    instructions: 'Be kind.',
    global_run_id: 'all',
    run_id: 'run-1',
};

export const EVALS = [
    { ...EVAL, created_at: at(1) },
    { ...EVAL, input: 'a test', test_info: { testName: 'n', testPath: 'p' }, created_at: at(2), createdAt: at(2) },
    { ...EVAL, input: 'no path', test_info: { testName: 'n' }, created_at: at(3) },
    { ...EVAL, input: 'a null path', test_info: { testPath: null }, created_at: at(4) },
    { ...EVAL, input: '', output: '[1]', result: { score: null }, agent_name: 'other', instructions: '', created_at: at(5) },
];

export const TRACE = {
    id: 'span-1',
    parentSpanId: null,
    traceId: 'trace-1',
    name: 'agent.generate',
    scope: 'agent',
    kind: 0,
    attributes: { model: 'm1', n: 1, list: [1, { a: null }] },
    status: { code: 0 },
    events: [{ name: 'e', time: 1.5 }],
    links: [],
    other: 'some text',
    startTime: 1735787045000001,
    endTime: 1735787045250000,
    createdAt: at(1),
};

export const TRACES = [
    TRACE,
    { ...TRACE, id: 'span-2', parentSpanId: 'span-1', kind: 3, startTime: TRACE.startTime + 1, other: { q: [1] }, createdAt: at(2) },
    { ...TRACE, id: 'span-3', name: 'tool.call', scope: 'tool', startTime: TRACE.startTime - 1, attributes: { model: 'm2' }, createdAt: at(3) },
    { ...TRACE, id: 'span-4', traceId: "o'neil", startTime: 9007199254740991, endTime: 0, events: [], createdAt: at(4) },
];

export const AI_SPAN = {
    traceId: 'trace',
    spanId: 'span',
    parentSpanId: null,
    name: "agent run: 'helper'",
    spanType: 'agent_run',
    scope: { v: 1 },
    attributes: { a: 1 },
    metadata: { m: [1] },
    links: null,
    input: { q: 'Hi' },
    output: { a: 'Hello' },
    error: null,
    startedAt: at(0),
    endedAt: at(1),
    isEvent: false,
};

export const TABLES = [
    'mastra_threads',
    'mastra_messages',
    'mastra_resources',
    'mastra_workflow_snapshot',
    'mastra_scorers',
    'mastra_evals',
    'mastra_traces',
    'mastra_ai_spans',
];

export const MEMORY_READS = [
    ['getThreadById', { threadId: 't1' }],
    ['getThreadById', { threadId: 't2' }],
    ['listThreads', { filter: { resourceId: 'r1' } }],
    ['listThreads', { filter: { metadata: { a: 1 } } }],
    ['listMessages', { threadId: 't1' }],
    ['listMessages', { threadId: 't1', filter: { metadata: { tone: 'kind' } } }],
    ['getResourceById', { resourceId: 'r1' }],
];

export async function fill(legacy) {
    for (const thread of THREADS) {
        await legacy.call('saveThread', { thread });
    }
    await legacy.call('saveMessages', { messages: MESSAGES, format: 'v2' });
    await legacy.call('saveResource', { resource: RESOURCE });
    await legacy.call('persistWorkflowSnapshot', { workflowName: 'w', runId: 'run-1', resourceId: 'r1', snapshot: SNAPSHOT });
    await legacy.call('saveScore', SCORE);
    for (const record of EVALS) {
        await legacy.call('insert', { tableName: 'mastra_evals', record });
    }
    await legacy.call('batchTraceInsert', { records: TRACES });
    await legacy.call('createAISpan', AI_SPAN);
}
