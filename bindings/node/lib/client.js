'use strict';
// One open store: operations by name, their arguments and results as values, their errors as Mastra's.

const { detailsOf } = require('./details.js');
const { stringify, unsayable } = require('./json.js');
const { COMPACT, NO_RESULT, NativeStore } = require('./native.js');
const { unfolded } = require('./records.js');

function snake(name) {
    return name.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase();
}

/** The last part of the error id that the library gives to such an argument. */
function statusOf(operation, path) {
    if (operation === 'saveScore') {
        return 'VALIDATION_FAILED';
    }
    return /\b(page|perPage)$/.test(path) ? 'INVALID_PAGE' : 'FAILED';
}

/** Functions that make errors of one copy of core. */
function errorForms({ MastraError, ErrorDomain }) {
    const make = (definition, cause) => new MastraError({ domain: ErrorDomain.STORAGE, ...definition }, cause);

    return {
        make,

        /** An error of the library, which has an id of its own, or any other that has come up on the way. */
        from(error, id, category = 'USER', told = {}) {
            if (error instanceof MastraError) {
                return error;
            }
            const details = { ...told, ...error.details };
            if (error.code === 'not_found') {
                details.status = 404;
            }
            return make(
                {
                    id: error.op === 'open' ? id : (error.id ?? id),
                    category: error.category ?? category,
                    text: error.message,
                    details,
                },
                error,
            );
        },
    };
}

class Client {
    #native;
    #errors;
    #store;

    /** `store` is the name in error ids: LIBSQL, PG. */
    constructor(errors, store, url, options) {
        this.#errors = errors;
        this.#store = store;
        this.#native = new NativeStore(url, options);
    }

    /** The id of an error of this store. */
    errorId(operation, status = 'FAILED') {
        return `MASTRA_STORAGE_${this.#store}_${snake(operation)}_${status}`;
    }

    /** An error about an argument that did not get as far as the library. */
    refusal(operation, field, problem, status) {
        return this.#errors.make({
            id: this.errorId(operation, status),
            category: 'USER',
            text: `${field} ${problem}`,
            details: { field },
        });
    }

    /** An error that came up while a result was made ready. */
    failure(operation, error) {
        return this.#errors.from(error, this.errorId(operation), 'THIRD_PARTY');
    }

    async call(operation, args) {
        try {
            return JSON.parse(await this.#native.call(operation, this.#text(operation, args)));
        } catch (error) {
            throw this.#failed(operation, args, error);
        }
    }

    /** For operations that have a compact answer: their result with dates in it. */
    async callCompact(operation, args) {
        try {
            const result = JSON.parse(await this.#native.call(operation, this.#text(operation, args), COMPACT));
            return result === null ? null : unfolded(result, 'spans');
        } catch (error) {
            throw this.#failed(operation, args, error);
        }
    }

    /** For results that nobody reads. */
    async run(operation, args) {
        try {
            await this.#native.call(operation, this.#text(operation, args), NO_RESULT);
        } catch (error) {
            throw this.#failed(operation, args, error);
        }
    }

    #failed(operation, args, error) {
        return this.#errors.from(error, this.errorId(operation), 'USER', detailsOf(operation, args));
    }

    #text(operation, args) {
        const wrong = unsayable(args);
        if (wrong) {
            throw this.refusal(operation, wrong.path || 'args', wrong.problem, statusOf(operation, wrong.path));
        }
        return args === undefined ? undefined : stringify(args);
    }

    close() {
        return this.#native.close();
    }
}

module.exports = { Client, errorForms };
