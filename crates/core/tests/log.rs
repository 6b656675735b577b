//! The native log service, to a file.

mod common;

use std::fs;

use common::{quiet, stop};
use skynet_core::{Handle, LogTarget, Node, PTYPE_LUA, PTYPE_SYSTEM, StartError};

#[test]
fn every_line_is_in_the_file_when_the_node_has_stopped() {
    let dir = std::env::temp_dir().join(format!("skynet-core-log-{}", std::process::id()));
    fs::create_dir_all(&dir).expect("a folder");
    let (path, moved) = (dir.join("node.log"), dir.join("node.log.1"));
    let node = quiet().log(LogTarget::File(path.clone())).start().expect("the node starts");
    let logger = node.find_name("logger").expect("it has a log service");
    assert_eq!(logger, Handle::from_raw(1));
    node.log(Handle::NONE, "before");
    common::until("the line is written", || fs::read(&path).is_ok_and(|text| text.ends_with(b"before\n")));
    fs::rename(&path, &moved).expect("the log is moved away");
    node.send(Handle::NONE, logger, PTYPE_SYSTEM, 0, "").expect("it is alive");
    (0..1000).for_each(|number| node.log(Handle::from_raw(0x0a), format!("line {number}")));
    stop(&node);
    let text = fs::read_to_string(&path).expect("the new file");
    assert_eq!(text.lines().count(), 1000);
    let last = text.lines().last().expect("a line");
    assert!(
        last.ends_with(" [:0000000a] line 999")
            && last.len() == "01/01/00 00:00:00.00 [:0000000a] line 999".len()
    );
    assert!(fs::read_to_string(&moved).expect("the old file").ends_with("[:00000000] before\n"));
    fs::remove_dir_all(&dir).expect("the folder goes");
}

#[test]
fn a_log_that_cannot_be_reopened_goes_on_and_says_so() {
    let dir = std::env::temp_dir().join(format!("skynet-core-reopen-{}", std::process::id()));
    let moved = dir.with_extension("moved");
    fs::create_dir_all(&dir).expect("a folder");
    let path = dir.join("node.log");
    let node = quiet().log(LogTarget::File(path.clone())).start().expect("the node starts");
    let logger = node.find_name("logger").expect("it has a log service");
    fs::rename(&dir, &moved).expect("the folder is moved away");
    node.send(Handle::NONE, logger, PTYPE_SYSTEM, 0, "").expect("it is alive");
    node.log(Handle::NONE, "after");
    stop(&node);
    let text = fs::read_to_string(moved.join("node.log")).expect("the old file");
    let lines: Vec<&str> = text.lines().collect();
    let complaint =
        format!(" [{logger}] error: cannot reopen the log file {}, this one stays", path.display());
    assert!(lines.len() == 2 && lines[0].contains(&complaint), "{text}");
    assert!(lines[1].ends_with(" [:00000000] after"), "{text}");
    fs::remove_dir_all(&moved).expect("the folder goes");
}

#[test]
fn a_full_disk_does_not_stop_the_services() {
    // Writes to it fail with ENOSPC. Systems without it have nothing to show here.
    if !std::path::Path::new("/dev/full").exists() {
        return;
    }
    let node = quiet().log(LogTarget::File("/dev/full".into())).start().expect("the node starts");
    let server = node.spawn(common::echo).expect("it starts");
    (0..20_000).for_each(|number| node.log(Handle::NONE, format!("line {number}")));
    assert!(node.call(server, PTYPE_LUA, "x").wait_timeout(common::DEADLINE).is_ok());
    stop(&node);
}

#[test]
fn a_log_that_cannot_be_opened_stops_the_start() {
    let target = LogTarget::File("/nonexistent/folder/log".into());
    let error = Node::builder().log(target).start().expect_err("there is no such folder");
    assert!(matches!(&error, StartError::Logger { module, .. } if module == "logger"));
    assert!(matches!(Node::builder().workers(0).start(), Err(StartError::Workers { count: 0 })));
}
