//! Nodes in the background: the pid file, a second start, and SIGHUP. The first service is a second logger, which needs
//! no Lua and never ends.

mod common;

use common::{Scratch, signal, wait_until};

const CONFIG: &str = "harbor = 0 thread = 1 bootstrap = 'logger' ";

/// Ends the node of a pid file, however the test goes.
struct Daemon<'a>(&'a Scratch);

impl Daemon<'_> {
    fn pid(&self) -> Option<u32> {
        self.0.read("pid").strip_suffix('\n')?.parse().ok()
    }
}

impl Drop for Daemon<'_> {
    fn drop(&mut self) {
        if let Some(pid) = self.pid() {
            signal("KILL", pid);
        }
    }
}

#[test]
fn a_daemon_leaves_its_pid_and_a_second_one_is_refused() {
    let scratch = Scratch::new();
    let config = format!("{CONFIG} daemon = './pid' logger = './log'");
    let first = scratch.run_config(&config);
    assert_eq!((first.err.as_str(), first.out.as_str(), first.code), ("", "", Some(0)));
    let daemon = Daemon(&scratch);
    scratch.await_text("log", "LAUNCH logger");
    wait_until(|| daemon.pid().is_some(), || "no pid in the pid file".to_owned());

    let second = scratch.run_config(&config);
    let pid = daemon.pid().unwrap();
    assert_eq!(second.err, format!("Skynet is already running, pid = {pid}.\n"));
    assert_eq!(second.code, Some(1));
}

#[test]
fn a_daemon_that_is_told_to_end_takes_its_pid_file_along() {
    let scratch = Scratch::new();
    let outcome = scratch.run_config(&format!("{CONFIG} daemon = './pid' logger = './log'"));
    assert_eq!((outcome.err.as_str(), outcome.code), ("", Some(0)));
    let daemon = Daemon(&scratch);
    scratch.await_text("log", "LAUNCH logger");
    wait_until(|| daemon.pid().is_some(), || "no pid in the pid file".to_owned());
    signal("TERM", daemon.pid().unwrap());
    wait_until(|| !scratch.path("pid").exists(), || format!("it lives on: {}", scratch.read("log")));
    assert!(scratch.read("log").contains("shutdown: begins: SIGTERM"), "{}", scratch.read("log"));
}

#[test]
fn a_pid_file_whose_process_is_gone_is_taken_over() {
    let scratch = Scratch::new();
    // No system hands this id out.
    scratch.write("pid", "2147483647\nleft over");
    let outcome = scratch.run_config(&format!("{CONFIG} daemon = './pid' logger = './log'"));
    assert_eq!((outcome.err.as_str(), outcome.code), ("", Some(0)));
    let daemon = Daemon(&scratch);
    scratch.await_text("log", "LAUNCH logger");
    assert!(daemon.pid().is_some_and(|pid| pid != 2_147_483_647), "{:?}", scratch.read("pid"));
}

#[test]
fn a_pid_file_that_cannot_be_made_is_an_error_in_the_foreground() {
    let outcome = Scratch::new().run_config(&format!("{CONFIG} daemon = './no/such/pid'"));
    assert_eq!((outcome.err.as_str(), outcome.code), ("Can't create pidfile [./no/such/pid].\n", Some(1)));
}

#[test]
fn a_pid_file_goes_when_the_node_ends() {
    let scratch = Scratch::new();
    scratch.run_config("harbor = 0 thread = 1 bootstrap = 'nomod' daemon = './pid' logger = './log'");
    scratch.await_text("log", "Bootstrap error : nomod");
    wait_until(|| !scratch.path("pid").exists(), || "the pid file is still there".to_owned());
}

#[test]
fn sighup_reopens_the_log_file() {
    let scratch = Scratch::new();
    let node = scratch.start_config(&format!("{CONFIG} logger = './log'"));
    scratch.await_text("log", "LAUNCH logger");
    std::fs::rename(scratch.path("log"), scratch.path("log.1")).unwrap();
    signal("HUP", node.0.id());
    wait_until(|| scratch.path("log").exists(), || "the log was not reopened".to_owned());
    assert!(scratch.read("log.1").contains("LAUNCH logger"));
}
