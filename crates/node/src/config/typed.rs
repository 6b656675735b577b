//! The second stage: entries become a [`Config`] with every default in place.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::chunk::{self, Entries};
use super::error::ConfigError;
use super::harbor::HarborSettings;
use super::keys::{self, Fallback};
use super::misspelling;
use super::number::number;
use super::sockets::SocketSettings;
use crate::ending::ShutdownSettings;

/// A config that a node can start from.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    /// What services see: the entries of the file, and the defaults that are written back.
    pub(crate) env: Entries,
    /// The keys that the file itself sets.
    pub(crate) given: Vec<String>,
    /// Worker threads.
    pub(crate) threads: usize,
    /// The id in the harbor network, 0 for none.
    pub(crate) harbor: u8,
    /// Whether CPU time is counted.
    pub(crate) profile: bool,
    /// How long a Lua service may be in one message; zero without a limit.
    pub(crate) runaway: Duration,
    /// Whether callers are told why their calls fail.
    pub(crate) explain_errors: bool,
    /// The log service: its module, and its argument if there is one.
    pub(crate) log_service: (String, Option<String>),
    /// The first service.
    pub(crate) bootstrap: Launch,
    /// The pid file of a node in the background.
    pub(crate) daemon: Option<PathBuf>,
    /// The patterns of native services.
    pub(crate) module_path: Vec<String>,
    /// Whose files win over what the binary embeds.
    pub(crate) prefer: Prefer,
    /// How sockets are set up.
    pub(crate) sockets: SocketSettings,
    /// How the node takes part in its harbor network.
    pub(crate) harbor_settings: HarborSettings,
    /// How the node shuts down.
    pub(crate) shutdown: ShutdownSettings,
    /// What the author of the file may want to know.
    pub(crate) warnings: Vec<String>,
}

/// A module with the arguments of one service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Launch {
    /// The line as it was given.
    pub(crate) line: String,
    /// The module.
    pub(crate) module: String,
    /// What the module gets.
    pub(crate) args: String,
}

impl Launch {
    /// Splits a line at its first space; the spaces before the arguments are not part of them.
    pub(crate) fn parse(line: &str) -> Launch {
        let (module, args) = line.split_once(' ').unwrap_or((line, ""));
        Launch {
            line: line.to_owned(),
            module: module.to_owned(),
            args: args.trim_start_matches(' ').to_owned(),
        }
    }
}

/// Which files win over embedded ones of the same name: the value of `rs_prefer_files`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Prefer {
    /// None.
    Nothing,
    /// All.
    Everything,
    /// Those of these services and modules.
    Names(Vec<String>),
}

impl Prefer {
    /// Whether the file of this name wins.
    pub(crate) fn includes(&self, name: &str) -> bool {
        match self {
            Prefer::Nothing => false,
            Prefer::Everything => true,
            Prefer::Names(names) => names.iter().any(|known| known == name),
        }
    }

    fn parse(value: &str) -> Prefer {
        let names: Vec<String> =
            value.split([',', ';', ' ', '\t']).filter(|name| !name.is_empty()).map(str::to_owned).collect();
        if names.iter().any(|name| name == "*") {
            Prefer::Everything
        } else if names.is_empty() {
            Prefer::Nothing
        } else {
            Prefer::Names(names)
        }
    }
}

impl Config {
    /// Reads and runs the file at `path`.
    ///
    /// # Errors
    ///
    /// Whatever keeps a node from starting with it; each error is one line.
    pub(crate) fn load(path: &Path) -> Result<Config, ConfigError> {
        Config::from_entries(chunk::run(path)?)
    }

    /// Runs a config that is given as text; `name` stands for it in errors.
    ///
    /// # Errors
    ///
    /// As [`Config::load`].
    pub(crate) fn from_text(name: &str, text: &str) -> Result<Config, ConfigError> {
        Config::from_entries(chunk::run_text(name, text.as_bytes())?)
    }

