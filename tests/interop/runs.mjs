// Random workflow runs and what is done with them, for both stores alike.
import { seeded } from './support.mjs';

export const at = (second) => new Date(Date.UTC(2024, 0, 1) + second * 1000).toISOString();
export const run = (runId, more) => ({ workflowName: 'w', runId, ...more });

const PENDING = { __mastra_pending__: true };

// Values that an element of a foreach's output may have.
const ELEMENTS = [
    null,
    PENDING,
    { status: 'suspended', suspendPayload: { a: 1 } },
    { status: 'suspended', suspendedAt: 0 },
    { status: 'suspended', suspendPayload: null },
    { status: 'suspended' },
    { status: 'success', suspendedAt: 1 },
    { __mastra_pending__: true, more: 1 },
    { __mastra_pending__: 'true' },
    {},
    [],
    [PENDING],
    'text',
    '',
    0,
    1.5,
    false,
    true,
    { output: [1] },
];

// Results that are not those of a foreach. Over a text or a number the peer cannot lay a result: it fails.
const OTHERS = [null, {}, [], { output: {} }, { output: null }, { output: 'x' }, { a: 1 }, [[1]], false, 0, ''];

export class Choice {
    constructor(seed) {
        this.random = seeded(seed);
        this.others = OTHERS;
    }

    pick(list) {
        return list[this.random(list.length)];
    }

    chance(percent) {
        return this.random(100) < percent;
    }

    output(marks) {
        const elements = marks ? ELEMENTS : ELEMENTS.filter((element) => element !== PENDING);
        return Array.from({ length: this.random(6) }, () => this.pick(this.chance(40) ? [null] : elements));
    }

    result() {
        if (this.chance(15)) {
            return this.pick(this.others);
        }
        const result = { status: this.pick(['running', 'success', 'suspended']), output: this.output(this.chance(40)) };
        for (const name of ['payload', 'startedAt', 'endedAt']) {
            if (this.chance(30)) {
                result[name] = this.pick([null, 1, 'x', { deep: [1] }]);
            }
        }
        return result;
    }
}

// All operations, on few runs. updatedAt is left out after updateWorkflowState, where the two differ.
export class RunSequence extends Choice {
    constructor(seed) {
        super(seed);
        this.time = 0;
        // Where a step's result is a text the peer cannot look for a thread.
        this.others = OTHERS.filter((result) => result !== '');
    }

    run() {
        return { workflowName: this.pick(['w', "o'neil", 'ü🙂']), runId: this.pick(['r1', 'r"2"', 'r3', 'r\n4']) };
    }

    snapshot(runId) {
        return {
            runId,
            status: this.pick(['running', 'suspended', 'success']),
            value: {},
            context: this.pick([
                {},
                { input: { n: this.random(9) } },
                { input: { messageListState: { memoryInfo: { threadId: this.pick(['t1', 't2']) } } } },
                {
                    input: {},
                    agent: {
                        status: this.pick(['suspended', 'success']),
                        suspendPayload: {
                            __streamState: { messageList: { memoryInfo: { threadId: this.pick(['t1', 't2']) } } },
                        },
                    },
                },
            ]),
            activePaths: [],
        };
    }

    // All times of creation differ, as the peer leaves the order of equal ones open.
    persist() {
        const given = this.run();
        return [
            'persistWorkflowSnapshot',
            {
                ...given,
                snapshot: this.chance(5) ? { runId: given.runId } : this.snapshot(given.runId),
                createdAt: at(++this.time),
                updatedAt: at(1000 + this.time),
                ...(this.chance(50) ? { resourceId: this.pick(['u1', 'u2']) } : {}),
            },
        ];
    }

    state() {
        const opts = { status: this.pick(['running', 'suspended', 'success']) };
        if (this.chance(50)) {
            opts.expectedStatus = this.pick(['running', 'suspended', ['running', 'success'], []]);
        }
        if (this.chance(30)) {
            Object.assign(opts, { suspendedPaths: { a: [this.random(3)] }, error: null });
        }
        return ['updateWorkflowState', { ...this.run(), opts }];
    }

    list() {
        const args = {};
        const filters = {
            workflowName: ['w', 'ü🙂', 'none', ''],
            status: ['running', 'suspended', 'pending', ''],
            resourceId: ['u1', 'none', ''],
            threadId: ['t1', 't2', 'none', ''],
            fromDate: [at(5), at(this.time)],
            toDate: [at(this.time), at(this.time - 5)],
            page: [0, 1],
            perPage: [0, 1, 3, 100, false],
        };
        for (const [name, values] of Object.entries(filters)) {
            if (this.chance(30)) {
                args[name] = this.pick(values);
            }
        }
        return ['listWorkflowRuns', args];
    }

    next() {
        const kind = this.random(100);
        if (kind < 25) {
            return this.persist();
        }
        if (kind < 45) {
            const more = { stepId: this.pick(['a', 'b']), result: this.result(), requestContext: { k: this.time } };
            return ['updateWorkflowResults', { ...this.run(), ...more }];
        }
        if (kind < 60) {
            return this.state();
        }
        if (kind < 85) {
            return this.list();
        }
        if (kind < 90) {
            return ['loadWorkflowSnapshot', this.run()];
        }
        if (kind < 96) {
            const { runId, workflowName } = this.run();
            return ['getWorkflowRunById', this.chance(50) ? { runId } : { runId, workflowName }];
        }
        return ['deleteWorkflowRunById', this.run()];
    }
}
