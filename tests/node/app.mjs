// An application of Mastra: node app.mjs MODULE CLASS OPTIONS PART. Only the module that the store's class is imported from
// differs between two runs. The parts are run one after another, each in a process of its own.
import { Agent } from '@mastra/core/agent';
import { createScorer } from '@mastra/core/evals';
import { Mastra } from '@mastra/core/mastra';
import { createTool } from '@mastra/core/tools';
import { createStep, createWorkflow } from '@mastra/core/workflows';
import { Memory } from '@mastra/memory';
import { DefaultExporter, Observability } from '@mastra/observability';
import { z } from 'zod';

import { StubModel } from './model.mjs';

const [module, name, options, part] = process.argv.slice(2);
const { [name]: Store } = await import(module);

const storage = new Store({ id: 'app', ...JSON.parse(options) });

const weather = createTool({
    id: 'weather',
    description: 'tells the weather of a city',
    inputSchema: z.object({ city: z.string() }),
    outputSchema: z.object({ celsius: z.number(), sky: z.string() }),
    execute: async () => ({ celsius: 7.5, sky: 'grey ☁' }),
});

const brevity = createScorer({ id: 'brevity', name: 'Brevity', description: 'short answers are good', type: 'agent' })
    .preprocess(({ run }) => ({ answers: run.output.length }))
    .generateScore(({ results }) => 1 / (1 + results.preprocessStepResult.answers))
    .generateReason(({ score }) => `scored ${score}`);

const assistant = new Agent({
    id: 'assistant',
    name: 'assistant',
    instructions: 'Be brief.',
    model: new StubModel(),
    tools: { weather },
    memory: new Memory({
        options: {
            lastMessages: 6,
            workingMemory: { enabled: true, scope: 'resource', template: '# Person\n- Name:' },
            generateTitle: false,
        },
    }),
    scorers: { brevity: { scorer: brevity, sampling: { type: 'ratio', rate: 1 } } },
});

const secretary = new Agent({
    id: 'secretary',
    name: 'secretary',
    instructions: 'Keep notes for each conversation.',
    model: new StubModel(),
    memory: new Memory({
        options: { lastMessages: 2, workingMemory: { enabled: true, scope: 'thread' }, generateTitle: true },
    }),
});

const ask = createStep({
    id: 'ask',
    inputSchema: z.object({ sum: z.number() }),
    outputSchema: z.object({ sum: z.number(), approved: z.boolean() }),
    suspendSchema: z.object({ question: z.string() }),
    resumeSchema: z.object({ approved: z.boolean() }),
    execute: async ({ inputData, resumeData, suspend }) =>
        resumeData
            ? { sum: inputData.sum, approved: resumeData.approved }
            : suspend({ question: `Spend ${inputData.sum}?` }),
});

const double = createStep({
    id: 'double',
    inputSchema: z.object({ sum: z.number() }),
    outputSchema: z.object({ sum: z.number() }),
    execute: async ({ inputData }) => ({ sum: inputData.sum * 2 }),
});

const pay = createStep({
    id: 'pay',
    inputSchema: z.object({ sum: z.number(), approved: z.boolean() }),
    outputSchema: z.object({ paid: z.number() }),
    execute: async ({ inputData }) => ({ paid: inputData.approved ? inputData.sum : 0 }),
});

const budget = createWorkflow({
    id: 'budget',
    inputSchema: z.object({ sum: z.number() }),
    outputSchema: z.object({ paid: z.number() }),
})
    .then(double)
    .then(ask)
    .then(pay)
    .commit();

const squares = createWorkflow({
    id: 'squares',
    inputSchema: z.array(z.object({ sum: z.number() })),
    outputSchema: z.array(z.object({ sum: z.number() })),
})
    .foreach(double)
    .commit();

const broken = createWorkflow({
    id: 'broken',
    inputSchema: z.object({ sum: z.number() }),
    outputSchema: z.object({ sum: z.number() }),
})
    .then(
        createStep({
            id: 'fail',
            inputSchema: z.object({ sum: z.number() }),
            outputSchema: z.object({ sum: z.number() }),
            execute: async () => {
                throw new Error('no money "at all"');
            },
        }),
    )
    .commit();

const mastra = new Mastra({
    storage,
    agents: { assistant, secretary },
    workflows: { budget, squares, broken },
    scorers: { brevity },
    logger: false,
    observability: new Observability({
        configs: {
            default: { serviceName: 'app', exporters: [new DefaultExporter({ strategy: process.env.STRATEGY })] },
        },
    }),
});

