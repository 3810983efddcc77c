'use strict';
// For `require`: over the CommonJS copy of core, which is the one that the program's other requires get.

const { ErrorDomain, MastraError } = require('@mastra/core/error');
const { MessageList } = require('@mastra/core/agent/message-list');
const storage = require('@mastra/core/storage');

const { sqliteVersion, version } = require('./native.js');
const { defineStores } = require('./stores.js');

module.exports = { ...defineStores({ ...storage, ErrorDomain, MastraError, MessageList }), sqliteVersion, version };
