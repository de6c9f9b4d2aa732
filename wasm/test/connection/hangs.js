// The package's worker, which hangs when it is told to.

import './worker.js';

self.addEventListener('message', ({ data }) => {
  while (data.hang);
});
