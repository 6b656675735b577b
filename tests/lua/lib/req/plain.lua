---Returns what the loader passed to it.
return { ... }
