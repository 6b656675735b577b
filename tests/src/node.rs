//! One run of a node: a scratch folder with its config, the process, its output.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::pattern;

/// How often a running process and its output are looked at.
const POLL: Duration = Duration::from_millis(20);

/// A folder under the system's folder for temporary files, removed when dropped.
#[derive(Debug)]
pub struct Scratch(PathBuf);

impl Scratch {
    /// Creates a folder whose name begins with `label` and is unique.
    ///
    /// # Errors
    /// When the folder cannot be created.
    pub fn new(label: &str) -> io::Result<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let unique = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("skynet-{label}-{}-{unique}", std::process::id()));
        fs::create_dir_all(&path)?;
        Ok(Self(path))
    }

    /// The folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // A leftover in the temporary folder is no reason to fail a test that has passed.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// The keys of a config file, in the order they were set.
#[derive(Debug, Clone, Default)]
pub struct Config(Vec<(String, String)>);

impl Config {
    /// An empty config.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets a key to a text.
    #[must_use]
    pub fn text(mut self, key: &str, value: impl fmt::Display) -> Self {
        self.0.push((key.to_owned(), quote(&value.to_string())));
        self
    }

    /// Sets a key to a number.
    #[must_use]
    pub fn number(mut self, key: &str, value: u32) -> Self {
        self.0.push((key.to_owned(), value.to_string()));
        self
    }
}

impl fmt::Display for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|(key, value)| writeln!(f, "{key} = {value}"))
    }
}

/// A Lua string literal.
fn quote(text: &str) -> String {
    let mut literal = String::with_capacity(text.len() + 2);
    literal.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => literal.extend(['\\', c]),
            '\n' => literal.push_str("\\n"),
            _ => literal.push(c),
        }
    }
    literal.push('"');
    literal
}

/// When a run is over.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum Until {
    /// The process ends by itself.
    Exit,
    /// Each of these [patterns](crate::pattern) has matched a line of its own; the process is then killed.
    Lines(&'static [&'static str]),
}

/// How a run went.
#[derive(Debug)]
pub struct Finished {
    /// The exit status, if the process ended by itself.
    pub status: Option<i32>,
    /// Whether the run was over as [`Until`] says, before the deadline.
    pub in_time: bool,
    /// Standard output and standard error, in the order they were written.
    pub output: String,
}

/// Runs `binary` on `config` in `scratch`, and kills it when `until` has come true or `deadline` is over.
///
/// # Errors
/// When files cannot be written, or the process cannot be started or waited for.
pub fn run(
    binary: &Path,
    config: &Config,
    scratch: &Scratch,
    until: Until,
    deadline: Duration,
) -> io::Result<Finished> {
    let config_path = scratch.path().join("config");
    File::create(&config_path)?.write_all(config.to_string().as_bytes())?;
    let output_path = scratch.path().join("output");
    let output = File::create(&output_path)?;
    let child = Command::new(binary)
        .arg(&config_path)
        .current_dir(scratch.path())
        .stdin(Stdio::null())
        .stdout(output.try_clone()?)
        .stderr(output)
        .spawn()?;
    let mut child = Killed(child);
    let end = Instant::now() + deadline;
    let mut in_time = true;
    let status = loop {
        if let Some(status) = child.0.try_wait()? {
            in_time = matches!(until, Until::Exit) || seen(until, &read(&output_path)?);
            break status.code();
        }
        if seen(until, &read(&output_path)?) {
            break None;
        }
        if Instant::now() >= end {
            in_time = false;
            break None;
        }
        thread::sleep(POLL);
    };
    drop(child);
    Ok(Finished { status, in_time, output: read(&output_path)? })
}

fn seen(until: Until, output: &str) -> bool {
    match until {
        Until::Exit => false,
        Until::Lines(wanted) => {
            let mut lines = pattern::lines(output);
            wanted.iter().all(|wanted| {
                let found = lines.iter().position(|line| pattern::matches(wanted, line));
                found.inspect(|index| drop(lines.remove(*index))).is_some()
            })
        }
    }
}

fn read(path: &Path) -> io::Result<String> {
    Ok(String::from_utf8_lossy(&fs::read(path)?).into_owned())
}

/// A child that does not outlive its run, however that ends.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        // Both fail only if the process has ended already, which is what they are for.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn config_is_lua_with_quoted_texts() {
        let config = Config::new().number("thread", 2).text("logger", "a\"b\\c\nd");
        assert_eq!(config.to_string(), "thread = 2\nlogger = \"a\\\"b\\\\c\\nd\"\n");
    }

    #[test]
    fn scratch_folders_differ_and_are_removed() {
        let one = Scratch::new("unit").expect("a scratch folder");
        let two = Scratch::new("unit").expect("a scratch folder");
        assert_ne!(one.path(), two.path());
        let path = one.path().to_owned();
        assert!(path.is_dir());
        drop(one);
        assert!(!path.exists());
    }
}
