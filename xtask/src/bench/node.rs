//! One benchmark script in one process of a node, ours or C skynet's.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::stats::{self, Values};
use crate::shell;

/// A run that takes longer hangs: the slowest script takes a few seconds.
const DEADLINE: Duration = Duration::from_secs(120);

/// How often a running process is looked at: seldom, since it has the cores to itself.
const LOOK: Duration = Duration::from_millis(50);

/// Which node, and how it is set up.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    /// As it is by default: it counts the CPU time of services.
    Ours,
    /// With `profile = false`.
    OursProfileOff,
    /// As shipped.
    C,
    /// With `profile = false`, so that it takes no CPU time of services.
    CProfileOff,
}

impl Kind {
    pub(super) fn name(self) -> &'static str {
        match self {
            Kind::Ours => "ours",
            Kind::OursProfileOff => "ours, profile off",
            Kind::C => "C",
            Kind::CProfileOff => "C, profile off",
        }
    }
}

/// A node that takes part.
pub(super) struct Contestant {
    pub(super) kind: Kind,
    pub(super) program: PathBuf,
    /// The folder with C skynet's `lualib`, `service` and so on; ours has its own inside.
    pub(super) tree: Option<PathBuf>,
}

/// Runs one script and gives what it reported.
///
/// # Errors
///
/// When the process cannot be started, fails, hangs or reports nothing; its last log lines are in the error.
pub(super) fn measure(contestant: &Contestant, script: &str) -> Result<Values> {
    measure_with(contestant, |folder| config_text(contestant, script, folder))
}

/// As [`measure`], of a node with this config, which is told the folder of the run.
///
/// # Errors
///
/// As [`measure`].
pub(super) fn measure_with(contestant: &Contestant, config_text: impl Fn(&Path) -> String) -> Result<Values> {
    let folder = shell::target_dir()?.join("bench").join(std::process::id().to_string());
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let config = folder.join("config");
    fs::write(&config, config_text(&folder)).with_context(|| format!("cannot write {}", config.display()))?;

    let mut command = Command::new(&contestant.program);
    let outcome = output(command.arg(&config).current_dir(&folder), &folder.join("output"));
    let measured = outcome.and_then(|text| stats::parse(&text));
    let log = fs::read_to_string(folder.join("log")).unwrap_or_default();
    fs::remove_dir_all(&folder).with_context(|| format!("cannot remove {}", folder.display()))?;
    measured.with_context(|| format!("the log ended with:\n{}", tail(&log, 8)))
}

/// Runs a program to its end and gives what it printed. It prints to a file, so that it never waits for us.
///
/// # Errors
///
/// When it cannot be started, fails, or is still running at the deadline (it is ended then).
pub(crate) fn output(command: &mut Command, file: &Path) -> Result<String> {
    let sink = File::create(file).with_context(|| format!("cannot make {}", file.display()))?;
    let mut child = command
        .stdin(Stdio::null())
        .stdout(sink)
        .spawn()
        .with_context(|| format!("cannot start `{}`", shell::shown(command)))?;
    let start = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        if start.elapsed() > DEADLINE {
            child.kill()?;
            child.wait()?;
            bail!("it was still running after {} s", DEADLINE.as_secs());
        }
        std::thread::sleep(LOOK);
    };
    let text = fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
    if !status.success() {
        bail!("it ended with {status}");
    }
    Ok(String::from_utf8_lossy(&text).into_owned())
}

/// The config of a node that is alone.
pub(super) fn config_text(contestant: &Contestant, script: &str, folder: &Path) -> String {
    config_with(contestant, script, folder, "harbor = 0\n")
}

/// The same for both, as far as it can be; C skynet must be told where its own files lie. The lines of `network` say which
/// node of which network it is.
pub(super) fn config_with(contestant: &Contestant, script: &str, folder: &Path, network: &str) -> String {
    let scripts = shell::root().join("xtask").join("bench").join("lua").join("?.lua");
    let scripts = scripts.display();
    let mut text = format!(
        "thread = 2\n{network}bootstrap = \"snlua bootstrap\"\nstart = \"{script}\"\nlogger = \"{}\"\n",
        folder.join("log").display(),
    );
    match &contestant.tree {
        None => text.push_str(&format!("luaservice = \"{scripts}\"\nlua_path = \"{scripts}\"\n")),
        Some(tree) => {
            let tree = tree.display();
            text.push_str(&format!(
                "luaservice = \"{scripts};{tree}/service/?.lua\"\n\
                 lua_path = \"{tree}/lualib/?.lua;{tree}/lualib/?/init.lua;{scripts}\"\n\
                 lualoader = \"{tree}/lualib/loader.lua\"\n\
                 lua_cpath = \"{tree}/luaclib/?.so\"\n\
                 cpath = \"{tree}/cservice/?.so\"\n"
            ));
        }
    }
    text.push_str(profile(contestant.kind));
    text
}

/// The line of the config about the accounting.
pub(super) fn profile(kind: Kind) -> &'static str {
    match kind {
        Kind::OursProfileOff | Kind::CProfileOff => "profile = false\n",
        Kind::Ours | Kind::C => "",
    }
}

/// The last lines of a text.
pub(crate) fn tail(text: &str, lines: usize) -> String {
    let all: Vec<&str> = text.lines().collect();
    all.get(all.len().saturating_sub(lines)..).unwrap_or_default().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contestant(kind: Kind, tree: Option<&str>) -> Contestant {
        Contestant { kind, program: PathBuf::from("skynet"), tree: tree.map(PathBuf::from) }
    }

    #[test]
    fn only_c_skynet_is_told_of_its_tree() {
        let folder = Path::new("scratch");
        let ours = config_text(&contestant(Kind::Ours, None), "bench_call", folder);
        assert!(ours.contains("start = \"bench_call\"") && !ours.contains("lualoader"), "{ours}");
        let c = config_text(&contestant(Kind::C, Some("tree")), "bench_call", folder);
        assert!(c.contains("\"tree/lualib/loader.lua\"") && !c.contains("profile"), "{c}");
        let off = config_text(&contestant(Kind::CProfileOff, Some("tree")), "bench_call", folder);
        assert!(off.ends_with("profile = false\n"), "{off}");
    }

    #[test]
    fn the_tail_of_a_short_log_is_all_of_it() {
        assert_eq!(tail("a\nb\nc", 2), "b\nc");
        assert_eq!(tail("a", 2), "a");
    }
}
