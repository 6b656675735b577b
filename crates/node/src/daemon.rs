//! A node in the background: the pid file with its lock, and leaving the terminal.
//!
//! The file is taken before the fork, so that whoever starts the node sees why it cannot start.

// fork, flock and dup2 have no safe form in the standard library.
#![allow(unsafe_code)]

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Seek, Write};
use std::os::fd::AsRawFd;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use crate::config::Reason;

/// Why the node cannot go into the background. Programs match on the first words.
#[derive(Debug)]
#[non_exhaustive]
pub(crate) enum DaemonError {
    /// The pid file names a process that lives.
    Running(i32),
    /// The pid file cannot be opened.
    Create(PathBuf),
    /// Another process holds the lock of the pid file, this one if it wrote its id.
    Locked(Option<i32>),
    /// The pid file cannot be written.
    Write(PathBuf, io::Error),
    /// The process cannot leave the terminal.
    Detach(io::Error),
}

impl fmt::Display for DaemonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Running(pid) => write!(f, "Skynet is already running, pid = {pid}."),
            Self::Create(path) => write!(f, "Can't create pidfile [{}].", path.display()),
            Self::Locked(Some(pid)) => write!(f, "Can't lock pidfile, lock is held by pid {pid}."),
            Self::Locked(None) => f.write_str("Can't lock pidfile, lock is held by another process."),
            Self::Write(path, error) => {
                write!(f, "Can't write pid file [{}]: {}.", path.display(), Reason(error))
            }
            Self::Detach(error) => write!(f, "Can't daemonize: {}.", Reason(error)),
        }
    }
}

impl std::error::Error for DaemonError {}

/// The pid file of this process. Its lock is held until this value is dropped, which also removes the file.
#[derive(Debug)]
pub(crate) struct PidFile {
    path: PathBuf,
    // Never read again; closing it gives the lock up.
    _locked: File,
}

impl Drop for PidFile {
    fn drop(&mut self) {
        // Gone already is as good.
        let _ = fs::remove_file(&self.path);
    }
}

/// Takes the pid file, then goes on in a child process without a terminal; the parent ends with exit code 0. The folder
/// stays, the standard streams lead to `/dev/null`.
///
/// Must run before the process starts its first thread: threads do not survive a fork.
///
/// # Errors
///
/// The node runs already, or one of the steps failed. The process is still in the foreground then, unless the very last
/// step failed.
pub(crate) fn enter(path: &Path) -> Result<PidFile, DaemonError> {
    let own = std::process::id();
    if let Some(pid) = read_pid(path).filter(|pid| u32::try_from(*pid) != Ok(own) && lives(*pid)) {
        return Err(DaemonError::Running(pid));
    }
    let mut file = loop {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o644)
            .open(path)
            .map_err(|_| DaemonError::Create(path.to_owned()))?;
        lock(&file).map_err(|_| DaemonError::Locked(read_pid(path)))?;
        // A node that just ended may have removed the file between the two steps: then the lock is on a file without a name.
        if is_at(&file, path) {
            break file;
        }
    };
    detach().map_err(DaemonError::Detach)?;
    write_pid(&mut file).map_err(|error| DaemonError::Write(path.to_owned(), error))?;
    let pid_file = PidFile { path: path.to_owned(), _locked: file };
    silence().map_err(DaemonError::Detach)?;
    Ok(pid_file)
}

fn is_at(file: &File, path: &Path) -> bool {
    let identity = |meta: fs::Metadata| (meta.dev(), meta.ino());
    file.metadata().map(identity).ok() == fs::metadata(path).map(identity).ok()
}

fn read_pid(path: &Path) -> Option<i32> {
    let text = fs::read_to_string(path).ok()?;
    text.split_whitespace().next()?.parse().ok().filter(|pid| *pid > 0)
}

fn write_pid(file: &mut File) -> io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    writeln!(file, "{}", std::process::id())
}

fn lives(pid: i32) -> bool {
    // SAFETY: signal 0 only asks whether the process exists.
    let found = unsafe { libc::kill(pid, 0) } == 0;
    let exists = found || io::Error::last_os_error().raw_os_error() != Some(libc::ESRCH);
    exists && !has_ended(pid)
}

/// Whether a process has ended and only waits for its parent to ask how: in a container whose first process asks nobody, that
/// is for ever. False where the system does not tell.
fn has_ended(pid: i32) -> bool {
    let status = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // The name of the program, in brackets, may contain anything.
    status.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with(['Z', 'X']))
}

fn lock(file: &File) -> io::Result<()> {
    // SAFETY: the descriptor is open as long as `file` lives.
    succeeded(unsafe { libc::flock(file.as_raw_fd(), libc::LOCK_EX | libc::LOCK_NB) })
}

/// Goes on in a child that leads a session of its own.
fn detach() -> io::Result<()> {
    // SAFETY: no thread runs yet, so the child is a whole copy of this process.
    match unsafe { libc::fork() } {
        -1 => Err(io::Error::last_os_error()),
        // SAFETY: a process that just forked has a new id, and so can lead a session.
        0 => succeeded(unsafe { libc::setsid() }),
        // SAFETY: ends the parent without running exit handlers, which belong to the child now.
        _ => unsafe { libc::_exit(0) },
    }
}

fn silence() -> io::Result<()> {
    let null = OpenOptions::new().read(true).write(true).open("/dev/null")?;
    for stream in 0..=2 {
        // SAFETY: both numbers are open descriptors or, for a closed standard stream, free to be taken.
        succeeded(unsafe { libc::dup2(null.as_raw_fd(), stream) })?;
    }
    Ok(())
}

/// The C library answers -1 when a call failed.
fn succeeded(result: libc::c_int) -> io::Result<()> {
    if result == -1 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_lives_and_no_process_has_the_greatest_id() {
        assert!(lives(i32::try_from(std::process::id()).unwrap()));
        assert!(!lives(i32::MAX));
    }

    #[test]
    fn a_child_that_nobody_waits_for_does_not_live() {
        let mut child = std::process::Command::new("true").spawn().unwrap();
        let pid = i32::try_from(child.id()).unwrap();
        let start = std::time::Instant::now();
        while lives(pid) {
            assert!(
                start.elapsed() < std::time::Duration::from_secs(20),
                "it has ended, but counts as alive"
            );
            std::thread::yield_now();
        }
        child.wait().unwrap();
    }

    #[test]
    fn a_file_that_lost_its_name_is_not_at_its_path() {
        let path = std::env::temp_dir().join(format!("skynet-pid-file-{}", std::process::id()));
        let file = File::create(&path).unwrap();
        assert!(is_at(&file, &path));
        fs::remove_file(&path).unwrap();
        assert!(!is_at(&file, &path));
        let _other = File::create(&path).unwrap();
        assert!(!is_at(&file, &path));
        fs::remove_file(&path).unwrap();
    }

    #[test]
    fn each_failure_reads_as_programs_expect_it() {
        assert_eq!(DaemonError::Running(7).to_string(), "Skynet is already running, pid = 7.");
        assert_eq!(DaemonError::Create("a.pid".into()).to_string(), "Can't create pidfile [a.pid].");
        assert_eq!(DaemonError::Locked(Some(7)).to_string(), "Can't lock pidfile, lock is held by pid 7.");
    }
}
