//! Where log lines go.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

pub(super) enum Sink {
    Stdout,
    File { path: PathBuf, file: File },
}

impl Sink {
    pub(super) fn stdout() -> Sink {
        Sink::Stdout
    }

    pub(super) fn file(path: PathBuf) -> io::Result<Sink> {
        let file = open(&path)?;
        Ok(Sink::File { path, file })
    }

    /// Writes and empties the buffer. What cannot be written is lost: there is nowhere else to say so, and the services
    /// must go on.
    pub(super) fn write(&mut self, buffer: &mut Vec<u8>) {
        let _ = match self {
            Sink::Stdout => {
                let mut out = io::stdout().lock();
                out.write_all(buffer).and_then(|()| out.flush())
            }
            Sink::File { file, .. } => file.write_all(buffer),
        };
        buffer.clear();
    }

    /// Opens the file anew by its name, after it was moved away. If that fails the old one stays in use.
    ///
    /// # Errors
    ///
    /// What to tell in the old one.
    pub(super) fn reopen(&mut self) -> Result<(), String> {
        let Sink::File { path, file } = self else { return Ok(()) };
        *file = open(path).map_err(|cause| {
            format!("error: cannot reopen the log file {}, this one stays in use: {cause}", path.display())
        })?;
        Ok(())
    }
}

fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().append(true).create(true).open(path)
}

#[cfg(all(test, not(loom)))]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn reopening_follows_the_name() {
        let dir = std::env::temp_dir().join(format!("skynet-core-sink-{}", std::process::id()));
        fs::create_dir_all(&dir).expect("a folder");
        let (path, moved) = (dir.join("log"), dir.join("log.1"));
        let mut sink = Sink::file(path.clone()).expect("a new file");
        sink.write(&mut b"one\n".to_vec());
        fs::rename(&path, &moved).expect("the log is moved away");
        sink.write(&mut b"two\n".to_vec());
        sink.reopen().expect("it can be opened");
        sink.write(&mut b"three\n".to_vec());
        assert_eq!(fs::read(&moved).expect("the old file"), b"one\ntwo\n");
        assert_eq!(fs::read(&path).expect("the new file"), b"three\n");
        fs::remove_dir_all(&dir).expect("the folder goes");
    }
}
