// As most applications: the package by its name, the rest is the bundler's.

import { SealedCall } from 'sealframe';

import { call } from './call.js';

globalThis.outcome = call({ SealedCall });
