'use strict';
// What the constructors' options have in common: each option is honoured or refused by its name, none is ignored.

/** Throws for an option of the class that cannot be honoured. */
function refuse(Class, option, why) {
    throw new Error(`${Class}: the option ${option} ${why}`);
}

/**
 * The options that are given; one that is undefined is not. `honoured` lists names, `refused` tells for others why they
 * cannot be honoured.
 */
function given(Class, config, honoured, refused = {}) {
    if (config === null || typeof config !== 'object') {
        throw new Error(`${Class}: the options must be an object.`);
    }
    const options = {};
    for (const [name, value] of Object.entries(config)) {
        if (value === undefined) {
            continue;
        }
        if (Object.hasOwn(refused, name)) {
            // What is empty or off asks for nothing.
            if (value === null || value === '' || value === false) {
                continue;
            }
            refuse(Class, name, refused[name]);
        }
        if (!honoured.includes(name)) {
            refuse(Class, name, 'is not known');
        }
        options[name] = value;
    }
    return options;
}

/** The older form {name, config: {...}} in the newer one. */
function unfolded(config) {
    if (config === null || typeof config !== 'object' || config.config === null || typeof config.config !== 'object') {
        return config;
    }
    const { name, config: inner, ...rest } = config;
    return { id: name, ...rest, ...inner };
}

/** A value that was refused, in a text: that "10" is no 10 can be seen. */
function shown(value) {
    if (typeof value === 'string') {
        return JSON.stringify(value);
    }
    return value !== null && typeof value === 'object' ? `a value of ${Object.prototype.toString.call(value)}` : String(value);
}

function isBlank(value) {
    return typeof value !== 'string' || value.trim() === '';
}

function requireText(Class, options, name, hint = '') {
    if (isBlank(options[name])) {
        throw new Error(`${Class}: ${name} must be provided and cannot be empty.${hint}`);
    }
}

/** Whole numbers within bounds, absent or given. */
function requireNumber(Class, options, name, min, max = Number.MAX_SAFE_INTEGER) {
    const value = options[name];
    if (value !== undefined && !(Number.isInteger(value) && value >= min && value <= max)) {
        refuse(
            Class,
            name,
            `must be a whole number from ${min}${max < Number.MAX_SAFE_INTEGER ? ` to ${max}` : ''}, got ${shown(value)}`,
        );
    }
}

function requireFlag(Class, options, name) {
    if (options[name] !== undefined && typeof options[name] !== 'boolean') {
        refuse(Class, name, `must be true or false, got ${shown(options[name])}`);
    }
}

/** Of every class. */
const COMMON = ['id', 'disableInit', 'retention'];
/** Ours, of every class: how long close() waits, how many calls may be on their way, who this store is to run locks. */
const OURS = ['closeTimeoutMs', 'queueLimit', 'lockOwner'];

/** Those of the library's own options that are given. */
function nativeOptions(options, names) {
    return Object.fromEntries(names.filter((name) => name in options).map((name) => [name, options[name]]));
}

module.exports = {
    COMMON,
    OURS,
    given,
    isBlank,
    nativeOptions,
    refuse,
    requireFlag,
    requireNumber,
    requireText,
    shown,
    unfolded,
};