const say = async (agent, thread, resource, text) => {
    const { text: answer } = await agent.generate(text, { memory: { thread, resource } });
    return answer;
};

const PARTS = {
    async talk() {
        const agent = mastra.getAgent('assistant');
        return [
            await say(agent, 'kitchen', 'ada', 'hello'),
            await say(agent, 'kitchen', 'ada', 'my name is Ada'),
            await say(agent, 'kitchen', 'ada', 'what is the weather in Paris'),
            await say(agent, 'garden', 'ada', 'who am I'),
            await say(agent, { id: 'garage', title: 'Cars', metadata: { wheels: 4 } }, 'bob', 'my name is "Bob" 🚗'),
        ];
    },
    /** Another process goes on with the conversations, and streams. */
    async goOn() {
        const answers = [await say(mastra.getAgent('assistant'), 'kitchen', 'ada', 'who am I')];
        for (const text of ['take a note', 'one more', 'and another', 'the last']) {
            const stream = await mastra
                .getAgent('secretary')
                .stream(text, { memory: { thread: 'notes', resource: 'ada' } });
            answers.push(await stream.text);
        }
        return answers;
    },
    async suspend() {
        const run = await mastra.getWorkflow('budget').createRun({ runId: 'run-1', resourceId: 'ada' });
        const { status, suspended } = await run.start({ inputData: { sum: 21 } });
        return { status, suspended };
    },
    async resume() {
        const run = await mastra.getWorkflow('budget').createRun({ runId: 'run-1', resourceId: 'ada' });
        const { status, result } = await run.resume({ step: 'ask', resumeData: { approved: true } });
        return { status, result };
    },
    async others() {
        const some = await (
            await mastra.getWorkflow('squares').createRun({ runId: 'run-2' })
        ).start({
            inputData: [{ sum: 1 }, { sum: 2 }, { sum: 3 }],
        });
        const none = await (
            await mastra.getWorkflow('broken').createRun({ runId: 'run-3' })
        ).start({
            inputData: { sum: 1 },
        });
        const { runs, total } = await mastra.getWorkflow('budget').listWorkflowRuns({ perPage: 5, page: 0 });
        return [some.status, some.result, none.status, runs.map(({ runId }) => runId), total];
    },
    /** What an application reads and changes. */
    async upkeep() {
        const memory = await mastra.getAgent('assistant').getMemory();
        const { messages } = await memory.recall({ threadId: 'kitchen', resourceId: 'ada', perPage: 4 });
        const { threads } = await memory.listThreads({ filter: { resourceId: 'ada' } });
        await memory.updateThread({ id: 'garden', title: 'Roses', metadata: { season: 'spring' } });
        const { thread, clonedMessages } = await memory.cloneThread({
            sourceThreadId: 'kitchen',
            newThreadId: 'pantry',
        });
        await memory.deleteMessages([messages[0].id]);
        await memory.deleteThread('garage');
        return [
            messages.map(({ role, content, createdAt }) => [role, content, createdAt instanceof Date]),
            threads.map(({ id, title, createdAt }) => [id, title, createdAt instanceof Date]).sort(),
            thread.title,
            clonedMessages.length,
            await memory.getWorkingMemory({ threadId: 'kitchen', resourceId: 'ada' }),
            await mastra.getWorkflow('budget').getWorkflowRunById('run-1'),
        ];
    },
};

const observability = await storage.getStore('observability');
const { batchCreateSpans } = observability;
let creating = 0;
observability.batchCreateSpans = async function (...args) {
    creating++;
    try {
        return await batchCreateSpans.apply(this, args);
    } finally {
        // The exporter takes note of it first.
        setImmediate(() => creating--);
    }
};

const answer = await PARTS[part]();
// Scorers run behind the answer's back.
const scores = await storage.getStore('scores');
const agents = { talk: 5, goOn: 6 };
while (agents[part]) {
    const { pagination } = await scores.listScoresByScorerId({
        scorerId: 'brevity',
        pagination: { page: 0, perPage: 1 },
    });
    if (pagination.total >= agents[part]) {
        break;
    }
    await new Promise((resolve) => setTimeout(resolve, 10));
}
// Spans are written behind it, too. The exporter's end drops what changes of spans that it is just creating.
while (creating > 0) {
    await new Promise((resolve) => setTimeout(resolve, 10));
}
await mastra.observability.shutdown();
await storage.close();
process.stdout.write(`${JSON.stringify(answer)}\n`);
