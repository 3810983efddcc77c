// The package behind the conformance table: node pipe.mjs MODE answers the requests of tests/conformance/child.h.
//
//   text     the addon alone, JSON texts in and out
//   call     store.call(operation, arguments), JSON values
//   methods  the methods of the domains with values of JavaScript, Dates in and out; the lists of messages, which the
//            domains pass through core's message list, by store.call
import readline from 'node:readline';

const OPEN = '(open)';
const CLOSE = '(close)';

// Standard output is for answers alone.
console.log = console.info = console.debug = console.error;

// Results that are lists of messages, which core's message list rewrites; prune, which is another method in core; and
// createIndex, which takes SQL as a method.
const BY_NAME = new Set([
    'prune',
    'createIndex',
    'saveMessages',
    'listMessages',
    'listMessagesById',
    'listMessagesByResourceId',
    'cloneThread',
]);

const DOMAINS = ['memory', 'workflows', 'scores', 'observability'];

const TIMES = new Set(['createdAt', 'updatedAt', 'start', 'end', 'startDate', 'endDate', 'fromDate', 'toDate']);
TIMES.add('startedAt').add('endedAt');
// JSON of the user's own, in which nothing is a time.
const OPAQUE = new Set(['metadata', 'content', 'snapshot', 'result', 'requestContext', 'opts', 'input', 'output']);

const ISO = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

/** Times as an application has them, as Dates; what is none stays as it is. */
function revived(value, key) {
    if (TIMES.has(key) && (Number.isInteger(value) || ISO.test(value))) {
        return new Date(value);
    }
    if (!value || typeof value !== 'object' || OPAQUE.has(key)) {
        return value;
    }
    if (Array.isArray(value)) {
        return value.map((item) => revived(item));
    }
    return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, revived(item, name)]));
}

/** Whether there is a time in a form that no Date has. Methods that give back their argument would show it as it came. */
function hasLooseTime(value, key) {
    if (!value || typeof value !== 'object' || OPAQUE.has(key)) {
        return TIMES.has(key) && typeof value === 'string';
    }
    return Object.entries(value).some(([name, item]) => hasLooseTime(item, name));
}

class TextWay {
    static greeting = 'text';

    static async load() {
        const { NativeStore } = await import('../../bindings/node/lib/native.js');
        return (url) => new TextWay(new NativeStore(url, {}));
    }

    constructor(store) {
        this.store = store;
    }

    call(op, text) {
        return this.store.call(op, text);
    }

    close() {
        return this.store.close();
    }
}

/** What the URL says of the double beside its host goes by the environment. */
function dsqlStore(DSQLStore, id, url) {
    const { hostname, searchParams } = new URL(url);
    process.env.PGHOSTADDR = searchParams.get('hostaddr');
    process.env.PGPORT = searchParams.get('port');
    process.env.SSL_CERT_FILE = searchParams.get('sslrootcert');
    return new DSQLStore({
        id,
        host: hostname,
        schemaName: searchParams.get('schema'),
        customCredentialsProvider: async () => ({
            accessKeyId: process.env.MASTRA_TEST_DSQL_KEY_ID,
            secretAccessKey: process.env.MASTRA_TEST_DSQL_SECRET,
        }),
    });
}

function dynamodbStore(DynamoDBStore, id, url) {
    const { hostname, pathname, searchParams } = new URL(url);
    const endpoint = searchParams.get('endpoint');
    return new DynamoDBStore({ id, tableName: pathname.slice(1), region: hostname, ...(endpoint && { endpoint }) });
}

class CallWay {
    static greeting = 'values';

    static async load() {
        const { DSQLStore, DynamoDBStore, LibSQLStore, PostgresStore } = await import('../../bindings/node/lib/index.mjs');
        const id = 'conformance';
        return (url) => {
            if (url.startsWith('dsql:')) {
                return new this(dsqlStore(DSQLStore, id, url));
            }
            if (url.startsWith('dynamodb:')) {
                return new this(dynamodbStore(DynamoDBStore, id, url));
            }
            return new this(
                url.startsWith('postgresql:')
                    ? new PostgresStore({ id, connectionString: url })
                    : new LibSQLStore({ id, url }),
            );
        };
    }

    constructor(store) {
        this.store = store;
    }

    async call(op, text) {
        return asText(await this.store.call(op, text && JSON.parse(text)));
    }

    close() {
        return this.store.close();
    }
}

class MethodWay extends CallWay {
    async call(op, text) {
        const args = text && revived(JSON.parse(text));
        const domain = BY_NAME.has(op) || !args || hasLooseTime(args) ? undefined : await this.#domainWith(op);
        return domain ? asText(await domain[op](args)) : super.call(op, text);
    }

    async #domainWith(op) {
        for (const name of DOMAINS) {
            const domain = await this.store.getStore(name);
            if (typeof domain[op] === 'function') {
                return domain;
            }
        }
        return typeof this.store[op] === 'function' ? this.store : undefined;
    }
}

const asText = (value) => JSON.stringify(value) ?? 'null';

const way = { text: TextWay, call: CallWay, methods: MethodWay }[process.argv[2]];
const open = await way.load();
let store;

async function serve({ op, args }) {
    if (op === OPEN) {
        store = open(args);
        return 'null';
    }
    if (op === CLOSE) {
        await store?.close();
        store = undefined;
        return 'null';
    }
    return store.call(op, args);
}

/** Errors that are made in JavaScript have no code of the library. */
function codeOf(error) {
    if (error.id?.endsWith('_DENIED')) {
        return 'denied';
    }
    const isUsers = error.category === 'USER' || (error instanceof TypeError && /metadata filter/i.test(error.message));
    return isUsers ? 'invalid_argument' : undefined;
}

/** The form of the command's answers, whatever class the error is of. */
function errorText(error) {
    const library = error.code ? error : (error.cause ?? {});
    const { id, category, message } = error;
    const details = { ...library.details, ...error.details };
    return JSON.stringify({ code: library.code ?? codeOf(error), id, category, message, details });
}

process.stdout.write(`${way.greeting}\n`);
for await (const line of readline.createInterface({ input: process.stdin, crlfDelay: Infinity })) {
    let word = 'ok';
    let text;
    try {
        text = await serve(JSON.parse(line));
    } catch (error) {
        word = 'error';
        text = errorText(error);
    }
    const bytes = Buffer.from(text);
    process.stdout.write(`${word} ${bytes.length}\n`);
    process.stdout.write(bytes);
}
