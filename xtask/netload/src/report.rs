//! What a load tells when it is over.

use std::time::Duration;

use crate::args::Load;
use crate::histogram::Histogram;
use crate::system;

/// Prints the `BENCH` lines of a load: requests a second, and what latency half, 99 % and 99.9 % of them had at most. A line for
/// people goes to stderr, with how busy this process was: near 100 % it may itself be what holds the server back.
pub(crate) fn print(load: &Load, latencies: &Histogram, lived: Duration) {
    let name = &load.name;
    let rate = latencies.count() as f64 / load.measured.as_secs_f64();
    let [half, most, nearly_all] = [0.5, 0.99, 0.999].map(|share| latencies.at(share) as f64 / 1e3);
    println!("BENCH {name} {rate:.0} /s");
    println!("BENCH {name}_p50 {half:.3} us");
    println!("BENCH {name}_p99 {most:.3} us");
    println!("BENCH {name}_p999 {nearly_all:.3} us");
    let busy = system::cpu_time().map(|time| time.as_secs_f64() / lived.as_secs_f64() * 100.0);
    let busy = busy.map_or(String::new(), |percent| format!(", load generator {percent:.0} % busy"));
    eprintln!("  {rate:.0} /s, p50 {half:.0} us, p99 {most:.0} us, p99.9 {nearly_all:.0} us{busy}");
}
