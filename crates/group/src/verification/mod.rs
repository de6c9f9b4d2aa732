//! What people compare, to know that no server stands between them.
