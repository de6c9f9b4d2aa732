// The package's worker, which hangs as soon as there is something to protect.

import './worker.js';

self.addEventListener('message', ({ data }) => {
  if (data.request !== 'describe') return;
  for (;;);
});
