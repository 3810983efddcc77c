// What a file holds, in a form in which two runs of one program compare equal: ids that were drawn and times that were
// read from the clock stand for themselves no longer, the order of rows does not count.
import { query } from '../interop/support.mjs';

// Ids: UUIDs, those of traces and of spans. Times: as texts, and as milliseconds of this century.
const ID = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|\b[0-9a-f]{32}\b|\b[0-9a-f]{16}\b/g;
const TIME = /\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z/g;

const JSON_LIKE = /^\s*[[{]/;

/** A value of a column, JSON as the value it is. */
export function parsed(value) {
    if (typeof value === 'string' && JSON_LIKE.test(value)) {
        try {
            return JSON.parse(value);
        } catch {
            return value;
        }
    }
    return value;
}

function changed(value, text, number) {
    if (typeof value === 'string') {
        return text(value);
    }
    if (typeof value === 'number') {
        return number(value);
    }
    if (Array.isArray(value)) {
        return value.map((item) => changed(item, text, number));
    }
    if (value && typeof value === 'object') {
        const entries = Object.entries(value).map(([key, item]) => [text(key), changed(item, text, number)]);
        return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
    }
    return value;
}

const withoutTimes = (value) =>
    changed(
        value,
        (text) => text.replace(TIME, '<time>'),
        (number) => (number > 1.6e12 && number < 4e12 ? '<ms>' : number),
    );

const withoutIds = (value) =>
    changed(
        value,
        (text) => text.replace(ID, '<id>'),
        (number) => number,
    );

/** The names of tables and views of a file, and the rows of each that has some. */
export async function tablesOf(file) {
    const tables = await query(
        file,
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name LIKE 'mastra%' ORDER BY 1",
    );
    const all = {};
    for (const { name } of tables) {
        all[name] = await rowsOf(file, name);
    }
    return all;
}

// Binary JSON of the columns becomes text on the way.
async function rowsOf(file, table) {
    const columns = (await query(file, `PRAGMA table_info("${table}")`)).map(({ name }) => name).sort();
    const shown = columns.map(
        (name) => `CASE typeof("${name}") WHEN 'blob' THEN json("${name}") ELSE "${name}" END AS "${name}"`,
    );
    const rows = await query(file, `SELECT ${shown.join()} FROM "${table}" ORDER BY rowid`);
    return rows.map((row) => Object.fromEntries(Object.entries(row).map(([name, value]) => [name, parsed(value)])));
}

/**
 * The tables with ids named by the order in which they appear, rows being sorted by what they are without ids. `own`
 * changes values first, by table and row.
 */
export function canonical(tables, own = (table, row) => row) {
    const names = new Map();
    const named = (value) =>
        changed(
            value,
            (text) => text.replace(ID, (id) => names.get(id) ?? names.set(id, `<id ${names.size + 1}>`).get(id)),
            (number) => number,
        );
    const sorted = Object.entries(tables).map(([name, rows]) => {
        const plain = rows.map((row) => withoutTimes(own(name, row)));
        const keyed = plain.map((row) => [JSON.stringify(withoutIds(row)), row]);
        return [name, keyed.sort(([a], [b]) => (a < b ? -1 : 1)).map(([, row]) => row)];
    });
    return Object.fromEntries(sorted.map(([name, rows]) => [name, rows.map(named)]));
}