    fn from_entries(mut env: Entries) -> Result<Config, ConfigError> {
        let given: Vec<String> = env.keys().cloned().collect();
        for key in keys::all() {
            if let Fallback::Visible(value) = key.fallback {
                env.entry(key.name.to_owned()).or_insert_with(|| value.to_owned());
            }
        }
        let mut warnings = misspelling::warnings(given.iter().map(String::as_str));
        env.insert(keys::VERSION_KEY.to_owned(), env!("CARGO_PKG_VERSION").to_owned());

        let threads = threads(value(&env, "thread"))?;
        let harbor = harbor(value(&env, "harbor"))?;
        let bootstrap = Launch::parse(value(&env, "bootstrap"));
        let module_path = module_path(value(&env, "cpath"))?;
        let config = Config {
            threads,
            harbor,
            profile: value(&env, "profile") == "true",
            runaway: Duration::from_secs(number(&env, "rs_runaway")? as u64),
            explain_errors: env.get("rs_explain_errors").is_none_or(|value| value == "true"),
            log_service: (value(&env, "logservice").to_owned(), env.get("logger").cloned()),
            bootstrap,
            daemon: env.get("daemon").map(PathBuf::from),
            module_path,
            prefer: Prefer::parse(value(&env, "rs_prefer_files")),
            sockets: SocketSettings::read(&env)?,
            harbor_settings: HarborSettings::read(&env)?,
            shutdown: ShutdownSettings {
                limit: Duration::from_secs(number(&env, "rs_shutdown_timeout")? as u64),
                network: env.get("rs_shutdown_network").is_some_and(|value| value == "true"),
            },
            warnings: Vec::new(),
            given,
            env,
        };
        warnings.extend(config.contradictions());
        Ok(Config { warnings, ..config })
    }

    /// Settings that do not go together, or do not do what they look like.
    fn contradictions(&self) -> Vec<String> {
        let mut found = Vec::new();
        for (name, _) in self.env.iter().filter(|(_, value)| value.contains(char::REPLACEMENT_CHARACTER)) {
            found.push(format!("{name} is not UTF-8; services see a damaged value"));
        }
        for name in ["profile", "enablessl", "rs_explain_errors", "rs_shutdown_network"] {
            if let Some(value) = self.env.get(name).filter(|value| *value != "true" && *value != "false") {
                found.push(format!("{name} = {value:?} counts as false; write true or false"));
            }
        }
        // What follows is what the stock bootstrap asks for; another one may see it otherwise.
        if self.bootstrap.line != "snlua bootstrap" {
            return found;
        }
        if self.harbor == 0 && self.env.contains_key("standalone") {
            found.push("standalone must be unset when harbor is 0; remove one of the two".to_owned());
        }
        if self.harbor != 0 {
            for name in ["master", "address"].into_iter().filter(|name| !self.env.contains_key(*name)) {
                found.push(format!(
                    "harbor = {} needs the key {name}; set it, or harbor = 0 for a node that is alone",
                    self.harbor
                ));
            }
        }
        found
    }
}

fn value<'a>(env: &'a Entries, key: &str) -> &'a str {
    env.get(key).map_or("", String::as_str)
}

fn threads(value: &str) -> Result<usize, ConfigError> {
    let count = leading_integer(value).unwrap_or(0);
    usize::try_from(count).ok().filter(|count| (1..=1024).contains(count)).ok_or(ConfigError::Threads(count))
}

fn harbor(value: &str) -> Result<u8, ConfigError> {
    leading_integer(value)
        .and_then(|id| u8::try_from(id).ok())
        .ok_or_else(|| ConfigError::Harbor(value.to_owned()))
}

fn module_path(value: &str) -> Result<Vec<String>, ConfigError> {
    let patterns: Vec<String> =
        value.split(';').filter(|pattern| !pattern.is_empty()).map(str::to_owned).collect();
    if patterns.is_empty() || patterns.iter().any(|pattern| !pattern.contains('?')) {
        return Err(ConfigError::ModulePath);
    }
    Ok(patterns)
}

