//! A process without descriptors. The limit holds for all threads, so this test is a process of its own.

mod common;

use std::fs::File;

use common::*;
use skynet_socket::SocketEvent;

/// Opens files until there is no descriptor left but so many.
fn exhaust(left: usize) -> Vec<File> {
    let mut files = Vec::new();
    while let Ok(file) = File::open("/dev/null") {
        files.push(file);
    }
    files.truncate(files.len() - left);
    files
}

fn set_limit(limit: libc::rlim_t) {
    // SAFETY: the structure is initialised by the first call, and both only use it while they run.
    unsafe {
        let mut limits: libc::rlimit = std::mem::zeroed();
        assert_eq!(libc::getrlimit(libc::RLIMIT_NOFILE, &mut limits), 0);
        limits.rlim_cur = limit;
        assert_eq!(libc::setrlimit(libc::RLIMIT_NOFILE, &limits), 0);
    }
}

#[test]
fn without_descriptors_connections_are_turned_away_until_there_are_some() {
    set_limit(128);
    let bench = Bench::new();
    let probe = bench.probe();
    let (listener, address) = bench.listen(&probe);
    let kept = connect(address);
    let id = probe.accepted(listener);
    bench.sockets.start(probe.handle, id);
    probe.ready(id, "start");

    // One descriptor for the client, none for the server.
    let files = exhaust(1);
    let refused = connect(address);
    assert_eq!(probe.failed(listener), "Too many open files");
    assert_eq!(drain(&refused), b"");
    write(&kept, b"unharmed");
    assert_eq!(probe.read(id, 8), b"unharmed");

    drop(files);
    let _client = connect(address);
    loop {
        match probe.of(listener) {
            SocketEvent::Accepted { .. } => break,
            SocketEvent::Failed(text) => assert_eq!(text, "Too many open files"),
            other => panic!("{other:?}"),
        }
    }
    bench.stop();
}
