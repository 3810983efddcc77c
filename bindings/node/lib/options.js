'use strict';
// What each class makes of its options: who it is, and how the library is to open its store. Wrong options throw.

module.exports = {
    ...require('./options/libsql.js'),
    ...require('./options/postgres.js'),
    ...require('./options/aws.js'),
};
