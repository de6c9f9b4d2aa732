// Where nothing can be served beside the page's own script.

import { SealedCall } from 'sealframe';
import { createWorker } from 'sealframe/worker-inline';

import { call } from './call.js';

globalThis.outcome = call({ SealedCall, createWorker });
