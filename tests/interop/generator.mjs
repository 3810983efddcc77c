// Random sequences of memory operations that both stores must answer alike.
//
// Times given are all different within a thread, except in the thread "ties", because the peer leaves the order of
// equal times open where we do not. So windows are never asked for in "ties", and a copied message, which has the time
// of its original, never meets it in one thread or on one page.

const RESOURCES = ['user-1', "o'neil", 'ümläut 🙂', 'r"q\\', 'none'];
const THREADS = ['t1', "t'2", 't "3"', 't🧵4', 't\n5', 'x'.repeat(300), 'ties', 'gone'];
const TEXTS = ['hello', '', 'two\nlines', "it's", '🙂 ümläut', 'a "quote" \\ and %_', 'long '.repeat(40)];
const SCALARS = ['red', 'green', 1, 1.5, -7, 0, true, false, null, '1', ''];
const FIRST_DAY = Date.UTC(2024, 0, 1);
const DAYS = 86_400_000;

export class Sequence {
    /**
     * habits: distinctTimes, no two messages are given the same time, also in "ties"; newResources, no resource is saved
     * that may be there already; threadsFirst, all threads but one are made before anything else;
     * fixedTimes, no message gets another time; newMessages, none is saved again; ownThreads, only threads that are
     * there are updated, and messages saved into them or moved there; filledPages, no page is of nothing; oneThread, lists of messages are of one thread; texts, what texts
     * there are; newContents, all are of format 2; wholeThreads, a thread is saved with metadata; plainFilters,
     * messages are not chosen by their metadata, nor a thread by its resource; plainIncludes, nor by their resource where others are included;
     * nowResources, resources are saved without a time of their update; without, operations that are left out.
     */
    constructor(random, habits = {}) {
        this.random = random;
        this.habits = habits;
        this.texts = habits.texts ?? TEXTS;
        this.operations = WEIGHTED.filter((op) => !habits.without?.includes(op));
        this.unmade = habits.threadsFirst ? THREADS.filter((id) => id !== 'gone') : [];
        this.clock = 0;
        this.counter = 0;
        this.threads = new Set(THREADS);
        this.saved = new Set();
        this.copies = new Set();
        this.messages = new Map();
        this.resources = RESOURCES;
    }

    // Choosing.

    pick(list) {
        return list[this.random(list.length)];
    }

    chance(percent) {
        return this.random(100) < percent;
    }

    some(list, most) {
        return Array.from({ length: 1 + this.random(most) }, () => this.pick(list));
    }

    thread() {
        return this.pick([...this.threads]);
    }

    /** Threads that hold neither equal times nor copies. */
    plainThreads() {
        return [...this.threads].filter((id) => id !== 'ties' && !this.copies.has(id));
    }

    message() {
        return this.messages.size && !this.chance(5) ? this.pick([...this.messages.keys()]) : 'no such message';
    }

    newTime() {
        this.clock += 1 + this.random(DAYS / 50);
        return new Date(FIRST_DAY + this.clock);
    }

    aTime() {
        return new Date(FIRST_DAY + this.random(this.clock + DAYS));
    }

    metadata() {
        const all = { topic: this.pick(['red', 'green', "o'k"]), n: this.random(3), deep: { a: [1, { b: null }] } };
        const keys = Object.keys(all).filter(() => this.chance(60));
        return Object.fromEntries(keys.map((key) => [key, all[key]]));
    }

    content() {
        switch (this.habits.newContents ? 6 : this.random(6)) {
            case 0:
                return this.pick(this.texts);
            case 1:
                return [{ type: 'text', text: this.pick(this.texts) }];
            case 2:
                return { content: this.pick(this.texts), nested: { list: [1, 2.5, null, true] } };
            default:
                return this.dbContent();
        }
    }

    dbContent() {
        const content = { format: 2, parts: [{ type: 'text', text: this.pick(this.texts) }] };
        if (this.chance(70)) {
            content.metadata = { color: this.pick(SCALARS), [this.pick(['size', '_k9'])]: this.pick(SCALARS) };
        }
        return content;
    }

    newMessage(threadId) {
        const known = this.message();
        const again = this.chance(15) && !this.habits.newMessages && !this.messages.get(known)?.isCopy && !this.copies.has(threadId);
        const id = again ? known : `m${this.counter++}${this.pick(['', "'", '"', '🙂', '\n', '#', ' '])}`;
        const equal = threadId === 'ties' && this.chance(70) && !this.habits.distinctTimes;
        return {
            id,
            threadId,
            resourceId: this.pick(RESOURCES),
            role: this.pick(['user', 'assistant', 'system', 'tool']),
            content: this.content(),
            createdAt: equal ? new Date(FIRST_DAY + 1) : this.newTime(),
            ...(this.chance(30) ? { type: this.pick(['v2', 'text', 'tool-call']) } : {}),
        };
    }

