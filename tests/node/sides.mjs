// Our store and the peer's behind one interface, call(operation, arguments): the methods of their domains with values of
// JavaScript, and answers in a form that can be compared, in which a Date is no text and undefined is not null.
const DOMAINS = ['memory', 'workflows', 'scores', 'observability'];
const UUID = /[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g;
const ISO = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

/** A copy of arguments, texts changed; what is neither array nor plain object is passed on. */
export function copied(value, change = (text) => text) {
    if (typeof value === 'string') {
        return change(value);
    }
    if (value instanceof Date) {
        return new Date(value);
    }
    if (Array.isArray(value)) {
        return value.map((item) => copied(item, change));
    }
    if (value && typeof value === 'object' && Object.getPrototypeOf(value) === Object.prototype) {
        return Object.fromEntries(Object.entries(value).map(([key, item]) => [change(key), copied(item, change)]));
    }
    return value;
}

/** Ids that each store has drawn for itself stand for the same record, by the order in which they appear. */
class Names {
    constructor(since) {
        this.since = since;
        this.common = new Map();
        this.own = new Map();
    }

    toOwn(text) {
        return this.own.get(text) ?? text;
    }

    text(text) {
        if (ISO.test(text) && new Date(text) >= this.since) {
            return '<now>';
        }
        return text.replace(UUID, (id) => {
            if (!this.common.has(id)) {
                this.common.set(id, `<id ${this.common.size + 1}>`);
                this.own.set(this.common.get(id), id);
            }
            return this.common.get(id);
        });
    }

    /** Any value as texts, numbers, arrays and plain objects with sorted members. */
    shown(value) {
        switch (typeof value) {
            case 'string':
                return this.text(value);
            case 'number':
                return this.#number(value);
            case 'object':
                return value === null ? null : this.#object(value);
            case 'boolean':
                return value;
            default:
                return `<${typeof value} ${String(value)}>`;
        }
    }

    #number(value) {
        if (!Number.isFinite(value) || Object.is(value, -0)) {
            return Object.is(value, -0) ? '<-0>' : `<${value}>`;
        }
        return value >= this.since.getTime() && value < this.since.getTime() + 1e9 ? '<now in ms>' : value;
    }

    #object(value) {
        if (value instanceof Date) {
            const time = Number.isNaN(value.getTime()) ? 'invalid' : value.toISOString();
            return `<Date ${this.text(time)}>`;
        }
        if (Array.isArray(value)) {
            return Array.from(value, (item) => this.shown(item));
        }
        const prototype = Object.getPrototypeOf(value);
        const name =
            prototype === Object.prototype || prototype === null ? {} : { '<class>': prototype.constructor.name };
        const keys = Object.keys(value).map((key) => [this.text(key), key]);
        const sorted = keys.sort(([a], [b]) => (a < b ? -1 : 1));
        return { ...name, ...Object.fromEntries(sorted.map(([shown, key]) => [shown, this.shown(value[key])])) };
    }
}

/** A shown answer with its Dates as Dates again. */
export function revived(value) {
    const time = typeof value === 'string' && /^<Date (\d{4}-.*Z)>$/.exec(value);
    if (time) {
        return new Date(time[1]);
    }
    if (Array.isArray(value)) {
        return value.map(revived);
    }
    if (value && typeof value === 'object') {
        return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, revived(item)]));
    }
    return value;
}

class Side {
    static async open(store, since) {
        await store.init();
        const domains = await Promise.all(DOMAINS.map((name) => store.getStore(name)));
        return new Side(store, domains, since);
    }

    constructor(store, domains, since) {
        this.store = store;
        this.domains = domains;
        this.names = new Names(since);
    }

    /** What comes back, shown: {answer, raw} or {refused: {class, id, domain, category, message}}. */
    async call(op, args) {
        const domain = this.domains.find((candidate) => typeof candidate[op] === 'function');
        try {
            const given = copied(args, (text) => this.names.toOwn(text));
            const raw = await domain[op](given);
            return { answer: this.names.shown(raw), raw };
        } catch (error) {
            const { id = null, domain: of = null, category = null } = error;
            return this.names.shown({
                refused: { class: error.constructor.name, id, domain: of, category, message: error.message },
            });
        }
    }

    async clear() {
        for (const domain of this.domains) {
            await domain.dangerouslyClearAll();
        }
        this.names = new Names(this.names.since);
    }

    close() {
        return this.store.close();
    }
}

/** Both sides; `stores` makes either. */
export async function openSides(t, stores) {
    const since = new Date();
    const sides = {
        ours: await Side.open(stores.ours(), since),
        theirs: await Side.open(stores.theirs(), since),
    };
    t.after(() => Promise.all([sides.ours.close(), sides.theirs.close()]));
    return sides;
}
