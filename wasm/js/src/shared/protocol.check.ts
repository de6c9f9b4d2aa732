// Compiled with the rest, and run nowhere: what the types of messages refuse. Each line below is an
// error of the compiler, or else the comment before it is one.

import { type CALL, type CallAnswers, type CallFields, type CallName, type GROUP, type GroupAnswers, type Handlers, type Request } from './protocol.js';

declare const handlers: Handlers<typeof CALL, CallAnswers>;
declare const groupHandlers: Handlers<typeof GROUP, GroupAnswers>;
declare function ask<N extends CallName>(name: N, fields: CallFields[N]): void;

const { close, ...others } = handlers;
// @ts-expect-error a message that is not handled
others satisfies Handlers<typeof CALL, CallAnswers>;
// @ts-expect-error a message that is not listed
({ ...others, close, hangUp: close }) satisfies Handlers<typeof CALL, CallAnswers>;
// @ts-expect-error an answer of another type
({ ...others, close, counts: () => 7 }) satisfies Handlers<typeof CALL, CallAnswers>;

const { lock, ...questions } = groupHandlers;
// @ts-expect-error a question that is not answered
questions satisfies Handlers<typeof GROUP, GroupAnswers>;
({ ...questions, lock }) satisfies Handlers<typeof GROUP, GroupAnswers>;

// @ts-expect-error a message that is not listed
ask('hangUp', {});
// @ts-expect-error a field that is missing
ask('removeMember', {});
// @ts-expect-error a field of another type
ask('removeMember', { from: 'alice' });
ask('removeMember', { from: 7 });

// @ts-expect-error a message that is not listed
({ id: 1, request: 'hangUp' }) satisfies Request;
({ id: 1, request: 'close' }) satisfies Request;
