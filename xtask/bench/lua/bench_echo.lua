-- The callee of the call benchmarks.
require("bench_report").echo()
