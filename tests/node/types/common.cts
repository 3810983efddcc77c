// The same types for CommonJS.
import { LibSQLStore } from 'mastra-store';
import type { MastraCompositeStore } from '@mastra/core/storage';

export const storage: MastraCompositeStore = new LibSQLStore({ id: 'x', url: ':memory:' });