    page() {
        const args = {};
        if (this.chance(60)) {
            args.perPage = this.pick(this.habits.filledPages ? [1, 2, 3, 5, 40, false] : [1, 2, 3, 5, 40, 0, false]);
            if (args.perPage && this.chance(60)) {
                args.page = this.random(4);
            }
        }
        if (this.chance(40)) {
            args.orderBy = { field: 'createdAt', direction: this.pick(['ASC', 'DESC']) };
        }
        return args;
    }

    messageFilter() {
        const filter = {};
        if (this.chance(40)) {
            filter.dateRange = {};
            for (const [end, exclusive] of [
                ['start', 'startExclusive'],
                ['end', 'endExclusive'],
            ]) {
                if (this.chance(60)) {
                    // Often exactly the time of a message, where exclusion shows.
                    const known = [...this.messages.values()].map((message) => message.createdAt).filter(Boolean);
                    filter.dateRange[end] = known.length && this.chance(70) ? this.pick(known) : this.aTime();
                    filter.dateRange[exclusive] = this.chance(50);
                }
            }
        }
        if (this.chance(40) && !this.habits.plainFilters) {
            filter.metadata = { [this.pick(['color', 'size', '_k9'])]: this.pick(SCALARS) };
        }
        return filter;
    }

    include() {
        const targets = [...this.messages].filter(([, { inTies }]) => !inTies).map(([id]) => id);
        return this.some(targets.length ? targets : ['no such message'], 3).map((id) => ({
            id,
            ...(this.chance(70) ? { withPreviousMessages: this.random(3) } : {}),
            ...(this.chance(70) ? { withNextMessages: this.random(3) } : {}),
        }));
    }

    // Operations.

    next() {
        if (this.unmade.length) {
            return { op: 'saveThread', args: { thread: { ...this.saveThread().thread, id: this.unmade.pop() } } };
        }
        const op = this.pick(this.operations);
        return { op, args: this[op]() };
    }

    saveThread() {
        const thread = {
            id: this.thread(),
            resourceId: this.pick(RESOURCES),
            title: this.pick(this.texts),
            createdAt: this.newTime(),
            updatedAt: this.newTime(),
        };
        if (this.habits.wholeThreads) {
            thread.metadata = this.metadata();
        } else if (this.chance(70)) {
            thread.metadata = this.chance(10) ? null : this.metadata();
        }
        return { thread };
    }

