// Without any tool: the package's folder is served as it is.

import { SealedCall } from './node_modules/sealframe/pkg/index.js';

import { call } from './call.js';

globalThis.outcome = call({ SealedCall });
