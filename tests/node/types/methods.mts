// No method of a store takes or gives `any`, and none is missing. `operations.mts` is written by the test.
import type { MastraStoreMethods } from 'mastra-store';
import type { OperationName } from './operations.mjs';

type IsAny<Type> = 0 extends 1 & Type ? true : false;
type Loose<Method> = Method extends (...args: infer Args) => infer Result
    ? true extends IsAny<Result> | IsAny<Awaited<Result>> | IsAny<Args> | IsAny<Args[0]>
        ? true
        : false
    : true;
type LooseMethods = {
    [Name in keyof MastraStoreMethods]: Loose<MastraStoreMethods[Name]> extends false ? never : Name;
}[keyof MastraStoreMethods];
type None<Type extends never> = Type;

export type NoneIsLoose = None<LooseMethods>;
export type NoneIsMissing = None<Exclude<OperationName, keyof MastraStoreMethods | 'init' | 'prune'>>;
