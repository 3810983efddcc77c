// For `import`: over the ESM copy of core, which is the one that the program's other imports get.

import { ErrorDomain, MastraError } from '@mastra/core/error';
import { MessageList } from '@mastra/core/agent/message-list';
import * as storage from '@mastra/core/storage';

import native from './native.js';
import stores from './stores.js';

export const { LibSQLStore, DefaultStorage, InMemoryStore, PostgresStore, DSQLStore, DynamoDBStore } =
    stores.defineStores({
        ...storage,
        ErrorDomain,
        MastraError,
        MessageList,
    });
export const { sqliteVersion, version } = native;