    #ownThread() {
        return this.habits.ownThreads ? this.pick([...this.saved]) : this.thread();
    }

    getThreadById() {
        return {
            threadId: this.thread(),
            ...(this.chance(20) && !this.habits.plainFilters ? { resourceId: this.pick(RESOURCES) } : {}),
        };
    }

    updateThread() {
        return {
            id: this.#ownThread(),
            ...(this.chance(60) ? { title: this.pick(this.texts) } : {}),
            ...(this.chance(60) ? { metadata: this.metadata() } : {}),
        };
    }

    deleteThread() {
        return { threadId: this.thread() };
    }

    threadFilter() {
        const metadata = {};
        if (this.chance(30)) {
            metadata.topic = this.pick(['red', 'green', "o'k", 'none']);
        }
        if (this.chance(20)) {
            metadata.n = this.random(4);
        }
        return metadata;
    }

    listThreads() {
        const args = { ...this.page(), filter: {} };
        if (this.chance(30)) {
            const orderBy = { field: 'updatedAt', direction: this.pick(['ASC', 'DESC']) };
            Object.assign(args, { orderBy, perPage: false, page: 0 });
        }
        if (this.chance(40)) {
            args.filter.resourceId = this.pick(RESOURCES);
        }
        if (this.chance(50)) {
            args.filter.metadata = this.threadFilter();
        }
        return args;
    }

    listThreadsByResourceId() {
        return { ...this.page(), resourceId: this.pick(RESOURCES) };
    }

    updateThreadResourceId() {
        return { threadId: this.thread(), resourceId: this.pick(RESOURCES) };
    }

    saveMessages() {
        const threadId = this.#ownThread();
        return { messages: Array.from({ length: 1 + this.random(6) }, () => this.newMessage(threadId)) };
    }

    listMessages() {
        const args = { threadId: this.thread(), ...this.page(), filter: this.messageFilter() };
        const several = !this.habits.oneThread;
        if (several && this.chance(15)) {
            args.threadId = [...new Set(this.some(this.plainThreads(), 3))];
        } else if (several && this.chance(10)) {
            Object.assign(args, { threadId: [...new Set(this.some([...this.threads], 3))], perPage: false, page: 0 });
        }
        if (this.chance(20)) {
            args.resourceId = this.pick(RESOURCES);
        }
        if (this.chance(30) && !(this.habits.plainIncludes && args.resourceId)) {
            args.include = this.include();
        }
        return args;
    }

    listMessagesByResourceId() {
        const args = { resourceId: this.pick(RESOURCES), perPage: false, filter: this.messageFilter() };
        return this.chance(30) ? { ...args, include: this.include() } : args;
    }

    listMessagesById() {
        return { messageIds: Array.from({ length: this.random(6) }, () => this.message()) };
    }

    updateMessages() {
        const ids = new Set(Array.from({ length: 1 + this.random(4) }, () => this.message()));
        return { messages: [...ids].map((id) => this.patch(id)) };
    }

    patch(id) {
        const patch = { id };
        const known = this.messages.get(id);
        if (this.chance(50) && known?.isObject) {
            patch.content = this.chance(50) ? { metadata: { color: this.pick(SCALARS) } } : this.dbContent();
        }
        if (this.chance(30)) {
            patch.role = this.pick(['user', 'assistant']);
        }
        if (this.chance(20)) {
            patch.type = 'text';
        }
        if (this.chance(15) && !known?.inTies && !known?.isCopy) {
            const there = (id) => !this.habits.ownThreads || this.saved.has(id);
            patch.threadId = this.pick(this.plainThreads().filter(there));
        }
        if (this.chance(15)) {
            patch.resourceId = this.pick(RESOURCES);
        }
        if (this.chance(15) && !known?.inTies && !this.habits.fixedTimes) {
            patch.createdAt = this.newTime().toISOString();
        }
        return patch;
    }

    deleteMessages() {
        return Array.from({ length: this.random(4) }, () => this.message());
    }

    copyThread() {
        const args = { sourceThreadId: this.pick([...this.threads].filter((id) => id !== 'ties')) };
        if (this.chance(50)) {
            args.newThreadId = this.chance(20) && this.saved.size ? this.pick([...this.saved]) : `c'${this.counter++}`;
        }
        if (this.chance(30)) {
            args.title = this.pick(this.texts);
        }
        if (this.chance(30)) {
            args.resourceId = this.pick(RESOURCES);
        }
        if (this.chance(30)) {
            args.metadata = this.metadata();
        }
        return this.chance(60) ? { ...args, options: this.copyOptions() } : args;
    }

    copyOptions() {
        const options = {};
        if (this.chance(40)) {
            options.messageLimit = this.random(4);
        }
        if (this.chance(60)) {
            options.messageFilter = {};
            if (this.chance(40)) {
                options.messageFilter.startDate = this.aTime();
            }
            if (this.chance(40)) {
                options.messageFilter.endDate = this.aTime();
            }
            if (this.chance(40)) {
                options.messageFilter.messageIds = Array.from({ length: this.random(5) }, () => this.message());
            }
        }
        return options;
    }

    cloneThread() {
        return this.copyThread();
    }

    getResourceById() {
        return { resourceId: this.pick(RESOURCES) };
    }

    saveResource() {
        const id = this.habits.newResources ? this.#newResource() : this.pick(RESOURCES);
        const resource = { id, createdAt: this.newTime(), updatedAt: this.newTime() };
        if (this.habits.nowResources) {
            delete resource.updatedAt;
        }
        if (this.chance(70)) {
            resource.workingMemory = this.pick(this.texts);
        }
        if (this.chance(70)) {
            resource.metadata = this.metadata();
        }
        return { resource };
    }

    #newResource() {
        this.resources = [...this.resources, `new ${this.counter++}`];
        return this.resources.at(-1);
    }

    updateResource() {
        return {
            resourceId: this.pick(RESOURCES),
            ...(this.chance(60) ? { workingMemory: this.pick(this.texts) } : {}),
            ...(this.chance(60) ? { metadata: this.metadata() } : {}),
        };
    }

    // Remembering what there is, by what was answered.

    learn(op, args, answer, label) {
        if (op === 'deleteThread') {
            this.saved.delete(args.threadId);
        }
        if (!answer) {
            return;
        }
        if (op === 'saveThread') {
            this.saved.add(args.thread.id);
        }
        const messages = { saveMessages: args.messages, updateMessages: answer }[op] ?? [];
        for (const message of messages) {
            const { inTies, isCopy } = this.messages.get(message.id) ?? {};
            this.#remember(message, { inTies: inTies || message.threadId === 'ties', isCopy });
        }
        if (answer.messageIdMap) {
            const thread = args.newThreadId ?? label;
            this.threads.add(thread);
            this.copies.add(thread);
            for (const [source, copy] of Object.entries(answer.messageIdMap)) {
                this.messages.set(copy, { ...this.messages.get(source), isCopy: true });
            }
        }
    }

    #remember({ id, content, createdAt }, kind) {
        const isObject = typeof content === 'object' && !Array.isArray(content);
        this.messages.set(id, { ...kind, isObject, createdAt });
    }
}

const WEIGHTS = {
    saveThread: 8,
    getThreadById: 4,
    updateThread: 6,
    deleteThread: 1,
    listThreads: 8,
    listThreadsByResourceId: 3,
    updateThreadResourceId: 2,
    saveMessages: 20,
    listMessages: 24,
    listMessagesByResourceId: 5,
    listMessagesById: 4,
    updateMessages: 8,
    deleteMessages: 4,
    copyThread: 2,
    cloneThread: 2,
    getResourceById: 3,
    saveResource: 3,
    updateResource: 5,
};
const WEIGHTED = Object.entries(WEIGHTS).flatMap(([op, weight]) => Array(weight).fill(op));