/// The number at the start of a text, as `strtol` reads it: blanks, a sign, digits; what follows is ignored. None if
/// there is no digit. Numbers beyond 64 bits stop at their end.
pub(super) fn leading_integer(text: &str) -> Option<i64> {
    let text = text.trim_start();
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let mut value = None;
    for digit in digits.chars().map_while(|c| c.to_digit(10)) {
        let so_far: i64 = value.unwrap_or(0);
        value = Some(so_far.saturating_mul(10).saturating_add(i64::from(digit)));
    }
    value.map(|value| if negative { -value } else { value })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(text: &str) -> Config {
        Config::from_text("test", text).unwrap()
    }

    fn error(text: &str) -> String {
        Config::from_text("test", text).unwrap_err().to_string()
    }

    #[test]
    fn an_empty_file_gives_the_defaults_and_writes_them_back() {
        let config = config("");
        assert_eq!((config.threads, config.harbor, config.profile), (8, 1, true));
        assert_eq!(config.log_service, ("logger".to_owned(), None));
        assert_eq!(config.bootstrap.module, "snlua");
        assert_eq!(config.bootstrap.args, "bootstrap");
        assert_eq!(config.daemon, None);
        assert_eq!(config.prefer, Prefer::Nothing);
        let mut seen: Vec<_> = config.env.keys().map(String::as_str).collect();
        seen.sort_unstable();
        assert_eq!(seen, ["bootstrap", "cpath", "harbor", "logservice", "profile", "rs_version", "thread"]);
        assert!(config.given.is_empty());
    }

    #[test]
    fn threads_are_read_as_c_reads_numbers() {
        assert_eq!(config("thread = 1.5").threads, 1);
        assert_eq!(config("thread = ' 1024 '").threads, 1024);
        assert_eq!(error("thread = 0"), "Invalid thread 0 , should be in [1,1024]");
        assert_eq!(error("thread = 'many'"), "Invalid thread 0 , should be in [1,1024]");
        assert_eq!(error("thread = -1"), "Invalid thread -1 , should be in [1,1024]");
        assert_eq!(error("thread = 1025"), "Invalid thread 1025 , should be in [1,1024]");
    }

    #[test]
    fn a_harbor_is_one_byte() {
        assert_eq!(config("harbor = 255 master = 'm' address = 'a'").harbor, 255);
        assert_eq!(error("harbor = 256"), "Invalid harbor 256 , should be in [0,255]");
        assert_eq!(error("harbor = 'one'"), "Invalid harbor one , should be in [0,255]");
    }

    #[test]
    fn a_module_path_without_a_place_for_the_name_is_refused() {
        assert_eq!(error("cpath = './cservice/x.so'"), "Invalid C service path");
        assert_eq!(config("cpath = 'a/?.so;;b/?.so'").module_path, ["a/?.so", "b/?.so"]);
    }

    #[test]
    fn entries_that_are_no_text_are_refused() {
        assert_eq!(error("_ENV[1] = 2"), "Invalid config table");
        assert_eq!(error("list = {}"), "Invalid config table key = list");
    }

    #[test]
    fn a_launch_line_splits_at_the_first_space() {
        let launch = Launch::parse("snlua  main 1 2");
        assert_eq!((launch.module.as_str(), launch.args.as_str()), ("snlua", "main 1 2"));
        assert_eq!(Launch::parse("logger").args, "");
    }

    #[test]
    fn preferred_files_are_a_list_or_a_star() {
        assert_eq!(config("rs_prefer_files = '*'").prefer, Prefer::Everything);
        let names = Prefer::Names(vec!["gate".to_owned(), "debug_console".to_owned()]);
        assert_eq!(config("rs_prefer_files = 'gate, debug_console'").prefer, names);
    }

    #[test]
    fn contradictions_are_warnings() {
        assert!(config("harbor = 0").warnings.is_empty());
        assert_eq!(config("harbor = 0 standalone = ':1'").warnings.len(), 1);
        assert_eq!(config("").warnings.len(), 2, "master and address");
        assert!(config("bootstrap = 'snlua mine'").warnings.is_empty());
        assert_eq!(
            config("harbor = 0 profile = 'on'").warnings,
            [r#"profile = "on" counts as false; write true or false"#]
        );
    }
}
